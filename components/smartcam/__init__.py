"""Smartcam: the code that goes to the device."""

__version__ = "0.1.0"
