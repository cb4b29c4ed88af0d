"""Frames in shared memory."""
