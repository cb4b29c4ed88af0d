from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind
from tools.score.labels import ClipLabels, Interval, Unit
from tools.score.matching import FrameTimes, MatchResult, SeenEvent, Tolerance, area_under_curve, match, span_of

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


def test_a_second_event_in_one_interval_is_false() -> None:
    assert result(match([event(5.6), event(7.0)], labels(("person", 50, 99)), TIMES)) == (1, 1)


def test_an_interval_without_an_event_is_missed() -> None:
    outcome = match([event(5.6)], labels(("person", 50, 99), ("person", 200, 299)), TIMES)
    assert (result(outcome), outcome.found_by) == ((1, 0), (0, None))


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
    assert [outcome.spans[n].interval.word for n, place in enumerate(outcome.found_by) if place == 0] == ["vehicle"]


def test_between_two_neighbours_an_event_takes_the_one_that_it_lies_in() -> None:
    outcome = match([event(10.2)], labels(("person", 50, 99), ("person", 101, 150)), TIMES)
    assert outcome.found_by == (None, 0)


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
    places = [place for place in outcome.found_by if place is not None]
    assert len(places) == len(set(places)) == outcome.found
    assert outcome.found + outcome.false == len(events)
    assert len(outcome.found_by) == len(intervals)
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


def another(start_s: float) -> SeenEvent:
    """An event whose object lies apart from the others."""
    return replace(event(start_s), is_apart=True)


def test_another_object_in_an_interval_that_does_not_count_its_objects_is_beside() -> None:
    outcome = match([event(5.6), another(6.0), another(7.0)], labels(("person", 50, 99)), TIMES)
    assert (result(outcome), outcome.beside) == ((1, 0), (1, 2))
    assert [outcome.is_false(place) for place in range(3)] == [False] * 3


def test_the_same_object_again_is_false_however_many_there_may_be() -> None:
    outcome = match([event(5.6), another(6.0), event(7.0)], labels(("person", 50, 99)), TIMES)
    assert (result(outcome), outcome.beside) == ((1, 1), (1,))
    assert [outcome.is_false(place) for place in range(3)] == [False, False, True]


def test_where_the_objects_are_counted_each_is_expected_and_one_more_is_false() -> None:
    counted = ClipLabels("a.mp4", FPS, (Interval("person", 50, 99, is_counted=True),) * 2)
    assert result(match([event(5.6)], counted, TIMES)) == (1, 0)
    outcome = match([event(5.6), another(6.0), another(7.0)], counted, TIMES)
    assert (result(outcome), outcome.beside) == ((2, 1), ())


def test_outside_of_every_interval_another_object_is_false() -> None:
    assert result(match([another(1.0)], labels(("person", 50, 99)), TIMES)) == (0, 1)


def test_kinds_that_are_there_at_an_unknown_time_are_not_judged() -> None:
    loose = replace(labels(), unjudged=frozenset({"person"}))
    outcome = match([event(1.0), event(2.0, EventKind.VEHICLE)], loose, TIMES)
    assert (result(outcome), outcome.beside) == ((0, 1), (0,))


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
    span = outcome.spans[0]
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
        assert outcome.spans[0].holds(starts_s[frame])
