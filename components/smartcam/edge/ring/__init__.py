"""Frames and packets in shared memory."""
