"""A scene as a video file, with its labels next to it."""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.video.stream import VideoStream

from training.yard.scene import Scene, Truth

FIRST_SEEN = 0.1
"""A frame belongs to the labelled interval if at least this share of the intruder is visible."""
_CODEC = "libx264"
_OPTIONS = {"preset": "veryfast", "crf": "21", "threads": "1"}


@dataclass(frozen=True, slots=True)
class Labelling:
    """The ground truth of a clip: intervals of frames, counted from 0, including the last one."""

    frames_per_second: float
    frames: int
    intruder: tuple[tuple[int, int], ...]

    def to_json(self, clip_name: str, note: str) -> str:
        """The labels in the format that `smartcam score` reads: one entry per clip, intervals by label."""
        entry = {
            "fps": self.frames_per_second,
            "frames": self.frames,
            "intruder": [list(interval) for interval in self.intruder],
            "note": note,
        }
        return json.dumps({clip_name: entry}, indent=1) + "\n"


def labels_of(truths: list[Truth], frames_per_second: float) -> Labelling:
    """Joins the frames in which somebody is visible into intervals."""
    intervals: list[tuple[int, int]] = []
    for number, truth in enumerate(truths):
        if truth.share < FIRST_SEEN:
            continue
        if intervals and intervals[-1][1] == number - 1:
            intervals[-1] = (intervals[-1][0], number)
        else:
            intervals.append((number, number))
    return Labelling(frames_per_second, len(truths), tuple(intervals))


def write_clip(path: Path, scene: Scene, frames_per_second: float) -> Labelling:
    """Writes the scene as H.264, and `<name>.labels.json` next to it; the clip appears only once it is complete.

    The pictures depend on the scene alone, the bytes of the file also on the encoder's version.
    """
    times = [number / frames_per_second for number in range(round(scene.spec.length_s * frames_per_second))]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial.mp4")
    with av.open(str(partial), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = _stream(container.add_stream(_CODEC, rate=Fraction(frames_per_second)), scene)
        for time_s in times:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene.picture(time_s), format="bgr24")))
        container.mux(stream.encode(None))
    labelling = labels_of([scene.truth(time_s) for time_s in times], frames_per_second)
    note = (
        f"made by training.demo_clip, seed {scene.spec.seed}; an intruder is labelled while {FIRST_SEEN:.0%} are seen"
    )
    partial.replace(path)
    path.with_suffix(".labels.json").write_text(labelling.to_json(path.name, note), encoding="utf-8")
    return labelling


def _stream(added: object, scene: Scene) -> VideoStream:
    stream = cast("VideoStream", added)
    stream.width, stream.height = scene.spec.width, scene.spec.height
    stream.pix_fmt = "yuv420p"
    stream.options = dict(_OPTIONS)
    return stream
