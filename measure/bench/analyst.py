"""Inference's work on a frame, with a detector that costs nothing: tamper watch, tracking, movers, rules, episodes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final
from unittest.mock import patch

import numpy as np

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import RANDOM_BYTES_OF_AN_EVENT_ID, CameraId, EventId, ThingName, new_event_id
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import UtcNs
from smartcam.inference.analysis import best_picture as shots
from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.analysis.tamper import TamperAnalysis
from smartcam.inference.events import EventMaker
from smartcam.inference.settings import InferenceSettings
from smartcam.model.bundle import ModelBundle
from smartcam.model.manifest import ModelKind, ModelManifest
from smartcam.model.outputs import SsdOutput
from smartcam.model.scoring import Detections
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from smartcam.vision.snapshot import draw
from tools.build.suite import DEMO_BUNDLE
from tools.stopwatch import Stopwatch

_PERSON: Final = "person"
_SURE: Final = 0.8
_LEAST_PERSON: Final = 0.01
"""The smallest fraction of the picture that counts as a person; one at a time, as in the defined clip."""
SNAPSHOT: Final = "snapshot"


@dataclass(slots=True)
class _FreeDetector:
    """Finds the largest thing that moves, and calls it a person."""

    motion: Sequence[PixelBox] = ()

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        least = _LEAST_PERSON * picture.width * picture.height
        box = max(self.motion, key=_area, default=None)
        if box is None or _area(box) < least:
            return Detections.none(regions)
        boxes = np.array([(box.x1, box.y1, box.x2, box.y2)], np.float32)
        return Detections(boxes, np.array([_SURE], np.float32), (_PERSON,), tuple(regions))


class Analyst:
    """What inference does to each frame that was announced, in stages."""

    def __init__(self, camera: CameraId, watch: Stopwatch) -> None:
        self._watch = watch
        maker = EventMaker(ThingName("bench"), camera, 3600.0, _event_id, lambda: True)
        self._detector = _FreeDetector()
        model = ObjectModel(_manifest(), self._detector)
        settings = InferenceSettings().camera(camera)
        self._analysis = ObjectAnalysis(model, maker, settings)
        self._tamper = TamperAnalysis(maker, settings)
        self.events = 0

    def look(self, frame: Frame) -> None:
        """The stages `tamper` and `track`; the latter is all that becomes of detections and of motion."""
        self._detector.motion = frame.motion
        with self._watch.stage("tamper"):
            changes = self._tamper.update(frame)
        with self._watch.stage("track"):
            changes += self._analysis.update(frame, self._tamper.visibility)
        self.events += sum(change.event is not None for change in changes)


@contextmanager
def snapshots_apart(watch: Stopwatch) -> Iterator[None]:
    """Within the block, the drawing of events' pictures is timed as its own stage."""

    def timed(picture: Picture, box: NormalBox, label: str) -> bytes:
        with watch.stage(SNAPSHOT):
            return draw(picture, box, label)

    with patch.object(shots, "draw", timed):
        yield


def _area(box: PixelBox) -> int:
    return (box.x2 - box.x1) * (box.y2 - box.y1)


def _manifest() -> ModelManifest:
    """The demo's, as if its model found people."""
    return replace(
        ModelBundle.open(DEMO_BUNDLE).manifest,
        kind=ModelKind.DETECTOR,
        output=SsdOutput(0, 1, 2, 3),
        labels=(_PERSON,),
        events={_PERSON: EventKind.PERSON},
    )


def _event_id(at: UtcNs) -> EventId:
    return new_event_id(at, bytes(RANDOM_BYTES_OF_AN_EVENT_ID))
