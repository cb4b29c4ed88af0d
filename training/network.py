"""The one name for what TensorFlow publishes no types for."""

from typing import Any

Network = Any
"""A Keras model."""
