"""Every decoder fed with bytes that nobody meant: `make fuzz`."""
