"""The days of a made-up yard, and what a learner makes of them."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from measure.normal import yard
from measure.normal.days import DAY_S, HEIGHT, MOVING_S, STILL_S, WIDTH, YardDay, yard_life
from measure.normal.footage import ClipLooks, looks_of
from measure.normal.judging import area
from measure.normal.watching import DayLooks, WatchedDay, YardWatch, kept_day
from smartcam.contract.health import SceneStage
from smartcam.model.looks import Eye
from smartcam.vision.normal.learner import LearningPlan, SceneLearner
from smartcam.vision.normal.look import BY_HAND, PLACES
from smartcam.vision.picture import Picture

LIFE = cache(yard_life)
HOUR_S = 3600.0


@settings(deadline=None, max_examples=8)
@given(seed=st.sampled_from([1, 2]), number=st.integers(0, 2000), intruders=st.integers(0, 4))
def test_looks_are_taken_often_where_something_moves_and_always_once_a_minute(
    seed: int, number: int, intruders: int
) -> None:
    day = YardDay(LIFE(seed), number, intruders)
    times = day.moments()
    assert times[0] >= 0
    assert times[-1] < DAY_S
    apart = np.diff(times)
    assert (apart > 0).all()
    assert apart.max() <= STILL_S
    for each in day.happenings:
        there = times[(times >= each.start_s) & (times <= each.end_s)]
        assert there.size >= 2
        assert np.diff(there).max() < MOVING_S + 0.01
    assert len(day.intrusions) == intruders


def test_a_day_is_the_same_again_and_with_an_intruder_only_the_intruder_is_new() -> None:
    day, again, visited = (YardDay(LIFE(1), 5, intruders) for intruders in (0, 0, 1))
    assert repr(day) == repr(again) != repr(visited)
    assert [each for each in visited.happenings if not each.intruder] == list(day.happenings)
    ((first_s, last_s),) = visited.intrusions
    there, gone = (first_s + last_s) / 2, first_s - 30
    assert np.array_equal(day.picture(gone), again.picture(gone))
    assert np.array_equal(day.picture(gone), visited.picture(gone))
    assert day.picture(there).shape == (HEIGHT, WIDTH, 3)
    assert not np.array_equal(day.picture(there), visited.picture(there))
    assert any(visited.shows_intruder(at_s) for at_s in np.linspace(first_s, last_s, 20).tolist())
    assert not visited.shows_intruder(gone)
    assert not any(day.shows_intruder(at_s) for at_s in np.linspace(first_s, last_s, 20).tolist())


def test_days_differ_and_nights_are_dark_or_without_colour() -> None:
    assert repr(YardDay(LIFE(1), 5)) != repr(YardDay(LIFE(1), 6)) != repr(YardDay(LIFE(2), 6))
    for seed in (1, 2, 3, 4):
        day = YardDay(LIFE(seed), 0)
        night, noon = day.picture(2 * HOUR_S).astype(float), day.picture(12.5 * HOUR_S).astype(float)
        assert np.ptp(night, axis=2).max() == 0 if LIFE(seed).infrared else night.mean() < 0.7 * noon.mean()
        assert np.ptp(noon, axis=2).max() > 0


def test_a_still_picture_is_shown_until_the_next() -> None:
    times = np.array([0.0, 60.0, 60.2, 62.5])
    day = DayLooks(times, blank(times.size))
    shown = np.array([at_s for at_s, _ in day.held()])
    assert (np.diff(shown) > 0).all()
    assert np.diff(shown).max() <= 2.0
    assert shown[:31].tolist() == [*(2.0 * step for step in range(30)), 60.0]
    assert 120 < shown[-1] < 62.5 + STILL_S


def test_one_unusual_thing_is_raised_once_and_another_one_anew() -> None:
    """The scores are made here: what counts is how the episodes are told apart."""

    class Alarmed(SceneLearner):
        def see(self, look, at_s, minute, event=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            told.append(event)
            return type(super().see(look, at_s, minute, event))(1.0, unusual=1000 < at_s < 1090 or at_s > 1790)

    told: list[str | None] = []
    minutes = np.arange(0, 1800, STILL_S)
    came = YardWatch(Alarmed(LearningPlan(), BY_HAND)).show(DayLooks(minutes, blank(minutes.size)))
    assert came.raised == [1002.0, 1792.0]
    assert told[500] is told[501] is None, "the look that raises is judged before the episode is on"
    assert {*told[502:570]} == {"1"}
    assert told[600] is None


def test_a_score_counts_for_as_long_as_it_was_the_last() -> None:
    came = WatchedDay(times=[2.0, 5.0, 5.2, 60.0], scores=[1.0, 2.0, 3.0, 4.0])
    scores = came.each_second()
    assert scores.size == DAY_S
    assert scores[:8].tolist() == [0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 3.0, 3.0]
    assert scores[[59, 60, -1]].tolist() == [3.0, 4.0, 4.0]


def test_a_day_comes_from_the_cache_the_second_time(tmp_path: Path) -> None:
    class Short(YardDay):
        def moments(self) -> NDArray[np.float64]:
            return np.array([10.0, 70.0])

    day, eye = Short(LIFE(1), 0), Eye(None)
    first = kept_day(day, eye, b"", tmp_path)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    again = kept_day(Short(LIFE(1), 0), eye, b"", tmp_path)
    assert kept.stat().st_mtime_ns == written
    assert np.array_equal(first.looks.features, again.looks.features)
    kept_day(day, eye, b"another encoder", tmp_path)
    kept_day(Short(LIFE(1), 0, 1), eye, b"", tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_some_hours_of_a_yard_are_learnt_and_then_intruders_are_odder_than_all_else() -> None:
    watch, eye = YardWatch(SceneLearner(LearningPlan(24.0, HOUR_S / 2, 3 * HOUR_S), BY_HAND)), Eye(None)
    odd, normal = list[float](), list[float]()
    for number, intruders in ((0, 0), (1, 6)):
        day = YardDay(LIFE(3), number, intruders)
        times = day.moments()
        times = times[(times >= 8 * HOUR_S) & (times < 13 * HOUR_S)]
        pictures = (Picture.from_bgr(day.picture(at_s)) for at_s in times.tolist())
        came = watch.show(DayLooks(times, looks_of(eye, pictures, 0.0)))
        there = np.array([day.shows_intruder(at_s) for at_s in came.times])
        odd += np.array(came.scores)[there].tolist()
        normal += np.array(came.scores)[~there].tolist() if intruders else []
    assert watch.learner.progress.stage is SceneStage.WATCHING
    assert area(np.array(odd), np.array(normal)) > 0.9


def test_a_budget_that_months_could_not_prove_ends_in_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yard, "kept_day", lambda *_: DayLooks(np.arange(0.0, 600, STILL_S), blank(10)))
    plan = yard.YardPlan(seed=1, days=1, further=0, every_s=STILL_S, model=None, cache=Path())
    with pytest.raises(ValueError, match=r"0\.001 a day cannot be promised within"):
        yard.watched(plan, 0.001)


def test_without_the_encoder_that_is_asked_for_the_command_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["--cache", str(tmp_path), "--encoder", str(tmp_path / "none"), "--jobs", "1", "--days", "1"]
    assert yard.main(wanted) == 2
    assert "none" in capsys.readouterr().err


def blank(count: int) -> ClipLooks:
    features, light = np.zeros((count, PLACES, BY_HAND), np.float16), np.zeros((count, 32, 64), np.uint8)
    return ClipLooks(features, light, np.zeros(count, np.bool_), 0.0)
