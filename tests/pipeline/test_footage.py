"""Real footage through the device's code: what the stock detector makes of it under the default settings."""

from pathlib import Path
from statistics import median

import pytest

from tools.bundle.command import main as make_bundle
from tools.score.measuring import measure
from tools.score.report import ClipScore, Score

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
MODEL = SHARED / "models" / "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"

pytestmark = pytest.mark.skipif(not MODEL.is_file(), reason=f"the shared footage and models are not at {SHARED}")


def make_stock_bundle(folder: Path) -> Path:
    """The stock SSD as a bundle, with the thresholds that a bundle has by default."""
    labels = MODEL.with_name("coco_ssd_labelmap.txt")
    made = make_bundle(["--model", str(MODEL), "--kind", "detector", "--labels", str(labels), "--out", str(folder)])
    assert made == 0
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_stock_bundle(tmp_path_factory.mktemp("coco") / "bundle")


@pytest.fixture(scope="module")
def whole(bundle: Path) -> Score:
    """All clips with one configuration, the device's defaults."""
    return measure(sorted((SHARED / "video").glob("*.mp4")), SHARED / "labels.json", bundle)


def clip(score: Score, name: str) -> ClipScore:
    (found,) = [each for each in score.clips if each.video.startswith(f"intel_{name}")]
    return found


def kinds(clip: ClipScore) -> list[str]:
    return [str(event.kind) for event in clip.outcome.events]


@pytest.mark.slow
def test_six_visitors_are_six_events_in_time(whole: Score) -> None:
    visits = clip(whole, "one-by-one")
    assert kinds(visits) == ["person"] * 6
    assert (visits.outcome.found, visits.outcome.false, visits.outcome.duplicates) == (6, 0, 0)
    assert median(visits.outcome.seconds_to_alert) <= 0.8
    assert max(visits.outcome.seconds_to_alert) <= 2.0


@pytest.mark.slow
def test_cars_from_above_that_the_detector_does_not_know_are_motion_events(whole: Score) -> None:
    cars = clip(whole, "car-detection")
    # The second interval holds two cars; the labels do not count them, so that one of their events is a duplicate.
    assert kinds(cars) == ["motion"] * 4
    assert (cars.outcome.found, cars.outcome.false, cars.outcome.duplicates) == (3, 0, 1)
    assert {(event.rule, event.cause) for event in cars.outcome.events} == {("anything", "motion")}


@pytest.mark.slow
def test_hands_that_lift_bottles_are_nobody_and_go_nowhere(whole: Score) -> None:
    assert kinds(clip(whole, "bottle")) == []


@pytest.mark.slow
def test_the_previews_show_what_their_labels_say(whole: Score) -> None:
    # Three people in an interval that does not count them: each has an event, and two of these are duplicates to it.
    aisle = clip(whole, "store-aisle")
    assert kinds(aisle) == ["person"] * 3
    assert (aisle.outcome.found, aisle.outcome.false, aisle.outcome.duplicates) == (1, 0, 2)
    assert kinds(clip(whole, "worker-zone")) == ["person"]
    # A car from a height at which the detector takes it for a telephone.
    assert kinds(clip(whole, "person-bicycle-car")) == ["motion"]
    assert (whole.recall, whole.duplicates, whole.false) == (1.0, 3, 0)
    assert whole.precision == pytest.approx(12 / 15)
