"""What runs in the local cloud's own environment: ministack with its gaps closed."""
