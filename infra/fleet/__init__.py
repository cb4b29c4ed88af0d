"""The devices: what they say of themselves, and what their silence means."""
