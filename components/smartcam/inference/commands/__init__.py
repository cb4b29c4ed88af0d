"""What the component does for a person or a script instead of running."""
