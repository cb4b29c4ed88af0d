"""What every detector answers, and what is left of the many boxes of one object."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.vision.boxes import overlaps

LEAST_SCORE: Final = 0.1
"""Candidates of a raw detector below it are not looked at: thousands, of which no track is made."""
MOST_CANDIDATES: Final = 256
"""The surest of one region that are compared with each other; a crowd of twenty has about as many."""
_SAME_OBJECT: Final = 0.5
_LARGEST_CLASS: Final = 2**31
_HARDLY_MORE: Final = 1.01
"""A quantised score of 255 / 255 is a hair above 1."""

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RegionDetections:
    """What a detector finds in one region, the surest first.

    `boxes` is float32 (n, 4): x1, y1, x2, y2 normalised to the region, `0 <= x1 < x2 <= 1`; `scores` is float32 (n,),
    0 to 1; `classes` is int64 (n,), the index of the label.
    """

    boxes: FloatArray
    scores: FloatArray
    classes: IntArray


def keep_best(boxes: FloatArray, scores: FloatArray, classes: IntArray) -> IntArray:
    """The indices of the boxes to keep, the surest first: of several boxes of one object and class, the surest.

    Greedy suppression: a box goes if a surer one of its class that stays overlaps it by more than half (intersection
    over union).
    """
    ranking = np.argsort(-scores, kind="stable")
    ranked, kinds = boxes[ranking], classes[ranking]
    is_same = (overlaps(ranked, ranked) > _SAME_OBJECT) & (kinds[:, None] == kinds)
    gone = np.zeros(len(ranking), np.bool_)
    kept: list[int] = []
    for place in range(len(ranking)):
        if not gone[place]:
            kept.append(place)
            gone |= is_same[place]
    return ranking[kept]


def in_region(corners: FloatArray, scores: FloatArray, classes: NDArray[np.float32]) -> RegionDetections:
    """Detections from what a model gave: clipped to the region, the surest first, without what is no detection.

    Of several classes for exactly one box only the surest is kept: it is one object, about which the model is unsure.
    """
    inside = corners.clip(0, 1)
    # Comparisons with NaN are false, so NaNs are dropped here.
    good = (
        (inside[:, 0] < inside[:, 2])
        & (inside[:, 1] < inside[:, 3])
        & (scores >= 0)
        & (scores <= _HARDLY_MORE)
        & (classes >= 0)
        & (classes < _LARGEST_CLASS)
    )
    places = np.flatnonzero(good)
    places = places[np.argsort(-scores[places], kind="stable")]
    if len(places) > 1:
        places = places[np.sort(np.unique(corners[places], axis=0, return_index=True)[1])]
    return RegionDetections(inside[places], scores[places].clip(None, 1), np.rint(classes[places]).astype(np.int64))
