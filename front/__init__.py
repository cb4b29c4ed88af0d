"""The `smartcam` command."""
