"""Sixteen cameras on one device, and ten thousand devices: how much is too much, and what it costs."""
