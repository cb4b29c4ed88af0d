"""Model bundles: make one, sign one."""
