"""A detector that looks where something moved."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from smartcam.contract.notice import PixelBox
from smartcam.model.heads.answer import FloatArray, RegionDetections, keep_best
from smartcam.model.heads.head import DetectorHead
from smartcam.model.manifest import InputSpec, ModelManifest
from smartcam.model.preprocess import crop_rgb, placement
from smartcam.model.regions import RegionPolicy, plan_regions
from smartcam.model.scoring import Detections
from smartcam.vision.picture import Picture

LARGEST_SHARE: Final = 0.7
"""A box that covers more of the picture is not an object; grey and infrared pictures produce such boxes."""


class RegionDetector:
    """A model that finds objects, behind the `Detector` protocol."""

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
        boxes = np.concatenate(
            [_in_picture(part, region, self.manifest.input) for part, region in zip(seen, looked_at, strict=True)]
        )
        scores = np.concatenate([part.scores for part in seen])
        classes = np.concatenate([part.classes for part in seen])
        sides = boxes[:, 2:] - boxes[:, :2]
        limit = LARGEST_SHARE * picture.width * picture.height
        areas = sides.prod(axis=1)
        good = (scores >= self._floor) & (areas > 0) & (areas <= limit) & (classes < len(self.manifest.labels))
        boxes, scores, classes = boxes[good], scores[good], classes[good]
        kept = keep_best(boxes, scores, classes) if len(seen) > 1 else np.arange(len(scores))
        return Detections(boxes[kept], scores[kept], tuple(self.manifest.labels[k] for k in classes[kept]), looked_at)


def _in_picture(seen: RegionDetections, region: PixelBox, spec: InputSpec) -> FloatArray:
    """Boxes (n, 4) in pixels of the picture and within the region; what lies in the grey around it has no area."""
    placed = placement(region, spec)
    edges = np.array((placed.left, placed.top) * 2, np.float32)
    shares = (seen.boxes * np.array((spec.width, spec.height) * 2, np.float32) - edges) / np.array(
        (placed.width, placed.height) * 2, np.float32
    )
    origin = np.array((region.x1, region.y1) * 2, np.float32)
    size = np.array((region.x2 - region.x1, region.y2 - region.y1) * 2, np.float32)
    return shares.clip(0, 1) * size + origin
