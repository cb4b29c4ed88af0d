"""Events on disk until the cloud has them."""
