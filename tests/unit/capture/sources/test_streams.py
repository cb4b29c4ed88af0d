"""Clips with several video streams; live ones are in tests/rtsp."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.stream import VideoStream

from smartcam.capture.sources.file import open_clip
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.contract.errors import CameraEnded, CameraLost

NONE = Disposition(0)
GREYS = {"cover": 60, "small": 110, "large": 200}


@dataclass(frozen=True)
class Shown:
    """One stream of a clip; its pictures are as bright as `GREYS` says of its name."""

    name: str
    side: int
    pictures: int = 20
    codec: str = "libx264"
    disposition: Disposition = NONE
    every: int = 1
    """A picture at every so many tenths of a second."""


def write(path: Path, *streams: Shown) -> Path:
    with av.open(str(path), mode="w") as container:
        made: list[VideoStream] = []
        for shown in streams:
            stream = container.add_stream(shown.codec, rate=10)
            assert isinstance(stream, VideoStream)
            stream.width = stream.height = shown.side
            stream.pix_fmt = "yuvj420p" if shown.codec == "mjpeg" else "yuv420p"
            stream.codec_context.thread_count = 1
            stream.codec_context.time_base = Fraction(1, 10)
            stream.disposition = shown.disposition
            if shown.codec == "libx264":
                stream.codec_context.options = {"preset": "ultrafast", "x264-params": "log-level=none"}
            made.append(stream)
        container.start_encoding()
        for tenth in range(max(shown.pictures * shown.every for shown in streams)):
            for shown, stream in zip(streams, made, strict=True):
                if tenth % shown.every == 0 and tenth // shown.every < shown.pictures:
                    frame = av.VideoFrame.from_ndarray(flat(shown), format=stream.pix_fmt or "")
                    frame.pts, frame.time_base = tenth, Fraction(1, 10)
                    container.mux(stream.encode(frame))
        for stream in made:
            container.mux(stream.encode())
    return path


def flat(shown: Shown) -> "np.typing.NDArray[np.uint8]":
    grey = np.full((shown.side * 3 // 2, shown.side), 128, np.uint8)
    grey[: shown.side] = GREYS[shown.name]
    return grey


def seen(path: Path) -> tuple[str, int]:
    """Which stream is played, and how many pictures come."""
    clip = PyAvClip(path)
    found: list[int] = []
    try:
        while True:
            found.append(int(clip.next().picture.y[5, 5]))
    except CameraEnded:
        (name,) = {min(GREYS, key=lambda name: abs(GREYS[name] - grey)) for grey in found}
        return name, len(found)
    finally:
        clip.close()


COVER = Shown("cover", 256, 1, "mjpeg", Disposition.attached_pic)
SMALL = Shown("small", 64)
LARGE = Shown("large", 128)


@pytest.mark.parametrize(
    ("name", "streams", "expected"),
    [
        ("a.mp4", (COVER, LARGE), ("large", 20)),
        ("a.mp4", (LARGE, COVER), ("large", 20)),
        ("a.mkv", (Shown("cover", 256, 1, "mjpeg"), SMALL), ("small", 20)),
        ("a.mkv", (Shown("cover", 256, 0, "mjpeg"), LARGE, SMALL), ("large", 20)),
        ("a.avi", (Shown("cover", 256, 1, "mjpeg"), SMALL), ("small", 20)),
        ("a.ts", (SMALL, LARGE), ("large", 20)),
        ("a.mp4", (SMALL, LARGE), ("large", 20)),
        ("a.mkv", (Shown("small", 128), Shown("large", 128, disposition=Disposition.default)), ("large", 20)),
        ("a.mkv", (Shown("small", 64, 3, every=20), Shown("cover", 256, 1)), ("small", 3)),
        ("a.mkv", (Shown("cover", 64, 1), Shown("large", 128, 1)), ("large", 1)),
        ("a.mkv", (Shown("small", 64, 2), Shown("cover", 128, 1)), ("small", 2)),
        ("a.mp4", (Shown("cover", 128, 2), SMALL), ("small", 20)),
        ("a.mkv", (SMALL, Shown("cover", 128, 4)), ("small", 20)),
        ("a.mkv", (SMALL, Shown("large", 128, 5, every=4)), ("large", 5)),
    ],
)
def test_the_largest_stream_that_moves_is_played(
    tmp_path: Path, name: str, streams: Sequence[Shown], expected: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert seen(write(tmp_path / name, *streams)) == expected
    side = max(shown.side for shown in streams if shown.name == expected[0])
    assert f"video_stream place={tmp_path / name} stream=" in caplog.text
    assert f"size={side}x{side}" in caplog.text


def test_a_clip_with_one_stream_is_not_talked_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert seen(write(tmp_path / "a.mkv", SMALL)) == ("small", 20)
    assert "video_stream" not in caplog.text


def test_the_largest_stream_whose_pictures_are_all_damaged_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", Shown("cover", 512, 20, "mpeg4"), SMALL)
    with av.open(str(path)) as container:
        dead = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
        places = [(packet.pos, packet.size) for packet in dead if packet.pos is not None]
    whole = bytearray(path.read_bytes())
    for at, size in places:
        whole[at : at + size] = bytes(size)
    path.write_bytes(whole)
    assert seen(path) == ("small", 20)


@pytest.mark.parametrize("first", [True, False])
def test_a_stream_that_points_beyond_the_end_of_the_file_ends_no_other(tmp_path: Path, *, first: bool) -> None:
    dead = Shown("cover", 256, 20, "mjpeg")
    path = write(tmp_path / "a.mp4", *((dead, SMALL) if first else (SMALL, dead)))
    whole = bytearray(path.read_bytes())
    at = whole.index(b"stco") if first else whole.rindex(b"stco")
    for i in range(int.from_bytes(whole[at + 8 : at + 12])):
        whole[at + 12 + 4 * i : at + 16 + 4 * i] = (2**31 - 100 + i).to_bytes(4)
    path.write_bytes(whole)
    assert seen(path) == ("small", 20)


def test_a_file_that_shows_only_a_cover_is_refused_in_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", COVER)
    with pytest.raises(CameraLost, match=r"a\.mp4: has no video stream, only a still picture such as a cover"):
        open_clip(path)
