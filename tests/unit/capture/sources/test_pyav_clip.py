"""The clocks of clips, against clips that are made here; what PyAvClip has in common with others is in test_clip."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartcam.capture.settings import Decoder
from smartcam.capture.sources.clip import ClipPicture
from smartcam.capture.sources.decoders import choose
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.contract.times import NS_PER_S
from tests.unit.capture.sources import h266

Rewrite = Callable[["av.Packet[VideoStream]"], None]
_LEVELS = 5
QUIET = {"libx264": ("x264-params", "log-level=none"), "libx265": ("x265-params", "log-level=none")}


def numbered(number: int, width: int = 64, height: int = 48) -> av.VideoFrame:
    """A picture whose brightness is its number."""
    grey = np.full((height * 3 // 2, width), 128, np.uint8)
    grey[:height] = 20 + number * _LEVELS % 200
    return av.VideoFrame.from_ndarray(grey, format="yuv420p")


def write(
    path: Path,
    times_s: Sequence[Fraction],
    *,
    codec: str = "libx264",
    b_frames: int = 0,
    rules: str = "",
    rate: Fraction = Fraction(10),
    base: Fraction = Fraction(1, 1000),
    rewrite: Rewrite = lambda _: None,
) -> Path:
    """Pictures 0, 1, ... shown at these times; `rewrite` changes the stamps of the packets before they are written."""
    with av.open(str(path), mode="w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        context = stream.codec_context
        context.time_base = base
        context.gop_size, context.max_b_frames, context.thread_count = 12, b_frames, 1
        context.bit_rate = 2_000_000
        if codec in QUIET:
            name, quiet = QUIET[codec]
            context.options = {
                "preset": "ultrafast",
                name: ":".join(filter(None, (quiet, f"bframes={b_frames}", rules))),
            }
        for number, time_s in enumerate(times_s):
            frame = numbered(number)
            frame.pts, frame.time_base = round(time_s / base), base
            for packet in stream.encode(frame):
                rewrite(packet)
                container.mux(packet)
        for packet in stream.encode():
            rewrite(packet)
            container.mux(packet)
    return path


def played(clip: PyAvClip) -> list[ClipPicture]:
    pictures = []
    try:
        while True:
            pictures.append(clip.next())
    except CameraEnded:
        return pictures
    finally:
        clip.close()


def ending(clip: PyAvClip) -> str:
    """What is said after the last picture."""
    with closing(clip):
        try:
            while True:
                clip.next()
        except CameraEnded as ended:
            return str(ended)


def number_of(picture: ClipPicture, near: int) -> int:
    """Which picture it is: the numbers repeat, so that it must be known roughly."""
    repeats = 200 // _LEVELS
    number = round((int(picture.picture.y[20, 20]) - 20) / _LEVELS)
    return number + round((near - number) / repeats) * repeats


def assert_in_time(path: Path, times_s: Sequence[Fraction]) -> None:
    """The pictures are there, in order, each within one frame of its time in the container."""
    pictures = played(PyAvClip(path))
    numbers = [number_of(picture, i) for i, picture in enumerate(pictures)]
    assert numbers == list(range(len(times_s)))
    for number, picture in zip(numbers, pictures, strict=True):
        around = [float(b - a) for a, b in pairwise(times_s)][max(number - 1, 0) : number + 1]
        off_s = picture.position_ns / NS_PER_S - float(times_s[number] - times_s[numbers[0]])
        assert abs(off_s) <= max(around) + 0.002, f"picture {number} of {path.name} is {off_s:.3f} s off"


def in_file_order(times_s: Sequence[Fraction]) -> Rewrite:
    """The first packet in the file gets the first time, whichever picture it holds: as a recorder with a clock does."""
    left = iter(times_s)

    def rewrite(packet: "av.Packet[VideoStream]") -> None:
        assert packet.time_base is not None
        packet.pts = packet.dts = round(next(left) / packet.time_base)

    return rewrite


def even(count: int = 40, fps: int = 10) -> list[Fraction]:
    return [Fraction(i, fps) for i in range(count)]


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mpeg2video"])
@pytest.mark.parametrize("b_frames", [0, 1, 2, 3])
def test_a_clip_in_avi_lasts_as_long_as_it_says_whatever_the_order_of_its_pictures(
    folder: Path, codec: str, b_frames: int
) -> None:
    path = write(folder / "a.avi", even(), codec=codec, b_frames=b_frames, base=Fraction(1, 10))
    assert_in_time(path, even())


def test_a_picture_that_is_done_with_is_let_go_of_at_once(folder: Path) -> None:
    """PyAV's own `side_data` made a circle of each: a camera kept a hundred pictures until Python looked for them."""
    clip = PyAvClip(write(folder / "a.mp4", even(60)))
    gc.collect()
    before = {id(each) for each in gc.get_objects()}
    gc.disable()
    try:
        for _ in range(50):
            clip.next()
        alive = [each for each in gc.get_objects() if isinstance(each, VideoFrame) and id(each) not in before]
    finally:
        gc.enable()
        clip.close()
    assert len(alive) <= 2


