import logging
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from smartcam.capture.settings import Decoder, SourceSettings
from smartcam.capture.sources import decoders, pyav_live
from smartcam.capture.sources.decoders import candidates, choose, offered
from smartcam.contract.ids import CameraId
from tests.clips import moving_square, write_clip


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "a.mp4", moving_square(frames=60), fps=20)


def test_software_comes_last_and_alone_where_it_is_chosen() -> None:
    assert candidates(Decoder.SOFTWARE) == (Decoder.SOFTWARE,)
    assert candidates(Decoder.CUDA) == (Decoder.CUDA, Decoder.SOFTWARE)
    assert set(candidates(Decoder.AUTO)) == set(Decoder) - {Decoder.AUTO}
    assert candidates(Decoder.AUTO)[-1] is Decoder.SOFTWARE


def test_what_this_ffmpeg_offers_is_from_the_list() -> None:
    assert Decoder.SOFTWARE in offered()
    assert set(offered()) <= set(Decoder) - {Decoder.AUTO}


@pytest.mark.parametrize("decoder", list(Decoder))
def test_whatever_is_chosen_the_pictures_come(clip: Path, decoder: Decoder, caplog: pytest.LogCaptureFixture) -> None:
    with av.open(str(clip)) as container, caplog.at_level(logging.INFO):
        stream = container.streams.video[0]
        decode = choose(stream, decoder, "gate")
        frames = [frame for packet in container.demux(stream) for frame in decode(packet)]
    assert len(frames) == 60
    assert "decoder camera=gate decoder=" in caplog.text
    if decoder is not Decoder.SOFTWARE and "decoder=software" in caplog.text:
        assert f"decoder_passed_over camera=gate decoder={decoder}" in caplog.text or decoder is Decoder.AUTO


def refuse(_packet: object) -> list[VideoFrame]:
    raise av.InvalidDataError(-1, "no hardware for this")


def test_hardware_is_not_given_up_for_what_comes_before_the_first_key_frame(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyav_live, "choose", lambda *_: refuse)
    container = av.open(str(write_clip(tmp_path / "a.mkv", moving_square(frames=80), fps=20)))
    stream = pyav_live.PyAvStream(
        container, "gate", SourceSettings(CameraId("gate"), decoder=Decoder.CUDA), lambda: True
    )
    next(stream._packets)
    with caplog.at_level(logging.WARNING):
        assert [stream.next() for _ in range(78)] == 78 * [None]
    assert stream.waiting_for == "gate: waiting for a key frame"
    stream.close()
    assert "decoder_given_up" not in caplog.text


def test_hardware_that_opens_and_then_refuses_everything_gives_way_to_software(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = decoders.choose
    monkeypatch.setattr(
        pyav_live,
        "choose",
        lambda stream, decoder, camera: refuse if decoder is Decoder.CUDA else real(stream, decoder, camera),
    )
    settings = SourceSettings(CameraId("gate"), decoder=Decoder.CUDA)
    # MPEG-4 has a key frame every dozen pictures, at which another decoder can begin.
    container = av.open(str(write_clip(tmp_path / "b.mp4", moving_square(frames=80), fps=20, codec="mpeg4")))
    stream = pyav_live.PyAvStream(container, "gate", settings, lambda: True)
    with caplog.at_level(logging.WARNING):
        pictures = [stream.next() for _ in range(80)]
    stream.close()
    assert 'decoder_given_up camera=gate reason="no hardware for this"' in caplog.text
    assert any(picture is not None for picture in pictures)
