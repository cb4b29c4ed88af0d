"""The watched minutes: bounded, in order, and scored by what is usual today."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartcam.vision.normal.look import PLACES, Regime
from smartcam.vision.normal.watched import MOST_MINUTES, TOGETHER, WatchedMinutes, oddest, score_of

PLACES_SEEN = np.array([3, 4, 5])


def with_score(
    seen: WatchedMinutes, number: int, beyond: float, regime: Regime = Regime.DAY, age_s: float = 0.0
) -> WatchedMinutes:
    far = np.full(TOGETHER, beyond, np.float32)
    return seen.with_look(number, regime, PLACES_SEEN, far, score_of(far), age_s)


def reaches(day: float, infrared: float) -> dict[Regime, NDArray[np.float32]]:
    return {Regime.DAY: np.full(PLACES, day, np.float32), Regime.INFRARED: np.full(PLACES, infrared, np.float32)}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 300), st.floats(0, 8, width=16)), max_size=120))
def test_minutes_stay_in_order_whatever_the_clock_does(arriving: list[tuple[int, float]]) -> None:
    seen = WatchedMinutes.none()
    for number, beyond in arriving:
        seen = with_score(seen, number, beyond)
    assert (np.diff(seen.numbers) > 0).all()
    assert len({len(getattr(seen, array.name)) for array in fields(seen)}) == 1
    if arriving:
        assert seen.beyond.max() == max(beyond for _, beyond in arriving)


def test_two_weeks_are_kept_and_the_oldest_minutes_go_first() -> None:
    full = replace(WatchedMinutes.none(MOST_MINUTES), numbers=np.arange(MOST_MINUTES))
    after = with_score(full, MOST_MINUTES, 1.0)
    assert after.numbers.size == MOST_MINUTES
    assert after.numbers[0] == 1


def test_the_highest_look_of_a_minute_is_the_one_that_counts() -> None:
    seen = WatchedMinutes.none()
    for beyond in (1.0, 4.0, 2.0):
        seen = with_score(seen, 7, beyond)
    assert seen.numbers.tolist() == [7]
    assert seen.scored(reaches(1, 1)).scores.tolist() == [2.0]


def test_minutes_are_scored_by_what_is_usual_today_in_their_own_regime() -> None:
    seen = with_score(with_score(WatchedMinutes.none(), 1, 8.0), 2, 8.0, Regime.INFRARED)
    assert seen.scored(reaches(2, 8)).scores.tolist() == pytest.approx([2.0, 1.0])
    assert seen.scored(reaches(8, 2)).scores.tolist() == pytest.approx([1.0, 2.0])


def test_minutes_of_an_intruder_can_be_taken_out() -> None:
    seen = WatchedMinutes.none()
    for number in range(6):
        seen = with_score(seen, number, 1.0)
    assert seen.without(2, 4).numbers.tolist() == [0, 1, 5]


def test_minutes_can_be_lowered_to_a_score_of_today_and_no_other_minute_changes() -> None:
    seen = WatchedMinutes.none()
    for number, beyond in enumerate((32.0, 32.0, 2.0, 32.0)):
        seen = with_score(seen, number, beyond)
    after = seen.lowered(1, 2, 3.0, reaches(2, 1))
    assert after.scored(reaches(2, 1)).scores.tolist() == pytest.approx([4.0, 3.0, 1.0, 4.0])
    assert with_score(after, 3, 64.0).beyond.max() == 64.0
    assert seen.lowered(0, 3, 0.0, reaches(2, 1)).scored(reaches(2, 1)).scores.max() == 0
    assert WatchedMinutes.none().lowered(0, 9, 1.0, reaches(1, 1)).numbers.size == 0


def test_minutes_of_a_learner_that_was_too_young_can_be_left_out() -> None:
    seen = WatchedMinutes.none()
    for number in range(6):
        seen = with_score(seen, number, 1.0, age_s=100.0 * number)
    assert seen.since(200.0).numbers.tolist() == [2, 3, 4, 5]
    assert seen.numbers.size == 6


def test_the_oddest_places_make_the_score_and_a_giant_is_not_a_thousand_dwarfs() -> None:
    odd = np.zeros(PLACES, np.float32)
    odd[[9, 80, 100, 2]] = (4, 2, 3, 1)
    assert oddest(odd).tolist() == [80, 100, 9]
    assert score_of(odd[oddest(odd)]) == pytest.approx(3**0.5)
    assert score_of(400 * odd[oddest(odd)]) == pytest.approx(20 * 3**0.5)
