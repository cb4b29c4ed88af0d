"""What scores are worth on held-out time."""

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartcam.model.manifest import Thresholds
from training.classifier.judging import alarms, begin_of, choose, judge, thresholds_at
from training.footage.gathering import Looks


def held(shows: list[bool], film: list[int] | None = None, step_s: float = 0.2) -> Looks:
    count = len(shows)
    return Looks(
        np.array(shows),
        np.arange(count) * step_s,
        np.array(film or [0] * count, np.int64),
        np.zeros(count, np.bool_),
    )


def scores(*parts: tuple[int, float]) -> NDArray[np.float32]:
    return np.concatenate([np.full(count, value, np.float32) for count, value in parts])


VISIT = held([False] * 50 + [True] * 50 + [False] * 50)


def test_an_alarm_in_a_visit_finds_it_and_another_one_is_false() -> None:
    found = alarms(scores((20, 0), (10, 0.9), (30, 0), (30, 0.9), (60, 0)), VISIT, thresholds_at(0.5))
    assert (found.visits, found.found, found.false) == (1, 1, 1)
    assert list(found.seconds_to_alert) == [pytest.approx(2.4, abs=0.3)]
    assert found.normal_s == pytest.approx(19.6)


def test_fewer_looks_than_an_alarm_takes_raise_nothing() -> None:
    assert alarms(scores((20, 0), (2, 0.9), (128, 0)), VISIT, thresholds_at(0.5)).false == 0


def test_films_do_not_lend_each_other_their_looks() -> None:
    two = held([False] * 4, [0, 0, 1, 1])
    assert alarms(scores((4, 0.9)), two, thresholds_at(0.5)).false == 0


def test_the_threshold_is_as_far_from_a_miss_as_from_a_false_alarm() -> None:
    thresholds, keeps = choose(scores((50, 0.2), (50, 0.8), (50, 0.3)), VISIT, budget_per_day=1)
    assert keeps
    assert 0.4 < thresholds.raise_at < 0.75
    assert thresholds.clear_at < thresholds.raise_at


def test_a_generous_budget_buys_a_visit_that_a_strict_one_misses() -> None:
    answers = scores((20, 0), (10, 0.6), (20, 0), (50, 0.5), (50, 0))
    strict, _ = choose(answers, VISIT, budget_per_day=1)
    generous, _ = choose(answers, VISIT, budget_per_day=86_400 / 19 * 2)
    assert alarms(answers, VISIT, strict).found == 0
    assert alarms(answers, VISIT, generous).found == 1
    assert alarms(answers, VISIT, generous).false == 1


def test_a_budget_that_no_threshold_keeps_gives_the_strictest_and_says_so() -> None:
    thresholds, keeps = choose(scores((150, 1.0)), held([False] * 150), budget_per_day=1)
    assert not keeps
    assert thresholds.raise_at == 0.98


def test_footage_of_one_kind_has_no_area_and_counts_all_the_same() -> None:
    verdict = judge(scores((150, 0.1)), held([False] * 150), thresholds_at(0.5), ["yard.mp4"])
    assert verdict.auc is None
    assert [(each.name, each.right_without) for each in verdict.confusions] == [("day", 150), ("yard.mp4", 150)]
    ((mean, share, count),) = verdict.calibration
    assert (round(mean, 3), share, count) == (0.1, 0.0, 150)


def test_half_a_minute_without_a_false_alarm_proves_next_to_nothing() -> None:
    quiet = alarms(scores((150, 0)), held([False] * 150), thresholds_at(0.5))
    assert quiet.most_false_per_day == pytest.approx(2.303 / 29.8 * 86_400, rel=0.01)


def test_a_time_of_which_nobody_can_say_is_no_normal_time() -> None:
    looks = held([False] * 100)
    later = looks.at_s + np.where(np.arange(100) < 50, 0, 3600)
    gap = Looks(looks.shows, later, looks.film, looks.night)
    assert alarms(scores((100, 0)), gap, thresholds_at(0.5)).normal_s == pytest.approx(19.6)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80), st.floats(0.1, 1e6))
def test_thresholds_that_keep_the_budget_keep_it(pairs: list[tuple[float, bool]], budget: float) -> None:
    answers = np.array([score for score, _ in pairs], np.float32)
    footage = held([shows for _, shows in pairs])
    thresholds, keeps = choose(answers, footage, budget)
    got = alarms(answers, footage, thresholds)
    assert not keeps or got.false <= budget * got.normal_s / 86_400


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("gate-2026-11-30T14-05-59.mp4", (2026, 11, 30, 14, 5, 59)),
        ("20261130_140559_cam1", (2026, 11, 30, 14, 5, 59)),
        ("person/2026-11-30 14:05.mkv", (2026, 11, 30, 14, 5, 0)),
        ("gate-2026-13-30T14-05-59.mp4", None),
        ("gate-2026-11-30T24-05-59.mp4", None),
        ("0000-00-00T00-00", None),
        ("120261130140559", None),
        ("05-22.mp4", None),
        ("", None),
    ],
)
def test_a_films_name_says_when_it_begins_or_nothing(name: str, begin: tuple[int, ...] | None) -> None:
    assert begin_of(name) == (None if begin is None else datetime(*begin))  # type: ignore[arg-type]  # noqa: DTZ001


@given(st.text(max_size=60))
def test_any_name_is_taken(name: str) -> None:
    assert begin_of(name) is None or isinstance(begin_of(name), datetime)


def test_pictures_are_counted_by_the_hour_in_which_they_were_taken() -> None:
    names = ["gate-2026-11-30T23-59-59.mp4", "no clock.mp4"]
    looks = Looks.of([(True, 0.0, 0, False), (False, 1.0, 0, False), (True, 2.0, 0, False), (True, 0.0, 1, False)])
    found = judge(np.array([0.9, 0.9, 0.1, 0.9], np.float32), looks, Thresholds(0.5, 0.3), names)
    hours = {each.name: each for each in found.confusions if ":" in each.name}
    assert set(hours) == {"23:00 to 23:59", "00:00 to 00:59"}
    assert (hours["23:00 to 23:59"].right_with, hours["00:00 to 00:59"].wrong_without) == (1, 1)
    assert hours["00:00 to 00:59"].wrong_with == 1
