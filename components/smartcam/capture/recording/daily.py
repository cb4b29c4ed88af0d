"""Makes the highlights of each day soon after midnight, without being in anybody's way."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final

from smartcam.capture.recording.bounded_folder import free_bytes_of
from smartcam.capture.recording.clip_folder import RESERVE_BYTES
from smartcam.capture.settings import ClipSettings
from smartcam.contract.times import local_time
from smartcam.edge.clock import Clock
from smartcam.edge.files import BYTES_OF_MB
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log, log_exception
from smartcam.edge.settings import time_zone

if TYPE_CHECKING:
    from smartcam.capture.recording.highlights import Highlights

logger = logging.getLogger(__name__)

_BEGINS_AT: Final = timedelta(hours=1)
"""After midnight: the clips of the last events are finished by then."""
_LOOK_S: Final = 60.0
_LOWEST_PRIORITY: Final = 19
LARGEST_FILM_BYTES: Final = 250_000_000
"""Ten minutes of a picture in which everything moves; most films have a tenth of it."""
MOST_SHARE: Final = 0.25
"""Of what clips may take, films and pages may take so much besides."""

Make = Callable[[Path, Path, date, tzinfo, Callable[[], bool]], Iterator["Highlights"]]


def _make(clips: Path, out: Path, day: date, place: tzinfo, is_over: Callable[[], bool]) -> Iterator["Highlights"]:
    """Raises OSError, also where what decodes and encodes is missing."""
    try:
        from smartcam.capture.recording.highlights import make_highlights  # noqa: PLC0415  PyAV may be missing
    except ImportError as error:
        raise OSError(f"PyAV is needed and cannot be imported ({error})") from error
    yield from make_highlights(clips, out, day, place, is_over)


class DailyHighlights:
    """A service. Films and pages go into `out`, where the oldest days go first."""

    def __init__(
        self,
        clips: Path,
        out: Path,
        clock: Clock,
        make: Make = _make,
        free_bytes: Callable[[Path], int] = free_bytes_of,
    ) -> None:
        self._clips = clips
        self._out = out
        self._clock = clock
        self._make = make
        self._free_bytes = free_bytes
        self._settings = ClipSettings()
        self._done: date | None = None

    def configure(self, settings: ClipSettings) -> None:
        """Go on with other settings. Where clips are no longer to be kept, what was made of them is deleted."""
        self._settings = settings
        if not settings.keep:
            self._tidy(0, date.max)

    def run(self, stop: StopToken) -> None:
        """Make each day's until `stop` is set."""
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
        while not stop.wait(_LOOK_S):
            try:
                self.step(stop)
            except Exception as error:  # noqa: BLE001  the edge of the loop: no film may cost a camera
                log_exception(logger, "highlights_failed", error)

    def step(self, stop: StopToken) -> None:
        """Make those of yesterday, once, if it is time to. Not while UTC may be wrong."""
        settings = self._settings
        if not (settings.keep and settings.highlights and self._clock.synced()):
            return
        place = time_zone(settings.timezone, "clips.timezone")
        day = (local_time(self._clock.utc(), place) - _BEGINS_AT).date() - timedelta(days=1)
        if day == self._done:
            return
        self._done = day
        self._tidy(round(settings.most_mb * BYTES_OF_MB * MOST_SHARE), day)
        if any(each == day for each, _ in self._kept()):
            return
        if not self._clips.is_dir():
            return
        if self._free_bytes(self._clips) < RESERVE_BYTES + LARGEST_FILM_BYTES:
            log(logger, logging.WARNING, "highlights_not_made", day=day, reason="the disk is nearly full")
            return
        try:
            for made in self._make(self._clips, self._out, day, place, stop.is_set):
                facts = {"camera": made.camera, "day": day, "events": made.clips, "left_out": len(made.left_out)}
                log(logger, logging.INFO, "highlights_made", **facts)
        except OSError as error:
            log(logger, logging.WARNING, "highlights_not_made", day=day, error=error)

    def _kept(self) -> list[tuple[date, Path]]:
        """Films and pages with their days, the oldest first."""
        try:
            found = [path for path in self._out.iterdir() if path.suffix in (".mp4", ".jpg") and not path.is_symlink()]
        except OSError:
            return []
        days = []
        for path in found:
            try:
                days.append((datetime.strptime(path.name.partition(".")[0], "%Y-%m-%d").date(), path))  # noqa: DTZ007
            except ValueError:  # no file of ours
                continue
        return sorted(days)

    def _tidy(self, most_bytes: int, yesterday: date) -> None:
        """Delete what is older than clips may be, and the oldest of what takes more than these bytes."""
        oldest = yesterday - timedelta(days=self._settings.days)
        left = 0
        for day, path in reversed(self._kept()):
            try:
                left += path.stat().st_size
                if left > most_bytes or day <= oldest:
                    path.unlink(missing_ok=True)
                    log(logger, logging.INFO, "highlights_deleted", file=path.name)
            except OSError as error:  # a disk that takes nothing must cost no camera, and no film of another day
                log(logger, logging.WARNING, "highlights_not_deleted", file=path.name, error=error)
