from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.vision.line import Direction, Line
from smartcam.vision.rule import Candidate, Rule, RuleMatch, RuleState, applies, observe, observe_all
from smartcam.vision.week import weekly_hours
from smartcam.vision.zone import Zone
from tests.unit.vision.test_week import BERLIN, utc

LEFT = Zone("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
RIGHT = Zone("right", ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))
GATE = Line("gate", (0.0, 0.5), (1.0, 0.5))
NOON = utc("2026-06-15T12:00:00+02:00")


def stand(
    seconds: float = 0.0, x: float = 0.2, feet: float = 0.8, label: str = "person", utc_at: UtcNs | None = NOON
) -> Candidate:
    box = NormalBox(x - 0.05, feet - 0.2, x + 0.05, feet)
    return Candidate(MonotonicNs(round((100 + seconds) * NS_PER_S)), utc_at, label, box)


def fired(rule: Rule, *stands: Candidate) -> list[RuleMatch | None]:
    state, results = RuleState(), []
    for one in stands:
        state, result = observe(rule, state, one)
        results.append(result)
    return results


def test_a_rule_that_asks_for_nothing_is_true_of_everything() -> None:
    assert fired(Rule(), stand()) == [RuleMatch("anything", None)]


def test_a_rule_names_the_zone_in_which_the_object_stands() -> None:
    rule = Rule("door", zones=(LEFT, RIGHT))
    assert fired(rule, stand(x=0.2), stand(x=0.8)) == [RuleMatch("door", "left"), RuleMatch("door", "right")]
    assert fired(replace(rule, zones=(RIGHT,)), stand(x=0.2)) == [None]


def test_a_rule_means_its_labels_only() -> None:
    rule = Rule(labels=("person", "dog"))
    assert [bool(item) for item in fired(rule, stand(), stand(label="dog"), stand(label="car"))] == [True, True, False]


def test_what_is_too_small_or_too_large_is_not_meant() -> None:
    assert fired(Rule(min_size=0.03), stand()) == [None]
    assert fired(Rule(max_size=0.01), stand()) == [None]
    assert fired(Rule(min_size=0.01, max_size=0.03), stand()) != [None]


def test_outside_of_its_hours_a_rule_rests() -> None:
    rule = Rule(hours=weekly_hours(BERLIN, {"monday": ["11:00-13:00"]}, "k"))
    assert fired(rule, stand()) != [None]
    assert fired(rule, stand(utc_at=utc("2026-06-15T13:00:00+02:00"))) == [None]


def test_while_the_time_is_not_known_every_hour_counts() -> None:
    rule = Rule(hours=weekly_hours(BERLIN, {"monday": ["03:00-03:01"]}, "k"))
    assert fired(rule, stand(utc_at=None)) != [None]
    assert applies(rule, "person", None)


def test_who_loiters_in_a_zone_for_long_enough_is_reported_while_there() -> None:
    rule = Rule(zones=(LEFT,), loiter_s=10)
    stays = [stand(second) for second in range(12)]
    assert [bool(item) for item in fired(rule, *stays)] == [False] * 10 + [True] * 2
    assert fired(rule, *stays, stand(12, x=0.8))[-1] is None


def test_a_short_step_out_of_the_zone_or_out_of_sight_does_not_begin_the_time_anew() -> None:
    rule = Rule(zones=(LEFT,), loiter_s=10)
    steps_out = [stand(second, x=0.8 if second == 5 else 0.2) for second in range(11)]
    assert fired(rule, *steps_out)[-1] is not None
    assert fired(rule, *[stand(second) for second in (0, 1, 2, 6, 7, 10)])[-1] is not None


def test_who_was_away_for_longer_begins_anew() -> None:
    rule = Rule(zones=(LEFT,), loiter_s=10)
    assert fired(rule, *[stand(second) for second in (0, 1, 2, 8, 9, 10, 13, 17)])[-1] is None
    assert fired(rule, *[stand(second) for second in (0, 1, 2, 8, 9, 10, 13, 18)])[-1] is not None


def test_without_zones_loitering_is_being_in_sight() -> None:
    assert fired(Rule(loiter_s=4), *[stand(second, x=0.1 * second + 0.1) for second in range(5)])[-1] is not None


def test_a_crossing_counts_in_its_direction_and_for_a_moment() -> None:
    rule = Rule("in", line=GATE)
    down = [stand(0, feet=0.4), stand(0.2, feet=0.45), stand(0.4, feet=0.6)]
    assert [bool(item) for item in fired(rule, *down)] == [False, False, True]
    assert fired(rule, *down, stand(3.3, feet=0.7), stand(3.5, feet=0.7))[-2:] == [RuleMatch("in", None), None]
    assert fired(replace(rule, direction=Direction.BACKWARD), *down)[-1] is None
    assert fired(replace(rule, direction=Direction.BOTH), *down)[-1] is not None


def test_an_object_that_is_known_only_after_it_crossed_is_still_reported() -> None:
    looks = [stand(0, feet=0.4, label="motion"), stand(0.2, feet=0.6, label="motion"), stand(0.8, feet=0.7)]
    assert fired(Rule(labels=("person",), line=GATE), *looks)[-1] is not None


def test_a_line_and_a_zone_must_both_hold() -> None:
    rule = Rule(zones=(RIGHT,), line=GATE)
    assert fired(rule, stand(0, x=0.2, feet=0.4), stand(0.2, x=0.2, feet=0.6))[-1] is None
    assert fired(rule, stand(0, x=0.8, feet=0.4), stand(0.2, x=0.8, feet=0.6))[-1] == RuleMatch("anything", "right")


def test_of_several_rules_the_first_that_is_true_counts() -> None:
    rules = (Rule("cars", labels=("car",)), Rule("left", zones=(LEFT,)), Rule("all"))
    states = tuple(RuleState() for _ in rules)
    assert observe_all(rules, states, stand())[1] == RuleMatch("left", "left")
    assert observe_all(rules, states, stand(x=0.8))[1] == RuleMatch("all", None)
    assert observe_all(rules, states, stand(label="car"))[1] == RuleMatch("cars", None)
    assert observe_all((), (), stand()) == ((), None)


@given(st.lists(st.tuples(st.floats(0.01, 2), st.booleans()), min_size=1, max_size=40))
def test_nobody_loiters_for_longer_than_they_have_been_seen(steps: list[tuple[float, bool]]) -> None:
    rule, state, seconds, first = Rule(zones=(LEFT,), loiter_s=5), RuleState(), 0.0, None
    for pause, inside in steps:
        seconds += pause
        first = seconds if first is None and inside else first
        state, result = observe(rule, state, stand(seconds, x=0.2 if inside else 0.8))
        if result is not None:
            assert inside
            assert first is not None
            assert seconds - first >= 5 - 1e-6


@pytest.mark.parametrize("label", ["person", "motion"])
def test_motion_is_meant_like_a_label(label: str) -> None:
    assert applies(Rule(), label, None)
    assert applies(Rule(labels=("motion",)), label, None) == (label == "motion")
