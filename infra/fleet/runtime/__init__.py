"""The code of the functions that hear the devices and watch over them."""
