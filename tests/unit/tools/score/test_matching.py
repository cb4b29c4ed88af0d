from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind
from tools.score.intervals import Interval, Unit
from tools.score.labels import ClipLabels
from tools.score.matching import MatchResult, MatchVerdict, area_under_curve, match
from tools.score.objects import Keyframe, LabelledObject, Sight
from tools.score.targets import FrameTimes, SeenEvent, Tolerance, span_of

FPS = 10.0
TIMES = FrameTimes([frame / FPS for frame in range(600)], 60.0)


def labels(*intervals: tuple[str, int, int]) -> ClipLabels:
    return ClipLabels("a.mp4", FPS, tuple(sorted((Interval(*item) for item in intervals), key=lambda i: i.first)))


def event(start_s: float, kind: EventKind = EventKind.PERSON) -> SeenEvent:
    return SeenEvent(kind, start_s, start_s + 1, 0.7)


def result(outcome: MatchResult) -> tuple[int, int]:
    return outcome.found, outcome.false


def test_an_event_in_an_interval_finds_it_and_its_delay_is_measured() -> None:
    outcome = match([event(5.6)], labels(("person", 50, 99)), TIMES)
    assert result(outcome) == (1, 0)
    assert outcome.seconds_to_alert == [pytest.approx(0.6)]


def test_an_event_in_no_interval_is_false() -> None:
    assert result(match([event(1.0)], labels(("person", 50, 99)), TIMES)) == (0, 1)


def test_a_second_event_in_one_interval_is_a_duplicate() -> None:
    outcome = match([event(5.6), event(7.0)], labels(("person", 50, 99)), TIMES)
    assert (result(outcome), outcome.duplicates) == ((1, 0), 1)


def test_an_interval_without_an_event_is_missed() -> None:
    outcome = match([event(5.6)], labels(("person", 50, 99), ("person", 200, 299)), TIMES)
    assert (result(outcome), list(outcome.found_by)) == ((1, 0), [0])


def test_two_frames_too_early_still_count_and_are_no_negative_delay() -> None:
    outcome = match([event(4.8)], labels(("person", 50, 99)), TIMES)
    assert (result(outcome), outcome.seconds_to_alert) == ((1, 0), [0.0])
    assert result(match([event(4.7)], labels(("person", 50, 99)), TIMES)) == (0, 1)


def test_a_second_after_the_interval_still_counts() -> None:
    assert result(match([event(11.0)], labels(("person", 50, 99)), TIMES)) == (1, 0)
    assert result(match([event(11.1)], labels(("person", 50, 99)), TIMES)) == (0, 1)


def test_it_is_the_object_that_counts_not_the_word_for_it() -> None:
    assert result(match([event(5.6, EventKind.ANOMALY)], labels(("vehicle", 50, 99)), TIMES)) == (1, 0)


def test_where_intervals_overlap_each_event_takes_that_of_its_own_word() -> None:
    both = labels(("person", 50, 99), ("vehicle", 50, 99))
    outcome = match([event(5.5, EventKind.VEHICLE), event(5.6, EventKind.PERSON)], both, TIMES)
    assert result(outcome) == (2, 0)
    assert {number: outcome.targets[number].word for number in outcome.found_by} == {0: "person", 1: "vehicle"}
    assert [outcome.targets[each.target or 0].word for each in outcome.judged] == ["vehicle", "person"]


def test_between_two_neighbours_an_event_takes_the_one_that_it_lies_in() -> None:
    outcome = match([event(10.2)], labels(("person", 50, 99), ("person", 101, 150)), TIMES)
    assert list(outcome.found_by) == [1]


def test_the_order_in_which_events_come_does_not_matter() -> None:
    intervals = labels(("person", 50, 99), ("person", 200, 299))
    assert match([event(21.0), event(5.6)], intervals, TIMES) == match([event(5.6), event(21.0)], intervals, TIMES)


spans = st.tuples(st.sampled_from(["person", "vehicle"]), st.integers(0, 500), st.integers(0, 80)).map(
    lambda item: (item[0], item[1], item[1] + item[2])
)


@given(st.lists(st.floats(0, 60).map(event), max_size=12), st.lists(spans, max_size=8))
def test_every_event_finds_one_interval_or_is_false_and_none_is_found_twice(
    events: list[SeenEvent], intervals: list[tuple[str, int, int]]
) -> None:
    outcome = match(events, labels(*intervals), TIMES)
    assert len(outcome.found_by) == outcome.found
    assert outcome.found + outcome.duplicates + outcome.false == len(events)
    assert outcome.found + len(outcome.missed) == len(intervals)
    assert all(seconds >= 0 for seconds in outcome.seconds_to_alert)


