"""How far a download is."""

import io

import pytest

from tools.model.progress import ProgressLine, amount, progress


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (4_185_023, "4.2 MB")]
)
def test_sizes_are_said_for_people(size: int, words: str) -> None:
    assert amount(size) == words


@pytest.mark.parametrize(("have", "size", "came", "seconds", "words"), [
    (0, 4_000_000, 0, 0.0, "0 bytes of 4.0 MB (0 %)"),
    (1_000_000, 4_000_000, 500_000, 0.5, "1.0 MB of 4.0 MB (25 %), 1.0 MB/s, 3 s left"),
    (1_000, 4_000_000, 1_000, 1.0, "1.0 kB of 4.0 MB (0 %), 1.0 kB/s, 67 min left"),
    (1_000, None, 1_000, 1.0, "1.0 kB of an unknown size, 1.0 kB/s"),
    (4_000_000, 4_000_000, 4_000_000, 0.0, "4.0 MB of 4.0 MB (100 %)"),
])  # fmt: skip
def test_bytes_rate_and_time_left_are_said(have: int, size: int | None, came: int, seconds: float, words: str) -> None:
    assert progress(have, size, came, seconds) == words


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_changes() -> None:
    now, terminal = [0.0], Terminal()
    line = ProgressLine(terminal, lambda: now[0])
    for step in range(11):
        now[0] = step * 0.1
        line(step * 100, 1000)
    line.end()
    line.end()
    said = terminal.getvalue()
    assert said.count("\r") == 6
    assert said.count("\n") == 1
    assert said.endswith("1.0 kB of 1.0 kB (100 %), 1.0 kB/s, 0 s left\n")


def test_a_log_has_a_line_now_and_then() -> None:
    now, log = [0.0], io.StringIO()
    line = ProgressLine(log, lambda: now[0])
    for step in range(101):
        now[0] = step * 0.1
        line(step * 10, 1000)
    line.end()
    assert len(log.getvalue().splitlines()) == 3


def test_what_was_here_before_does_not_count_as_speed() -> None:
    now, log = [0.0], io.StringIO()
    line = ProgressLine(log, lambda: now[0])
    line(900, 1000)
    now[0] = 10.0
    line(1000, 1000)
    assert "10 bytes/s" in log.getvalue()
