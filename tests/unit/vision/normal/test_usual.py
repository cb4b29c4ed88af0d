"""How far places usually go: where somebody walks every day, and where nothing ever is."""

import numpy as np
import pytest

from smartcam.vision.normal.look import PLACES
from smartcam.vision.normal.usual import FEWEST_SPANS, SPAN_S, SPANS, Usual


def lived(spans: int, busy: int = 20) -> Usual:
    """A place where somebody passes each half hour, at `busy`; nothing elsewhere."""
    usual, rng = Usual(), np.random.default_rng(0)
    for number in range(spans * 90):
        distances = np.abs(rng.normal(3, 0.3, PLACES)).astype(np.float32)
        if number % 90 == 40:
            distances[busy] = 30
        usual.learn(distances, SPAN_S / 90)
    return usual


def test_the_same_distance_is_odd_where_nothing_ever_is_and_usual_where_people_walk() -> None:
    usual = lived(8)
    distances = np.full(PLACES, 3, np.float32)
    distances[[20, 100]] = 20
    excess = usual.excess(distances)
    assert excess[100] > 3 * excess[20]


def test_nothing_is_known_before_some_half_hours() -> None:
    assert not lived(FEWEST_SPANS - 1).known
    assert lived(FEWEST_SPANS).known


def test_one_strange_half_hour_of_many_moves_nothing() -> None:
    usual = lived(30)
    before = usual.reach.copy()
    usual.learn(np.full(PLACES, 500, np.float32), SPAN_S)
    assert np.abs(usual.reach - before).max() < 0.3 * before.max()


def test_peaks_stay_bounded_and_the_oldest_go_first() -> None:
    usual = Usual()
    for number in range(SPANS + 7):
        usual.learn(np.full(PLACES, number, np.float32), SPAN_S)
    assert usual.peaks.shape == (SPANS, PLACES)
    assert usual.peaks[0, 0] == 7


def test_even_the_strangest_half_hour_leaves_numbers_that_can_be_kept() -> None:
    usual = lived(8)
    usual.learn(np.full(PLACES, 1e30, np.float32), SPAN_S)
    assert np.isfinite(usual.peaks).all()
    assert np.isfinite(usual.reach).all()


def test_a_place_without_peaks_borrows_from_its_neighbours() -> None:
    usual = lived(8, busy=8 * 8)
    reach = usual.reach
    assert reach[8 * 8 + 1] > 2 * reach[8 * 8 + 6]
    assert (reach >= 0.29 * np.median(reach)).all()


@pytest.mark.parametrize(("a_day", "days", "is_near"), [(1, 7, False), (3, 7, True), (3, 2, False), (6, 2, True)])
def test_a_week_shows_what_two_days_cannot_that_somebody_comes_some_times_a_day(
    a_day: int, days: int, *, is_near: bool
) -> None:
    usual, rng = Usual(), np.random.default_rng(0)
    for half_hour in range(days * 48):
        distances = np.abs(rng.normal(3, 0.3, PLACES)).astype(np.float32)
        if half_hour % (48 // a_day) == 0:
            distances[[19, 20, 21, 35, 36, 37]] = 30
        usual.learn(distances, SPAN_S)
    there = np.full(PLACES, 3, np.float32)
    there[20] = 30
    assert (usual.excess(there)[20] < 2) == is_near
