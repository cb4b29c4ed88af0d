"""What all clips have in common, whatever decodes them: positions, checks, and errors that say what is wrong."""

import stat
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.contract.notice import LARGEST_SIDE
from smartcam.contract.times import NS_PER_S
from smartcam.vision.picture import Picture

_PLAYLISTS: Final = (b"#EXTM3U", b"ffconcat", b"<?xml", b"[playlist]")
"""A playlist makes a player open other files and addresses, which a camera's setting must not be able to do."""
_USUAL_RATE: Final = 25.0
_RATES: Final = (0.001, 240.0)
LONGEST_STEP_S: Final = 60.0
"""A step ahead that is longer than this is a clock that was set, where clocks are set."""
_ENOUGH: Final = 0.95
_SPARE_S: Final = 1.0


class NothingMoves(CameraLost):
    """The file was understood and holds a cover at most, which another decoder would show as a clip."""


@dataclass(frozen=True, slots=True)
class ClipPicture:
    """A picture and its place in the clip, in nanoseconds from the first picture."""

    picture: Picture
    position_ns: int


class Clip(Protocol):
    """An open clip. For one thread."""

    @property
    def frames_per_second(self) -> float:
        """The average, 0 when unknown."""

    @property
    def pictures_stated(self) -> int:
        """How many pictures the container says that it holds; 0 when it does not say."""

    def next(self) -> ClipPicture:
        """The next picture.

        Raises:
            CameraEnded: the clip is over; the message says if it broke off early.
            CameraLost: no picture could be decoded.
        """

    def close(self) -> None:
        """Close the file; closing twice is allowed."""


def all_pictures(clip: Clip) -> Generator[ClipPicture, None, None]:
    """The clip's pictures to its end; the clip is closed after the last one. Raises CameraLost where there is none."""
    try:
        while True:
            yield clip.next()
    except CameraEnded:
        return
    finally:
        clip.close()


class Timeline:
    """Positions that never go back, made from time stamps that may be missing, jump or start anywhere."""

    def __init__(self, frames_per_second: float, longest_step_s: float = LONGEST_STEP_S) -> None:
        """A stamp that is further ahead than `longest_step_s` is that of a clock that was set."""
        self._interval_ns = round(NS_PER_S / (believable_rate(frames_per_second) or _USUAL_RATE))
        self._longest_step_ns = round(NS_PER_S * longest_step_s)
        self._origin_ns: int | None = None
        self._doubt_ns: int | None = None
        """The origin by the one stamp that did not fit: of a clock that was set, or of a damaged picture."""
        self._last_ns = -self._interval_ns

    @property
    def played_s(self) -> float:
        """Seconds from the first picture to the end of the last one."""
        return (self._last_ns + self._interval_ns) / NS_PER_S

    def place(self, stamp_ns: int | None) -> int:
        """The position, in nanoseconds, of the next picture, which has this time stamp."""
        position = self._last_ns + self._interval_ns
        if stamp_ns is not None:
            origin = next((each for each in (self._origin_ns, self._doubt_ns) if self._fits(stamp_ns, each)), None)
            if origin is not None:
                self._origin_ns, self._doubt_ns = origin, None
                position = stamp_ns - origin
            elif self._origin_ns is None:
                self._origin_ns = stamp_ns - position
            else:
                # The next stamp shows which it is: a single odd one must not make the clip longer.
                self._doubt_ns = stamp_ns - position
        self._last_ns = position
        return position

    def _fits(self, stamp_ns: int, origin_ns: int | None) -> bool:
        return origin_ns is not None and 0 <= stamp_ns - origin_ns - self._last_ns <= self._longest_step_ns


def believable_rate(frames_per_second: float) -> float:
    """The rate, or 0 (unknown) if the container states one that no camera has, infinity, or no number."""
    return frames_per_second if _RATES[0] <= frames_per_second <= _RATES[1] else 0.0


def checked_path(path: Path) -> Path:
    """The absolute path of a plain file that can be read and is no playlist.

    Raises:
        CameraLost: naming the path and the cause.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CameraLost(f"{path}: is not a plain file")
        if not status.st_size:
            raise CameraLost(f"{path}: is empty")
        with path.open("rb") as clip:
            head = clip.read(16).lstrip()
    except OSError as error:
        raise CameraLost(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise CameraLost(f"{str(path)!r}: {error}") from error
    if head.startswith(_PLAYLISTS):
        raise CameraLost(f"{path}: is a playlist, not a clip")
    return path.absolute()


def check_sides(path: Path, width: int, height: int) -> None:
    """Raises CameraLost for picture sizes that the suite does not support."""
    if not (2 <= width <= LARGEST_SIDE and 2 <= height <= LARGEST_SIDE):  # noqa: PLR2004
        raise CameraLost(f"{path}: has pictures of {width}x{height}; a side must have 2 to {LARGEST_SIDE} pixels")


def the_end(path: Path, pictures: int, played_s: float, announced_s: float, fault: str) -> CameraLost:
    """What to raise after the last picture; `announced_s` is the length that the container states, 0 for unknown."""
    if not pictures:
        return CameraLost(f"{path}: holds no picture that can be decoded{_because(fault)}")
    if played_s < announced_s * _ENOUGH - _SPARE_S:
        return CameraEnded(f"{path}: breaks off after {played_s:.1f} s of {announced_s:.1f} s{_because(fault)}")
    return CameraEnded(f"{path}: end of the clip after {pictures} pictures{_because(fault)}")


def _because(fault: str) -> str:
    return f" ({fault})" if fault else ""
