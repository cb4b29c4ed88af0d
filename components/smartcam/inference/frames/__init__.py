"""From notices to frames, and which cameras are silent."""
