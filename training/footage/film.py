"""The port through which footage comes in: training decodes nothing itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from smartcam.vision.picture import Picture

Visit = tuple[float, float]
"""From which to which second of a film what is to be learned is in sight."""
Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 as shares of a picture's width and height."""


class FilmUnusable(Exception):
    """Nothing, or nothing more, can be learned from a film; the message says why, without its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One picture of a film. `shows`: whether what is to be learned is in sight; None: nobody can say.

    `box`: where it is, if the source knows.
    """

    at_s: float
    picture: Picture
    shows: bool | None
    box: Box | None = None


class Film(Protocol):
    """A clip, or a row of pictures of one camera, with what is in sight."""

    @property
    def name(self) -> str:
        """How reports call it."""
        ...

    @property
    def seconds(self) -> float:
        """How long it is."""
        ...

    @property
    def visits(self) -> tuple[Visit, ...]:
        """When what is to be learned is in sight, in order, none within another."""
        ...

    def shots(self) -> Iterator[Shot]:
        """All its pictures in order of time; a picture may share the decoder's memory until the next one.

        Raises:
            FilmUnusable: it cannot be read, or not to its end.
        """
        ...
