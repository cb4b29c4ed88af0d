"""From the source tree to recipes and artifacts that a nucleus takes."""
