"""The words on the wire, in the standard library alone."""
