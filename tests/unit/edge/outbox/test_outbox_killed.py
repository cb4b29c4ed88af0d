"""Kill -9 at any moment: what was said to be stored is there, and events and episodes agree."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from smartcam.contract.event import Phase
from smartcam.edge.clock import SystemClock
from smartcam.edge.outbox.outbox import Outbox, OutboxLimits
from tests.unit.edge.outbox.outbox_writer import id_of

WRITER = Path(__file__).with_name("outbox_writer.py")
ROUNDS = 6


def run_and_kill(path: Path, first: int, seconds: float) -> list[tuple[str, int]]:
    """What the writer said before it was killed, `seconds` after its first word."""
    command = [sys.executable, str(WRITER), str(path), str(first)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout is not None
        first_word = writer.stdout.readline()
        time.sleep(seconds)
        writer.kill()
        rest = writer.stdout.read()
    lines = [line.split() for line in (first_word + rest).splitlines(keepends=True) if line.endswith("\n")]
    return [(word, int(number)) for word, number in lines]


def test_nothing_that_was_stored_is_lost_by_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    chance = random.Random(4)  # noqa: S311  when to kill is no secret
    said: set[tuple[str, int]] = set()
    interrupted = set()
    for turn in range(ROUNDS):
        words = run_and_kill(path, turn * 100_000, 0.005 + 0.12 * chance.random())
        said.update(words)
        outbox = Outbox(path, SystemClock(), OutboxLimits(max_events=10**6))
        there = {(due.event.event_id, due.event.phase) for due in outbox.due(10**6)}
        opened = {episode.event_id for episode in outbox.open_episodes()}
        assert outbox.counts().set_aside == 0
        outbox.close()
        for word, number in said:
            raised, cleared = (id_of(number), Phase.RAISED), (id_of(number), Phase.CLEARED)
            if word == "cleared":
                assert cleared in there
            if word == "acknowledged":
                assert raised not in there
            if word == "raised" and number % 5:
                assert raised in there
            # The step after the last word may have been stored without being said.
            assert (id_of(number) in opened) == (cleared not in there)
        interrupted.add(id_of(max(number for _, number in words) + 1))
        assert {event for event, _ in there} <= {id_of(number) for _, number in said} | interrupted
    assert len(said) > ROUNDS
