"""What rules would have made of the journal."""

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import CameraId
from smartcam.vision.journal import JournalRow, replay
from smartcam.vision.line import Direction, Line
from smartcam.vision.rule import MOTION, Rule
from smartcam.vision.week import weekly_hours
from smartcam.vision.zone import Zone

YARD, GATE = CameraId("yard"), CameraId("gate")
NOON = 1_772_366_400
"""A Sunday, 12:00 UTC."""
LEFT = Zone("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
MIDDLE = Line("middle", (0.5, 0.0), (0.5, 1.0))
ANYTHING = (Rule(),)


def seen(number: int, second: int = 0, x: float = 0.1, label: str = "person", camera: CameraId = YARD) -> JournalRow:
    kind = EventKind.MOTION if label == MOTION else EventKind.PERSON
    return JournalRow(camera, NOON + second, number, kind, label, NormalBox(x, 0.2, x + 0.1, 0.6), 0.8)


def walk(number: int, start: int, ends: tuple[float, float], seconds: int = 5) -> list[JournalRow]:
    step = (ends[1] - ends[0]) / (seconds - 1)
    return [seen(number, start + at, ends[0] + step * at) for at in range(seconds)]


def told(rows: list[JournalRow], *rules: Rule) -> list[tuple[int, str, str | None, int]]:
    """Number, rule, zone and second of what would have been raised."""
    events = replay(rows, rules)
    return [(each.row.number, each.match.rule, each.match.zone, each.row.second - NOON) for each in events]


def test_an_object_is_one_event_however_long_it_stays_and_whoever_comes_between() -> None:
    rows = [row for second in range(100) for row in (seen(1, second), seen(2, second))]
    assert told(rows, Rule()) == [(1, "anything", None, 0), (2, "anything", None, 0)]


def test_the_same_number_in_two_cameras_is_two_objects() -> None:
    rows = [seen(1), seen(1, 1), seen(1, camera=GATE)]
    assert [each.row.camera for each in replay(rows, ANYTHING)] == [YARD, GATE]


def test_without_rules_nobody_would_have_been_told() -> None:
    assert told([seen(1)]) == []


def test_a_zone_means_who_stood_in_it_and_from_then_on() -> None:
    assert told(walk(1, 0, (0.8, 0.2)), Rule(zones=(LEFT,))) == [(1, "anything", "left", 3)]
    assert told(walk(1, 0, (0.8, 0.6)), Rule(zones=(LEFT,))) == []


@pytest.mark.parametrize(("direction", "count"), [(Direction.BACKWARD, 1), (Direction.FORWARD, 1), (Direction.BOTH, 2)])
def test_a_line_means_who_crossed_it_that_way(direction: Direction, count: int) -> None:
    rows = walk(1, 0, (0.2, 0.8), seconds=2) + walk(2, 10, (0.8, 0.2)) + walk(3, 20, (0.1, 0.3))
    assert len(told(rows, Rule(line=MIDDLE, direction=direction))) == count


def test_loitering_counts_the_seconds_and_survives_a_short_absence() -> None:
    rows = [seen(1, second) for second in range(20) if second not in (5, 6, 7)]
    assert told(rows, Rule(loiter_s=10)) == [(1, "anything", None, 10)]
    gone_for_long = [seen(1, second) for second in range(20) if not 5 <= second < 12]
    assert told(gone_for_long, Rule(loiter_s=10)) == []


def test_labels_sizes_and_the_first_rule_count_as_they_do_live() -> None:
    rows = [seen(1), seen(2, label=MOTION), seen(3, x=0.6)]
    assert told(rows, Rule("cars", ("car",)), Rule("large", min_size=0.5)) == []
    assert [each[:2] for each in told(rows, Rule("moves", (MOTION,)), Rule("left", zones=(LEFT,)))] == [
        (1, "left"),
        (2, "moves"),
    ]


def test_hours_count_where_the_time_was_known_and_each_hour_where_it_was_not() -> None:
    night = Rule(hours=weekly_hours(UTC, {"daily": ["22:00-06:00"]}, "schedule"))
    assert told([seen(1), seen(2, 11 * 3600)], night) == [(2, "anything", None, 11 * 3600)]
    assert len(told([replace(seen(1), is_dated=False)], night)) == 1


def test_what_was_never_sure_raises_nothing_and_what_is_sure_later_then() -> None:
    unsure = [replace(seen(1, second), is_sure=False) for second in range(3)]
    assert told(unsure, Rule()) == []
    assert told([*unsure, seen(1, 3)], Rule()) == [(1, "anything", None, 3)]


def test_what_has_always_stood_there_is_meant_by_loitering_only() -> None:
    parked = [replace(seen(1, second), is_settled=True) for second in range(30)]
    assert told(parked, Rule()) == []
    assert told(parked, Rule(loiter_s=20)) == [(1, "anything", None, 20)]


def test_what_has_stood_for_much_longer_than_a_rule_asks_for_is_not_meant_when_it_is_known_at_last() -> None:
    parked = [replace(seen(1, second), is_settled=True, is_sure=second > 200) for second in range(300)]
    assert told(parked, Rule(loiter_s=20)) == []
    assert told(parked, Rule(loiter_s=180)) == [(1, "anything", None, 201)]
    stirs = [*parked, seen(1, 300), *(replace(seen(1, second), is_settled=True) for second in range(301, 330))]
    assert told(stirs, Rule(loiter_s=20)) == [(1, "anything", None, 300)]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 600), st.floats(0, 0.9)), max_size=40))
def test_more_rules_never_tell_of_fewer_objects_and_nobody_is_told_of_twice(
    places: list[tuple[int, int, float]],
) -> None:
    rows = [seen(number, second, x) for number, second, x in places]
    few, many = (Rule("left", zones=(LEFT,)),), (Rule("left", zones=(LEFT,)), Rule("crossed", line=MIDDLE))
    objects = [each.row.number for each in replay(rows, many)]
    assert len(objects) == len(set(objects))
    assert {each.row.number for each in replay(rows, few)} <= set(objects)