def test_a_long_clip_in_avi_does_not_grow(folder: Path) -> None:
    path = write(folder / "a.avi", even(400), b_frames=3, rules="b-pyramid=normal:b-adapt=0", base=Fraction(1, 10))
    pictures = played(PyAvClip(path))
    assert len(pictures) == 400
    assert pictures[-1].position_ns / NS_PER_S == pytest.approx(39.9, abs=0.1)


@given(
    name=st.sampled_from(["a.avi", "a.mkv", "a.mp4", "a.ts", "a.mov"]),
    b_frames=st.integers(0, 5),
    rules=st.sampled_from(["", "open-gop=1", "b-adapt=0:b-pyramid=normal", "b-adapt=0:b-pyramid=none", "keyint=1"]),
    fps=st.sampled_from([4, 10, 25]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_positions_are_those_of_the_container_at_an_even_rate(name: str, b_frames: int, rules: str, fps: int) -> None:
    with TemporaryDirectory() as folder:
        times = even(40, fps)
        base = Fraction(1, fps) if name.endswith("avi") else Fraction(1, 1000)
        assert_in_time(write(Path(folder) / name, times, b_frames=b_frames, rules=rules, base=base), times)


@given(
    name=st.sampled_from(["a.mkv", "a.mp4", "a.ts"]),
    b_frames=st.integers(0, 4),
    steps_ms=st.lists(st.integers(15, 900) | st.sampled_from([5_000, 30_000]), min_size=20, max_size=39),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_positions_are_those_of_the_container_at_any_rate_and_over_gaps(
    name: str, b_frames: int, steps_ms: list[int]
) -> None:
    with TemporaryDirectory() as folder:
        times = [Fraction(sum(steps_ms[:i]), 1000) for i in range(len(steps_ms) + 1)]
        assert_in_time(write(Path(folder) / name, times, b_frames=b_frames), times)


@given(
    name=st.sampled_from(["a.mkv", "a.ts", "a.mp4", "a.mov", "a.flv"]),
    b_frames=st.integers(0, 4),
    rules=st.sampled_from(["", "b-adapt=0", "b-adapt=0:open-gop=1"]),
    steps_ms=st.lists(st.integers(15, 900), min_size=20, max_size=39),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_stamps_in_the_order_of_the_file_are_those_of_the_pictures_in_their_own(
    name: str, b_frames: int, rules: str, steps_ms: list[int]
) -> None:
    with TemporaryDirectory() as folder:
        times = [Fraction(sum(steps_ms[:i]), 1000) for i in range(len(steps_ms) + 1)]
        path = write(Path(folder) / name, times, b_frames=b_frames, rules=rules, rewrite=in_file_order(times))
        assert_in_time(path, times)


@given(st.lists(st.sampled_from([1, 1, 1, 2, 5]), min_size=20, max_size=39))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pictures_that_a_recorder_has_left_out_of_an_avi_leave_their_time(steps: list[int]) -> None:
    with TemporaryDirectory() as folder:
        times = [Fraction(sum(steps[:i]), 10) for i in range(len(steps) + 1)]
        assert_in_time(write(Path(folder) / "a.avi", times, base=Fraction(1, 10)), times)


def moved_ahead(seconds: int) -> Rewrite:
    def rewrite(packet: "av.Packet[VideoStream]") -> None:
        assert packet.time_base is not None
        assert packet.pts is not None
        assert packet.dts is not None
        packet.pts += round(seconds / packet.time_base)
        packet.dts += round(seconds / packet.time_base)

    return rewrite


@pytest.mark.parametrize("b_frames", [0, 3])
@pytest.mark.parametrize("starts_s", [(0, 5000), (5000, 0), (100, 99), (100, 98, 97), (0, 86_000, 3)])
def test_a_broadcast_whose_clock_is_set_goes_on_without_a_gap(
    folder: Path, b_frames: int, starts_s: tuple[int, ...]
) -> None:
    parts = [
        write(folder / f"{i}.ts", even(), b_frames=b_frames, rewrite=moved_ahead(start)).read_bytes()
        for i, start in enumerate(starts_s)
    ]
    path = folder / "whole.ts"
    path.write_bytes(b"".join(parts))
    pictures = played(PyAvClip(path))
    assert len(pictures) == pytest.approx(40 * len(parts), abs=len(parts))
    off = [abs(picture.position_ns / NS_PER_S - i * 0.1) for i, picture in enumerate(pictures)]
    assert max(off) <= 0.1 * len(parts)


@pytest.mark.parametrize("b_frames", [0, 3])
def test_a_broadcast_whose_clock_was_set_ahead_ends_and_does_not_break_off(folder: Path, b_frames: int) -> None:
    times = [time + (300 if time >= 2 else 0) for time in even()]
    clip = PyAvClip(write(folder / "a.ts", times, b_frames=b_frames))
    assert ending(clip) == f"{folder / 'a.ts'}: end of the clip after 40 pictures"


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("apart_s", [60, 120, 600])
def test_a_clip_of_few_pictures_that_are_far_apart_does_not_break_off(folder: Path, name: str, apart_s: int) -> None:
    times = [Fraction(apart_s * i) for i in range(4)]
    clip = PyAvClip(write(folder / name, times, rate=Fraction(1, apart_s)))
    assert ending(clip) == f"{folder / name}: end of the clip after 4 pictures"


@pytest.mark.parametrize("before_s", [1, 30, 90])
@pytest.mark.parametrize("b_frames", [0, 3])
def test_a_broadcast_whose_stamps_wrap_goes_on(folder: Path, before_s: int, b_frames: int) -> None:
    """33 bits of 90 kHz are 26.5 hours."""
    wrap_s = 2**33 // 90_000
    times = even(40) if before_s < 30 else [Fraction(3 * i) for i in range(40)]
    path = write(folder / "a.ts", times, b_frames=b_frames, rewrite=moved_ahead(wrap_s - before_s))
    pictures = played(PyAvClip(path))
    assert len(pictures) == 40
    step = float(times[1])
    off = [abs(picture.position_ns / NS_PER_S - float(time)) for picture, time in zip(pictures, times, strict=True)]
    assert max(off) <= step + 0.01


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_pictures_that_are_minutes_apart_stay_so(folder: Path, name: str) -> None:
    times = [Fraction(120 * i) for i in range(12)]
    assert_in_time(write(folder / name, times), times)


def test_a_damaged_picture_moves_no_other(folder: Path) -> None:
    path = write(folder / "a.avi", even(), b_frames=3, base=Fraction(1, 10))
    whole = bytearray(path.read_bytes())
    for at in (len(whole) // 4, len(whole) // 2):
        whole[at : at + 40] = bytes(40)
    path.write_bytes(whole)
    pictures = played(PyAvClip(path))
    assert len(pictures) >= 20
    assert pictures[-1].position_ns / NS_PER_S == pytest.approx(3.9, abs=0.4)


def test_the_rate_of_a_bare_stream_is_that_of_its_headers(folder: Path) -> None:
    path = write(folder / "a.h264", even(), base=Fraction(1, 10))
    clip = PyAvClip(path)
    assert clip.frames_per_second == 10
    assert played(clip)[-1].position_ns == pytest.approx(3.9 * NS_PER_S, abs=NS_PER_S / 10)


def write_h266(path: Path, pictures: Sequence[str]) -> Path:
    """The pictures at ten a second, in the container that the file's name says."""
    bare = path.with_name("bare.vvc")
    bare.write_bytes(b"".join(map(h266.stream, pictures)))
    if path == bare:
        return path
    with av.open(str(path), "w") as container:
        copied = container.add_mux_stream("vvc", rate=10, width=h266.SIDE, height=h266.SIDE)
        for number, samples in enumerate(pictures):
            packet = av.Packet(h266.stream(samples))
            packet.stream, packet.time_base = copied, Fraction(1, 10)
            packet.pts = packet.dts = number
            packet.duration, packet.is_keyframe = 1, True
            container.mux(packet)
    return path


@pytest.mark.parametrize("name", ["bare.vvc", "a.ts"])
def test_h266_is_played(folder: Path, name: str) -> None:
    pictures = [*h266.PICTURES, *reversed(h266.PICTURES)] * 3
    clip = PyAvClip(write_h266(folder / name, pictures))
    shown = played(clip)
    ranges = [(int(each.picture.y.min()), int(each.picture.y.max())) for each in shown]
    assert ranges == [h266.PICTURES[samples] for samples in pictures]
    assert {(each.picture.width, each.picture.height) for each in shown} == {(32, 32)}
    rate = 25 if name == "bare.vvc" else 10
    assert shown[-1].position_ns / NS_PER_S == pytest.approx((len(pictures) - 1) / rate, abs=1 / rate)


def test_h266_that_is_none_ends_in_one_clear_error(folder: Path) -> None:
    path = folder / "bare.vvc"
    path.write_bytes(h266.stream("ffff") * 3)
    clip = PyAvClip(path)
    with pytest.raises(CameraLost, match="holds no picture that can be decoded") as caught:
        clip.next()
    clip.close()
    assert not isinstance(caught.value, CameraEnded)


def test_a_camera_may_send_h266(folder: Path) -> None:
    with av.open(str(write_h266(folder / "a.ts", list(h266.PICTURES)))) as container:
        stream = container.streams.video[0]
        decode = choose(stream, Decoder.AUTO, "gate")
        assert sum(len(decode(packet)) for packet in container.demux(stream)) == len(h266.PICTURES)
