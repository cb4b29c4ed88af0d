"""The machine: packages, shared memory, disk, clock."""

import os
import platform
import shutil
import stat
import time
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from smartcam import __version__
from smartcam.contract.times import UtcNs, format_utc
from smartcam.doctor.finding import Finding, State
from smartcam.edge.clock import Clock
from smartcam.edge.replaced import recent_replacements
from smartcam.model.interpreter import RUNTIME

LEAST_DISK_MB: Final = 200
LEAST_SHARED_MB: Final = 16
_EARLIEST: Final = UtcNs(1_735_689_600_000_000_000)
"""2025-01-01: a clock that shows a time before this suite existed is wrong."""
_MEGABYTE: Final = 1_000_000


def check_packages() -> Finding:
    """The versions that the suite runs on."""
    said = f"smartcam {__version__}, Python {platform.python_version()} on {platform.machine()}, {RUNTIME}"
    said += f", numpy {np.__version__}, OpenCV {cv2.__version__}"
    return Finding("packages", State.OK, said, {"version": __version__, "runtime": RUNTIME})


def check_shared_memory(folder: Path) -> Finding:
    """Whether frames can be passed on there."""
    probe = folder / f"smartcam-doctor-{os.getpid()}"
    try:
        descriptor = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, LEAST_SHARED_MB * _MEGABYTE)
        finally:
            os.close(descriptor)
            probe.unlink()
        free = shutil.disk_usage(folder).free / _MEGABYTE
    except OSError as error:
        why = error.strerror or str(error)
        said = f"{folder}: {why}; frames then travel inside messages, which costs more. Mount a tmpfs there"
        return Finding("shared memory", State.WARNING, said)
    rings = [file.name for file in folder.glob("smartcam-*") if stat.S_ISREG(file.lstat().st_mode)]
    said = f"{folder}: {free:.0f} MB free, rings in use: {len(rings)}"
    return Finding("shared memory", State.OK, said, {"free_mb": round(free), "rings": len(rings)})


def check_disk(folder: Path) -> Finding:
    """Whether events can be stored, and for how long."""
    try:
        begun = time.perf_counter()
        probe = folder / f".doctor-{os.getpid()}"
        with probe.open("xb") as file:
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
        probe.unlink()
        took_ms = (time.perf_counter() - begun) * 1000
        free = shutil.disk_usage(folder).free / _MEGABYTE
    except OSError as error:
        return Finding("disk", State.FAULT, f"{folder}: {error.strerror or error}; events cannot be stored")
    facts: dict[str, float | str] = {"free_mb": round(free), "sync_ms": round(took_ms, 1)}
    said = f"{folder}: {free:.0f} MB free, a write reaches the disk in {took_ms:.0f} ms"
    if free < LEAST_DISK_MB:
        return Finding("disk", State.WARNING, f"{said}; less than {LEAST_DISK_MB} MB: free some", facts)
    return Finding("disk", State.OK, said, facts)


def check_replaced(work: Path, now: UtcNs) -> Finding:
    """Whether a component was replaced because a loop of it was stuck; `work` holds the components' work folders."""
    found = recent_replacements(work, now)
    if not found:
        return Finding("watchdog", State.OK, f"{work}: no component had to be replaced in the last week")
    told = [
        f"{name} was replaced at {format_utc(one.at_ns)}, its loop {one.loop} had been stuck for {one.still_s} s"
        f" (time {one.times})"
        for name, one in found.items()
    ]
    said = f"{'; '.join(told)}. Its log says where, at loop_stuck: look at what that waits for"
    return Finding("watchdog", State.WARNING, said, {"replaced": ",".join(found)})


def check_clock(clock: Clock) -> Finding:
    """Whether times can be trusted, and certificates checked."""
    now = clock.utc()
    said = format_utc(now)
    if now < _EARLIEST:
        return Finding(
            "clock", State.FAULT, f"{said} is long past: no certificate is valid; run timedatectl set-ntp true"
        )
    if not clock.synced():
        return Finding("clock", State.WARNING, f"{said}, not synchronised: alerts will say that times are uncertain")
    return Finding("clock", State.OK, f"{said}, synchronised")
