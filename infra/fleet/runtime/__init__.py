"""What runs in the functions that hear the devices and watch over them."""
