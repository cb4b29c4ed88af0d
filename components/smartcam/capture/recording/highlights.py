"""A day's highlights of a camera: a short film of its clips, each cut to where most happens, and a page of stills."""

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.capture.sources.clip import ClipPicture, all_pictures
from smartcam.capture.sources.encoding import PictureEncoder
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraLost, ContractError
from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId
from smartcam.contract.reading import Fields, parse_object
from smartcam.contract.times import EPOCH, NS_PER_S, MonotonicNs, UtcNs, local_time, parse_utc
from smartcam.edge.clip_name import ClipName
from smartcam.edge.files import replace_file
from smartcam.edge.logs import log
from smartcam.edge.muxing import ClipFile, ClipWriter, comment_of
from smartcam.vision.caption import captioned, resized
from smartcam.vision.jpeg import best_jpeg, fitted
from smartcam.vision.picture import Picture

logger = logging.getLogger(__name__)

LONGEST_FILM_S: Final = 600.0
_LONGEST_S: Final = 6.0
_SHORTEST_S: Final = 2.0
_LOOK_NS: Final = NS_PER_S // 5
_STEP_NS: Final = NS_PER_S * 2 // 25
"""Twelve and a half pictures a second: enough to see what somebody does."""
_LONGEST_SIDE: Final = 1280
_LOOK: Final = (64, 36)
_STILL: Final = (426, 240)
_STILLS_A_ROW: Final = 3
_MOST_STILLS: Final = 60
_QUALITIES: Final = (80, 60, 40)
_LARGEST_PAGE: Final = 20_000_000
_OPEN: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class EventClip:
    """The clip with which an event begins: its first picture is of `begins_at`."""

    path: Path
    event: Event
    begins_at: UtcNs

    def caption(self, position_ns: int, place: tzinfo) -> str:
        """What stands in its pictures: the time there, what it is, and how sure that was."""
        event = self.event
        what = event.label or str(event.kind)
        at = local_time(UtcNs(self.begins_at + position_ns), place)
        return f"{at:%H:%M:%S}  {event.camera_id}  {what} {event.score:.2f}"


@dataclass(frozen=True, slots=True)
class Highlights:
    """What became of one camera's day: the film, None where no clip can be played, and the clips that are not in it."""

    camera: CameraId
    film: Path | None
    clips: int
    left_out: tuple[str, ...]


def clips_of_day(folder: Path, since: UtcNs, until: UtcNs) -> Mapping[CameraId, Sequence[EventClip]]:
    """The first clip of each event that began from `since` until before `until`, by camera, in order of time.

    What cannot be read is logged and left out.

    Raises:
        OSError: the folder cannot be read.
    """
    first: dict[tuple[str, CameraId], tuple[int, Path]] = {}
    for path in sorted(folder.iterdir()):
        name = ClipName.read(path.name)
        if name is not None and path.is_file() and not path.is_symlink():
            kept = first.setdefault((name.event, name.camera), (name.part, path))
            first[name.event, name.camera] = min(kept, (name.part, path))
    found: defaultdict[CameraId, list[EventClip]] = defaultdict(list)
    for (_, camera), (_, path) in first.items():
        clip = _read(path)
        if clip is not None and since <= clip.event.started_at < until:
            found[camera].append(clip)
    return {camera: sorted(clips, key=lambda clip: clip.event.started_at) for camera, clips in sorted(found.items())}


def most_active(activity: Sequence[float], looks: int) -> int:
    """The index of the first of so many successive looks in which most happens; the earliest of equals."""
    if len(activity) <= looks:
        return 0
    sums = np.convolve(np.asarray(activity, np.float64), np.ones(looks), "valid")
    return int(np.argmax(sums))


def make_highlights(
    clips: Path, out: Path, day: date, place: tzinfo, is_over: Callable[[], bool] = lambda: False
) -> Iterator[Highlights]:
    """Writes film and page of each camera's day, in the time of `place`; what is there of that day is replaced.

    Once `is_over`, nothing more is made.

    Raises:
        OSError: the clips cannot be read, or the disk cannot be written; nothing half done is left.
    """
    since, until = (_utc(datetime.combine(day + timedelta(days=n), time(), place)) for n in (0, 1))
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    for camera, found in clips_of_day(clips, since, until).items():
        film_path = out / f"{day}.{camera}.mp4"
        unfinished = film_path.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(unfinished, _OPEN, 0o600), "wb", buffering=0) as file:
                film = DayFilm(file, place, len(found))
                left_out = tuple(clip.path.name for clip in found if is_over() or not film.add(clip))
                film.close()
            if is_over():
                return
            if film.clips:
                replace_file(out / f"{day}.{camera}.jpg", film.page())
                unfinished.replace(film_path)
        finally:
            unfinished.unlink(missing_ok=True)
        yield Highlights(camera, film_path if film.clips else None, film.clips, left_out)


