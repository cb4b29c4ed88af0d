"""Sees a loop that is stuck, says which one and where, and leaves so that the nucleus replaces the process.

A loop shows that it goes on by looking at its stop token (`StopToken`), which all of them do again and again. What is
counted is the time in which the watchdog itself runs: while a process is stopped as a whole, nobody is stuck.
"""

import faulthandler
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from smartcam.contract.errors import BusError
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.fresh_token import FreshToken, TokenHolder
from smartcam.edge.lifecycle import EXIT_STUCK, Leave, Service, StopToken
from smartcam.edge.logs import log
from smartcam.edge.loops import Pulse, RunningLoops
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.replaced import note_replacement
from smartcam.edge.starts import FILE as STARTS
from smartcam.edge.starts import Starts, rests_for

logger = logging.getLogger(__name__)

LOOK_S: Final = 2.0
FROZEN_S: Final = 600.0
"""So long may no thread of Python run at all, as when native code hangs and holds the interpreter's lock."""
_MOST_BETWEEN_LOOKS_S: Final = 2 * LOOK_S
_SAY_AGAIN_S: Final = 60.0
_LAST_WORDS_S: Final = 10.0
"""The disk or the bus may be what the loop is stuck in."""
USUAL_LONGEST_S: Final = 300.0

LONGEST_S: Final[Mapping[str, float]] = {
    # A camera gives a picture, or says that it has none, every second; it is opened within 30. A notice waits for the
    # nucleus 5 s at most, what was learnt for the disk.
    "camera": 120.0,
    # A stream answers within 10 s, and gives up being opened within 30; a driver that hangs is given time to recover.
    "live": 300.0,
    # A quarter of a second's packets, then the disk: a worn memory card may take a minute for one write.
    "films": 300.0,
    "footage": 300.0,
    # Deletes what is too old; while it waits for a camera that it ends, that one is watched.
    "cameras": 300.0,
    # One clip is decoded and encoded at the lowest priority between two looks.
    "highlights": 3600.0,
    # The longest step by far opens a model and tries it: half a minute on a Raspberry Pi, more where it swaps.
    "inference": 300.0,
    # One event waits 5 s for the nucleus, then for the disk.
    "sender": 300.0,
    # Counts the outbox, and waits for the nucleus twice.
    "health": 120.0,
    # One piece of a file: credentials 10 s, connecting and sending 20 s each, names that are not resolved.
    "uploader": 300.0,
    "clip_uploader": 300.0,
    # Requests are answered in threads of their own; the loop itself looks ten times a second.
    "console": 120.0,
    # Only counts.
    "hearing": 60.0,
    # Connects, and publishes what is news with its pictures; each has a limit of its own.
    "homeassistant": 300.0,
    # Only looks.
    "token": 60.0,
    # Renders what is there already.
    "metrics": 60.0,
    # Opens all subscriptions, 5 s for each where the nucleus does not answer; or hands one message over.
    "bus": 600.0,
}
"""For how long each kind of loop may not look whether it is to stop, in seconds."""


def longest_s(loop: str, table: Mapping[str, float] = LONGEST_S) -> float:
    """Of a loop with this name: what follows a hyphen is the camera's."""
    return table.get(loop.partition("-")[0], USUAL_LONGEST_S)


@dataclass(frozen=True, slots=True)
class LoopSign:
    """What a loop showed at one moment. `number` is of no other loop of the process."""

    number: int
    name: str
    beats: int
    is_resting: bool


@dataclass(frozen=True, slots=True)
class Stillness:
    """For how long a loop has not moved."""

    look: LoopSign
    still_s: float = 0.0


def judge(before: Sequence[Stillness], looks: Sequence[LoopSign], elapsed_s: float) -> tuple[Stillness, ...]:
    """What is known after another look at the loops that run now, so many seconds after the one before."""
    known = {one.look.number: one for one in before}
    passed_s = min(elapsed_s, _MOST_BETWEEN_LOOKS_S)

    def after(look: LoopSign) -> Stillness:
        last = known.get(look.number)
        if last is None or look.is_resting or look.beats != last.look.beats:
            return Stillness(look)
        return Stillness(look, last.still_s + passed_s)

    return tuple(after(look) for look in looks)


class StateReporter(Protocol):
    """A connection to the nucleus, which may be told that the component has failed.

    `loops`: its own.
    """

    loops: RunningLoops

    def report_errored(self) -> None:
        """Raises BusError."""
        ...


