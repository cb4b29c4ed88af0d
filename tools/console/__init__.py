"""`smartcam console`: the local page on a PC."""
