"""What is done to a frame, stage by stage and as a whole, compared with a copy of the frame."""

import itertools
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from measure.bench.analyst import SNAPSHOT, Analyst, snapshots_apart
from smartcam.capture.frame_selector import FrameSelector
from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.clip import all_pictures
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.contract.errors import CameraEnded
from smartcam.contract.ids import CameraId
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.edge.ring.frame_ring import RingReader, RingWriter
from smartcam.edge.ring.sealed import DEFAULT_FOLDER
from smartcam.vision.frame import Frame
from smartcam.vision.mask import PrivacyMask
from smartcam.vision.picture import Picture
from smartcam.vision.zone import Zone
from tools.stopwatch import Stopwatch

Rival = Callable[[Path, int, int, int], float | None]
"""Milliseconds per frame of a clip; it is given the clip, the width, the height and the number of its frames."""
_COPIES: Final = 16
"""Buffers in turn, so that a copy comes from memory and not from a cache."""
_TIMES_OVER: Final = 20
STAGES: Final = ("gate", "mask", "ring_write", "ring_read", "tamper", "track")
_MASKED: Final = (Zone("window", ((0.0, 0.0), (0.2, 0.0), (0.25, 0.2), (0.0, 0.25))),)
"""A corner is masked: a mask costs a copy of each picture that is announced, whatever its size."""


@dataclass(frozen=True, slots=True)
class PassFigures:
    """One pass: CPU milliseconds per frame of the clip, of everything one after the other.

    `whole_ms` is everything that capture and inference do to a frame but the model, notices and the pictures of events.
    `motion_ms` is what Debian's `motion` spends, None where it was not run.
    """

    memcpy_ms: float
    decode_ms: float
    whole_ms: float
    motion_ms: float | None = None

    @property
    def besides_decoding_ms(self) -> float:
        """Everything that is done to a frame besides decoding it, notices apart."""
        return self.whole_ms - self.decode_ms


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """CPU milliseconds: medians of the `passes`, per frame of the clip; `stages_ms` per call of the stage.

    Ratios are taken within each pass, because a machine's speed drifts between them.
    `calls`: how often a stage ran in a pass. `snapshot_ms`: each picture of an event, of which a pass has `snapshots`.
    """

    width: int
    height: int
    frames: int
    passes: tuple[PassFigures, ...]
    stages_ms: dict[str, float]
    calls: dict[str, int]
    snapshot_ms: float = 0.0
    snapshots: int = 0

    @property
    def memcpy_ms(self) -> float:
        """A copy of a frame."""
        return median(each.memcpy_ms for each in self.passes)

    @property
    def decode_ms(self) -> float:
        """Decoding alone."""
        return median(each.decode_ms for each in self.passes)

    @property
    def whole_ms(self) -> float:
        """Decoding and everything else."""
        return median(each.whole_ms for each in self.passes)

    @property
    def besides_decoding_ms(self) -> float:
        """Everything else."""
        return median(each.besides_decoding_ms for each in self.passes)

    @property
    def besides_decoding_to_memcpy(self) -> float:
        """Everything besides decoding, in copies of a frame: the median of the passes' ratios."""
        return median(each.besides_decoding_ms / each.memcpy_ms for each in self.passes)

    @property
    def motion_ms(self) -> float | None:
        """What Debian's `motion` spends."""
        spent = [each.motion_ms for each in self.passes if each.motion_ms is not None]
        return median(spent) if spent else None

    @property
    def whole_to_motion(self) -> float | None:
        """The whole as a fraction of what `motion` spends."""
        shares = [each.whole_ms / each.motion_ms for each in self.passes if each.motion_ms is not None]
        return median(shares) if shares else None


