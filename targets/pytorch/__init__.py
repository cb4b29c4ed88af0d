"""PyTorch: a small network that becomes a bundle."""
