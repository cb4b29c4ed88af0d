from contextlib import suppress

from tools.stopwatch import Stopwatch


class Clock:
    """Milliseconds that a test spends."""

    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms * 1_000_000


def test_what_a_stage_within_another_one_takes_counts_for_itself_only() -> None:
    clock = Clock()
    watch = Stopwatch(clock=clock)
    for spent_ms in (2, 4):
        with watch.stage("outer"):
            clock.now_ms += spent_ms
            with watch.stage("inner"):
                clock.now_ms += 10
    assert (watch.total_ms("outer"), watch.per_call_ms("outer"), watch.calls("outer")) == (6, 3, 2)
    assert watch.per_call_ms("inner") == 10
    assert watch.per_frame(2) == {"outer": 3, "inner": 10, "whole": 13}


def test_stages_that_were_not_chosen_are_not_timed() -> None:
    clock = Clock()
    watch = Stopwatch("outer", clock=clock)
    with watch.stage("outer"), watch.stage("inner"):
        clock.now_ms += 5
    assert (watch.total_ms("outer"), watch.calls("inner"), watch.per_call_ms("inner")) == (5, 0, 0)


def test_a_stage_that_fails_has_taken_time_all_the_same() -> None:
    clock = Clock()
    watch = Stopwatch(clock=clock)
    with suppress(ValueError), watch.stage("outer"):
        clock.now_ms += 5
        raise ValueError
    assert (watch.total_ms("outer"), watch.calls("outer")) == (5, 1)
