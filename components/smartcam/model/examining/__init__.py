"""What running a model tells about it, a module for each way of answering; for makers of bundles."""
