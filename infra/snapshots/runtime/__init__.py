"""What the alerting needs to show a picture."""