def measure_frames(clip: Path, passes: int, rival: Rival | None = None) -> FrameFigures:
    """Passes over the clip, in turn: bare decoding, the whole in one thread, its stages, copies of a frame, the rival.

    The model is left out (it has figures of its own): the largest thing that moves is taken for a person. `rival` says
    what `motion` spends per frame of the clip, given its size and its number of frames.
    """
    staged: list[Stopwatch] = []
    measured = []
    for _ in range(passes):
        watch = Stopwatch()
        frames = _decode_pass(clip, watch)
        whole = _whole_pass(clip, Stopwatch("whole", SNAPSHOT))
        staged.append(_whole_pass(clip, Stopwatch()))
        width, height = _copy_pass(clip, watch)
        measured.append(
            PassFigures(
                memcpy_ms=watch.per_call_ms("memcpy"),
                decode_ms=watch.total_ms("bare decode") / frames,
                whole_ms=whole.total_ms("whole") / frames,
                motion_ms=None if rival is None else rival(clip, width, height, frames),
            )
        )
    return FrameFigures(
        width=width,
        height=height,
        frames=frames,
        passes=tuple(measured),
        stages_ms={stage: _median_ms(staged, stage) for stage in STAGES},
        calls={stage: staged[-1].calls(stage) for stage in STAGES},
        snapshot_ms=_median_ms(staged, SNAPSHOT),
        snapshots=staged[-1].calls(SNAPSHOT),
    )


def _median_ms(passes: Sequence[Stopwatch], stage: str) -> float:
    return median(watch.per_call_ms(stage) for watch in passes)


def _decode_pass(path: Path, watch: Stopwatch) -> int:
    clip = PyAvClip(path)
    frames = 0
    while True:
        try:
            with watch.stage("bare decode"):
                clip.next()
        except CameraEnded:
            clip.close()
            return frames
        frames += 1


def _copy_pass(path: Path, watch: Stopwatch) -> tuple[int, int]:
    clip = PyAvClip(path)
    sources = []
    for taken in itertools.islice(all_pictures(clip), _COPIES):
        flat = np.empty(taken.picture.nbytes, np.uint8)
        taken.picture.write_i420(flat)
        sources.append(flat)
    size = taken.picture.width, taken.picture.height
    clip.close()
    targets = [np.zeros_like(source) for source in sources]
    for source, target in itertools.islice(itertools.cycle(zip(sources, targets, strict=True)), _COPIES * _TIMES_OVER):
        with watch.stage("memcpy"):
            np.copyto(target, source)
    return size


def _whole_pass(path: Path, watch: Stopwatch) -> Stopwatch:
    """The stages as capture and inference run them, with the device's default settings; returns the watch."""
    camera = CameraId(f"bench-{os.getpid()}")
    clip = PyAvClip(path)
    selector = FrameSelector(SourceSettings(camera, path, masks=_MASKED), clip.frames_per_second or 10.0)
    selector.mask = _TimedMask(_MASKED, watch)
    analyst = Analyst(camera, watch)
    buffer: np.ndarray[tuple[int], np.dtype[np.uint8]] | None = None
    with ExitStack() as stack:
        stack.enter_context(snapshots_apart(watch))
        stack.callback(clip.close)
        writer = RingWriter(DEFAULT_FOLDER, camera)
        stack.callback(writer.close)
        reader = RingReader(DEFAULT_FOLDER, camera)
        stack.callback(reader.close)
        with watch.stage("whole"):
            for seq, taken in enumerate(all_pictures(clip)):
                with watch.stage("gate"):
                    seen = selector.select(taken.picture, taken.position_ns)
                if seen.picture is None:
                    continue
                at = taken.position_ns
                frame = Frame(camera, seq, UtcNs(at), MonotonicNs(at), at, seen.picture, seen.motion)
                with watch.stage("ring_write"):
                    notice = writer.write(frame)
                if buffer is None:
                    buffer = np.empty(taken.picture.nbytes, np.uint8)
                with watch.stage("ring_read"):
                    read = reader.read(notice, buffer)
                analyst.look(read)
    return watch


class _TimedMask(PrivacyMask):
    """The frame selector's mask, as a stage of its own."""

    def __init__(self, zones: Sequence[Zone], watch: Stopwatch) -> None:
        super().__init__(zones)
        self._watch = watch

    def apply(self, picture: Picture) -> Picture:
        with self._watch.stage("mask"):
            return super().apply(picture)
