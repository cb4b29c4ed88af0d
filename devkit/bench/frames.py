"""What is done to a frame, stage by stage and as a whole, beside a copy of the frame."""

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from devkit.bench.timing import Stopwatch
from smartcam.capture.schedule import Schedule
from smartcam.capture.settings import CameraSettings
from smartcam.capture.sources.clip import ClipPicture
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.contract.errors import CameraEnded
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.edge.ring import DEFAULT_FOLDER, RingReader, RingWriter
from smartcam.vision.boxes import Boxes
from smartcam.vision.frame import Frame
from smartcam.vision.mask import PrivacyMask
from smartcam.vision.motion import MotionGate, MotionSettings
from smartcam.vision.tamper import TamperWatch
from smartcam.vision.track import Sightings, Tracker
from smartcam.vision.zone import Zone

_COPIES: Final = 16
"""Buffers in turn, so that a copy comes from memory and not from a cache."""
_TIMES_OVER: Final = 20
STAGES: Final = ("gate", "mask", "ring_write", "ring_read", "tamper", "track")
_MASKED: Final = (Zone("window", ((0.0, 0.0), (0.2, 0.0), (0.25, 0.2), (0.0, 0.25))),)
"""A corner is masked: a mask costs a copy of each picture that is announced, whatever its size."""


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """CPU milliseconds per frame of the clip; `stages_ms` per call of the stage, `calls` how often in a pass."""

    width: int
    height: int
    frames: int
    memcpy_ms: float
    decode_ms: float
    whole_ms: float
    stages_ms: dict[str, float]
    calls: dict[str, int]

    @property
    def besides_decoding_ms(self) -> float:
        """Everything that is done to a frame besides decoding it, notices apart."""
        return self.whole_ms - self.decode_ms


def measure_frames(clip: Path, passes: int) -> FrameFigures:
    """Passes over the clip, in turn: bare decoding, the whole pipeline in one thread, and copies of a frame.

    The model is left out (it has figures of its own); tracking sees each motion box as a detection.
    """
    watch = Stopwatch()
    frames = 0
    for _ in range(passes):
        watch.begin_pass()
        frames = _decode_pass(clip, watch)
        _whole_pass(clip, watch)
        width, height = _copy_pass(clip, watch)
    return FrameFigures(
        width=width,
        height=height,
        frames=frames,
        memcpy_ms=watch.per_call_ms("memcpy"),
        decode_ms=watch.per_call_ms("bare decode"),
        whole_ms=watch.per_call_ms("whole") / frames,
        stages_ms={stage: watch.per_call_ms(stage) for stage in STAGES},
        calls={stage: watch.calls(stage) for stage in STAGES},
    )


def _pictures(clip: PyAvClip) -> Iterator[ClipPicture]:
    try:
        while True:
            yield clip.next()
    except CameraEnded:
        return


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
    for taken in itertools.islice(_pictures(clip), _COPIES):
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


def _whole_pass(path: Path, watch: Stopwatch) -> None:
    """The stages as capture and inference run them, with the device's default settings."""
    camera = CameraId(f"bench-{os.getpid()}")
    settings = CameraSettings(camera, path)
    clip = PyAvClip(path)
    mask = PrivacyMask(_MASKED)
    gate = MotionGate(MotionSettings(settings.sensitivity, clip.frames_per_second or 10.0, _MASKED))
    schedule = Schedule(settings.analyse_fps, settings.keep_alive_s)
    tracker, tamper = Tracker(), TamperWatch()
    buffer: np.ndarray[tuple[int], np.dtype[np.uint8]] | None = None
    with ExitStack() as stack:
        stack.callback(clip.close)
        writer = RingWriter(DEFAULT_FOLDER, camera)
        stack.callback(writer.close)
        reader = RingReader(DEFAULT_FOLDER, camera)
        stack.callback(reader.close)
        with watch.stage("whole"):
            for seq, taken in enumerate(_pictures(clip)):
                with watch.stage("gate"):
                    motion = gate.look(taken.picture.luma)
                if not schedule.due(taken.position_ns, moving=bool(motion) or gate.is_unsettled):
                    continue
                with watch.stage("mask"):
                    picture = mask.apply(taken.picture)
                at = taken.position_ns
                frame = Frame(camera, seq, UtcNs(at), MonotonicNs(at), at, picture, motion)
                with watch.stage("ring_write"):
                    notice = writer.write(frame)
                if buffer is None:
                    buffer = np.empty(taken.picture.nbytes, np.uint8)
                with watch.stage("ring_read"):
                    read = reader.read(notice, buffer)
                with watch.stage("tamper"):
                    tamper.look(read.picture.luma, read.captured_mono)
                with watch.stage("track"):
                    boxes = _shares(read.motion, taken.picture.width, taken.picture.height)
                    tracker.step(read.captured_mono, _sightings(boxes), boxes)


def _shares(motion: tuple[PixelBox, ...], width: int, height: int) -> Boxes:
    rows = [(box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height) for box in motion]
    return np.array(rows, np.float32).reshape(-1, 4)


def _sightings(boxes: Boxes) -> Sightings:
    nothing = np.zeros(len(boxes), np.int64)
    return Sightings(boxes, np.full(len(boxes), 0.8, np.float32), nothing, nothing)
