"""Pictures of events: off unless somebody switches them on."""
