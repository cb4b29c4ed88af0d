"""Rows of numbers and words with a label, and a small dense network that learns it."""
