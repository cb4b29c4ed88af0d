"""When a component leaves so that it gets a fresh token: lastingly refused, and never more often than lite allows."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.edge.fresh_token import PATIENCE_S, FreshToken, leaves_in
from smartcam.edge.lifecycle import EXIT_TOKEN_REFUSED, Leave
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.starts import FILE, WINDOW_S, Starts, rests_for
from standins.nucleus.profile import CLASSIC, LITE
from standins.nucleus.restarts import ErrorLimit, StartLimit
from tests.fakes.clock import FakeClock


@dataclass
class Holder:
    refused: float = 0.0

    def refused_s(self) -> float:
        return self.refused


@dataclass
class Component:
    """A component's processes, one after the other, on a clock."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    holder: Holder = field(default_factory=Holder)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.holder.refused = 0.0
        self.watch = FreshToken(self.holder, self.clock, Starts(MemoryFile(self.folder / FILE), self.clock).note())

    def refuse(self, seconds: int) -> int | None:
        """The second at which it left, None if it stayed."""
        for second in range(1, seconds + 1):
            self.clock.advance(1)
            self.holder.refused += 1
            try:
                self.watch.step()
            except Leave as leave:
                return second if leave.code == EXIT_TOKEN_REFUSED else None
        return None


def test_a_component_whose_token_is_refused_for_a_minute_leaves(tmp_path: Path) -> None:
    assert Component(tmp_path).refuse(600) == PATIENCE_S


def test_a_component_that_is_not_refused_stays(tmp_path: Path) -> None:
    component = Component(tmp_path)
    for _ in range(600):
        component.clock.advance(1)
        component.watch.step()


def test_a_refusal_that_passes_costs_no_start(tmp_path: Path) -> None:
    component = Component(tmp_path)
    assert component.refuse(PATIENCE_S - 1) is None
    component.holder.refused = 0.0
    component.watch.step()
    assert component.refuse(PATIENCE_S - 1) is None


def test_after_two_starts_within_an_hour_it_rests_for_an_hour(tmp_path: Path) -> None:
    component = Component(tmp_path)
    assert component.refuse(600) == PATIENCE_S
    component.start()
    # The third start of the hour is kept for a crash.
    assert component.refuse(2 * WINDOW_S) == WINDOW_S


def test_one_that_has_run_for_long_may_leave_twice_within_an_hour(tmp_path: Path) -> None:
    component = Component(tmp_path)
    component.clock.advance(10 * WINDOW_S)
    for _ in range(2):
        assert component.refuse(600) == PATIENCE_S
        component.start()
    assert component.refuse(600) is None


def test_starts_of_another_boot_and_damaged_notes_count_for_nothing(tmp_path: Path) -> None:
    component = Component(tmp_path)
    for _ in range(3):
        component.start()
    component.clock.reboot()
    component.start()
    assert component.refuse(600) == PATIENCE_S
    for damage in (
        b"",
        b"[",
        b"[1]",
        b'{"boot": 1}',
        b'{"boot": "%s", "starts": "x"}' % component.clock.boot_id().encode(),
    ):
        MemoryFile(tmp_path / FILE).store(damage)
        component.start()
        assert component.refuse(600) == PATIENCE_S, damage


def test_where_the_disk_takes_nothing_each_process_rests_before_it_leaves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    component = Component(tmp_path / "nowhere")
    assert "start_not_kept" in caplog.text
    for _ in range(3):
        assert component.refuse(2 * WINDOW_S) == WINDOW_S
        component.start()


def test_the_log_has_a_line_a_minute_while_it_rests(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    component = Component(tmp_path)
    component.start()
    caplog.set_level(logging.INFO)
    assert component.refuse(600) is None
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 10
    assert lines[0] == "token_refused for_s=60 leaves_in_s=3540"
    assert all(record.levelno == logging.WARNING for record in caplog.records)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 2 * WINDOW_S)), max_size=12))
def test_neither_nucleus_ever_gives_up_one_that_only_leaves_for_tokens_and_stuck_loops(
    reasons: list[tuple[bool, bool, int]],
) -> None:
    """Whenever tokens die and loops hang: lite counts an hour's starts, classic errors without an hour between them."""
    lite, classic = StartLimit(LITE.lifecycle), ErrorLimit(CLASSIC.lifecycle)
    now, starts = 0, [0]
    lite.started(0)
    for is_token, is_long, gap in reasons:
        now += gap * (3 if is_long else 1)
        wait_s = leaves_in(0.0, starts, now) if is_token else rests_for(starts, now)
        assert wait_s >= PATIENCE_S * is_token
        now += int(wait_s)
        assert not (leaves_in(wait_s, starts, now) if is_token else rests_for(starts, now))
        assert lite.failed(now)
        classic_goes_on = classic.failed(now)
        starts.append(now)
        lite.started(now)
        assert classic_goes_on
