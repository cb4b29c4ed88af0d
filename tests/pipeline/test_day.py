"""A parked car alarms when it comes and when it goes, and in the day between only who passes in front of it does."""

from pathlib import Path

import pytest

from devkit.score.matching import SeenEvent
from devkit.score.playback import CAMERA, play_open
from smartcam.capture.settings import CameraSettings
from smartcam.inference.analysis import ObjectModel
from smartcam.inference.settings import InferenceSettings
from smartcam.model.manifest import ModelKind
from tests.pipeline.day import DAY_S, DrawnDay, Plan
from tests.unit.inference.stage import manifest

SEEN_WITHIN_S = 6.0


def events_of(plan: Plan, seed: int) -> tuple[SeenEvent, ...]:
    """Gate, choice of frames, tamper watch and analysis as on the device, with the defaults."""
    day = DrawnDay(plan, seed)
    model = ObjectModel(manifest(ModelKind.DETECTOR), day)
    return play_open(day, model, CameraSettings(CAMERA, Path()), InferenceSettings()).events


def check(plan: Plan, seed: int) -> None:
    came, *between, gone = events_of(plan, seed)
    assert [str(event.kind) for event in (came, gone)] == ["vehicle"] * 2
    assert came.start_s - plan.car_at_s < SEEN_WITHIN_S
    assert 0 < gone.start_s - (plan.seconds - plan.car_goes_s) < SEEN_WITHIN_S
    # In the dark nobody has a name.
    assert {str(event.kind) for event in between} == {"person", "motion"}
    assert {event.cause for event in between if event.kind == "motion"} <= {"dark", "motion"}
    assert len(between) == len(plan.walkers())
    for event, at_s in zip(between, plan.walkers(), strict=True):
        assert 0 < event.start_s - at_s < 2 * SEEN_WITHIN_S


def test_a_day_of_eight_minutes() -> None:
    check(Plan(seconds=480, pace=180, walker_every_s=60), seed=0)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(4))
def test_more_such_days(seed: int) -> None:
    check(Plan(seconds=1440, pace=60, walker_every_s=97), seed)


@pytest.mark.soak
def test_a_whole_day_and_night() -> None:
    check(Plan(seconds=DAY_S, pace=1, walker_every_s=1800, fps=2), seed=0)