def test_the_area_under_the_curve_is_one_for_a_perfect_and_a_half_for_a_blind_score() -> None:
    inside = [False, False, True, True]
    assert area_under_curve([0.1, 0.2, 0.8, 0.9], inside) == 1.0
    assert area_under_curve([0.9, 0.8, 0.2, 0.1], inside) == 0.0
    assert area_under_curve([0.5] * 4, inside) == 0.5
    assert area_under_curve([0.5] * 4, [True] * 4) is None
    assert area_under_curve([], []) is None


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), max_size=30))
def test_the_area_is_the_share_of_pairs_in_the_right_order(frames: list[tuple[int, bool]]) -> None:
    area = area_under_curve([float(score) for score, _ in frames], [inside for _, inside in frames])
    labelled = [score for score, inside in frames if inside]
    others = [score for score, inside in frames if not inside]
    if not labelled or not others:
        assert area is None
        return
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in labelled for b in others]
    assert area == pytest.approx(sum(pairs) / len(pairs))


def test_a_plain_interval_is_one_object_and_every_further_event_in_it_a_duplicate() -> None:
    outcome = match([event(5.6), event(6.0), event(7.0)], labels(("person", 50, 99)), TIMES)
    assert (result(outcome), outcome.duplicates) == ((1, 0), 2)
    assert [each.verdict for each in outcome.judged] == [
        MatchVerdict.FOUND,
        MatchVerdict.DUPLICATE,
        MatchVerdict.DUPLICATE,
    ]


def test_where_the_objects_are_counted_each_is_expected_and_one_more_is_a_duplicate() -> None:
    counted = ClipLabels("a.mp4", FPS, (Interval("person", 50, 99, is_counted=True),) * 2)
    assert result(match([event(5.6)], counted, TIMES)) == (1, 0)
    outcome = match([event(5.6), event(6.0), event(7.0)], counted, TIMES)
    assert (result(outcome), outcome.duplicates) == ((2, 0), 1)


def test_kinds_that_are_there_at_an_unknown_time_are_not_judged() -> None:
    loose = replace(labels(), unjudged=frozenset({"person"}))
    outcome = match([event(1.0), event(2.0, EventKind.VEHICLE)], loose, TIMES)
    assert (result(outcome), outcome.unsure) == ((0, 1), 1)


def test_a_kind_that_is_there_at_an_unknown_time_finds_nothing_by_time_alone() -> None:
    loose = replace(labels(("vehicle", 0, 99)), unjudged=frozenset({"person"}), objects=(PASSER,))
    outcome = match([event(1.0), at(6.0, 0.16, 0.5, EventKind.PERSON)], loose, TIMES)
    assert [each.verdict for each in outcome.judged] == [MatchVerdict.UNSURE, MatchVerdict.FOUND]
    assert [str(each) for each in outcome.missed] == ["vehicle in frames 0 to 99"]


def test_the_tolerance_can_be_set() -> None:
    one = labels(("person", 50, 99))
    for start_s, within_s, found in ((4.0, 1.0, 1), (4.0, 0.5, 0), (11.5, 2.0, 1), (11.0, 0.5, 0)):
        assert match([event(start_s)], one, TIMES, Tolerance(within_s, within_s)).found == found


def test_frames_of_a_variable_rate_are_where_the_clip_shows_them() -> None:
    # Ten frames a second, a pause of three seconds after the 20th, and ten again.
    times = FrameTimes([*(n / 10 for n in range(20)), *(4.9 + n / 10 for n in range(40))], 8.9)
    outcome = match([event(5.5)], labels(("person", 20, 59)), times)
    assert result(outcome) == (1, 0)
    assert outcome.seconds_to_alert == [pytest.approx(0.6)]
    span = outcome.targets[0].spans[0][0]
    assert (span.start_s, span.end_s, span.early_s) == (4.9, 8.9, 1.8)


def test_what_is_labelled_in_seconds_does_not_depend_on_frames() -> None:
    interval = Interval("person", 5.0, 9.9, unit=Unit.SECONDS)
    in_seconds = ClipLabels("a.mp4", 600.0, (interval,))
    for rate in (5, 10, 25):
        times = FrameTimes([frame / rate for frame in range(60 * rate)], 60.0)
        outcome = match([event(5.6)], in_seconds, times)
        assert result(outcome) == (1, 0)
        assert outcome.seconds_to_alert == [pytest.approx(0.6)]
        assert span_of(interval, times).early_s == pytest.approx(5.0 - 2 / rate)


