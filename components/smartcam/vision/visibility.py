"""How much of a scene can be seen."""

from enum import StrEnum


class Visibility(StrEnum):
    """What a detector can see: everything, little because it is dark or out of focus, or nothing."""

    CLEAR = "clear"
    DARK = "dark"
    DEFOCUSED = "defocused"
    BLIND = "blind"
