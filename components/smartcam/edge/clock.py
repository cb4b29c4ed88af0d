"""Time as a dependency that is passed in."""

import ctypes
import os
import time
from pathlib import Path
from typing import ClassVar, Protocol

from smartcam.contract.times import MonotonicNs, UtcNs

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNCD_STAMP = Path("/run/systemd/timesync/synchronized")
_STA_UNSYNC = 0x40


class Clock(Protocol):
    """The clocks that the suite uses."""

    def utc(self) -> UtcNs:
        """For people and the cloud; a clock step moves it."""
        ...

    def monotonic(self) -> MonotonicNs:
        """For ages and time-outs; one clock for all processes of this boot."""
        ...

    def synced(self) -> bool:
        """Whether UTC is known to be right."""
        ...

    def boot_id(self) -> str:
        """Different after each boot: monotonic times of two boots cannot be compared."""
        ...


class SystemClock:
    """The machine's clocks. Safe to use from any thread."""

    def __init__(self) -> None:
        self._boot_id = _read_boot_id()
        self._libc = ctypes.CDLL(None, use_errno=True)

    def utc(self) -> UtcNs:
        """The machine's UTC."""
        return UtcNs(time.time_ns())

    def monotonic(self) -> MonotonicNs:
        """CLOCK_MONOTONIC, which is the same in every process."""
        return MonotonicNs(time.clock_gettime_ns(time.CLOCK_MONOTONIC))

    def synced(self) -> bool:
        """Whether the kernel considers its clock synchronised; False where that cannot be known."""
        # timesyncd, chrony and ntpd all clear STA_UNSYNC, so the kernel is asked first. A sandbox may forbid the
        # call: then timesyncd's stamp counts, which it writes at its first synchronisation after boot. When in
        # doubt the answer is False: the cloud then alarms and calls the time uncertain, while a wrong True would let
        # it drop a fresh alarm as stale.
        timex = _Timex()
        if self._libc.adjtimex(ctypes.byref(timex)) < 0:
            return _TIMESYNCD_STAMP.exists()
        return not timex.status & _STA_UNSYNC

    def boot_id(self) -> str:
        """The kernel's boot id."""
        return self._boot_id


class _Timex(ctypes.Structure):
    # The head of the kernel's struct timex as far as it is read; mode 0 only queries.
    _fields_: ClassVar = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    ]


def _read_boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        # Without /proc each process counts as a boot of its own: ages across a restart are then unknown, never wrong.
        return f"unknown-{os.getpid()}-{time.time_ns()}"
