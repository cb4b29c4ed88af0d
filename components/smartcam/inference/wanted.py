"""What is wanted of this device besides its configuration, by the cloud and by people here; kept across restarts."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.contract.wanted import NOTHING_WANTED, Arming, Wanted
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.said_here import NOTHING_SAID, SaidHere

logger = logging.getLogger(__name__)

FILE: Final = "wanted"
HERE_FILE: Final = "said-here"


class WantedKeeper:
    """Safe to use from any thread. Without `memory` a restart forgets, and the next health message brings the answer.

    A wish ends when the device's clock says so. That clock may be behind after a power cut without network, so that the
    wish also ends when its whole length has passed since it was heard, or since this process found it in its memory.
    Of the cloud's wishes the newest revision counts that ever came; of those and what was said here (`here` keeps it)
    the newest does, as `said_here.py` says.
    """

    def __init__(self, clock: Clock, memory: MemoryFile | None = None, here: MemoryFile | None = None) -> None:
        self.verdicts_left_out = 0
        """Verdicts of the cloud that cannot be read, in all of its messages."""
        self.on_verdict: Callable[[EventId, bool | None], object] = lambda _event, _true: None
        """Told of each verdict that is news, None: it was taken back. It may be called from any thread."""
        self._clock = clock
        self._memory = memory
        self._here_memory = here
        self._lock = threading.Lock()
        self._wanted = _read(b"" if memory is None else memory.load())
        self._here = _read_here(b"" if here is None else here.load(), self._wanted)
        self._known_at = self._said_at = clock.monotonic()
        self._both: tuple[Wanted, SaidHere, Wanted] = NOTHING_WANTED, NOTHING_SAID, NOTHING_WANTED

    @property
    def revision(self) -> int:
        """The newest that was taken; 0: none."""
        return self._wanted.revision

    @property
    def takes(self) -> tuple[str, ...]:
        """What the cloud has last said that it takes besides what every cloud takes."""
        return self._wanted.takes

    def hear(self, topic: str, payload: bytes) -> None:
        """Take a message of the cloud: its wishes if they are newer than those that are known, and what it takes.

        Verdicts come with the wishes, and later ones may come beside wishes that are known already.
        """
        try:
            wanted = Wanted.from_json(payload)
        except ContractError as error:
            log(logger, logging.WARNING, "wanted_unreadable", topic=topic, error=error)
            return
        self._count(wanted.verdicts_left_out)
        with self._lock:
            known = self._wanted
            if wanted.revision < known.revision:
                wanted = replace(wanted, verdicts=known.verdicts, undone=known.undone)
            if wanted.revision <= known.revision:
                self._take(replace(known, takes=wanted.takes, verdicts=wanted.verdicts, undone=wanted.undone))
                return
            self._take(wanted)
            self._known_at = self._clock.monotonic()
        log(logger, logging.INFO, "wanted_taken", revision=wanted.revision, wishes=_said(wanted))

    def arm(self, camera: CameraId | None, *, armed: bool, until: UtcNs | None = None) -> None:
        """Arm or disarm a camera, or the whole device, because somebody here says so.

        Raises:
            ContractError: it would end in the past, or too many cameras would have wishes.
        """
        with self._lock:
            now = self._now(self._here.said_at, self._said_at)
            wish = Arming(armed, until, at=now if self._clock.synced() else None)
            here = self._here.left(now).arming(camera, wish, self._wanted, now)
            if here is not self._here:
                self._here, self._said_at = here, self._clock.monotonic()
                self._keep_here()
        log(logger, logging.INFO, "armed_here", camera=camera or "*", armed=armed)

    def judge(self, event: EventId, *, true: bool | None) -> None:
        """Take what somebody here says of an event; None takes back what was said, here or to the cloud."""
        with self._lock:
            here = self._here.judging(event, true=true)
            if here is not self._here:
                self._here = here
                self._keep_here()
                self.on_verdict(event, true)

    def current(self) -> Wanted:
        """What is wanted now."""
        with self._lock:
            left = self._wanted.at(self._now(self._wanted.sent_at, self._known_at))
            if left is not self._wanted:
                log(logger, logging.INFO, "wanted_ended", revision=left.revision, left=_said(left))
                self._wanted = left
                # Or it would begin anew in a process that starts with a clock that is behind.
                self._keep()
            here = self._here.left(self._now(self._here.said_at, self._said_at))
            if here is not self._here:
                self._here = here
                self._keep_here()
            if self._both[0] is not left or self._both[1] is not here:
                self._both = left, here, here.over(left)
            return self._both[2]

    def _now(self, then: UtcNs, known_at: MonotonicNs) -> UtcNs:
        """The time, by a clock that may be behind what it was or should have been at `then`, known since."""
        return UtcNs(max(self._clock.utc(), then + self._clock.monotonic() - known_at))

    def _take(self, wanted: Wanted) -> None:
        if wanted == self._wanted:
            return
        here = self._here.after_hearing(wanted)
        if here is not self._here:
            # First: once the revision is known to be taken, the cloud does not say its verdicts again.
            before, self._here = self._here, here
            self._keep_here()
            for event in (*(one.event_id for one in wanted.verdicts), *wanted.undone):
                if here.verdict(event) is not before.verdict(event):
                    self.on_verdict(event, here.verdict(event))
        self._wanted = wanted
        self._keep()

    def _count(self, left_out: int) -> None:
        if left_out:
            level = logging.DEBUG if self.verdicts_left_out else logging.WARNING
            self.verdicts_left_out += left_out
            log(logger, level, "verdicts_unreadable", count=left_out, taken="the others")

    def _keep(self) -> None:
        _store(self._memory, self._wanted)

    def _keep_here(self) -> None:
        _store(self._here_memory, self._here)


def _store(memory: MemoryFile | None, said: Wanted | SaidHere) -> None:
    if memory is None:
        return
    try:
        memory.store(said.to_json(), durable=True)
    except (OSError, ContractError) as error:
        log(logger, logging.WARNING, "wanted_not_kept", error=error)


def wanted_of_the_device(clock: Clock, work_folder: Path | None) -> WantedKeeper:
    """What is wanted, kept in the work folder if there is one."""
    if work_folder is None:
        return WantedKeeper(clock)
    return WantedKeeper(clock, MemoryFile(work_folder / FILE), MemoryFile(work_folder / HERE_FILE))


def _read(content: bytes) -> Wanted:
    """What is stored; nothing where this version cannot read it, so that the cloud is asked again."""
    try:
        return Wanted.from_json(content) if content else NOTHING_WANTED
    except ContractError:
        return NOTHING_WANTED


def _read_here(content: bytes, cloud: Wanted) -> SaidHere:
    """What is stored; only what the cloud has said last where this version cannot read it."""
    try:
        return SaidHere.from_json(content) if content else NOTHING_SAID.after_hearing(cloud)
    except ContractError:
        return NOTHING_SAID.after_hearing(cloud)


def _said(wanted: Wanted) -> str:
    """For the log: `* disarmed, gate armed`."""
    wishes = [("*", wanted.device), *sorted(wanted.cameras.items())]
    return ", ".join(f"{name} {'armed' if wish.armed else 'disarmed'}" for name, wish in wishes if wish) or "none"
