import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.capture.settings import SourceSettings, TransportKind
from smartcam.capture.transport.frame_transports import Transport, inline, new_transport
from smartcam.capture.transport.inline_requests import HELD_S, TRIAL_EVERY_S, InlineRequestListener
from smartcam.capture.transport.publisher import Publisher
from smartcam.contract.errors import RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import InlineRequest, decode_chunk, encode_inline_request, is_chunk, joined
from smartcam.contract.notice import FrameNotice, PixelBox, decode_notice
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.contract.topics import frames_topic, transport_topic
from smartcam.edge.bus.port import LARGEST_PAYLOAD
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.inference.frames.inline_requests import InlineRequests
from smartcam.inference.frames.readers import FrameReaders
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from tests.clips import moving_square
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock

YARD = CameraId("yard")
PICTURE = list(moving_square(1280, 720, frames=10, step=40))[-1]


def frame(seq: int = 1, picture: Picture = PICTURE) -> Frame:
    return Frame(YARD, seq, UtcNs(seq), MonotonicNs(seq), 0, picture, (PixelBox(320, 330, 410, 390),))


@dataclass
class Road:
    """A transport among fakes; `is_full` makes the ring impossible."""

    folder: Path
    nucleus: FakeNucleus = field(default_factory=FakeNucleus)
    clock: FakeClock = field(default_factory=FakeClock)
    is_full: bool = False
    settings: SourceSettings = field(default_factory=lambda: SourceSettings(YARD))

    def transport(self, kind: TransportKind) -> tuple[Transport, InlineRequestListener]:
        self.settings = replace(self.settings, transport=kind)
        bus = self.nucleus.bus("smartcam.Capture")
        requests = InlineRequestListener(self.settings, bus, self.clock)
        publisher = Publisher(YARD, bus)
        return new_transport(self.settings, publisher, self.clock, self._open_ring, lambda: 1.0, requests), requests

    def payloads(self) -> list[bytes]:
        return self.nucleus.local_payloads(frames_topic(YARD))

    def ways(self) -> list[str]:
        """How each message travelled, without repetitions."""
        ways = ["inline" if is_chunk(payload) else "shared" for payload in self.payloads()]
        return [now for before, now in zip([None, *ways], ways, strict=False) if now != before]

    def _open_ring(self) -> RingWriter:
        if self.is_full:
            raise RingError("no room in the folder")
        return RingWriter(self.folder, YARD)


@pytest.fixture
def road(tmp_path: Path) -> Road:
    return Road(tmp_path)


def test_inline_frames_are_small_and_carry_everything(road: Road) -> None:
    transport, _ = road.transport(TransportKind.INLINE)
    assert transport.send(frame(7))
    assert all(len(payload) <= LARGEST_PAYLOAD for payload in road.payloads())
    whole = joined([decode_chunk(payload) for payload in road.payloads()])
    assert (whole.notice.seq, whole.notice.width, whole.notice.height) == (7, 640, 360)
    assert whole.notice.motion == (PixelBox(160, 165, 205, 195),)
    assert list(road.folder.iterdir()) == []


def test_a_picture_full_of_noise_still_fits(road: Road) -> None:
    noise = Picture.from_bgr(np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), np.uint8))
    road.settings = replace(road.settings, inline_side=1920)
    transport, _ = road.transport(TransportKind.INLINE)
    if not transport.send(frame(picture=noise)):
        pytest.fail("it was dropped")
    assert 20 < len(road.payloads()) <= 64


def test_a_bus_that_refuses_a_chunk_is_spared_the_others(road: Road, caplog: pytest.LogCaptureFixture) -> None:
    transport, _ = road.transport(TransportKind.INLINE)
    road.nucleus.away = True
    assert not transport.send(frame())
    assert caplog.text.count("notices_dropped") == 1
    road.nucleus.away = False
    assert transport.send(frame())


def test_auto_shares_memory_while_it_can(road: Road) -> None:
    transport, _ = road.transport(TransportKind.AUTO)
    assert transport.send(frame())
    assert (road.ways(), transport.remark, transport.fault) == (["shared"], "", "")
    transport.close()
    assert list(road.folder.iterdir()) == []


def test_auto_falls_back_when_the_ring_cannot_be_made_says_so_and_comes_back(
    road: Road, caplog: pytest.LogCaptureFixture
) -> None:
    transport, _ = road.transport(TransportKind.AUTO)
    road.is_full = True
    with caplog.at_level(logging.INFO):
        for seq in range(3):
            assert transport.send(frame(seq))
        assert transport.remark == "frames travel inline: no room in the folder"
        assert transport.fault == ""
        road.is_full = False
        road.clock.advance(20)
        assert transport.send(frame(4))
    assert road.ways() == ["inline", "shared"]
    assert transport.remark == ""
    assert caplog.text.count("transport_changed") == 2
    assert 'transport=inline reason="no room in the folder"' in caplog.text
    transport.close()


