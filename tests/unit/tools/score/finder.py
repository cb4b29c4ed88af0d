"""A detector for tests of the score."""

from collections.abc import Sequence

import numpy as np

from smartcam.contract.notice import PixelBox
from smartcam.model.regions import RegionPolicy, plan_regions
from smartcam.model.scoring import Detections
from smartcam.vision.picture import Picture

INPUT_SIDE = 8


class Finder:
    """Finds a person who walks, whatever there is, and counts how often it is asked; it searches as an SSD does."""

    def __init__(self, input_side: int = INPUT_SIDE) -> None:
        self.asked = 0
        self._policy = RegionPolicy(least_pixels=input_side)

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        """See `Detector`."""
        self.asked += 1
        left = 8 * self.asked
        boxes, scores = np.array([[left, 60, left + 60, 200]], np.float32), np.array([0.9], np.float32)
        return Detections(
            boxes, scores, ("person",), plan_regions(regions, picture.width, picture.height, self._policy)
        )