class DayFilm:
    """A film that grows in `file`, with the captions in the time of `place`; `page` gives the stills of its clips."""

    def __init__(self, file: ClipFile, place: tzinfo, clips: int) -> None:
        self.clips = 0
        self._file = file
        self._place = place
        self._seconds = min(_LONGEST_S, max(_SHORTEST_S, LONGEST_FILM_S / max(clips, 1)))
        self._encoder = PictureEncoder()
        self._writer: ClipWriter | None = None
        self._size = (0, 0)
        self._at = 0
        self._stills: list[Image] = []

    def add(self, clip: EventClip) -> bool:
        """Show where most happens in a clip; False where it cannot be played, which is logged.

        Raises:
            OSError: the film cannot be written.
        """
        try:
            begin, peak = self._window(clip.path)
            shown = self._show(clip, begin, peak)
        except CameraLost as error:
            log(logger, logging.WARNING, "clip_not_shown", clip=clip.path.name, error=error)
            return False
        self.clips += shown
        return shown

    def close(self) -> None:
        """Write the end of the film; closing twice is allowed. Raises OSError."""
        if self._writer is not None:
            self._writer.close()

    def page(self) -> bytes:
        """The stills as one JPEG; empty where there are none."""
        rows = -(-len(self._stills) // _STILLS_A_ROW)
        if not rows:
            return b""
        width, height = _STILL
        page = np.full((rows * height, min(len(self._stills), _STILLS_A_ROW) * width, 3), 32, np.uint8)
        for number, still in enumerate(self._stills):
            top, left = number // _STILLS_A_ROW * height, number % _STILLS_A_ROW * width
            page[top : top + height, left : left + width] = still
        return best_jpeg(page, _QUALITIES, _LARGEST_PAGE) or b""

    def _window(self, path: Path) -> tuple[int, int]:
        """From where a clip is shown, and where most happens: positions in nanoseconds. Raises CameraLost."""
        looks: list[Image] = []
        positions: list[int] = []
        for shown in all_pictures(open_clip(path)):
            if not positions or shown.position_ns - positions[-1] >= _LOOK_NS:
                looks.append(np.asarray(cv2.resize(shown.picture.luma, _LOOK, interpolation=cv2.INTER_AREA), np.uint8))
                positions.append(shown.position_ns)
        if not looks:
            raise CameraLost(f"{path.name} holds no picture")
        activity = [0.0, *(float(cv2.absdiff(one, other).mean()) for one, other in pairwise(looks))]
        begin = most_active(activity, round(self._seconds * NS_PER_S / _LOOK_NS))
        last = begin + round(self._seconds * NS_PER_S / _LOOK_NS)
        peak = begin + int(np.argmax(activity[begin:last]))
        return positions[begin], positions[peak]

    def _show(self, clip: EventClip, begin: int, peak: int) -> bool:
        """Raises CameraLost, OSError."""
        end = begin + round(self._seconds * NS_PER_S)
        last = begin - _STEP_NS
        still: Picture | None = None
        for shown in all_pictures(open_clip(clip.path)):
            if shown.position_ns > end:
                break
            if shown.position_ns < begin or shown.position_ns - last < _STEP_NS - _STEP_NS // 4:
                continue
            self._at += min(shown.position_ns - last, NS_PER_S) if self._at else _STEP_NS
            last = shown.position_ns
            picture = self._write(shown, clip)
            if still is None or last <= peak:
                still = picture
        if still is not None and len(self._stills) < _MOST_STILLS:
            self._stills.append(resized(still, *_STILL).to_bgr())
        return still is not None

    def _write(self, shown: ClipPicture, clip: EventClip) -> Picture:
        if self._writer is None:
            self._size = fitted(shown.picture.width, shown.picture.height, _LONGEST_SIDE)
        picture = captioned(resized(shown.picture, *self._size), clip.caption(shown.position_ns, self._place))
        for packet in self._encoder.encode(picture, UtcNs(clip.begins_at), MonotonicNs(self._at)):
            if self._writer is None:
                title = f"{clip.event.camera_id} {local_time(clip.begins_at, self._place):%Y-%m-%d}"
                self._writer = ClipWriter(self._file, packet, title, "")
            else:
                self._writer.write(packet)
        return picture


def _utc(at: datetime) -> UtcNs:
    return UtcNs((at - EPOCH) // timedelta(microseconds=1) * 1000)


def _read(path: Path) -> EventClip | None:
    try:
        facts = Fields(parse_object(comment_of(path), "comment"))
        event = Event.from_document(facts.inner("event").document)
        return EventClip(path, event, parse_utc(facts.text("begins_at"), "begins_at"))
    except (OSError, ContractError) as error:
        log(logger, logging.WARNING, "clip_not_shown", clip=path.name, error=error)
        return None
