"""A Raspberry Pi without a Raspberry Pi: the device's own packages, run by an emulator of its processor."""
