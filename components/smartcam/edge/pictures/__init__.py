"""Pictures of events: kept on the device, and uploaded where that is wanted."""
