"""What tests of inference stand on: frames, models and detections by hand."""

from collections.abc import Sequence
from itertools import count

import numpy as np

from smartcam.contract.event import EventKind
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.notice import FrameNotice, PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.analysis import ObjectModel, SceneModel
from smartcam.inference.events import Change, EventMaker
from smartcam.model.manifest import (
    Golden,
    InputSpec,
    ModelKind,
    ModelManifest,
    Provenance,
    TensorType,
    Thresholds,
)
from smartcam.model.outputs import Activation, ClassifierOutput, SsdOutput
from smartcam.model.scoring import Detections
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from tests.fakes.clock import SOME_DAY
from tests.fakes.scorer import FakeDetector, FakeScorer

YARD = CameraId("yard")
GATE = CameraId("gate")
THING = ThingName("pi-1")
WIDTH, HEIGHT = 100, 60
EVERYWHERE = (PixelBox(0, 0, WIDTH, HEIGHT),)
HERE = (40.0, 10.0, 60.0, 50.0)
PICTURE = Picture.from_i420(np.full(WIDTH * HEIGHT * 3 // 2, 128, np.uint8), WIDTH, HEIGHT)
START = MonotonicNs(1000 * NS_PER_S)

Found = tuple[str, float, tuple[float, float, float, float]]


def manifest(kind: ModelKind) -> ModelManifest:
    is_detector = kind is ModelKind.DETECTOR
    return ModelManifest(
        name="eyes" if is_detector else "nose",
        version="1.2.0",
        kind=kind,
        files=dict.fromkeys(("model.tflite", "in.bin", "out.json"), "0" * 64),
        input=InputSpec(8, 8, TensorType.FLOAT32, 0.0, 0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        output=SsdOutput(0, 1, 2, 3) if is_detector else ClassifierOutput(Activation.PROBABILITY, 0.0, 0),
        labels=("person", "car", "cat", "cup") if is_detector else ("normal", "intruder"),
        events={"person": EventKind.PERSON, "car": EventKind.VEHICLE, "cat": EventKind.ANIMAL}
        if is_detector
        else {"intruder": EventKind.ANOMALY},
        thresholds=Thresholds(raise_at=0.6, clear_at=0.4),
        min_frames=3,
        golden=Golden("in.bin", "out.json", 0.05),
        provenance=Provenance(),
        licence="MIT",
    )


def seen(*found: Found, looked_at: Sequence[PixelBox] = EVERYWHERE) -> Detections:
    return Detections(
        np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in found], np.float32),
        tuple(label for label, _, _ in found),
        tuple(looked_at),
    )


def object_model(script: Sequence[Detections]) -> ObjectModel:
    return ObjectModel(manifest(ModelKind.DETECTOR), FakeDetector(script))


def scene_model(scores: Sequence[float]) -> SceneModel:
    return SceneModel(manifest(ModelKind.CLASSIFIER), FakeScorer(scores))


def maker(camera: CameraId = YARD) -> EventMaker:
    return EventMaker(
        thing=THING,
        camera=camera,
        valid_s=3600,
        new_id=counted_ids(),
        synced=lambda: True,
        model_name="eyes",
        model_version="1.2.0",
    )


class counted_ids:  # noqa: N801  reads as the function it stands for
    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self, at: UtcNs) -> EventId:
        return new_event_id(at, next(self._numbers).to_bytes(10))


def frame(seconds: float, motion: Sequence[PixelBox] = EVERYWHERE, camera: CameraId = YARD) -> Frame:
    since_ns = round(seconds * NS_PER_S)
    return Frame(
        camera_id=camera,
        seq=round(seconds * 1000) + 1,
        captured_at=UtcNs(SOME_DAY + since_ns),
        captured_mono=MonotonicNs(START + since_ns),
        position_ns=since_ns,
        picture=PICTURE,
        motion=tuple(motion),
    )


def notice(camera: CameraId = YARD, seq: int = 1) -> FrameNotice:
    return FrameNotice(camera, seq, 1, 0, WIDTH, HEIGHT, SOME_DAY, START, 0, ())


def happened(changes: Sequence[Change]) -> list[tuple[str, str]]:
    """Kind and phase of the events among changes."""
    return [(str(change.event.kind), str(change.event.phase)) for change in changes if change.event is not None]
