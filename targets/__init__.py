"""What brings Smartcam to other places than a Greengrass device."""
