"""Everything one machine needs instead of AWS; never shipped to a device."""
