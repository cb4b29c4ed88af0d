"""From a name to a device that can be deployed to: its identity in the cloud, and what a person carries to the Pi."""
