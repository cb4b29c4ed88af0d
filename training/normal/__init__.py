"""The encoder of the scene learner: what a place in a picture looks like, whatever the light, in a few numbers."""
