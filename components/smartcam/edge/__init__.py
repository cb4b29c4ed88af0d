"""The device shell: bus, ring, clock, lifecycle, outbox, settings."""
