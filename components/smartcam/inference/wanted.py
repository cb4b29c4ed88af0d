"""What the cloud wants of this device, kept across restarts: the newest revision counts that ever came."""

import logging
import threading
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.contract.wanted import NOTHING_WANTED, Wanted
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile

logger = logging.getLogger(__name__)

FILE: Final = "wanted"


class WantedKeeper:
    """Safe to use from any thread. Without `memory` a restart forgets, and the next health message brings the answer.

    A wish ends when the device's clock says so. That clock may be behind after a power cut without network, so that the
    wish also ends when its whole length has passed since it was heard, or since this process found it in its memory.
    """

    def __init__(self, clock: Clock, memory: MemoryFile | None = None) -> None:
        self._clock = clock
        self._memory = memory
        self._lock = threading.Lock()
        self._wanted = _read(b"" if memory is None else memory.load())
        self._known_at: MonotonicNs = clock.monotonic()

    @property
    def revision(self) -> int:
        """The newest that was taken; 0: none."""
        return self._wanted.revision

    def hear(self, topic: str, payload: bytes) -> None:
        """Take a message of the cloud, unless it is no newer than what is known."""
        try:
            wanted = Wanted.from_json(payload)
        except ContractError as error:
            log(logger, logging.WARNING, "wanted_unreadable", topic=topic, error=error)
            return
        with self._lock:
            if wanted.revision <= self._wanted.revision:
                return
            self._wanted, self._known_at = wanted, self._clock.monotonic()
            self._keep()
        log(logger, logging.INFO, "wanted_taken", revision=wanted.revision, wishes=_said(wanted))

    def current(self) -> Wanted:
        """What is wanted now."""
        with self._lock:
            elapsed = self._clock.monotonic() - self._known_at
            left = self._wanted.at(UtcNs(max(self._clock.utc(), self._wanted.sent_at + elapsed)))
            if left is not self._wanted:
                log(logger, logging.INFO, "wanted_ended", revision=left.revision, left=_said(left))
                self._wanted = left
                # Or it would begin anew in a process that starts with a clock that is behind.
                self._keep()
            return left

    def _keep(self) -> None:
        if self._memory is None:
            return
        try:
            self._memory.store(self._wanted.to_json(), durable=True)
        except (OSError, ContractError) as error:
            log(logger, logging.WARNING, "wanted_not_kept", error=error)


def wanted_of_the_cloud(clock: Clock, work_folder: Path | None) -> WantedKeeper:
    """What is wanted, kept in the work folder if there is one."""
    return WantedKeeper(clock, None if work_folder is None else MemoryFile(work_folder / FILE))


def _read(content: bytes) -> Wanted:
    """What is stored; nothing where this version cannot read it, so that the cloud is asked again."""
    try:
        return Wanted.from_json(content) if content else NOTHING_WANTED
    except ContractError:
        return NOTHING_WANTED


def _said(wanted: Wanted) -> str:
    """For the log: `* disarmed, gate armed`."""
    wishes = [("*", wanted.device), *sorted(wanted.cameras.items())]
    return ", ".join(f"{name} {'armed' if wish.armed else 'disarmed'}" for name, wish in wishes if wish) or "none"
