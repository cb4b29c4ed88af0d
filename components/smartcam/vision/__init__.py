"""Pictures and decisions: numpy and cv2, no I/O, no clock."""
