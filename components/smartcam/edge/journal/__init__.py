"""The track journal on the disk."""
