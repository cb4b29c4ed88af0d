"""How a ring of pictures lies in its sealed memory, which begins with a page of header (`smartcam.edge.ring.sealed`).

Its three numbers are the slots, the width and the height. Then come the slots, each beginning on a page:

    slot    stamp | seq | captured_at | captured_mono | position_ns | pixels as tight I420 from byte 64
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import LARGEST_SIDE
from smartcam.edge.ring.sealed import PAGE, WORD, SealedHeader, SealedMap, SealedShape, create_sealed, open_sealed
from smartcam.vision.picture import Picture

MOST_SLOTS = 1024
FACTS = struct.Struct("=4Q")
"""What a slot says about its frame: seq, captured_at, captured_mono, position_ns."""
_SLOT_HEAD = 64
_MAGIC = int.from_bytes(b"SMCRING2", "little")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie in a ring of `slots` pictures of `width` x `height`."""

    slots: int
    width: int
    height: int

    @property
    def picture_bytes(self) -> int:
        """Bytes of one picture as tight I420."""
        return self.width * self.height * 3 // 2

    @property
    def stride(self) -> int:
        """Bytes from one slot to the next."""
        return -(-(_SLOT_HEAD + self.picture_bytes) // PAGE) * PAGE

    @property
    def size(self) -> int:
        """Bytes of the whole memory."""
        return PAGE + self.slots * self.stride

    def slot_at(self, slot: int) -> int:
        """The byte at which a slot begins."""
        return PAGE + slot * self.stride

    def is_sound(self) -> bool:
        """Whether a ring can look like this."""
        sides = (self.width, self.height)
        return 1 <= self.slots <= MOST_SLOTS and all(2 <= side <= LARGEST_SIDE and side % 2 == 0 for side in sides)  # noqa: PLR2004  the smallest even side


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """One slot in the map. The stamp is odd while the writer is at work, 0 before the first frame."""

    stamp: memoryview
    """One aligned word, which the machine loads and stores atomically."""
    facts: memoryview
    pixels: NDArray[np.uint8]
    """Tight I420, flat."""
    planes: Picture
    """The same pixels as planes."""


class RingMap(SealedMap):
    """A mapped ring. No view of the map may outlive `close`."""

    def __init__(self, memory: int, header: SealedHeader, file: int | None = None) -> None:
        """Takes the descriptor of the sealed memory; the writer also gives the one of its file."""
        self.layout = _layout(header)
        super().__init__(memory, header, self.layout.size, file)
        whole = np.frombuffer(self._map, np.uint8)
        self.places = [self._place(whole, self.layout.slot_at(slot)) for slot in range(self.layout.slots)]

    def close(self) -> None:
        """Unmap, and let go of the writer's lock."""
        views = [view for place in self.places for view in (place.stamp, place.facts)]
        self.places.clear()
        for view in views:
            view.release()
        super().close()

    def _place(self, whole: NDArray[np.uint8], at: int) -> Place:
        pixels = whole[at + _SLOT_HEAD : at + _SLOT_HEAD + self.layout.picture_bytes]
        return Place(
            stamp=self._words[at // WORD : at // WORD + 1],
            facts=self._bytes[at + WORD : at + _SLOT_HEAD],
            pixels=pixels,
            planes=Picture.from_i420(pixels, self.layout.width, self.layout.height),
        )


def ring_path(folder: Path, camera: CameraId) -> Path:
    """The file of a camera's ring: no path ever travels in a notice."""
    return folder / f"smartcam-{camera}"


def create_ring(path: Path, layout: Layout) -> RingMap:
    """Make the file and the memory, all of it allocated, and map it for writing.

    Raises:
        RingError: there is a ring already, there is no room, or the folder cannot be written.
    """
    if not layout.is_sound():
        raise RingError(f"no ring has {layout.slots} slots of {layout.width}x{layout.height}")
    return create_sealed(path, SealedShape(_MAGIC, (layout.slots, layout.width, layout.height), layout.size), RingMap)


def open_ring(path: Path) -> RingMap:
    """Map a camera's ring for reading, after checking that it is ours and whole.

    Raises:
        RingError: it is not there, not ours, or not a ring.
    """
    return open_sealed(path, _size, RingMap)


def _layout(header: SealedHeader) -> Layout:
    return Layout(header.first, header.second, header.third)


def _size(header: SealedHeader) -> int:
    layout = _layout(header)
    return layout.size if header.magic == _MAGIC and layout.is_sound() else 0
