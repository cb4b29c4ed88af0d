"""Puts frames that came in chunks together."""

import threading
from dataclasses import dataclass, field
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import Chunk, InlineFrame, joined
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.clock import Clock

COMPLETE_WITHIN_S: Final = 2.0
"""A frame whose chunks have not all arrived by then is given up: it would be too old to matter."""
_MOST_CAMERAS: Final = 64


@dataclass(slots=True)
class _Frame:
    frame: int
    count: int
    began_at: MonotonicNs
    chunks: list[Chunk] = field(default_factory=list)


class Reassembly:
    """Holds at most one unfinished frame per camera. Safe to use from any thread."""

    def __init__(self, clock: Clock, complete_within_s: float = COMPLETE_WITHIN_S) -> None:
        self.incomplete = 0
        """Frames that were given up because a chunk was missing or late."""
        self._clock = clock
        self._within_ns = round(complete_within_s * NS_PER_S)
        self._lock = threading.Lock()
        self._unfinished: dict[CameraId, _Frame] = {}

    def add(self, chunk: Chunk) -> InlineFrame | None:
        """The frame that this chunk completes, if it does. A frame with a chunk out of order is given up.

        Raises:
            ContractError: the chunks are complete but do not make a frame.
        """
        with self._lock:
            self._expire()
            unfinished = self._slot_for(chunk)
            if unfinished is None:
                return None
            unfinished.chunks.append(chunk)
            if len(unfinished.chunks) < unfinished.count:
                return None
            del self._unfinished[chunk.camera_id]
        return joined(unfinished.chunks)

    def expire(self) -> None:
        """Give up what has waited too long. To be called regularly, or a camera's last frame would stay."""
        with self._lock:
            self._expire()

    def _slot_for(self, chunk: Chunk) -> _Frame | None:
        unfinished = self._unfinished.get(chunk.camera_id)
        if chunk.number == 0:
            if unfinished is None and len(self._unfinished) >= _MOST_CAMERAS:
                raise ContractError("camera_id", f"is one of more than {_MOST_CAMERAS} that send at a time")
            self.incomplete += unfinished is not None
            unfinished = _Frame(chunk.frame, chunk.count, self._clock.monotonic())
            self._unfinished[chunk.camera_id] = unfinished
            return unfinished
        if unfinished is None:
            return None
        expected = unfinished.frame, unfinished.count, len(unfinished.chunks)
        if (chunk.frame, chunk.count, chunk.number) != expected:
            del self._unfinished[chunk.camera_id]
            self.incomplete += 1
            return None
        return unfinished

    def _expire(self) -> None:
        now = self._clock.monotonic()
        late = [camera for camera, each in self._unfinished.items() if now - each.began_at > self._within_ns]
        for camera in late:
            del self._unfinished[camera]
        self.incomplete += len(late)
