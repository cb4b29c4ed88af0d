"""Brings footage from a device into a folder: what is there is not fetched again, and nothing is written over."""

import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final

from smartcam.contract.ids import CameraId
from tools.footage.device import DeviceFootage, Listed, Offer
from tools.local.host import HostError
from tools.model.progress import amount

_OPEN: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_SPARE_BYTES: Final = 100_000_000
"""Left free on this machine's disk."""
Tell = Callable[[int, int], object]
"""Hears how many bytes are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which of a device's segments: of which camera, and from which day (UTC) on; None: all.

    A segment whose UTC is not known is of any day.
    """

    camera: CameraId | None = None
    since: date | None = None

    def takes(self, one: Listed) -> bool:
        """Whether it is one of these."""
        since = "" if self.since is None else f"{self.since:%Y%m%d}"
        return (self.camera is None or one.name.camera == self.camera) and (not one.name.utc or one.name.utc >= since)


@dataclass(slots=True)
class Fetched:
    """What became of each segment."""

    came: int = 0
    bytes_came: int = 0
    were_here: int = 0
    gone: int = 0
    """Deleted by the device meanwhile."""
    others: list[str] = field(default_factory=list)
    """Names under which something else lies here; it is left as it is."""


def check_room(wanted: Sequence[Listed], folder: Path, most_mb: int) -> None:
    """Raises HostError where this is more than was allowed, or than the disk here takes."""
    size = sum(one.size for one in wanted)
    if size > most_mb * 1_000_000:
        raise HostError(
            f"the device offers {amount(size)}, and --most-mb is {most_mb}; give more, or fewer segments with --camera"
            " or --since"
        )
    missing = sum(one.size for one in wanted if not os.path.lexists(folder / str(one.name)))
    free = shutil.disk_usage(folder).free
    if missing + _SPARE_BYTES > free:
        raise HostError(f"{folder}: takes {amount(missing)}, and the disk has {amount(free)} left")


def fetch(
    device: DeviceFootage, wanted: Sequence[Listed], folder: Path, *, remove: bool = False, tell: Tell = lambda *_: None
) -> Fetched:
    """Bring these into the folder, one after the other; what is half there is fetched anew.

    `remove`: what is here, with the device's own hash, is deleted there.

    Raises:
        HostError: the device ends or says what cannot be; what has come before stays.
        OSError: the folder cannot be written.
    """
    done, total, fetched = 0, sum(one.size for one in wanted), Fetched()
    for one in wanted:
        offer = device.ask(one.name)
        if offer is None:
            fetched.gone += 1
        elif offer.size != one.size:
            raise HostError(f"{one.name}: was listed with {one.size} bytes and has {offer.size}")
        elif _is_here(folder / str(one.name), offer):
            device.conversation.say("keep")
            device.conversation.say("remove" if remove else "keep")
            fetched.were_here += 1
        elif os.path.lexists(folder / str(one.name)):
            device.conversation.say("keep")
            device.conversation.say("keep")
            fetched.others.append(str(one.name))
        else:
            _bring(device, one, offer, folder, _after(done, total, tell))
            device.conversation.say("remove" if remove else "keep")
            fetched.came += 1
            fetched.bytes_came += one.size
        done += one.size
        tell(done, total)
    return fetched


def _after(done: int, total: int, tell: Tell) -> Callable[[int], object]:
    return lambda came: tell(done + came, total)


def _is_here(path: Path, offer: Offer) -> bool:
    """Raises OSError."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size != offer.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == offer.sha256


def _bring(device: DeviceFootage, one: Listed, offer: Offer, folder: Path, tell: Callable[[int], object]) -> None:
    """Under a hidden name until all of it is here. Raises HostError, OSError."""
    path = folder / str(one.name)
    growing = folder / f".{one.name}.fetching"
    growing.unlink(missing_ok=True)
    device.conversation.say("get")
    try:
        with os.fdopen(os.open(growing, _OPEN, 0o600), "wb") as file:
            sha256 = _copied(device, offer.size, file, tell)
            file.flush()
            os.fsync(file.fileno())
        if sha256 != offer.sha256:
            raise HostError(f"{one.name}: has come damaged: its SHA-256 is not what the device says; fetch it again")
        growing.rename(path)
    except BaseException:
        growing.unlink(missing_ok=True)
        raise


def _copied(device: DeviceFootage, size: int, file: BinaryIO, tell: Callable[[int], object]) -> str:
    digest, came = hashlib.sha256(), 0

    def write(part: bytes) -> None:
        nonlocal came
        file.write(part)
        digest.update(part)
        came += len(part)
        tell(came)

    device.conversation.copy(size, write)
    return digest.hexdigest()
