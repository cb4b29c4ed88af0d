"""What can be seen of a scene at all."""

from enum import StrEnum


class Visibility(StrEnum):
    """What a detector can see: everything, little for want of light or of focus, or nothing at all."""

    CLEAR = "clear"
    DARK = "dark"
    DEFOCUSED = "defocused"
    BLIND = "blind"
