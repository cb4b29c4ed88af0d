"""The shell around the components on a device: bus, ring, outbox, pictures, clock, lifecycle, settings."""
