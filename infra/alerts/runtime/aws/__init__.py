"""AWS behind the alerting's ports."""
