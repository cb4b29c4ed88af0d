"""What a player shows is what is analysed, whatever lies in the file."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext

from smartcam.capture.settings import SourceKind, SourceSettings
from smartcam.capture.sources.clip import Clip
from smartcam.capture.sources.opencv_clip import OpenCvClip
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.capture.sources.pyav_live import PyAvStream
from smartcam.contract.ids import CameraId
from smartcam.vision.picture import Picture
from smartcam.vision.turn import AS_IT_IS, Turn, quarter_turn, turned
from tests.clips import picture_of, write_clip

EVERY_TURN = [Turn(*(bool(each) for each in flags)) for flags in np.ndindex(2, 2, 2)]
QUARTER_TURNS = [quarter_turn(degrees) for degrees in (0, 90, 180, 270)]


def stored(width: int = 96, height: int = 64) -> Picture:
    """Four corners of four brightnesses, so that no turn looks like another."""
    grey = np.full((height, width), 50, np.uint8)
    grey[: height // 2, : width // 2] = 90
    grey[: height // 2, width // 2 :] = 150
    grey[height // 2 :, : width // 2] = 210
    return picture_of(grey)


def looks_like(one: Picture, other: Picture) -> bool:
    return one.luma.shape == other.luma.shape and bool(np.abs(one.luma.astype(int) - other.luma).mean() < 12)


def first(clip: Clip) -> Picture:
    with closing(clip):
        picture = clip.next().picture
        return Picture(picture.y.copy(), picture.u.copy(), picture.v.copy())


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("turn", EVERY_TURN)
def test_a_clip_is_turned_and_mirrored_as_its_container_says(tmp_path: Path, turn: Turn, ending: str) -> None:
    path = write_clip(tmp_path / f"a.{ending}", [stored()] * 3, turn=turn)
    assert looks_like(first(PyAvClip(path)), turned(stored(), turn))


@pytest.mark.parametrize("turn", QUARTER_TURNS)
def test_without_pyav_a_clip_is_turned_too(tmp_path: Path, turn: Turn) -> None:
    path = write_clip(tmp_path / "a.mp4", [stored()] * 3, turn=turn)
    assert looks_like(first(OpenCvClip(path)), turned(stored(), turn))


@pytest.mark.parametrize("pixel_format", ["yuv422p", "yuv444p"])
def test_pictures_that_are_converted_are_turned_too(tmp_path: Path, pixel_format: str) -> None:
    turn = quarter_turn(90)
    path = write_clip(tmp_path / "a.mkv", [stored()], codec="ffv1", pixel_format=pixel_format, turn=turn)
    assert looks_like(first(PyAvClip(path)), turned(stored(), turn))


def test_odd_sides_are_cut_and_then_turned(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mkv", [stored()], codec="ffv1", pixel_format="yuv444p", size=(95, 63), turn=quarter_turn(90)
    )
    picture = first(PyAvClip(path))
    assert (picture.width, picture.height) == (62, 94)


def test_what_a_cameras_own_stream_says_counts_without_a_container(tmp_path: Path) -> None:
    plain = write_clip(tmp_path / "plain.h264", [stored()] * 3)
    told = filtered(plain, tmp_path / "told.h264", "h264_metadata=display_orientation=insert:rotate=90")
    assert looks_like(first(PyAvClip(plain)), stored())
    # `rotate` of this filter is anticlockwise.
    assert looks_like(first(PyAvClip(told)), turned(stored(), quarter_turn(270)))


def filtered(source: Path, target: Path, bitstream_filter: str) -> Path:
    with av.open(str(source)) as reading, target.open("wb") as writing:
        stream = reading.streams.video[0]
        context = BitStreamFilterContext(bitstream_filter, stream)
        for packet in reading.demux(stream):
            for each in context.filter(packet):
                writing.write(bytes(each))
    return target


def test_a_clip_that_turns_on_the_way_is_followed(tmp_path: Path) -> None:
    plain = write_clip(tmp_path / "plain.h264", [stored()] * 3)
    told = filtered(plain, tmp_path / "told.h264", "h264_metadata=display_orientation=insert:rotate=180")
    both = tmp_path / "both.h264"
    both.write_bytes(told.read_bytes() + plain.read_bytes())
    with closing(PyAvClip(both)) as clip:
        shown = [looks_like(clip.next().picture, turned(stored(), AS_IT_IS)) for _ in range(6)]
    assert shown == [False, False, False, True, True, True]


@pytest.mark.parametrize("open_it", [PyAvClip, OpenCvClip])
def test_a_clip_that_says_nothing_is_taken_as_it_is(tmp_path: Path, open_it: Callable[[Path], Clip]) -> None:
    assert looks_like(first(open_it(write_clip(tmp_path / "a.mp4", [stored()] * 3))), stored())


@pytest.mark.parametrize(("orientation", "degrees"), [(1, 0), (6, 90), (3, 180), (8, 270)])
def test_what_a_jpeg_says_of_its_orientation_counts(tmp_path: Path, orientation: int, degrees: int) -> None:
    entry = b"II*\0\x08\0\0\0\x01\0" + (0x0112).to_bytes(2, "little") + b"\x03\0\x01\0\0\0"
    exif = b"Exif\0\0" + entry + orientation.to_bytes(4, "little") + bytes(4)
    jpeg = cv2.imencode(".jpg", stored().to_bgr())[1].tobytes()
    path = tmp_path / "a.mjpeg"
    path.write_bytes((jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]) * 3)
    assert looks_like(first(PyAvClip(path)), turned(stored(), quarter_turn(degrees)))


def test_a_live_stream_is_turned_as_it_says(tmp_path: Path) -> None:
    plain = write_clip(tmp_path / "plain.h264", [stored()] * 3)
    told = filtered(plain, tmp_path / "told.h264", "h264_metadata=display_orientation=insert:rotate=180")
    settings = SourceSettings(CameraId("gate"), source=SourceKind.RTSP, url="rtsp://192.0.2.7/1")
    stream = PyAvStream(av.open(str(told)), "gate", settings, lambda: True)
    with closing(stream):
        shown = [picture for picture in (stream.next() for _ in range(3)) if picture is not None]
        assert shown
        assert all(looks_like(picture, turned(stored(), quarter_turn(180))) for picture in shown)
