"""A reader of what is printed that goes away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smartcam.edge.standard_output import NOBODY_READS, printed

PRINTS = "for n in range(20_000): print('a line of what is printed')\n    return 3"
LITTLE = "sys.stdin.read(); print('a line'); return 3"
QUIET = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
ENDS_ELSEWHERE = "raise BrokenPipeError(32, 'Broken pipe', 'another one')"


def program(body: str) -> str:
    return (
        f"import sys\nfrom smartcam.edge.standard_output import printed\ndef run():\n    {body}\nsys.exit(printed(run))"
    )


def ended(body: str, *, read: int, buffered: bool = True) -> tuple[int, str]:
    """Exit code and standard error of a program of which so much is read, or all (-1)."""
    command = [sys.executable, *([] if buffered else ["-u"]), "-c", program(body)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=QUIET) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(read)
        child.stdout.close()
        child.stdin.close()
        said = child.stderr.read()
    return child.returncode, said


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("body", [PRINTS, LITTLE])
def test_a_reader_that_has_seen_enough_ends_what_prints_without_a_word(body: str, buffered: bool) -> None:  # noqa: FBT001
    assert ended(body, read=0, buffered=buffered) == (NOBODY_READS, "")


def test_what_is_read_to_its_end_keeps_its_exit_code() -> None:
    assert ended(PRINTS, read=-1) == (3, "")


@pytest.mark.parametrize("body", [PRINTS, LITTLE])
def test_what_finds_no_room_is_said_in_one_line(body: str) -> None:
    command = [sys.executable, "-c", program(body)]
    with Path("/dev/full").open("wb") as full:
        child = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, env=QUIET, check=False
        )
    said = "what is printed cannot be written: No space left on device\n"
    assert (child.returncode, child.stderr) == (1, said)


def test_whoever_has_closed_standard_output_wants_to_read_nothing() -> None:
    command = ["/bin/sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, program(PRINTS)]
    child = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    assert (child.returncode, child.stderr) == (3, "")


def test_a_pipe_that_is_not_standard_output_is_not_passed_over() -> None:
    with pytest.raises(BrokenPipeError):
        printed(lambda: (_ for _ in ()).throw(BrokenPipeError(32, "Broken pipe")))
    code, said = ended(ENDS_ELSEWHERE, read=-1)
    assert code == 1
    assert "another one" in said
