"""Scenes that were drawn and not filmed, with the whole truth about them: `python -m measure.scenes`."""