class Watchdog:
    """A service that ends the component with `EXIT_STUCK` where a loop is stuck and a start is left."""

    def __init__(
        self,
        bus: StateReporter,
        clock: Clock,
        starts: Sequence[int],
        work_folder: Path,
        longest: Mapping[str, float] = LONGEST_S,
        arm: Callable[[float], None] | None = None,
    ) -> None:
        """`arm(seconds)` ends the process if it is not called again within that time, whatever holds it; 0: not."""
        self._bus = bus
        self._clock = clock
        self._starts = starts
        self._work_folder = work_folder
        self._longest = longest
        self._arm = arm or _arm
        self._looked_at = clock.monotonic()
        self._still: tuple[Stillness, ...] = ()
        self._said: dict[int, float] = {}
        """Of each loop that is stuck: for how long it was when that was said last."""

    def run(self, stop: StopToken) -> None:
        """Look every two seconds until `stop` is set. Raises Leave."""
        while not stop.wait(LOOK_S):
            self._arm(FROZEN_S + self._rests_s())
            self.step(stop.loops)
        self._arm(0)

    def step(self, loops: RunningLoops) -> None:
        """Look once. Raises Leave."""
        now = self._clock.monotonic()
        elapsed_s, self._looked_at = (now - self._looked_at) / NS_PER_S, now
        pulses = {pulse.number: pulse for pulse in (*loops.pulses(), *self._bus.loops.pulses())}
        looks = [LoopSign(pulse.number, pulse.name, pulse.beats, pulse.is_resting) for pulse in pulses.values()]
        self._still = judge(self._still, looks, elapsed_s)
        stuck = [one for one in self._still if one.still_s > longest_s(one.look.name, self._longest)]
        self._said = {one.look.number: self._said.get(one.look.number, -_SAY_AGAIN_S) for one in stuck}
        rests_s = self._rests_s()
        for one in stuck:
            self._say(one, pulses[one.look.number], rests_s)
        if stuck and not rests_s:
            worst = max(stuck, key=lambda one: one.still_s)
            self._say_last(worst)
            reason = f"the loop {worst.look.name} has been stuck for {worst.still_s:.0f} s"
            raise Leave(reason, EXIT_STUCK, despite_stuck=True)

    def _rests_s(self) -> float:
        return rests_for(self._starts, self._clock.monotonic() // NS_PER_S)

    def _say(self, one: Stillness, pulse: Pulse, rests_s: float) -> None:
        if one.still_s - self._said[one.look.number] < _SAY_AGAIN_S:
            return
        self._said[one.look.number] = one.still_s
        log(
            logger,
            logging.ERROR,
            "loop_stuck",
            loop=one.look.name,
            for_s=round(one.still_s),
            longest_s=longest_s(one.look.name, self._longest),
            leaves_in_s=round(rests_s),
            at=pulse.where(),
        )

    def _say_last(self, worst: Stillness) -> None:
        words = threading.Thread(target=self._last_words, args=(worst,), name="last-words", daemon=True)
        words.start()
        words.join(_LAST_WORDS_S)

    def _last_words(self, worst: Stillness) -> None:
        try:
            note_replacement(self._work_folder, self._clock.utc(), worst.look.name, round(worst.still_s))
        except OSError as error:
            log(logger, logging.WARNING, "replacement_not_noted", error=error)
        try:
            self._bus.report_errored()
        except BusError as error:  # the exit code says it too
            log(logger, logging.WARNING, "state_not_reported", error=error)


def _arm(seconds: float) -> None:
    """What is stuck here is said by the standard library, in a thread that needs nothing of Python."""
    if seconds:
        faulthandler.dump_traceback_later(seconds, exit=True)
    else:
        faulthandler.cancel_dump_traceback_later()


class NucleusLine(TokenHolder, StateReporter, Protocol):
    """A connection to the nucleus, as the last resorts need it."""


def last_resorts(bus: NucleusLine, clock: Clock, work_folder: Path) -> list[tuple[str, Service]]:
    """The services that end the component so that its nucleus starts it again, by name; they share its starts."""
    starts = Starts(MemoryFile(work_folder / STARTS), clock).note()
    return [
        ("token", FreshToken(bus, clock, starts)),
        ("watchdog", Watchdog(bus, clock, starts, work_folder)),
    ]
