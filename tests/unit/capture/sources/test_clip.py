import builtins
import logging
import os
import re
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.sources.clip import Clip, ClipPicture, Timeline
from smartcam.capture.sources.file import open_clip
from smartcam.capture.sources.opencv_clip import OpenCvClip
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.contract.times import NS_PER_MS, NS_PER_S
from tests.clips import moving_square, still_scene, truncated, write_clip


def played(clip: Clip) -> tuple[list[ClipPicture], CameraLost]:
    pictures = []
    try:
        while True:
            pictures.append(clip.next())
    except CameraLost as end:
        return pictures, end
    finally:
        clip.close()


def positions_s(pictures: list[ClipPicture]) -> list[float]:
    return [round(picture.position_ns / NS_PER_S, 3) for picture in pictures]


def test_every_picture_of_a_clip_comes_out_as_it_went_in(tmp_path: Path) -> None:
    made = list(moving_square(frames=30))
    pictures, end = played(open_clip(write_clip(tmp_path / "a.mp4", made, fps=12.5)))
    assert isinstance(end, CameraEnded)
    assert "end of the clip after 30 pictures" in str(end)
    assert positions_s(pictures) == [round(i * 0.08, 3) for i in range(30)]
    for one, other in zip(pictures, made, strict=True):
        assert np.array_equal(one.picture.y, other.y)
        assert np.array_equal(one.picture.u, other.u)
        assert np.array_equal(one.picture.v, other.v)


