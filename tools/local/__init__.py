"""A build onto a nucleus on this machine, or over ssh onto a Raspberry Pi, without the cloud."""
