"""Model bundles, the interpreter and the scorers."""
