"""Clips of events: what a camera has sent before, during and after them."""
