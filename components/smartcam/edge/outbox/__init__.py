"""Events on the disk until the cloud has them."""
