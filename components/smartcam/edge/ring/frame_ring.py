"""The ring: pictures from capture to inference through shared memory, without a queue."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import FrameOverwritten, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice
from smartcam.edge.ring.ring_file import (
    FACTS,
    MOST_SLOTS,
    Layout,
    RingMap,
    create_ring,
    open_ring,
    ring_path,
)
from smartcam.edge.ring.sealed import Fence, remove_leftover
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture

DEFAULT_SLOTS = 3
"""A reader has the time of two more frames; each further slot costs time, because it pushes another from the cache."""


class RingWriter:
    """Writes one camera's frames, each over the oldest. For one thread.

    The file is made at the first frame, and made anew when the picture's size changes or somebody has removed
    or damaged it.
    """

    def __init__(self, folder: Path, camera: CameraId, slots: int = DEFAULT_SLOTS) -> None:
        """Removes what a dead process left behind.

        Raises:
            RingError: a live process writes this camera, or the name is taken by something that is not ours.
        """
        if not 1 <= slots <= MOST_SLOTS:
            raise RingError(f"a ring has 1 to {MOST_SLOTS} slots, not {slots}")
        self._path = ring_path(folder, camera)
        self._camera = camera
        self._slots = slots
        self._ring: RingMap | None = None
        self._written = 0
        self._fence = Fence()
        self.removed_leftover = remove_leftover(self._path, camera)

    def write(self, frame: Frame) -> FrameNotice:
        """Copy the frame's picture into the next slot; the notice says where it lies.

        Raises:
            RingError: the ring cannot be made: no room, or the name is taken.
        """
        picture = frame.picture
        height, width = picture.y.shape
        ring = self._ring_for(width, height)
        slot = self._written % self._slots
        place = ring.places[slot]
        stamp, target = place.stamp, place.planes
        self._written += 1
        stamp[0] = 2 * self._written - 1
        self._fence()
        FACTS.pack_into(place.facts, 0, frame.seq, frame.captured_at, frame.captured_mono, frame.position_ns)
        np.copyto(target.y, picture.y)
        np.copyto(target.u, picture.u)
        np.copyto(target.v, picture.v)
        self._fence()
        stamp[0] = 2 * self._written
        return FrameNotice(
            self._camera,
            frame.seq,
            ring.birth,
            slot,
            width,
            height,
            frame.captured_at,
            frame.captured_mono,
            frame.position_ns,
            frame.motion,
        )

    def close(self) -> None:
        """Remove the ring; readers that have it open can still read what is in it."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring.unlink(self._path)
            ring.close()

    def _ring_for(self, width: int, height: int) -> RingMap:
        ring = self._ring
        # A new reader could not open a ring whose file has been removed or cut short.
        if ring is None or (ring.layout.width, ring.layout.height) != (width, height) or not ring.is_at(self._path):
            self.close()
            remove_leftover(self._path, self._camera)
            ring = self._ring = create_ring(self._path, Layout(self._slots, width, height))
            self._written = 0
        return ring


class RingReader:
    """Reads one camera's frames by their notices. For one thread."""

    def __init__(self, folder: Path, camera: CameraId) -> None:
        self._path = ring_path(folder, camera)
        self._camera = camera
        self._ring: RingMap | None = None
        self._fence = Fence()

    def read(self, notice: FrameNotice, into: NDArray[np.uint8] | None = None) -> Frame:
        """The frame that the notice announces, copied once and whole.

        The picture's planes are views over `into` (flat uint8, at least the picture's size; the next read into
        it changes them), or over memory of their own.

        Raises:
            FrameOverwritten: the frame is gone, or its ring is: take a newer notice.
            RingError: there is no ring, it is not ours, or the notice does not fit it.
            ValueError: `into` is no buffer for this picture.
        """
        ring = self._ring_of(notice)
        self._check(notice, ring.layout)
        size = ring.layout.picture_bytes
        if into is None:
            into = np.empty(size, np.uint8)
        elif into.ndim != 1 or into.dtype != np.uint8 or into.size < size:
            raise ValueError(f"a picture of {notice.width}x{notice.height} takes a flat uint8 buffer of {size} bytes")
        buffer = into[:size]
        place = ring.places[notice.slot]
        before = place.stamp[0]
        self._fence()
        facts = FACTS.unpack_from(place.facts)
        # All of them, because a foreign writer may have put any numbers there.
        told = notice.seq, notice.captured_at, notice.captured_mono, notice.position_ns
        if before == 0 or before % 2 or facts != told:
            raise FrameOverwritten(f"frame {notice.seq} of {self._camera} is gone: slot {notice.slot} holds {facts[0]}")
        np.copyto(buffer, place.pixels)
        self._fence()
        if place.stamp[0] != before:
            raise FrameOverwritten(f"frame {notice.seq} of {self._camera} was overwritten while it was read")
        picture = Picture.from_i420(buffer, notice.width, notice.height)
        return Frame(self._camera, *told, picture, notice.motion)

    def close(self) -> None:
        """Let go of the memory."""
        ring, self._ring = self._ring, None
        if ring is not None:
            ring.close()

    def _ring_of(self, notice: FrameNotice) -> RingMap:
        ring = self._ring
        if ring is None or ring.birth != notice.ring:
            self.close()
            ring = self._ring = open_ring(self._path)
        if ring.birth != notice.ring:
            raise FrameOverwritten(f"the ring of frame {notice.seq} of {self._camera} is gone: capture has a new one")
        return ring

    def _check(self, notice: FrameNotice, layout: Layout) -> None:
        if notice.camera_id != self._camera:
            raise RingError(f"a notice of camera {notice.camera_id} for the ring of {self._camera}")
        if notice.slot >= layout.slots or (notice.width, notice.height) != (layout.width, layout.height):
            raise RingError(
                f"notice {notice.seq} of {self._camera} (slot {notice.slot}, {notice.width}x{notice.height}) does not"
                f" fit its ring of {layout.slots} slots, {layout.width}x{layout.height}"
            )
