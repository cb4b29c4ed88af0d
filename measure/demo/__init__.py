"""From a camera clip to a delivered alert, on one machine."""
