"""A classifier of whole pictures, learned from examples: whether what the user named is in sight."""
