from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.manifest import ModelKind
from tests.unit.inference.stage import manifest
from tools.score.intervals import Interval
from tools.score.labels import ClipLabels
from tools.score.matching import match
from tools.score.playback import Playback
from tools.score.report import ClipScore
from tools.score.targets import FrameTimes, SeenEvent
from tools.score.tuning import VALUES, Changes, Tallied, allowed_values, figures_of, search, start_of

START = {"raise_at": 0.6, "min_frames": 3}
TRIED = {"raise_at": (0.4, 0.5, 0.6, 0.7), "min_frames": (1, 2, 3, 4)}


def world(faults: Mapping[tuple[float, float], Tallied]) -> tuple[list[Changes], Callable[[Changes], Tallied]]:
    asked: list[Changes] = []

    def measure(changes: Changes) -> Tallied:
        asked.append(changes)
        values = {**START, **changes}
        return faults.get((values["raise_at"], values["min_frames"]), Tallied(10, 5, 5, 5))

    return asked, measure


def test_the_settings_with_the_fewest_faults_win_even_if_two_keys_have_to_change() -> None:
    _, measure = world({(0.6, 3): Tallied(10, 8, 0, 4), (0.5, 3): Tallied(10, 9, 0, 4), (0.5, 4): Tallied(10, 9, 0, 1)})
    best, tried = search(START, measure, 3.0, TRIED)
    assert best.changes == {"min_frames": 4, "raise_at": 0.5}
    assert best.words == "min_frames 4, raise_at 0.5"
    assert tried[0].changes == {}


def test_nothing_is_changed_without_a_gain_and_nothing_is_tried_twice() -> None:
    asked, measure = world({(0.6, 3): Tallied(10, 10, 0, 0, (1.0,)), (0.5, 3): Tallied(10, 10, 0, 0, (0.2,))})
    best, tried = search(START, measure, 3.0, TRIED)
    assert best.changes == {}
    assert len(asked) == len(tried) == len({tuple(each.items()) for each in asked})


def test_of_settings_with_as_few_faults_and_changes_the_quicker_wins() -> None:
    faults: dict[tuple[float, float], Tallied] = {
        (0.6, 3): Tallied(10, 8, 0, 0),
        (0.5, 3): Tallied(10, 10, 0, 0, (2.0,)),
        (0.4, 3): Tallied(10, 10, 0, 0, (1.0,)),
    }
    assert search(START, world(faults)[1], 3.0, TRIED)[0].changes == {"raise_at": 0.4}


def test_what_a_miss_costs_decides_the_trade() -> None:
    faults: dict[tuple[float, float], Tallied] = {(0.6, 3): Tallied(10, 8, 0, 0), (0.5, 3): Tallied(10, 9, 0, 2)}
    assert search(START, world(faults)[1], 3.0, TRIED)[0].changes == {"raise_at": 0.5}
    assert search(START, world(faults)[1], 1.0, TRIED)[0].changes == {}


places = st.tuples(st.sampled_from(TRIED["raise_at"]), st.sampled_from(TRIED["min_frames"]))
figures = st.builds(Tallied, st.just(9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))


@given(st.dictionaries(places, figures))
def test_the_proposal_is_never_worse_than_what_was(faults: dict[tuple[float, float], Tallied]) -> None:
    best, tried = search(START, world(faults)[1], 3.0, TRIED)
    assert best.figures.cost(3.0) == min(trial.figures.cost(3.0) for trial in tried)
    assert best in tried


def test_an_object_and_its_duplicates_count_in_the_half_in_which_it_came() -> None:
    times = FrameTimes([frame / 10 for frame in range(100)], 10.0)
    events = tuple(SeenEvent(EventKind.PERSON, at, None, 0.7) for at in (2.5, 4.0, 6.0, 8.0, 9.5))
    outcome = match(events, ClipLabels("a", 10, (Interval("person", 20, 70), Interval("person", 90, 94))), times)
    clip = ClipScore("a", Playback(100, tuple(times.starts_s), 10.0, events, (), {}), outcome)
    first = figures_of([clip], lambda _, at_s: at_s < 5)
    second = figures_of([clip], lambda _, at_s: at_s >= 5)
    assert first == Tallied(1, 1, 3, 0, (pytest.approx(0.5),))  # type: ignore[arg-type]
    assert second == Tallied(1, 1, 0, 0, (pytest.approx(0.5),))  # type: ignore[arg-type]
    assert (first.missed, str(second)) == (0, "1 of 1 found, 0 twice, 0 false, median 0.50 s, worst 0.50 s")


def test_the_beginning_is_what_the_camera_does_now() -> None:
    bundle = manifest(ModelKind.DETECTOR)
    assert start_of(AnalysisSettings(raise_at=0.7), bundle) == {
        "raise_at": 0.7,
        "min_frames": bundle.min_frames,
        "motion_min_size": AnalysisSettings().motion_min_size,
        "remember_s": AnalysisSettings().remember_s,
    }


def test_what_is_tried_stays_above_the_cameras_clear_at() -> None:
    assert allowed_values(AnalysisSettings())["raise_at"] == VALUES["raise_at"]
    assert min(allowed_values(AnalysisSettings(clear_at=0.55))["raise_at"]) == 0.6
