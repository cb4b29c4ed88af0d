"""The ways in which models answer, each in its module: RGB in, detections or probabilities out."""
