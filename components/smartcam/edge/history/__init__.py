"""The history of events on the disk."""
