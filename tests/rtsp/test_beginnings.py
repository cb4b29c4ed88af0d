"""How an RTSP stream begins: with a key frame and none for long, in the middle of a group, with several streams."""

import logging
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
import pytest

from smartcam.capture.settings import SourceKind, SourceSettings
from smartcam.capture.sources import beginning
from smartcam.capture.sources.opening import open_source
from smartcam.capture.sources.source import FrameSource, TimedPicture
from smartcam.contract.errors import CameraLost
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_MS, NS_PER_S
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from smartcam.vision.picture import Picture
from tests.clips import picture_of
from tests.rtsp.loopback_camera import LoopbackCamera, Track, Unit, encoded
from tests.waiting import PATIENCE_S, until

_STEP = 5
AT_ONCE = 10
"""Pictures of half a second, in which a busy machine may not look."""
CALM = 5
"""So often is looked again where the machine may have stood still meanwhile: what is wrong is so each time."""


def numbered(count: int, width: int = 64, height: int = 48) -> Iterator[Picture]:
    """Pictures whose brightness is their number."""
    for number in range(count):
        yield picture_of(np.full((height, width), 20 + number * _STEP % 200, np.uint8))


def number_of(timed: TimedPicture) -> int:
    return round((int(timed.picture.y[20, 20]) - 20) / _STEP)


@contextmanager
def opened(camera: LoopbackCamera) -> Iterator[FrameSource]:
    settings = SourceSettings(CameraId("gate"), source=SourceKind.RTSP, url=camera.url)
    with closing(open_source(settings, SystemClock(), StopToken())) as source:
        yield source


def watched(source: FrameSource, for_s: float) -> list[TimedPicture]:
    end = time.monotonic() + for_s
    taken = []
    while time.monotonic() < end:
        timed = source.read()
        if timed is not None:
            taken.append(timed)
    return taken


def take(source: FrameSource, count: int, width: int = 64) -> list[TimedPicture]:
    """Everything until so many pictures of this width have come."""
    taken = list[TimedPicture]()
    deadline = time.monotonic() + PATIENCE_S
    while sum(timed.picture.width == width for timed in taken) < count:
        assert time.monotonic() < deadline
        taken += [timed for timed in [source.read()] if timed is not None]
    return taken


def sent_during(track: Track, taken: list[TimedPicture]) -> int:
    """How many pictures the camera has sent meanwhile: on a busy machine it sends fewer, too."""
    first, last = taken[0].captured_mono / NS_PER_S, taken[-1].captured_mono / NS_PER_S
    return sum(first <= at <= last for _, at in list(track.sent))


def keeps_up(track: Track, taken: list[TimedPicture]) -> bool:
    return len(taken) >= sent_during(track, taken) / 2


@pytest.fixture(scope="module")
def units() -> dict[str, list[Unit]]:
    return {codec: encoded(numbered(200), codec) for codec in ("h264", "hevc")}


@pytest.mark.parametrize(("codec", "fps"), [("h264", 20), ("hevc", 20), ("h264", 4)])
def test_a_camera_whose_next_key_frame_is_far_shows_its_first_picture_at_once(
    units: dict[str, list[Unit]], codec: str, fps: int
) -> None:
    track = Track(units[codec], fps, codec)
    with LoopbackCamera(track) as camera, opened(camera) as source:
        take(source, 1)
        assert len(track.sent) < len(track.units), "the next key frame has come"
        assert any(keeps_up(track, take(source, 2 * fps)) for _ in range(CALM))


@pytest.mark.parametrize("at_once", [0, 60])
def test_what_waited_in_the_buffers_adds_no_delay_that_stays(units: dict[str, list[Unit]], at_once: int) -> None:
    """`at_once`: a server that keeps the group so far, and sends it first."""
    track = Track(units["h264"], 20.0, at_once=at_once)
    with LoopbackCamera(track) as camera, opened(camera) as source:
        watched(source, 1.0)
        taken = take(source, 30)
        assert keeps_up(track, taken) or any(keeps_up(track, take(source, 30)) for _ in range(CALM))
    sent = list(track.sent)
    delays_ms = []
    for timed in taken:
        shown = number_of(timed)
        before = [at for number, at in sent if number % 40 == shown and at * NS_PER_S <= timed.captured_mono]
        delays_ms.append((timed.captured_mono - before[-1] * NS_PER_S) / NS_PER_MS)
    sys.stdout.write(f"\ndelay p50 {statistics.median(delays_ms):.1f} ms, max {max(delays_ms):.1f} ms\n")
    # The pictures repeat themselves every two seconds, so that the delay of a group that waited would be seen as one.
    assert statistics.median(delays_ms) < 500


def test_few_pictures_of_the_past_are_given_and_none_counts_as_late(units: dict[str, list[Unit]]) -> None:
    assert any(begins_well(Track(units["h264"], 20.0)) for _ in range(CALM))


