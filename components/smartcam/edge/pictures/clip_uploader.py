"""Clips of events on their way to the cloud, in pieces that a restart goes on with. Off by default.

Only what is to be uploaded is remembered: the clips stay where capture has them. What has made room for others before
its turn came is left out.
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError, UploadFailed
from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId, EventId, ThingName, camera_id, event_id
from smartcam.contract.reading import Fields
from smartcam.contract.snapshot import CLIP_CONTENT_TYPE, clip_object_key
from smartcam.edge.backoff import Backoff
from smartcam.edge.clip_name import ClipName
from smartcam.edge.lifecycle import Bell, StopToken
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.pictures.s3 import PieceStore, UploadGone
from smartcam.edge.pictures.uploader import SnapshotSettings, upload_until

logger = logging.getLogger(__name__)

PIECE_BYTES: Final = 8 << 20
"""S3 wants five at least, and a device's memory few."""
_MOST_PIECES: Final = 10_000
_MOST_WAITING: Final = 500
_LONGEST_TEXT: Final = 1024


@dataclass(frozen=True, slots=True, order=True)
class WaitingClip:
    """A file that is to be uploaded, and how far it has come: the upload's id, and the tags of the pieces so far.

    Sorts by the time of the event.
    """

    event: EventId
    part: int
    camera: CameraId
    size: int
    upload: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of the file."""
        return str(ClipName(self.event, self.camera, self.part))


class ClipUploader:
    """Uploads what `recorded` names, the newest event first. A `Service`; the other methods are for any thread."""

    def __init__(
        self,
        folder: Path,
        thing: ThingName,
        cloud: PieceStore,
        random: Callable[[], float],
        memory: MemoryFile,
        piece_bytes: int = PIECE_BYTES,
    ) -> None:
        """`folder` is where capture has its clips."""
        self._folder = folder
        self._thing = thing
        self._cloud = cloud
        self._memory = memory
        self._piece_bytes = piece_bytes
        self._settings = SnapshotSettings()
        self._waiting = _read(memory.load())
        self._lock = threading.Lock()
        self._backoff = Backoff(5.0, 600.0, random)
        self._bell = Bell()
        self._is_down = False

    def configure(self, settings: SnapshotSettings) -> None:
        """Go on with other settings. Where clips are not to leave the device, those that wait are forgotten."""
        with self._lock:
            self._settings = settings
            if not self._is_on(settings) and self._waiting:
                self._waiting = []
                self._store()
        self._bell.set()

    def recorded(self, event: Event) -> None:
        """Take the clips that a recorded event names, where that is wanted."""
        with self._lock:
            if not self._is_on(self._settings):
                return
            known = {one.file for one in self._waiting}
            new = [WaitingClip(event.event_id, one.part, event.camera_id, one.size) for one in event.clips]
            newest = sorted([*self._waiting, *(one for one in new if one.file not in known)])
            for left_out in newest[:-_MOST_WAITING]:
                log(logger, logging.WARNING, "clip_not_uploaded", file=left_out.file, reason="too many wait")
            self._waiting = newest[-_MOST_WAITING:]
            self._store()
        self._bell.set()

    def waiting(self) -> int:
        """How many files are not in the cloud yet."""
        return len(self._waiting)

    def run(self, stop: StopToken) -> None:
        """Upload until `stop` is set."""
        upload_until(stop, self._bell, lambda: self.step(stop))

    def step(self, stop: StopToken | None = None) -> float:
        """Upload all that waits; the seconds to wait after a failure, 0 when nothing is left or `stop` is set.

        After each piece it is asked again which clip is next: a new event need not wait for a long one of yesterday.
        """
        while (one := self._next()) is not None and not (stop and stop.is_set()):
            try:
                self._go_on(one)
            except UploadGone as error:
                log(logger, logging.INFO, "clip_upload_begins_anew", file=one.file, reason=error)
                self._replace(one, replace(one, upload=None, tags=()))
            except UploadFailed as error:
                return self._failed(error, one)
            else:
                self._backoff.reset()
                self._is_down = False
        return 0.0

    def _next(self) -> WaitingClip | None:
        with self._lock:
            return self._waiting[-1] if self._waiting and self._is_on(self._settings) else None

    def _go_on(self, one: WaitingClip) -> None:
        """Upload the next piece. Raises UploadFailed."""
        bucket, key = self._settings.bucket, clip_object_key(self._thing, one.camera, one.event, one.part)
        pieces = -(-one.size // self._piece_bytes)
        at = len(one.tags)
        if one.upload is not None and at == pieces:
            self._cloud.finish(bucket, key, one.upload, one.tags)
            return self._done(one)
        piece = self._piece(one, at)
        if piece is None or pieces > _MOST_PIECES:
            log(
                logger, logging.WARNING, "clip_not_uploaded", file=one.file, reason="it is not there any more as it was"
            )
            return self._replace(one, None)
        if pieces == 1:
            self._cloud.put(bucket, key, piece, CLIP_CONTENT_TYPE)
            return self._done(one)
        if one.upload is None:
            return self._replace(one, replace(one, upload=self._cloud.begin(bucket, key, CLIP_CONTENT_TYPE)))
        tag = self._cloud.put_piece(bucket, key, one.upload, at + 1, piece)
        return self._replace(one, replace(one, tags=(*one.tags, tag)))

    def _piece(self, one: WaitingClip, at: int) -> bytes | None:
        """None where the file is not there, or not of the size that its record says."""
        try:
            with (self._folder / one.file).open("rb") as file:
                file.seek(0, 2)
                if file.tell() != one.size:
                    return None
                file.seek(at * self._piece_bytes)
                return file.read(self._piece_bytes)
        except OSError:
            return None

    def _done(self, one: WaitingClip) -> None:
        log(logger, logging.INFO, "clip_uploaded", file=one.file, bytes=one.size)
        self._replace(one, None)

    def _replace(self, one: WaitingClip, by: WaitingClip | None) -> None:
        with self._lock:
            # It may have been forgotten meanwhile, or have been followed by others.
            rest = [each for each in self._waiting if each.file != one.file]
            if len(rest) < len(self._waiting):
                self._waiting = sorted([*rest, *([] if by is None else [by])])
                self._store()

    def _store(self) -> None:
        try:
            self._memory.store(json.dumps([asdict(one) for one in self._waiting]).encode())
        except OSError as error:
            log(logger, logging.WARNING, "clips_to_upload_not_stored", error=error)

    def _failed(self, error: UploadFailed, one: WaitingClip) -> float:
        wait_s = self._backoff.next()
        level = logging.DEBUG if self._is_down else logging.WARNING
        self._is_down = True
        log(logger, level, "clip_not_uploaded_yet", file=one.file, waiting=self.waiting(), error=error, again_s=wait_s)
        return wait_s

    @staticmethod
    def _is_on(settings: SnapshotSettings) -> bool:
        return settings.enabled and settings.clips


def _read(content: bytes) -> list[WaitingClip]:
    """What is stored; nothing where this version cannot read it."""
    try:
        return sorted(_clip(Fields(each)) for each in json.loads(content or b"[]"))
    except (ValueError, TypeError, AttributeError, RecursionError, ContractError):
        return []


def _clip(fields: Fields) -> WaitingClip:
    tags = fields.words("tags", _MOST_PIECES, longest=_LONGEST_TEXT)
    return WaitingClip(
        event_id(fields.text("event")),
        fields.integer("part", 1),
        camera_id(fields.text("camera")),
        fields.integer("size", 1),
        fields.optional_text("upload", _LONGEST_TEXT),
        tuple(tags),
    )
