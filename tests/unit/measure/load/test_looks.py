"""From looks and events to the figures of many cameras."""

import pytest

from measure.load.looks import CameraLook, Published, figures_of
from measure.load.tables import cameras_table
from smartcam.contract.times import NS_PER_MS, NS_PER_S

BEGIN = 1_000 * NS_PER_S
VISITS = [(2.0, 5.0)]


def looks(camera: str, every_ms: int, seconds: int, *, skips: range = range(0)) -> list[CameraLook]:
    """Of a camera whose clip begins at `BEGIN`, each done 10 ms after its capture; none in the skipped milliseconds."""
    times = [at for at in range(0, seconds * 1000, every_ms) if at not in skips]
    return [CameraLook(camera, BEGIN + at * NS_PER_MS, BEGIN + (at + 10) * NS_PER_MS, at * NS_PER_MS) for at in times]


def test_a_line_gives_the_look_that_was_written() -> None:
    assert CameraLook.of_line("load00 5 7 3\n") == CameraLook("load00", 5, 7, 3)


def test_cameras_that_take_turns_are_even_and_miss_no_second() -> None:
    both = [*looks("a", 200, 10), *looks("b", 200, 10)]
    figures = figures_of(both, [], VISITS, BEGIN, BEGIN + 10 * NS_PER_S)
    assert (figures.looks, figures.spread, figures.seconds_missed) == ({"a": 50, "b": 50}, 0, 0)
    assert figures.longest_pause_s == pytest.approx(0.2)


def test_a_camera_that_nobody_looks_at_for_two_seconds_is_behind_and_has_missed_them() -> None:
    both = [*looks("a", 200, 10), *looks("b", 200, 10, skips=range(3_000, 5_000))]
    figures = figures_of(both, [], VISITS, BEGIN, BEGIN + 10 * NS_PER_S)
    assert figures.spread == pytest.approx(0.2)
    assert figures.seconds_missed == 2
    assert figures.longest_pause_s == pytest.approx(2.2)
    assert not figures.is_good


def test_whoever_is_there_when_it_begins_or_ends_is_no_visit_that_could_have_been_told_of() -> None:
    seen = looks("a", 200, 10)
    for begin, end, count in ((0, 10, 1), (3, 10, 0), (0, 4, 0)):
        figures = figures_of(seen, [], VISITS, BEGIN + begin * NS_PER_S, BEGIN + end * NS_PER_S)
        assert figures.visits == count


def test_a_second_whose_picture_was_analysed_late_was_looked_at() -> None:
    late = [
        look._replace(done=look.captured + NS_PER_S * 9 // 10 * (at % 2))
        for at, look in enumerate(looks("a", 1000, 10))
    ]
    assert figures_of(late, [], VISITS, BEGIN, BEGIN + 10 * NS_PER_S).seconds_missed == 0


def test_an_event_is_timed_from_its_frame_and_from_the_entry_and_a_visit_is_told_of_once() -> None:
    frame = BEGIN + 2_600 * NS_PER_MS
    events = [
        Published("a", frame, frame + 50 * NS_PER_MS),
        Published("a", frame + NS_PER_S, frame + NS_PER_S + 150 * NS_PER_MS),
    ]
    both = [*looks("a", 200, 10), *looks("b", 200, 10)]
    figures = figures_of(both, events, VISITS, BEGIN, BEGIN + 10 * NS_PER_S)
    assert (figures.events, figures.visits, figures.visits_told) == (2, 2, 1)
    assert figures.p50_ms == pytest.approx(50)
    assert figures.p99_ms == pytest.approx(150)
    assert figures.entry_s == pytest.approx(0.65)
    assert figures.is_good
    assert "| visits told of | 1 of 2 |" in cameras_table(figures)


def test_a_run_without_an_event_is_no_good_run() -> None:
    figures = figures_of(looks("a", 200, 10), [], VISITS, BEGIN, BEGIN + 10 * NS_PER_S)
    assert figures.events == 0
    assert not figures.is_good
