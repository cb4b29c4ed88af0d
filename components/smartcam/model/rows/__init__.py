"""Models that take a row of a table and not a picture: what they are, and the filter of events that stands on them."""
