"""A parked car alarms when it comes and when it goes, and in the day between only who passes in front of it does."""

from pathlib import Path

import pytest

from smartcam.capture.settings import SourceSettings
from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.inference.settings import InferenceSettings
from smartcam.model.manifest import ModelKind
from tests.pipeline.day import DAY_S, DrawnDay, Plan
from tests.unit.inference.stage import manifest
from tools.score.playback import CAMERA, play_open
from tools.score.targets import SeenEvent

SEEN_WITHIN_S = 6.0


def events_of(plan: Plan, seed: int) -> tuple[SeenEvent, ...]:
    """Gate, choice of frames, tamper watch and analysis as on the device, with the defaults."""
    day = DrawnDay(plan, seed)
    model = ObjectModel(manifest(ModelKind.DETECTOR), day)
    return play_open(day, model, SourceSettings(CAMERA, Path()), InferenceSettings()).events


@pytest.mark.parametrize(
    ("plan", "seed"),
    [
        pytest.param(Plan(seconds=480, pace=180, walker_every_s=60), 0, id="eight minutes"),
        *(
            pytest.param(
                Plan(seconds=1440, pace=60, walker_every_s=97), seed, marks=pytest.mark.soak, id=f"seed {seed}"
            )
            for seed in range(4)
        ),
        pytest.param(Plan(seconds=DAY_S, pace=1, walker_every_s=1800, fps=2), 0, marks=pytest.mark.soak, id="whole"),
    ],
)
def test_in_a_day_only_the_car_that_comes_and_goes_and_whoever_passes_by_raise_events(plan: Plan, seed: int) -> None:
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