def test_a_clip_whose_title_is_in_another_encoding_than_ours_is_played(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    picture = next(moving_square(frames=1)).to_bgr()
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Camera"
        stream = container.add_stream("libx264", rate=10)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = picture.shape[1], picture.shape[0]
        container.mux([*stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")), *stream.encode(None)])
    path.write_bytes(path.read_bytes().replace(b"Camera", "Caméra".encode("latin-1")))
    pictures, _ = played(PyAvClip(path))
    assert len(pictures) == 1


def test_pictures_outlive_the_clip_because_they_keep_the_decoders_memory(tmp_path: Path) -> None:
    made = list(moving_square(frames=40))
    clip = PyAvClip(write_clip(tmp_path / "a.mp4", made))
    pictures, _ = played(clip)
    del clip
    assert not pictures[0].picture.y.flags.owndata
    assert all(np.array_equal(one.picture.y, other.y) for one, other in zip(pictures, made, strict=True))


def test_the_fallback_shows_the_same_clip(tmp_path: Path) -> None:
    made = list(moving_square(frames=20))
    pictures, end = played(OpenCvClip(write_clip(tmp_path / "a.mp4", made)))
    assert isinstance(end, CameraEnded)
    assert positions_s(pictures) == [round(i * 0.1, 3) for i in range(20)]
    for one, other in zip(pictures, made, strict=True):
        assert np.abs(one.picture.y.astype(int) - other.y).mean() < 3


def test_a_clip_of_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    stamps = [0, 100, 500, 600, 2600]
    path = write_clip(tmp_path / "a.mp4", moving_square(frames=5), stamps=stamps)
    assert positions_s(played(PyAvClip(path))[0]) == [0, 0.1, 0.5, 0.6, 2.6]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "size", "even"),
    [
        ("a.avi", "ffv1", "yuv444p", (99, 51), (98, 50)),
        ("a.mkv", "mjpeg", "yuvj420p", (99, 51), (98, 50)),
        ("a.mkv", "ffv1", "gray", (64, 48), (64, 48)),
        ("a.avi", "mpeg4", "yuv420p", (64, 48), (64, 48)),
    ],
)
def test_other_codecs_pixel_formats_and_odd_sizes_become_even_i420(
    tmp_path: Path, name: str, codec: str, pixel_format: str, size: tuple[int, int], even: tuple[int, int]
) -> None:
    made = list(moving_square(128, 96, frames=5))
    path = write_clip(tmp_path / name, made, codec=codec, pixel_format=pixel_format, size=size)
    pictures, end = played(PyAvClip(path))
    assert isinstance(end, CameraEnded)
    assert len(pictures) == 5
    for one, other in zip(pictures, made, strict=True):
        assert (one.picture.width, one.picture.height) == even
        assert np.abs(one.picture.y.astype(int) - other.y[: even[1], : even[0]]).mean() < 20


def test_the_rate_is_told(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", still_scene(frames=5), fps=12.5)
    for clip in (PyAvClip(path), OpenCvClip(path)):
        assert clip.frames_per_second == 12.5
        clip.close()


def _missing(folder: Path) -> Path:
    return folder / "missing.mp4"


def _folder(folder: Path) -> Path:
    return folder


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.mp4")
    return folder / "pipe.mp4"


def _empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def _text(folder: Path) -> Path:
    (folder / "text.mp4").write_text("no video at all\n" * 50)
    return folder / "text.mp4"


def _playlist(folder: Path) -> Path:
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/a.ts\n")
    return folder / "list.m3u8"


def _script(folder: Path) -> Path:
    (folder / "script.mp4").write_text("ffconcat version 1.0\nfile /etc/hostname\n")
    return folder / "script.mp4"


def _header_only(folder: Path) -> Path:
    return truncated(write_clip(folder / "a.mp4", moving_square(frames=20)), 0.35)


def _no_header(folder: Path) -> Path:
    return truncated(write_clip(folder / "a.mp4", moving_square(frames=20)), 0.005)


def _sound_only(folder: Path) -> Path:

    with wave.open(str(folder / "sound.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(8000))
    return folder / "sound.wav"


def _address(folder: Path) -> Path:  # noqa: ARG001
    return Path("http://127.0.0.1:9/a.mp4")


def _zero_byte(folder: Path) -> Path:
    return folder / "a\0b.mp4"


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (_missing, "No such file or directory"),
        (_folder, "is not a plain file"),
        (_pipe, "is not a plain file"),
        (_empty, "is empty"),
        (_text, "is not a clip that can be read"),
        (_playlist, "is a playlist, not a clip"),
        (_script, "is a playlist, not a clip"),
        (_header_only, "holds no picture that can be decoded"),
        (_no_header, "has no video stream|is not a clip that can be read"),
        (_sound_only, "is not a clip that can be read|has no video stream"),
        (_address, "No such file or directory"),
        (_zero_byte, "null byte|null character"),
    ],
)
def test_a_bad_clip_gives_one_clear_error_with_path_and_cause(
    tmp_path: Path, make: Callable[[Path], Path], cause: str
) -> None:
    path: Path = make(tmp_path)
    try:
        _, error = played(open_clip(path))
    except CameraLost as refusal:
        error = refusal
    assert not isinstance(error, CameraEnded)
    assert re.search(cause, str(error))
    assert path.name.partition("\0")[0] in str(error)


def test_a_clip_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "a.mp4", still_scene(frames=2))

    def forbidden(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)  # root may read everything
    with pytest.raises(CameraLost, match=r"a\.mp4: Permission denied"):
        open_clip(path)


def test_a_clip_that_breaks_off_plays_what_can_be_read_and_then_ends_with_the_reason(tmp_path: Path) -> None:
    made = list(moving_square(frames=60))
    pictures, end = played(open_clip(truncated(write_clip(tmp_path / "a.mp4", made), 0.7)))
    assert isinstance(end, CameraEnded)
    assert "breaks off after" in str(end)
    assert "of 6.0 s" in str(end)
    assert 10 < len(pictures) < 60
    assert all(np.array_equal(a.picture.y, b.y) for a, b in zip(pictures[:10], made[:10], strict=True))


def test_without_pyav_opencv_plays_the_clip_and_the_log_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / "a.mp4", still_scene(frames=4))
    real_import = builtins.__import__

    def no_av(name: str, *args: object, **kwargs: object) -> object:
        if name in {"av", "smartcam.capture.sources.pyav_clip"}:
            raise ImportError("No module named 'av'")
        return real_import(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", no_av)
    with caplog.at_level(logging.WARNING):
        clip = open_clip(path)
    assert isinstance(clip, OpenCvClip)
    assert "pyav_missing" in caplog.text
    assert len(played(clip)[0]) == 4


def test_what_pyav_refuses_opencv_may_play(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / "a.mp4", still_scene(frames=4))
    monkeypatch.setattr("smartcam.capture.sources.pyav_clip._OPTIONS", {"format_whitelist": "avi"})
    with caplog.at_level(logging.WARNING):
        assert len(played(open_clip(path))[0]) == 4
    assert "pyav_cannot_open" in caplog.text


def test_pictures_without_time_stamps_follow_the_average_rate() -> None:
    timeline = Timeline(5)
    assert [timeline.place(None) // NS_PER_MS for _ in range(4)] == [0, 200, 400, 600]


def test_time_stamps_that_begin_anywhere_jump_or_are_missing_still_make_a_timeline() -> None:
    timeline = Timeline(10)
    stamps = [90_000, 90_100, None, 90_300, 90_200, 90_300, 9_000_000, 9_000_100]
    places = [timeline.place(None if stamp is None else stamp * NS_PER_MS) // NS_PER_MS for stamp in stamps]
    assert places == [0, 100, 200, 300, 400, 500, 600, 700]


def test_one_odd_stamp_makes_the_clip_no_longer() -> None:
    timeline = Timeline(10)
    stamps = [0, 100, 90, 300, 310, 305, 500, 9_000_000, 700]
    places = [timeline.place(stamp * NS_PER_MS) // NS_PER_MS for stamp in stamps]
    assert places == [0, 100, 200, 300, 310, 410, 500, 600, 700]


def test_a_step_is_as_long_as_the_container_may_believe() -> None:
    stamps = [0, 120_000, 240_000, 900_000]
    short, long = Timeline(1), Timeline(1, 300)
    assert [short.place(stamp * NS_PER_MS) // NS_PER_MS for stamp in stamps] == [0, 1000, 2000, 3000]
    assert [long.place(stamp * NS_PER_MS) // NS_PER_MS for stamp in stamps] == [0, 120_000, 240_000, 241_000]


@given(st.floats(), st.lists(st.none() | st.integers(-(2**62), 2**62), max_size=50))
def test_positions_never_go_back(rate: float, stamps: list[int | None]) -> None:
    timeline = Timeline(rate)
    places = [timeline.place(stamp) for stamp in stamps]
    assert places == sorted(places)
    assert not places or places[0] == 0
