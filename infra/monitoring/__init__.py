"""How the cloud side itself is doing, for those who run it."""
