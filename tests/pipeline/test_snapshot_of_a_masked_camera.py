"""The picture of an event: small, and black where nobody is to look."""

from pathlib import Path

import cv2
import numpy as np

from smartcam.capture.frame_selector import FrameSelector
from smartcam.capture.settings import SourceSettings
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.events import EpisodePicture
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.manifest import ModelKind
from smartcam.vision.frame import Frame
from smartcam.vision.zone import Zone
from tests.pipeline.day import HEIGHT, WIDTH, DrawnDay, Plan
from tests.unit.inference.stage import maker, manifest
from tools.score.playback import CAMERA

NEIGHBOUR = Zone("neighbour", ((0.6, 0.0), (1.0, 0.0), (1.0, 1.0), (0.6, 1.0)))
"""It hides the right of the picture, and the front of the car where it parks."""


def snapshots() -> list[EpisodePicture]:
    day = DrawnDay(Plan(seconds=45, pace=1, walker_every_s=10_000, car_goes_s=0))
    selector = FrameSelector(SourceSettings(CAMERA, Path(), masks=(NEIGHBOUR,)), day.plan.fps)
    analysis = ObjectAnalysis(ObjectModel(manifest(ModelKind.DETECTOR), day), maker(), AnalysisSettings())
    changes = []
    for number in range(round(day.plan.seconds * day.plan.fps)):
        taken = day.next()
        seen = selector.select(taken.picture, taken.position_ns)
        if seen.picture is not None:
            at = taken.position_ns
            times = UtcNs(10**18 + at), MonotonicNs(NS_PER_S + at), at
            changes += analysis.update(Frame(CAMERA, number, *times, seen.picture, seen.motion))
    changes += analysis.end(UtcNs(10**18))
    return [change.snapshot for change in changes if change.snapshot is not None]


def test_what_is_masked_is_black_in_the_picture_of_an_event_and_the_rest_is_not() -> None:
    taken = snapshots()
    assert taken
    for snapshot in taken:
        assert len(snapshot.jpeg) < 100_000
        image = cv2.imdecode(np.frombuffer(snapshot.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        assert image.shape == (HEIGHT, WIDTH)
        hidden = PixelBox(round(0.6 * WIDTH), 0, WIDTH, HEIGHT)
        # The box that is drawn may reach in; what lies under it may not.
        dark = image[hidden.y1 : hidden.y2, hidden.x1 + 8 :]
        assert np.mean(dark < 40) > 0.97
        assert np.mean(image[:, : hidden.x1 - 8]) > 60
