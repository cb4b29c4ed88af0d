"""A detector that looks where something moved."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.notice import PixelBox
from smartcam.model.heads import DetectorHead, RegionDetections
from smartcam.model.manifest import ModelManifest
from smartcam.model.preprocess import crop_rgb
from smartcam.model.regions import RegionPolicy, plan_regions
from smartcam.model.scoring import Detections
from smartcam.vision.boxes import overlaps
from smartcam.vision.picture import Picture

LARGEST_SHARE: Final = 0.7
"""A box that covers more of the picture is not an object; grey and infrared pictures produce such boxes."""
_SAME_OBJECT: Final = 0.5

FloatArray = NDArray[np.float32]


class SsdDetector:
    """An SSD with post-processing behind the `Detector` protocol."""

    def __init__(self, head: DetectorHead, manifest: ModelManifest, floor: float = 0.2) -> None:
        """`floor` is the lowest score that is reported; weak detections are needed for the scores of tracks."""
        self.manifest = manifest
        self._head = head
        self._floor = floor
        self._policy = RegionPolicy(least_pixels=max(manifest.input.width, manifest.input.height))

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        """The objects where something moved, or in the whole picture if nothing did.

        Raises:
            ModelIntegrityError: if the model fails.
        """
        looked_at = plan_regions(regions, picture.width, picture.height, self._policy)
        seen = [self._head.infer(crop_rgb(picture, region, self.manifest.input)) for region in looked_at]
        boxes = np.concatenate([_in_picture(part, region) for part, region in zip(seen, looked_at, strict=True)])
        scores = np.concatenate([part.scores for part in seen])
        classes = np.concatenate([part.classes for part in seen])
        sides = boxes[:, 2:] - boxes[:, :2]
        limit = LARGEST_SHARE * picture.width * picture.height
        good = (scores >= self._floor) & (sides.prod(axis=1) <= limit) & (classes < len(self.manifest.labels))
        boxes, scores, classes = boxes[good], scores[good], classes[good]
        kept = keep_best(boxes, scores, classes) if len(seen) > 1 else np.arange(len(scores))
        return Detections(boxes[kept], scores[kept], tuple(self.manifest.labels[k] for k in classes[kept]), looked_at)


def keep_best(boxes: FloatArray, scores: FloatArray, classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The indices of the boxes to keep, the surest first: of several boxes of one object and class, the surest.

    The model has done this within each region; this does it across regions.
    """
    is_same = (overlaps(boxes, boxes) > _SAME_OBJECT) & (classes[:, None] == classes)
    kept: list[int] = []
    for place in np.argsort(-scores, kind="stable").tolist():
        if not is_same[place, kept].any():
            kept.append(place)
    return np.array(kept, np.int64)


def _in_picture(seen: RegionDetections, region: PixelBox) -> FloatArray:
    """Boxes (n, 4) in pixels of the picture."""
    origin = np.array((region.x1, region.y1) * 2, np.float32)
    size = np.array((region.x2 - region.x1, region.y2 - region.y1) * 2, np.float32)
    return seen.boxes * size + origin