def begins_well(track: Track) -> bool:
    with LoopbackCamera(track) as camera, opened(camera) as source:
        taken = watched(source, 1.0)
        late = source.late
    numbers = [number_of(timed) for timed in taken]
    # The first pictures of a stream may have no stamp by which their age could be known.
    return late < AT_ONCE and numbers[0] <= AT_ONCE and sum(number < 15 for number in numbers[:20]) <= 4


@pytest.mark.parametrize(("codec", "shows_headers"), [("h264", False), ("h264", True), ("hevc", False)])
def test_a_stream_that_begins_in_the_middle_of_a_group_waits_for_its_key_frame(
    codec: str, *, shows_headers: bool, caplog: pytest.LogCaptureFixture
) -> None:
    units = encoded(numbered(200), codec, group=100)
    track = Track(units, 20.0, codec, first=15, shows_headers=shows_headers)
    with caplog.at_level(logging.INFO), LoopbackCamera(track) as camera, opened(camera) as source:
        said = set()
        timed = None
        while timed is None:
            timed = source.read()
            said.add(source.waiting_for)
        assert any(units[number].is_key for number, _ in list(track.sent)), "nothing can be seen before"
        assert f"{camera.url}: waiting for a key frame" in said or not said - {""}
        if shows_headers or codec == "hevc":
            assert f"{camera.url}: waiting for a key frame" in said
            assert "waiting_for_key_frame camera=gate" in caplog.text
        watched(source, 0.3)
        assert source.waiting_for == ""


def test_a_camera_that_falls_silent_before_its_key_frame_waits_for_nothing(
    units: dict[str, list[Unit]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "_LONGEST_GAP_S", 0.7)
    # A key frame comes after 18 seconds, if it lives so long.
    track = Track(units["h264"], 10.0, first=15, shows_headers=True)
    with LoopbackCamera(track) as camera, opened(camera) as source:
        until(lambda: source.read() is None and source.waiting_for)
        track.lives = 0
        until(lambda: source.read() is None and not source.waiting_for)


def test_the_larger_of_two_streams_is_shown_and_named(
    units: dict[str, list[Unit]], caplog: pytest.LogCaptureFixture
) -> None:
    large = encoded(numbered(200, 128, 96))
    with (
        caplog.at_level(logging.INFO),
        LoopbackCamera(Track(units["h264"], 20.0), Track(large, 20.0)) as camera,
        opened(camera) as source,
    ):
        assert {timed.picture.width for timed in take(source, 10, 128)} == {128}
    assert f"video_stream place={camera.url} stream=1 codec=h264 size=128x96" in caplog.text


@pytest.mark.parametrize("codec", ["mjpeg", "h264"])
def test_a_dead_stream_before_the_real_one_is_passed_over(
    units: dict[str, list[Unit]], codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "PATIENCE_S", 1.0)
    dead = Track([], codec=codec)
    with LoopbackCamera(dead, Track(units["h264"], 20.0)) as camera, opened(camera) as source:
        assert len(take(source, 10)) == 10


def broken(unit: Unit) -> Unit:
    """Parameter sets as they were, pictures made of nothing."""
    return Unit(tuple(nal if nal[0] & 31 in {7, 8} else nal[:1] + bytes(60) for nal in unit.nals), unit.is_key)


@pytest.mark.parametrize("kind", ["one picture and no more", "nothing that can be decoded"])
def test_a_larger_stream_that_does_not_move_for_some_seconds_is_left_and_said(
    units: dict[str, list[Unit]], kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(beginning, "PATIENCE_S", 1.5)
    large = encoded(numbered(20, 128, 96), group=1)
    if kind == "one picture and no more":
        still = Track(large, 20.0, shows_headers=True, lives=0.06)
    else:
        still = Track([broken(unit) for unit in large], 20.0, shows_headers=True)
    with (
        caplog.at_level(logging.INFO),
        LoopbackCamera(still, Track(units["h264"], 20.0, shows_headers=True)) as camera,
        opened(camera) as source,
    ):
        assert {timed.picture.width for timed in take(source, 10)[-10:]} == {64}
    if kind == "one picture and no more":
        assert f"video_stream place={camera.url} stream=0 codec=h264 size=128x96" in caplog.text
        assert f"video_stream_gives_nothing place={camera.url} stream=0" in caplog.text
    assert f"video_stream place={camera.url} stream=1 codec=h264 size=64x48" in caplog.text


def test_h266_over_rtsp_is_refused_in_words(units: dict[str, list[Unit]]) -> None:
    with (
        LoopbackCamera(Track(units["h264"], 20.0, "vvc")) as camera,
        pytest.raises(CameraLost, match=r"no decoder|none of h264"),
        opened(camera),
    ):
        pass
