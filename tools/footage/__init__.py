"""A device's footage: which there is, and how it comes here."""
