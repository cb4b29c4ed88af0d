"""Learning what is normal in front of a camera: decisions only; pictures come in, scores and reasons go out."""