@given(st.lists(st.floats(0.001, 70), min_size=1, max_size=30), st.integers(0, 29), st.integers(0, 29))
def test_an_event_at_any_frame_of_an_interval_finds_it_whatever_the_pace(
    lasting_s: list[float], one: int, other: int
) -> None:
    starts_s = [sum(lasting_s[:number]) for number in range(len(lasting_s))]
    times = FrameTimes(starts_s, starts_s[-1] + lasting_s[-1])
    first, last = sorted((one % len(starts_s), other % len(starts_s)))
    for frame in range(first, last + 1):
        outcome = match([event(starts_s[frame])], labels(("person", first, last)), times)
        assert result(outcome) == (1, 0)
        assert outcome.seconds_to_alert == [starts_s[frame] - starts_s[first]]
        assert outcome.targets[0].spans[0][0].holds(starts_s[frame])


def thing(
    name: str, *boxes: tuple[float, float, float], kind: EventKind = EventKind.VEHICLE, raises: bool = True
) -> LabelledObject:
    """An object of 0.2 by 0.2; each box is its frame and its left upper corner."""
    keys = tuple(Keyframe(at, square(x, y)) for at, x, y in boxes)
    interval = Interval(str(kind), boxes[0][0], boxes[-1][0])
    return LabelledObject(name, kind, (Sight(interval, keys),), raises)


def square(x: float, y: float, side: float = 0.2) -> tuple[float, float, float, float]:
    return x, y, x + side, y + side


def at(start_s: float, x: float, y: float, kind: EventKind = EventKind.VEHICLE, side: float = 0.2) -> SeenEvent:
    return replace(event(start_s, kind), box=square(x, y, side))


PASSER = thing("passer", (50, 0.0, 0.5), (100, 0.8, 0.5))
PARKED = thing("parked", (0, 0.4, 0.45), (599, 0.4, 0.45), raises=False)


def of(*objects: LabelledObject) -> ClipLabels:
    return replace(labels(), objects=objects)


def test_an_event_on_a_parked_car_does_not_find_a_passing_one() -> None:
    outcome = match([at(5.4, 0.4, 0.45)], of(PASSER), TIMES)
    assert (result(outcome), [str(each) for each in outcome.missed]) == (
        (0, 1),
        ["vehicle in frames 50 to 100 (passer)"],
    )


def test_an_event_about_the_passing_car_finds_it_wherever_it_is_by_then() -> None:
    for seconds, x in ((5.1, 0.0), (6.0, 0.16), (7.5, 0.4), (9.9, 0.78)):
        assert result(match([at(seconds, x, 0.5)], of(PASSER, PARKED), TIMES)) == (1, 0), seconds


def test_while_a_car_passes_before_a_parked_one_the_event_belongs_to_the_nearer_place() -> None:
    # At 7.2 s the passer is at 0.35: both are at hand.
    assert result(match([at(7.2, 0.35, 0.5)], of(PASSER, PARKED), TIMES)) == (1, 0)
    assert result(match([at(6.8, 0.4, 0.45)], of(PASSER, PARKED), TIMES)) == (0, 1)


def test_what_is_to_raise_nothing_is_neither_expected_nor_missed_and_its_events_are_false() -> None:
    outcome = match([at(1.0, 0.41, 0.45), at(30.0, 0.4, 0.44)], of(PARKED), TIMES)
    assert (result(outcome), outcome.expected, outcome.missed, outcome.duplicates) == ((0, 2), 0, [], 0)


def test_each_further_event_of_the_same_identity_is_a_duplicate_also_in_a_later_sight() -> None:
    kind = EventKind.PERSON
    stay = LabelledObject(
        "resident",
        kind,
        tuple(
            Sight(Interval(str(kind), first, last), (Keyframe(first, square(0.4, 0.4)),))
            for first, last in ((0, 99), (150, 400))
        ),
    )
    outcome = match([at(1.0, 0.4, 0.4, kind), at(5.0, 0.42, 0.4, kind), at(20.0, 0.4, 0.4, kind)], of(stay), TIMES)
    assert (result(outcome), outcome.duplicates, outcome.expected) == ((1, 0), 2, 1)
    assert result(match([at(13.0, 0.4, 0.4, kind)], of(stay), TIMES)) == (0, 1)


