"""Real footage through the device's code: what the stock detector makes of it under the default settings."""

from pathlib import Path
from statistics import median

import pytest

from devkit.bundle import main as make_bundle
from devkit.score.command import measure
from devkit.score.report import ClipScore, Score

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
MODEL = SHARED / "models" / "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"

pytestmark = pytest.mark.skipif(not MODEL.is_file(), reason=f"the shared footage and models are not at {SHARED}")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coco") / "bundle"
    labels = MODEL.with_name("coco_ssd_labelmap.txt")
    made = make_bundle(["--model", str(MODEL), "--kind", "detector", "--labels", str(labels), "--out", str(folder)])
    assert made == 0
    return folder


def score(bundle: Path, *names: str) -> Score:
    clips = [SHARED / "video" / f"intel_{name}.mp4" for name in names]
    return measure(clips, SHARED / "labels.json", bundle)


def kinds(clip: ClipScore) -> list[str]:
    return [str(event.kind) for event in clip.outcome.events]


@pytest.mark.slow
def test_six_visitors_are_six_events_in_time(bundle: Path) -> None:
    result = score(bundle, "one-by-one-person-detection")
    (clip,) = result.clips
    assert kinds(clip) == ["person"] * 6
    assert (result.recall, result.precision) == (1.0, 1.0)
    assert max(result.seconds_to_alert) <= 2.5
    assert median(result.seconds_to_alert) <= 1.0


@pytest.mark.slow
def test_hands_and_cars_from_above_are_nobody(bundle: Path) -> None:
    result = score(bundle, "bottle-detection", "car-detection")
    assert [event for clip in result.clips for event in kinds(clip) if event == "person"] == []
    assert result.false == 0


def test_three_people_in_an_aisle_are_three_events(bundle: Path) -> None:
    (clip,) = score(bundle, "store-aisle-detection_preview").clips
    assert kinds(clip) == ["person"] * 3
