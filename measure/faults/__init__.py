"""What the suite does when something fails: faults injected into a device of real processes, and a table of them."""
