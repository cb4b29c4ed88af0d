"""`smartcam model`: public detectors by pinned address, size and hash."""
