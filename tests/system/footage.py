"""Clips for the system tests: cuts of the shared footage and of the demo's, and the bundle of the stock detector."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from measure.demo.plan import CLIP_FOLDER
from measure.demo.yard_clip import yard_clip
from tools.bundle.command import main as make_bundle
from tools.command_line import ROOT

SHARED = ROOT.parent / "shared" / "data"
SIX_PEOPLE = SHARED / "video" / "intel_one-by-one-person-detection.mp4"
VISITS = ((60, 197), (227, 450), (502, 699), (744, 870), (921, 1200), (1234, 1359))
"""Frames in which each of the six is visible."""
FPS = 10
_FIRST_VISITOR_S = 22.0
"""By then the first visitor of the demo's yard has come and gone."""
_MODEL = SHARED / "models" / "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"

needs_footage = pytest.mark.skipif(
    not (SIX_PEOPLE.is_file() and _MODEL.is_file()), reason=f"the shared footage and models are not at {SHARED}"
)


def cut(target: Path, *stretches: tuple[int, int]) -> Path:
    """The frames from first to last of each stretch of the clip with the six people, one stretch after the other."""
    with av.open(f"file:{SIX_PEOPLE}") as reading:
        size = reading.streams.video[0]
        width, height = size.width, size.height
    with av.open(f"file:{target}", "w") as writing:
        stream = writing.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "20"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(chain.from_iterable(_frames(*stretch) for stretch in stretches)):
            fresh = frame.reformat(format="yuv420p")
            fresh.pts, fresh.time_base = number, Fraction(1, FPS)
            writing.mux(stream.encode(fresh))
        writing.mux(stream.encode())
    return target


def _frames(first: int, last: int) -> Iterator[VideoFrame]:
    with av.open(f"file:{SIX_PEOPLE}") as reading:
        yield from islice(reading.decode(video=0), first, last + 1)


def first_visitor(target: Path) -> Path:
    """The beginning of the demo's clip, its pictures as they are encoded."""
    with av.open(str(yard_clip(CLIP_FOLDER, print))) as reading, av.open(str(target), "w") as writing:
        shown = reading.streams.video[0]
        stream = writing.add_stream_from_template(shown)
        for packet in reading.demux(shown):
            if packet.dts is None or packet.time_base is None or packet.dts * packet.time_base >= _FIRST_VISITOR_S:
                continue
            packet.stream = stream
            writing.mux(packet)
    return target


def detector_bundle(folder: Path) -> Path:
    """A bundle of the stock detector."""
    labels = _MODEL.with_name("coco_ssd_labelmap.txt")
    made = make_bundle(["--model", str(_MODEL), "--kind", "detector", "--labels", str(labels), "--out", str(folder)])
    assert made == 0
    return folder
