"""`smartcam train`: a model of a user's own footage."""
