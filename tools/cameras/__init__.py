"""`smartcam cameras`: which cameras there are."""
