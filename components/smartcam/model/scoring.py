"""The results of analysers, and the two kinds of analysers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.notice import PixelBox
from smartcam.vision.picture import Picture

AnomalyScore = NewType("AnomalyScore", float)
"""0 (normal) to 1 (never seen before)."""


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector finds in one picture, the surest first.

    `boxes` is float32 (n, 4): x1, y1, x2, y2 in pixels of the whole picture and within it; `scores` is float32 (n,),
    0 to 1; `labels` has n names. `looked_at` are the regions that were searched: an object outside them was neither
    seen nor missed.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: tuple[str, ...]
    looked_at: tuple[PixelBox, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError unless all three have the same length."""
        count = len(self.labels)
        if self.boxes.shape != (count, 4) or self.scores.shape != (count,):
            raise ValueError(f"boxes {self.boxes.shape}, scores {self.scores.shape} and {count} labels do not match")

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def none(cls, looked_at: Sequence[PixelBox] = ()) -> "Detections":
        """Nothing found in the given regions."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), (), tuple(looked_at))


class Detector(Protocol):
    """Finds objects and says what they are. Only one thread may use it at a time."""

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        """The objects in a picture.

        `regions` are the gate's boxes of motion in pixels, from which the detector chooses where to search; none means
        the whole picture.
        """
        ...


class AnomalyScorer(Protocol):
    """Says how unusual a scene is. Only one thread may use it at a time."""

    def score(self, pictures: Sequence[Picture]) -> AnomalyScore:
        """The score of the newest of `pictures`, at least one, oldest first.

        Raises:
            ValueError: if there is no picture.
        """
        ...
