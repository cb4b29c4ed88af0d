"""What it costs to send frames inside messages, where no memory is shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, cast

import numpy as np

from smartcam.capture.sources.clip import all_pictures
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.capture.transport.frame_transports import InlineTransport
from smartcam.capture.transport.publisher import Publisher
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import InlineFrame, decode_chunk
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.edge.clock import SystemClock
from smartcam.inference.frames.reassembly import Reassembly
from smartcam.vision.frame import Frame
from smartcam.vision.jpeg import decode_jpeg
from smartcam.vision.picture import Picture
from tools.stopwatch import Stopwatch

_CAMERA: Final = CameraId("bench")
_EVERY: Final = 25
"""Every 25th frame is enough: the encoder's cost hardly varies."""


@dataclass(frozen=True, slots=True)
class InlineFigures:
    """CPU milliseconds per frame; `messages` and `bytes` of one frame are means."""

    write_ms: float
    read_ms: float
    messages: float
    bytes: float


class _Collector:
    """Takes what a transport would publish."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def publish_all(self, payloads: Sequence[bytes]) -> bool:
        self.payloads = list(payloads)
        return True


def measure_inline(clip: Path, passes: int, longest_side: int) -> InlineFigures:
    """Frames of the clip into messages and out of them again, as capture and inference do it; medians of passes."""
    frames = _frames(clip)
    reassembly = Reassembly(SystemClock())
    collector = _Collector()
    transport = InlineTransport(cast("Publisher", collector), longest_side)
    messages: list[int] = []
    sizes: list[int] = []
    watches = [Stopwatch() for _ in range(passes)]
    for watch in watches:
        for frame in frames:
            with watch.stage("write"):
                transport.send(frame)
            messages.append(len(collector.payloads))
            sizes.append(sum(map(len, collector.payloads)))
            with watch.stage("read"):
                _read(reassembly, collector.payloads)
    write_ms, read_ms = (median(watch.per_call_ms(stage) for watch in watches) for stage in ("write", "read"))
    return InlineFigures(write_ms, read_ms, float(np.mean(messages)), float(np.mean(sizes)))


def _read(reassembly: Reassembly, payloads: Sequence[bytes]) -> Picture:
    found: InlineFrame | None = None
    for payload in payloads:
        found = reassembly.add(decode_chunk(payload))
    assert found is not None  # noqa: S101  all chunks came in their order
    return decode_jpeg(found.jpeg, found.notice.width, found.notice.height)


def _frames(path: Path) -> list[Frame]:
    frames = []
    for seq, taken in enumerate(all_pictures(PyAvClip(path))):
        if seq % _EVERY == 0:
            copy = np.empty(taken.picture.nbytes, np.uint8)
            taken.picture.write_i420(copy)
            picture = Picture.from_i420(copy, taken.picture.width, taken.picture.height)
            at = taken.position_ns
            frames.append(Frame(_CAMERA, seq, UtcNs(at), MonotonicNs(at), at, picture, ()))
    return frames
