"""Writes a scene as a clip and its labels, for programs that read files."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from measure.scenes.drawn import SceneClip
from measure.scenes.truth import label_file, truth_of
from smartcam.capture.sources.clip import all_pictures
from smartcam.vision.picture import Picture

LABELS = "labels.json"


def write(clip: SceneClip, folder: Path) -> Path:
    """`SCENE-SEED.mp4` in the folder, and its entry in the folder's `labels.json` (see docs/design/score.md).

    Raises:
        OSError: the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scene = clip.scene
    path = folder / f"{scene.name}-{scene.seed}.mp4"
    with av.open(f"file:{path}", "w") as writing:
        rate = Fraction(scene.fps).limit_denominator(1000)
        stream: VideoStream | None = None
        for number, taken in enumerate(all_pictures(clip)):
            if stream is None:
                stream = writing.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "18"})
                stream.width, stream.height, stream.pix_fmt = taken.picture.width, taken.picture.height, "yuv420p"
            frame = _frame(taken.picture)
            frame.pts, frame.time_base = number, 1 / rate
            writing.mux(stream.encode(frame))
        if stream is not None:
            writing.mux(stream.encode())
    labels = folder / LABELS
    known = json.loads(labels.read_bytes()) if labels.is_file() else {}
    labels.write_text(json.dumps(known | label_file(scene, truth_of(scene), path.name)))
    return path


def _frame(picture: Picture) -> VideoFrame:
    flat = np.empty(picture.nbytes, np.uint8)
    picture.write_i420(flat)
    return VideoFrame.from_ndarray(flat.reshape(picture.height * 3 // 2, picture.width), format="yuv420p")
