"""What a user calls: build, check, release, install, and look after the alerts."""
