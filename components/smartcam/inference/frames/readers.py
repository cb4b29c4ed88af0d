"""Reads the frames that notices announce, wherever their pixels are."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ContractError, FrameOverwritten, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import InlineFrame
from smartcam.contract.notice import FrameNotice
from smartcam.edge.ring.frame_ring import RingReader
from smartcam.inference.frames.inline_requests import InlineRequests
from smartcam.vision.frame import Frame
from smartcam.vision.jpeg import decode_jpeg


class FrameReaders:
    """One ring reader per camera, and one buffer for all: a frame is valid until the next one is read.

    `requests` is informed of each ring that cannot be read, and of each that can.
    """

    def __init__(self, ring_folder: Path, requests: InlineRequests | None = None) -> None:
        self._requests = requests
        self._folder = ring_folder
        self._readers: dict[CameraId, RingReader] = {}
        self._buffer: NDArray[np.uint8] = np.empty(0, np.uint8)

    def read(self, notice: FrameNotice | InlineFrame) -> Frame:
        """The frame.

        Raises:
            FrameOverwritten: it is already gone.
            RingError: the ring cannot be read.
            ContractError: the frame came inside messages and is damaged.
        """
        if isinstance(notice, InlineFrame):
            return _decoded(notice)
        try:
            frame = self._reader(notice.camera_id).read(notice, self._room_for(notice))
        except FrameOverwritten:
            raise
        except RingError as error:
            if self._requests is not None:
                self._requests.failed(notice.camera_id, error)
            raise
        if self._requests is not None:
            self._requests.succeeded(notice.camera_id)
        return frame

    def forget(self, camera: CameraId) -> None:
        """Close the ring of a camera that is none of ours any more."""
        reader = self._readers.pop(camera, None)
        if reader is not None:
            reader.close()
        if self._requests is not None:
            self._requests.succeeded(camera)

    def close(self) -> None:
        """Close the rings."""
        for reader in self._readers.values():
            reader.close()
        self._readers = {}

    def _reader(self, camera: CameraId) -> RingReader:
        reader = self._readers.get(camera)
        if reader is None:
            reader = self._readers[camera] = RingReader(self._folder, camera)
        return reader

    def _room_for(self, notice: FrameNotice) -> NDArray[np.uint8]:
        size = notice.width * notice.height * 3 // 2
        if self._buffer.size < size:
            self._buffer = np.empty(size, np.uint8)
        return self._buffer


def _decoded(inline: InlineFrame) -> Frame:
    notice = inline.notice
    try:
        picture = decode_jpeg(inline.jpeg, notice.width, notice.height)
    except ValueError as error:
        raise ContractError("jpeg", str(error)) from error
    return Frame(
        notice.camera_id,
        notice.seq,
        notice.captured_at,
        notice.captured_mono,
        notice.position_ns,
        picture,
        notice.motion,
    )
