"""From an event on the wire to a message that a person reads."""
