"""The real detector on real footage, where the shared data lies beside the project."""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartcam.contract.event import EventKind
from smartcam.contract.notice import PixelBox
from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ModelBundle
from smartcam.model.detector import RegionDetector
from smartcam.model.interpreter import RUNTIME
from smartcam.model.manifest import ModelKind, Thresholds
from smartcam.model.packing import Draft, write_bundle
from smartcam.vision.motion import MotionGate, MotionSettings
from smartcam.vision.picture import Picture
from tools.bundle.coco import COCO_90

SHARED = Path(__file__).resolve().parents[4] / "shared/data"
MODEL = SHARED / "models/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
CLIP = "video/intel_one-by-one-person-detection.mp4"
RAISE_AT = 0.65

pytestmark = [
    pytest.mark.skipif(not MODEL.exists(), reason="the shared footage and models are not beside the project"),
    # 46 s instead of 5 s of CPU; that both answer alike is for test_other_runtime and the system's test_matrix.
    pytest.mark.skipif(RUNTIME == "tflite-runtime", reason="tflite-runtime takes long, and answers as LiteRT does"),
]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> RegionDetector:
    folder = tmp_path_factory.mktemp("coco") / "bundle"
    draft = Draft(
        name="coco",
        version="1",
        kind=ModelKind.DETECTOR,
        labels=COCO_90,
        events={"person": EventKind.PERSON},
        thresholds=Thresholds(RAISE_AT, 0.4),
        min_frames=3,
        licence="Apache-2.0",
    )
    write_bundle(folder, MODEL.read_bytes(), draft)
    analyser = analyser_of(ModelBundle.open(folder))
    assert isinstance(analyser, RegionDetector)
    return analyser


def frames(clip: str, first: int, last: int) -> Iterator[tuple[int, Picture]]:
    capture = cv2.VideoCapture(str(SHARED / clip))
    capture.set(cv2.CAP_PROP_POS_FRAMES, first)
    for place in range(first, last + 1):
        read, bgr = capture.read()
        assert read, place
        yield place, Picture.from_bgr(np.asarray(bgr, np.uint8))
    capture.release()


def surest_person(detector: RegionDetector, picture: Picture, regions: tuple[PixelBox, ...]) -> float:
    found = detector.detect(picture, regions)
    people = [score for score, label in zip(found.scores, found.labels, strict=True) if label == "person"]
    return float(max(people, default=0.0))


def test_looking_where_something_moved_finds_people_better_than_the_whole_picture(detector: RegionDetector) -> None:
    first, last = json.loads((SHARED / "labels.json").read_bytes())[CLIP]["person"][2]
    gate = MotionGate(MotionSettings())
    close, wide, empty = [], [], []
    for place, picture in frames(CLIP, first - 45, first + 60):
        motion = gate.update(picture.luma)
        if place % 2 or not motion:
            continue
        score = surest_person(detector, picture, motion)
        if place < first - 2:
            empty.append(score)
        elif first <= place <= last:
            close.append(score)
            wide.append(surest_person(detector, picture, ()))
    assert np.mean(np.array(close) >= RAISE_AT) >= 0.85
    assert np.mean(np.array(close) >= RAISE_AT) > np.mean(np.array(wide) >= RAISE_AT)
    assert max(empty, default=0.0) < 0.4


def test_hands_that_lift_bottles_are_no_people(detector: RegionDetector) -> None:
    gate = MotionGate(MotionSettings(frames_per_second=29.8))
    scores = []
    for place, picture in frames("video/intel_bottle-detection.mp4", 0, 420):
        motion = gate.update(picture.luma)
        if place % 6 == 0 and motion:
            scores.append(surest_person(detector, picture, motion))
    assert len(scores) > 20
    assert max(scores) < RAISE_AT
