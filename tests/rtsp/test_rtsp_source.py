"""Capture's RTSP source against a real RTSP server."""

import logging
import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from smartcam.capture.settings import Decoder, SourceKind, SourceSettings
from smartcam.capture.sources import pyav_live
from smartcam.capture.sources.opening import open_source
from smartcam.capture.sources.source import FrameSource, TimedPicture
from smartcam.contract.errors import CameraLost
from smartcam.contract.ids import CameraId
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from standins.rtsp import RtspServer
from tests.ports import reserved_port
from tests.rtsp.camera import RtspCamera
from tests.rtsp.plain_camera import PlainCamera
from tests.waiting import PATIENCE_S

USER, PASSWORD = "viewer", "p@ss:w/rd %41'é\"?#"


def settings(url: str, credentials: str = "", decoder: Decoder = Decoder.SOFTWARE) -> SourceSettings:
    return SourceSettings(
        CameraId("gate"), source=SourceKind.RTSP, url=url, credentials=credentials, decoder=decoder, stall_s=20
    )


@contextmanager
def opened(chosen: SourceSettings) -> Iterator[FrameSource]:
    source = open_source(chosen, SystemClock(), StopToken())
    with closing(source):
        yield source


def take(source: FrameSource, count: int = 1) -> list[TimedPicture]:
    taken: list[TimedPicture] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(taken) < count:
        assert time.monotonic() < deadline, "no picture came"
        timed = source.read()
        if timed is not None:
            taken.append(timed)
    return taken


def sizes_until(source: FrameSource, width: int) -> list[int]:
    """The widths of pictures up to the first one of this width."""
    widths: list[int] = []
    while not widths or widths[-1] != width:
        widths.append(take(source)[0].picture.width)
    return widths


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.write_text(f"user={USER}\npassword={PASSWORD}\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_pictures_of_a_camera_come_over_tcp(server: RtspServer, clips: Path, codec: str) -> None:
    with RtspCamera(server) as camera:
        camera.show(clips / f"small.{codec}", codec)
        with opened(settings(camera.url)) as source:
            taken = take(source, 20)
    assert {(timed.picture.width, timed.picture.height) for timed in taken} == {(320, 240)}
    # The bright square is somewhere in most of them, and nothing else is as bright.
    assert sum(int(timed.picture.luma.max()) > 200 for timed in taken) >= 10
    assert all(20 <= int(timed.picture.luma.min()) <= 60 for timed in taken)
    monos = [timed.captured_mono for timed in taken]
    assert monos == sorted(monos)
    assert source.frames_per_second == pytest.approx(20, abs=1)


def test_a_camera_that_changes_its_resolution_goes_on_in_the_same_session(camera: RtspCamera, clips: Path) -> None:
    with opened(settings(camera.url)) as source:
        assert take(source)[0].picture.width == 320
        camera.show(clips / "large.h264")
        assert set(sizes_until(source, 640)) <= {320, 640}
        camera.show(clips / "small.h264")
        assert set(sizes_until(source, 320)) <= {320, 640}
        assert camera.clients() == 1


def test_a_camera_that_changes_its_codec_is_lost_and_can_be_opened_again(camera: RtspCamera, clips: Path) -> None:
    with opened(settings(camera.url)) as source:
        take(source)
        camera.show(clips / "small.h265", "h265")
        with pytest.raises(CameraLost, match=r"ended the stream|Input/output"):
            take(source, 1000)
    with opened(settings(camera.url)) as source:
        assert take(source)[0].picture.width == 320


def test_a_camera_that_stalls_gives_nothing_and_goes_on_where_it_is(camera: RtspCamera) -> None:
    with opened(settings(camera.url)) as source:
        take(source, 5)
        camera.stall()
        silent_s = 0
        # Twice in a row: on a busy machine a second may go by without a picture.
        while silent_s < 2:
            silent_s = 0 if source.read() is not None else silent_s + 1
        camera.go_on()
        assert take(source, 5)[-1].picture.width == 320
        assert camera.clients() == 1


def test_a_camera_that_falls_silent_in_the_middle_of_a_packet_goes_on_where_it_is() -> None:
    with PlainCamera(pause_s=2.5) as camera, opened(settings(camera.url)) as source:
        taken = take(source, 80)
    assert max(b.captured_mono - a.captured_mono for a, b in pairwise(taken)) / 1e9 >= 2
    assert sum(request.method == "PLAY" for request in camera.asked) == 1


def test_a_camera_that_falls_silent_can_be_closed_and_opened_again(camera: RtspCamera) -> None:
    for _ in range(2):
        with opened(settings(camera.url)) as source:
            assert take(source, 2)[-1].picture.width == 320
            camera.stall()
            while source.read() is not None:
                pass
        camera.go_on()


def test_a_camera_that_is_killed_is_lost_and_named(camera: RtspCamera) -> None:
    with opened(settings(camera.url)) as source:
        take(source)
        camera.kill()
        with pytest.raises(CameraLost, match=f"rtsp://127.0.0.1:{camera.port}/live: "):
            take(source, 1000)


def test_a_camera_that_is_gone_at_the_start_is_said_in_words() -> None:
    with (
        reserved_port() as port,
        pytest.raises(CameraLost, match=f"^rtsp://127.0.0.1:{port}/live: Connection refused$"),
        opened(settings(f"rtsp://127.0.0.1:{port}/live")),
    ):
        pass


def test_a_camera_without_the_stream_that_is_asked_for_is_said_in_words(camera: RtspCamera) -> None:
    with pytest.raises(CameraLost, match="404"), opened(settings(camera.url.replace("/live", "/other"))):
        pass


def test_user_and_password_from_the_file_open_the_camera(server: RtspServer, clips: Path, secret: Path) -> None:
    with RtspCamera(server, user=USER, password=PASSWORD) as camera:
        camera.show(clips / "small.h264")
        with opened(settings(camera.url, str(secret))) as source:
            assert take(source)[0].picture.width == 320


def test_a_wrong_password_is_said_and_shown_nowhere(
    server: RtspServer, clips: Path, secret: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret.write_text("user=viewer\npassword=wrong-Secret-1\n")
    with RtspCamera(server, user=USER, password=PASSWORD) as camera, caplog.at_level(logging.DEBUG):
        camera.show(clips / "small.h264")
        chosen = settings(camera.url, str(secret))
        with pytest.raises(CameraLost, match=r"refuses the user or the password \(401\)") as caught, opened(chosen):
            pass
    shown = f"{caplog.text}{''.join(traceback.format_exception(caught.value))}{caught.value!r}{chosen!r}"
    assert "wrong-Secret-1" not in shown
    assert "viewer" not in shown


def test_a_camera_that_accepts_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyav_live, "_OPEN_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live"
        with pytest.raises(CameraLost, match=r"does not answer within 1 s"), opened(settings(url)):
            pass


def test_a_stop_does_not_wait_for_a_camera_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stop = StopToken()
        stop.set()
        began = time.monotonic()
        with pytest.raises(CameraLost, match="stopped"):
            open_source(settings(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live"), SystemClock(), stop)
        assert time.monotonic() - began < pyav_live._OPEN_S


def test_hardware_that_is_not_there_is_said_and_software_decodes(
    camera: RtspCamera, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), opened(settings(camera.url, decoder=Decoder.AUTO)) as source:
        take(source, 5)
    if "decoder=software" in caplog.text:
        assert "decoder_passed_over" in caplog.text