def test_a_head_or_whoever_carries_a_chair_is_the_person_but_what_is_tiny_or_beside_is_not() -> None:
    kind = EventKind.PERSON
    person = of(thing("p", (0, 0.4, 0.4), (100, 0.4, 0.4), kind=kind))
    for x, y, side, found in (
        (0.42, 0.4, 0.1, 1),
        (0.35, 0.35, 0.35, 1),
        (0.45, 0.45, 0.05, 0),
        (0.2, 0.2, 0.7, 0),
        (0.58, 0.4, 0.2, 0),
        (0.0, 0.0, 0.2, 0),
    ):
        assert match([at(5.0, x, y, kind, side)], person, TIMES).found == found, (x, y, side)


def test_two_people_close_together_are_found_by_one_event_each() -> None:
    kind = EventKind.PERSON
    both = of(*(thing(name, (0, x, 0.4), (100, x, 0.4), kind=kind) for name, x in (("a", 0.40), ("b", 0.41))))
    outcome = match([at(2.0, 0.405, 0.4, kind), at(2.1, 0.404, 0.4, kind), at(2.2, 0.4, 0.4, kind)], both, TIMES)
    assert (result(outcome), outcome.duplicates) == ((2, 0), 1)


def test_where_places_are_known_a_second_event_on_one_does_not_find_the_other() -> None:
    kind = EventKind.PERSON
    both = of(*(thing(name, (0, x, 0.4), (100, x, 0.4), kind=kind) for name, x in (("a", 0.1), ("b", 0.7))))
    outcome = match([at(2.0, 0.1, 0.4, kind), at(3.0, 0.12, 0.4, kind)], both, TIMES)
    assert (result(outcome), outcome.duplicates, len(outcome.missed)) == ((1, 0), 1, 1)


def test_a_plain_interval_takes_no_event_that_is_about_an_object_with_a_place() -> None:
    mixed = replace(labels(("vehicle", 0, 99)), objects=(PASSER,))
    outcome = match([at(6.0, 0.16, 0.5), at(7.0, 0.32, 0.5)], mixed, TIMES)
    assert (result(outcome), outcome.duplicates) == ((1, 0), 1)


def test_an_event_without_a_place_is_judged_by_its_time() -> None:
    assert result(match([event(7.0, EventKind.ANOMALY)], of(PASSER), TIMES)) == (1, 0)
    assert result(match([event(30.0, EventKind.ANOMALY)], of(PASSER), TIMES)) == (0, 1)


@pytest.mark.parametrize("kind", [EventKind.TAMPER, EventKind.CAMERA_LOST])
def test_an_alarm_about_the_camera_finds_nobody_who_happens_to_be_in_sight(kind: EventKind) -> None:
    assert result(match([event(6.0, kind)], labels(("person", 50, 99)), TIMES)) == (0, 1)
    assert result(match([event(6.0)], labels(("tamper", 50, 99)), TIMES)) == (0, 1)
    assert result(match([event(6.0, EventKind.TAMPER)], labels(("tamper", 50, 99)), TIMES)) == (1, 0)


def test_what_begins_where_the_labels_are_unsure_is_neither_found_nor_false() -> None:
    unsure = replace(labels(("person", 50, 99)), unsure=(Interval("unsure", 40, 59), Interval("unsure", 200, 210)))
    outcome = match([event(5.5), event(20.5), event(6.5), event(30.0)], unsure, TIMES)
    assert [each.verdict for each in outcome.judged] == [
        MatchVerdict.UNSURE,
        MatchVerdict.FOUND,
        MatchVerdict.UNSURE,
        MatchVerdict.FALSE,
    ]


places = st.tuples(st.floats(0, 0.8), st.floats(0, 0.8))


@given(st.lists(st.tuples(st.floats(0, 60), places), max_size=8), st.lists(places, max_size=4))
def test_every_event_has_one_verdict_and_no_object_is_found_twice(
    seen: list[tuple[float, tuple[float, float]]], where: list[tuple[float, float]]
) -> None:
    made = of(*(thing(f"o{n}", (0, x, y), (300, 0.8 - x, 0.8 - y)) for n, (x, y) in enumerate(where)))
    outcome = match([at(start_s, x, y) for start_s, (x, y) in seen], made, TIMES)
    assert outcome.found + outcome.duplicates + outcome.false == len(seen)
    assert outcome.found + len(outcome.missed) == len(where)
    for each in outcome.judged:
        assert (each.target is None) == (each.verdict is MatchVerdict.FALSE)
