"""What clips cost: keeping the packets of a camera, and encoding the pictures of one that has a mask."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from smartcam.capture.recording.camera_recording import ring_size
from smartcam.capture.settings import ClipSettings
from smartcam.capture.sources.clip import all_pictures
from smartcam.capture.sources.encoding import PictureEncoder
from smartcam.capture.sources.packets import PacketTap
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.clock import SystemClock
from smartcam.edge.muxing import ClipWriter
from smartcam.edge.ring.packet_ring import PacketRingReader, PacketRingWriter
from smartcam.edge.ring.sealed import DEFAULT_FOLDER
from tools.stopwatch import Stopwatch

_CAMERA: Final = CameraId("bench")
ENCODED_PER_S: Final = 5
"""Pictures a second of a camera that is encoded, at most: those that are announced."""


@dataclass(frozen=True, slots=True)
class RecordingFigures:
    """CPU milliseconds: into the ring and from there into a clip, per frame; and each picture that is encoded."""

    remux_ms: float
    encode_ms: float

    @property
    def encoding_share(self) -> float:
        """Of one core, for a camera that is encoded while something moves."""
        return self.encode_ms * ENCODED_PER_S / 1000


class _Nowhere:
    """A clip's file on no disk, whose speed is not ours."""

    def write(self, content: bytes) -> int:
        return len(content)


class _TimedTap(PacketTap):
    def __init__(self, ring: PacketRingWriter, watch: Stopwatch) -> None:
        super().__init__(ring.write, SystemClock())
        self._watch = watch

    def take(self, packet) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  PyAV is for sources alone
        with self._watch.stage("remux"):
            super().take(packet)


def measure_recording(clip: Path, passes: int) -> RecordingFigures:
    """Frames of the clip as capture keeps them while an event goes on; medians of passes."""
    found = [_pass(clip) for _ in range(passes)]
    return RecordingFigures(median(remux for remux, _ in found), median(encode for _, encode in found))


def _pass(path: Path) -> tuple[float, float]:
    watch, encoder, seq, frames = Stopwatch(), PictureEncoder(), 0, 0
    writer: ClipWriter | None = None
    with ExitStack() as stack:
        ring = PacketRingWriter(DEFAULT_FOLDER, _CAMERA, *ring_size(ClipSettings(), is_encoded=False))
        stack.callback(ring.close)
        reader = PacketRingReader(DEFAULT_FOLDER, _CAMERA)
        stack.callback(reader.close)
        source = PyAvClip(path, _TimedTap(ring, watch))
        stack.callback(source.close)
        for frames, taken in enumerate(all_pictures(source), 1):
            with watch.stage("remux"):
                while seq < reader.numbers.stop:
                    packet = reader.read(seq)
                    if writer is None:
                        writer = ClipWriter(_Nowhere(), packet, "", "")
                    else:
                        writer.write(packet)
                    seq += 1
            if frames % ENCODED_PER_S == 0:
                at = frames * NS_PER_S // ENCODED_PER_S
                with watch.stage("encode"):
                    encoder.encode(taken.picture, UtcNs(at), MonotonicNs(at))
    return watch.total_ms("remux") / max(frames, 1), watch.per_call_ms("encode")
