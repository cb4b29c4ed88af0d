"""That six visitors are six events is no luck: the same clips begun later, noisier, darker, smaller, with losses."""

from pathlib import Path
from statistics import median

import pytest

from tests.pipeline.disturbed import DISTURBANCES, Disturbance, disturb
from tests.pipeline.test_footage import MODEL, SHARED, make_stock_bundle
from tools.score.measuring import measure
from tools.score.report import ClipScore

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not MODEL.is_file(), reason=f"the shared footage and models are not at {SHARED}"),
]
of_each = pytest.mark.parametrize("how", DISTURBANCES, ids=lambda how: how.name)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_stock_bundle(tmp_path_factory.mktemp("coco") / "bundle")


def played(name: str, how: Disturbance, bundle: Path, folder: Path) -> ClipScore:
    clip, labels = disturb(SHARED / f"video/intel_{name}-detection.mp4", SHARED / "labels.json", how, folder)
    (score,) = measure([clip], labels, bundle).clips
    outcome, delays = score.outcome, score.outcome.seconds_to_alert
    counts = f"found {outcome.found}, twice {outcome.duplicates}, false {outcome.false}"
    times = f"; seconds to alert {median(delays):.2f}, worst {max(delays):.2f}" if delays else ""
    print(f"\n{name}, {how.name}: {counts}{times}")  # noqa: T201  the figures of docs/design/seeing.md
    return score


@of_each
def test_six_visitors_are_six_events(how: Disturbance, bundle: Path, tmp_path: Path) -> None:
    outcome = played("one-by-one-person", how, bundle, tmp_path).outcome
    assert [str(event.kind) for event in outcome.events] == ["person"] * 6
    assert (outcome.found, outcome.duplicates, outcome.false) == (6, 0, 0)
    assert max(outcome.seconds_to_alert) * min(how.speed, 1.0) <= 2.0


@of_each
def test_cars_from_above_are_found(how: Disturbance, bundle: Path, tmp_path: Path) -> None:
    outcome = played("car", how, bundle, tmp_path).outcome
    assert (outcome.found, outcome.false) == (3, 0)


@of_each
def test_hands_are_nobody(how: Disturbance, bundle: Path, tmp_path: Path) -> None:
    assert played("bottle", how, bundle, tmp_path).outcome.events == ()
