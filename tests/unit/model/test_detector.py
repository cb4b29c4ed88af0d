"""The detector looks where something moved and speaks in pixels of the whole picture."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from smartcam.contract.notice import PixelBox
from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ModelBundle
from smartcam.model.detector import RegionDetector
from smartcam.model.heads.answer import keep_best
from smartcam.model.heads.head import DetectorHead
from smartcam.model.manifest import Fit
from smartcam.model.packing import Draft
from smartcam.model.scoring import Detections, Detector
from smartcam.vision.picture import Picture
from tests.fakes import models
from tests.fakes.scorer import FakeDetector
from tests.unit.model.conftest import DETECTOR, Written

RED, GREEN, BLACK = (0, 0, 255), (0, 255, 0), (0, 0, 0)
WIDTH, HEIGHT = 640, 320
WHOLE = PixelBox(0, 0, WIDTH, HEIGHT)


def picture(*patches: tuple[PixelBox, tuple[int, int, int]]) -> Picture:
    bgr = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for box, colour in patches:
        bgr[box.y1 : box.y2, box.x1 : box.x2] = colour
    return Picture.from_bgr(bgr)


@pytest.fixture
def detector(detector_bundle: Written) -> RegionDetector:
    analyser = analyser_of(ModelBundle.open(detector_bundle[0]))
    assert isinstance(analyser, RegionDetector)
    return analyser


def test_the_whole_picture_is_looked_at_without_motion(detector: RegionDetector) -> None:
    found = detector.detect(picture((WHOLE, RED)), ())
    assert found.looked_at == (WHOLE,)
    assert found.labels == ("person",)
    np.testing.assert_allclose(found.boxes, [[160, 80, 480, 240]], atol=0.01)
    assert found.scores[0] > 0.9


def test_what_is_seen_in_a_region_is_reported_in_pixels_of_the_picture(detector: RegionDetector) -> None:
    found = detector.detect(picture((PixelBox(400, 0, 640, 320), RED)), [PixelBox(500, 100, 540, 140)])
    (region,) = found.looked_at
    assert region == PixelBox(494, 94, 546, 146)
    assert found.labels == ("person",)
    np.testing.assert_allclose(found.boxes, [[507, 107, 533, 133]], atol=0.01)


def test_two_regions_are_looked_at_one_by_one_and_the_surest_comes_first(detector: RegionDetector) -> None:
    scene = picture((PixelBox(0, 0, 320, 320), (0, 200, 0)), (PixelBox(320, 0, 640, 320), RED))
    found = detector.detect(scene, [PixelBox(60, 100, 100, 140), PixelBox(540, 100, 580, 140)])
    assert len(found.looked_at) == 2
    assert found.labels == ("person", "car")
    assert found.scores[0] > found.scores[1] > 0.2
    assert found.boxes[0, 0] > 320 > found.boxes[1, 2]


def test_a_box_over_most_of_the_picture_is_no_object(write: Callable[[str, bytes, Draft], Path]) -> None:
    everything = models.Sight((0.05, 0.05, 0.95, 0.95), 0, (16, -8, -8, -4))
    bundle = ModelBundle.open(write("large", models.detector((everything, models.GREEN_OBJECT)), DETECTOR))
    detector = analyser_of(bundle)
    assert isinstance(detector, RegionDetector)
    assert len(detector.detect(picture((WHOLE, RED)), ())) == 0
    close = detector.detect(picture((WHOLE, RED)), [PixelBox(500, 100, 540, 140)])
    assert close.labels == ("person",), "what fills a region may be small in the picture"


def test_weak_detections_are_reported_down_to_the_floor(detector_bundle: Written) -> None:
    bundle = ModelBundle.open(detector_bundle[0])
    assert isinstance(bundle.head, DetectorHead)
    scene = picture((WHOLE, (0, 0, 40)))
    assert len(RegionDetector(bundle.head, bundle.manifest, floor=0.1).detect(scene, ())) == 1
    assert len(RegionDetector(bundle.head, bundle.manifest, floor=0.9).detect(scene, ())) == 0


def test_a_class_without_a_label_is_left_out(write: Callable[[str, bytes, Draft], Path]) -> None:
    bundle = ModelBundle.open(write("short", models.detector(), DETECTOR))
    assert isinstance(bundle.head, DetectorHead)
    shorter = replace(bundle.manifest, labels=("person",))
    assert len(RegionDetector(bundle.head, shorter).detect(picture((WHOLE, GREEN)), ())) == 0


def letterboxed(head: DetectorHead, detector: RegionDetector) -> RegionDetector:
    spec = replace(detector.manifest.input, fit=Fit.LETTERBOX, pad=0)
    return RegionDetector(head, replace(detector.manifest, input=spec))


def test_boxes_in_a_letterboxed_input_are_in_pixels_of_the_picture(
    detector_bundle: Written, detector: RegionDetector
) -> None:
    head = ModelBundle.open(detector_bundle[0]).head
    assert isinstance(head, DetectorHead)
    fitted = letterboxed(head, detector)
    # The picture is twice as wide as high: it fills the middle half of the square input, as the model's box does.
    found = fitted.detect(picture((WHOLE, RED)), ())
    np.testing.assert_allclose(found.boxes, [[160, 0, 480, 320]], atol=0.01)
    stretched = detector.detect(picture((WHOLE, RED)), ())
    np.testing.assert_allclose(stretched.boxes, [[160, 80, 480, 240]], atol=0.01)


def test_what_lies_in_the_grey_around_a_letterboxed_picture_is_nothing(
    write: Callable[[str, bytes, Draft], Path], detector: RegionDetector
) -> None:
    above = models.Sight((0.25, 0.0, 0.75, 0.2), 0, (16, -8, -8, -4))
    head = ModelBundle.open(write("above", models.detector((above, models.GREEN_OBJECT)), DETECTOR)).head
    assert isinstance(head, DetectorHead)
    assert len(letterboxed(head, detector).detect(picture((WHOLE, RED)), ())) == 0


def test_nothing_is_seen_in_the_dark(detector: RegionDetector) -> None:
    found = detector.detect(picture(), ())
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.boxes.dtype == np.float32


def test_detections_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="do not match"):
        Detections(np.zeros((1, 4), np.float32), np.zeros(2, np.float32), ("a",))


def test_the_fake_detector_is_a_detector() -> None:
    nothing = Detections.none([WHOLE])
    fake: Detector = FakeDetector([nothing])
    assert fake.detect(picture(), ()) is nothing
    assert nothing.looked_at == (WHOLE,)


boxes = arrays.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(4)), elements=st.integers(0, 50)).map(
    lambda sides: np.concatenate(
        (np.minimum(sides[:, :2], sides[:, 2:]), np.maximum(sides[:, :2], sides[:, 2:]) + 1), 1
    )
)


@given(boxes, st.randoms(use_true_random=False))
def test_what_is_left_out_overlaps_with_something_surer_of_its_class(given_boxes: np.ndarray, random: object) -> None:  # type: ignore[type-arg]
    count = len(given_boxes)
    rng = np.random.default_rng(hash(str(random)) % 2**32)
    scores, classes = rng.random(count).astype(np.float32), rng.integers(0, 2, count)
    kept = keep_best(given_boxes.astype(np.float32), scores, classes).tolist()
    assert scores[kept].tolist() == sorted(scores[kept].tolist(), reverse=True)
    for place in range(count):
        rivals = [other for other in kept if classes[other] == classes[place] and other != place]
        close = [other for other in rivals if iou(given_boxes[place], given_boxes[other]) > 0.5]
        if place in kept:
            assert close == []
        else:
            assert any(scores[other] >= scores[place] for other in close)


def iou(a: np.ndarray, b: np.ndarray) -> float:  # type: ignore[type-arg]
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared))
