"""`smartcam normal`: what is normal before a camera, learned from clips."""
