"""One bundle as a model for other targets, each compared with the original."""
