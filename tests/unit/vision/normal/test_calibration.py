"""Thresholds from normal minutes: what a budget allows, what may be promised, and when."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.vision.normal.calibration import (
    Minutes,
    budget_curve,
    drifts,
    hours_for,
    joined,
    most_by_chance,
    poisson_bound,
    promise,
)


def watched(scores: list[float], first: int = 0) -> Minutes:
    return Minutes(np.arange(first, first + len(scores), dtype=np.int64), np.array(scores, np.float32))


minutes = st.lists(st.floats(0, 8, width=16), min_size=1, max_size=400).map(watched)


@pytest.mark.parametrize(("count", "bound"), [(0, 2.3026), (1, 3.8897), (5, 9.2747), (20, 27.0451)])
def test_the_bound_is_the_one_of_the_tables(count: int, bound: float) -> None:
    assert poisson_bound(count) == pytest.approx(bound, abs=1e-3)


@pytest.mark.parametrize(("mean", "most"), [(30.0, 39), (300.0, 329), (10.0, 15), (0.0, 0)])
def test_what_chance_allows_is_the_one_of_the_tables(mean: float, most: int) -> None:
    assert most_by_chance(mean) == most


def test_hours_without_an_episode_prove_no_more_than_they_can() -> None:
    assert hours_for(1.0) == pytest.approx(55.3, abs=0.1)
    assert hours_for(10.0) == pytest.approx(5.5, abs=0.1)


def test_high_minutes_in_a_row_are_one_episode_and_apart_they_are_two() -> None:
    assert watched([0, 5, 5, 0, 5, 0, 0, 0, 5, 0]).episodes(4.0) == 2
    assert watched([0, 1]).episodes(4.0) == 0


def test_a_gap_in_what_was_watched_parts_episodes() -> None:
    assert joined([watched([0, 5], 0), watched([5, 0], 60)]).episodes(4.0) == 2


def test_nothing_is_promised_before_the_footage_can_prove_it_and_the_threshold_is_above_all_that_was_seen() -> None:
    early = promise(watched([1.0] * 59 + [3.0]), 1.0)
    assert not early.kept
    assert early.threshold > 3.0
    assert early.bound == pytest.approx(55.3, abs=0.1)
    assert early.hours_needed == pytest.approx(54.3, abs=0.1)
    assert promise(Minutes.none(), 1.0).threshold == math.inf


@pytest.mark.parametrize("budget", [0.0, -1.0, math.nan])
def test_a_budget_of_nothing_is_refused(budget: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        promise(watched([1.0]), budget)


@settings(deadline=None, max_examples=60)
@given(minutes, st.sampled_from([1.0, 10.0, 100.0]))
def test_what_is_promised_is_proven_and_no_lower_threshold_would_be(seen: Minutes, budget: float) -> None:
    made = promise(seen, budget)
    if not made.kept:
        assert hours_for(budget) > seen.hours
        assert (seen.scores <= made.threshold).all()
        return
    assert made.bound <= budget
    assert made.bound == pytest.approx(poisson_bound(seen.episodes(made.threshold)) * 24 / seen.hours)
    lower = seen.scores[seen.scores < made.threshold]
    if lower.size:
        assert poisson_bound(seen.episodes(float(lower.max()))) * 24 / seen.hours > budget


@settings(deadline=None, max_examples=60)
@given(minutes)
def test_a_larger_budget_never_has_a_higher_threshold(seen: Minutes) -> None:
    thresholds = [promise(seen, budget).threshold for budget in (1.0, 10.0, 100.0, 1000.0)]
    assert thresholds == sorted(thresholds, reverse=True)


def test_it_drifts_when_more_is_raised_than_budget_and_chance_allow() -> None:
    assert not drifts(39, 30 * 24, 1.0)
    assert drifts(40, 30 * 24, 1.0)


def test_poisson_episodes_are_promised_honestly_in_nine_of_ten_worlds() -> None:
    rng = np.random.default_rng(0)
    broken = 0
    for _ in range(100):
        scores = rng.exponential(1.0, 5 * 24 * 60).astype(np.float32)
        threshold = promise(watched(scores.tolist()), 1.0).threshold
        broken += 24 * 60 * math.exp(-threshold) > 1.0
    assert broken <= 17


@given(st.integers(0, 60), st.floats(0, 30))
def test_drift_begins_beyond_what_chance_allows(raised: int, mean: float) -> None:
    assert drifts(raised, 24.0, mean) == (raised > most_by_chance(mean))


def test_two_weeks_at_the_largest_budget_are_calibrated_in_no_time() -> None:
    rng = np.random.default_rng(0)
    two_weeks = Minutes(np.arange(14 * 1440), rng.exponential(1, 14 * 1440).astype(np.float32))
    begun = time.process_time()
    found = promise(two_weeks, 100.0)
    assert time.process_time() - begun < 3
    assert found.kept
    assert 1200 < two_weeks.episodes(found.threshold) < 1400


@given(st.integers(0, 60))
def test_the_bound_is_the_mean_that_gives_so_few_once_in_ten(count: int) -> None:
    mean = poisson_bound(count)
    chance = sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(count + 1))
    assert chance == pytest.approx(0.1, abs=1e-6)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=80))
def test_higher_thresholds_never_cost_more_and_the_band_holds_what_was_seen(scores: list[int]) -> None:
    apart = Minutes(np.arange(0, 5 * len(scores), 5), np.array(scores, np.float32))
    curve = budget_curve(apart, 40)
    assert [point.threshold for point in curve] == sorted(set(map(float, scores)))
    assert [point.a_day for point in curve] == sorted((point.a_day for point in curve), reverse=True)
    assert all(point.least <= point.a_day <= point.most for point in curve)


def test_the_band_is_that_of_the_poisson_bounds() -> None:
    a_day = Minutes(np.arange(0, 1440), np.array([5.0] + [1.0] * 1439, np.float32))
    low, high = budget_curve(a_day, 2)
    assert (low.a_day, high.a_day) == (1.0, 0.0)
    assert [low.least, low.most] == pytest.approx([0.105, 3.890], abs=0.001)
    assert [high.least, high.most] == pytest.approx([0.0, 2.303], abs=0.001)
    assert budget_curve(Minutes.none(), 2) == []


@given(minutes, st.floats(0.5, 100))
def test_the_whole_curve_is_cut_by_a_budget_where_the_promise_is(seen: Minutes, budget: float) -> None:
    curve, promised = budget_curve(seen, seen.scores.size), promise(seen, budget)
    above = [point.most <= budget for point in curve]
    kept = curve[len(above) - above[::-1].index(False) if False in above else 0 :]
    assert bool(kept) == promised.kept
    if kept:
        assert (kept[0].threshold, kept[0].most) == (promised.threshold, promised.bound)


def test_a_curve_has_few_points_most_of_them_where_few_alerts_are_and_none_beyond_what_is_asked_for() -> None:
    scores = np.random.default_rng(1).gamma(2, 0.3, 14 * 1440).astype(np.float32)
    seen = Minutes(np.arange(scores.size), scores)
    curve = budget_curve(seen, 20, 200.0)
    assert 12 < len(curve) <= 20
    assert max(point.a_day for point in curve) <= 200
    assert sum(point.most < 10 for point in curve) > len(curve) / 2
    assert (curve[-1].threshold, curve[-1].a_day) == (float(scores.max()), 0.0)
