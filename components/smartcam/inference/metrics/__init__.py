"""The figures of the device's health, for Prometheus."""