def test_shared_does_not_fall_back(road: Road) -> None:
    transport, _ = road.transport(TransportKind.SHARED)
    road.is_full = True
    assert not transport.send(frame())
    assert (transport.fault, road.payloads()) == ("no room in the folder", [])


def ask(road: Road, payload: bytes) -> None:
    road.nucleus.bus("smartcam.Inference").publish_local(transport_topic(YARD), payload)


REQUEST = encode_inline_request(InlineRequest(YARD, "it is not there"))


def sent_every(road: Road, transport: Transport, seconds: float, every_s: float = 1.0) -> None:
    for seq in range(round(seconds / every_s)):
        assert transport.send(frame(seq))
        road.clock.advance(every_s)


def test_auto_grants_inferences_request(road: Road) -> None:
    transport, requests = road.transport(TransportKind.AUTO)
    with requests.listening():
        assert transport.send(frame(1))
        ask(road, REQUEST)
        assert transport.send(frame(2))
        assert transport.send(frame(3))
    assert road.ways() == ["shared", "inline"]
    assert transport.remark == "frames travel inline: inference cannot read the ring: it is not there"
    transport.close()
    assert list(road.folder.iterdir()) == []


def test_one_foreign_message_does_not_force_frames_inline_for_good(
    road: Road, caplog: pytest.LogCaptureFixture
) -> None:
    transport, requests = road.transport(TransportKind.AUTO)
    with requests.listening(), caplog.at_level(logging.INFO):
        ask(road, REQUEST)
        sent_every(road, transport, HELD_S + 1)
        assert road.ways()[-1] == "shared"
        assert (transport.remark, requests.reason) == ("", "")
    assert caplog.text.count("transport_changed") == 2
    transport.close()


def test_while_frames_travel_inline_the_ring_is_tried_now_and_then_and_most_frames_do_not_pay_for_it(
    road: Road,
) -> None:
    transport, requests = road.transport(TransportKind.AUTO)
    with requests.listening():
        ask(road, REQUEST)
        sent_every(road, transport, HELD_S - 1)
    tried = [is_chunk(payload) for payload in road.payloads()].count(False)
    assert tried == (HELD_S - 1) // TRIAL_EVERY_S == 4
    assert "inline" in transport.remark
    transport.close()


def test_frames_stay_inline_as_long_as_the_ring_really_cannot_be_read(road: Road) -> None:
    """Inference answers each trial as it does: it reads a notice, cannot open the ring, and asks again."""
    transport, requests = road.transport(TransportKind.AUTO)
    elsewhere = road.folder / "elsewhere"
    elsewhere.mkdir()
    asking = InlineRequests(road.nucleus.bus("smartcam.Inference"), road.clock)
    readers = FrameReaders(elsewhere, asking)

    def infer(_topic: str, payload: bytes) -> None:
        if not is_chunk(payload):
            notice = decode_notice(payload)
            assert isinstance(notice, FrameNotice)
            with pytest.raises(RingError):
                readers.read(notice)

    listening = road.nucleus.bus("smartcam.Inference").subscribe_local(frames_topic(YARD), infer)
    with requests.listening():
        sent_every(road, transport, 600)
        through_the_ring = [is_chunk(payload) for payload in road.payloads()].count(False)
        # The ring can be read again, and nobody asks any more.
        listening.close()
        sent_every(road, transport, HELD_S + 1)
    assert through_the_ring <= 3 + 600 // TRIAL_EVERY_S
    assert not is_chunk(road.payloads()[-1])
    transport.close()
    elsewhere.rmdir()


@pytest.mark.parametrize("payload", [b"rubbish", encode_inline_request(InlineRequest(CameraId("gate"), "x"))])
def test_a_request_that_is_none_is_refused(road: Road, payload: bytes, caplog: pytest.LogCaptureFixture) -> None:
    transport, requests = road.transport(TransportKind.AUTO)
    with requests.listening():
        ask(road, payload)
    assert transport.send(frame())
    assert road.ways() == ["shared"]
    assert "wish_refused" in caplog.text
    transport.close()


def test_a_request_is_heard_only_where_the_settings_leave_the_choice(road: Road) -> None:
    transport, requests = road.transport(TransportKind.SHARED)
    with requests.listening():
        ask(road, encode_inline_request(InlineRequest(YARD, "it is not there")))
        assert transport.send(frame())
    assert road.ways() == ["shared"]
    transport.close()


def test_a_box_at_the_edge_stays_inside_the_smaller_picture() -> None:
    odd = Picture.from_bgr(np.zeros((478, 854, 3), np.uint8))
    made = inline(replace(frame(picture=odd), motion=(PixelBox(853, 477, 854, 478),)), 640)
    assert (made.notice.width, made.notice.height) == (640, 358)
    (box,) = made.notice.motion
    assert 0 <= box.x1 < box.x2 <= 640
    assert 0 <= box.y1 < box.y2 <= 358
