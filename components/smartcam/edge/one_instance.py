"""One instance of a component in its work folder: two would both send what waits in one outbox."""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from smartcam.contract.errors import SmartcamError
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 20.0
"""A predecessor that is being stopped gets this long: an error at once would cost one of the starts that the nucleus
allows."""
_LOOK_S: Final = 0.1
_LONGEST_PID: Final = 20


class SecondInstance(SmartcamError):
    """Another process runs this component in this folder."""


@contextmanager
def only_instance(component: str, folder: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold an exclusive lock on `<folder>/<component>.lock`; the kernel lets go of it when the process ends.

    Where that cannot be, as on a full disk or one without locks, it is logged and the component runs without it.

    Raises:
        SecondInstance: another process has held it for `patience_s` seconds.
    """
    path = folder / f"{component}.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        log(logger, logging.WARNING, "instance_not_locked", file=path, error=error)
        yield
        return
    try:
        _lock(descriptor, component, path, patience_s)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, component: str, path: Path, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    is_told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(descriptor, _LONGEST_PID, 0).decode("ascii", "replace").strip() or "unknown"
            if time.monotonic() >= until:
                raise SecondInstance(
                    f"{component} runs in {path.parent} already, as process {pid}: stop that one first"
                ) from error
            if not is_told:
                is_told = True
                log(logger, logging.WARNING, "instance_waits", component=component, runs_as=pid, at_most_s=patience_s)
            time.sleep(_LOOK_S)
        except OSError as error:
            log(logger, logging.WARNING, "instance_not_locked", file=path, error=error)
            return
        else:
            _sign(descriptor)
            return


def _sign(descriptor: int) -> None:
    """For whoever asks who holds it; a full disk may keep it empty."""
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        log(logger, logging.DEBUG, "instance_not_signed", error=error)
