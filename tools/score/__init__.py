"""Measures clips against their labels, with the code of the device on a simulated clock."""
