"""The live picture by WebRTC, seen by the same library as if it were a browser."""

import asyncio
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect

from smartcam.console import sockets, webrtc
from smartcam.console.access import plain
from smartcam.console.live import NotByWebRtc
from smartcam.console.webrtc import Gaps, PacketStream, RtpStamps
from smartcam.contract.times import NS_PER_S, TICKS, MonotonicNs
from smartcam.edge.ring.packet_ring import PacketRingWriter, VideoPacket
from tests.encoded import encoded, shade, video_packets
from tests.fakes.console_world import YARD, ConsoleWorld

SHADES = [shade(i) for i in range(24)]
PATIENCE_S = 60.0


@contextmanager
def ring_of(world: ConsoleWorld, packets: Sequence[VideoPacket]) -> Iterator[PacketRingWriter]:
    ring = PacketRingWriter(world.rings, YARD, 1 << 20, 100)
    try:
        for packet in packets:
            ring.write(packet)
        yield ring
    finally:
        ring.close()


def live_packets(count: int, b_frames: int = 0) -> list[VideoPacket]:
    """They have come by now, the last one just now."""
    return video_packets(encoded(count, b_frames=b_frames), from_s=time.monotonic() - count / 10)


def looking(world: ConsoleWorld) -> connect:
    headers = {"Origin": f"http://{world.host}"}
    return connect(f"ws://{world.host}/api/live/{YARD}?as=webrtc", additional_headers=headers, open_timeout=30)


async def told(viewer: ClientConnection, kind: str) -> dict[str, object]:
    """The next text of this kind."""
    while True:
        got = await asyncio.wait_for(viewer.recv(), PATIENCE_S)
        document = json.loads(got) if isinstance(got, str) else {}
        if document.get("type") == kind:
            assert isinstance(document, dict)
            return document


def datagram_sockets() -> set[str]:
    """The addresses at which this process hears datagrams."""
    mine = set()
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # another thread has closed it meanwhile
            mine.add(str(each.readlink()))
    rows = [line.split() for name in ("udp", "udp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if f"socket:[{row[9]}]" in mine}


class Browser:
    """Answers an offer as a browser does, but that it is heard at 127.0.0.1 as well."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.frames: asyncio.Queue[VideoFrame] = asyncio.Queue()
        self.connection.on("track", lambda track: self.tasks.append(asyncio.ensure_future(self._take(track))))
        self.tasks: list[asyncio.Future[None]] = []

    async def answer(self, offer: str) -> str:
        webrtc._address.set("127.0.0.1")
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.connection.localDescription.sdp

    async def shown(self) -> int:
        """The next picture's number in `encoded`."""
        frame = await asyncio.wait_for(self.frames.get(), PATIENCE_S)
        luma = float(np.mean(frame.to_ndarray()[: frame.height]))
        return min(range(len(SHADES)), key=lambda i: abs(SHADES[i] - luma))

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await self.connection.close()

    async def _take(self, track: object) -> None:
        with suppress(MediaStreamError):
            while True:
                self.frames.put_nowait(await track.recv())  # type: ignore[attr-defined]  # of a library's track


def test_the_cameras_packets_are_seen_from_the_last_key_frame_on_and_heard_at_the_chosen_address_only(
    open_console: ConsoleWorld,
) -> None:
    async def look() -> None:
        packets = live_packets(24)
        with ring_of(open_console, packets[:13]) as ring:
            async with looking(open_console) as viewer:
                browser = Browser()
                offer = str((await told(viewer, "offer"))["sdp"])
                candidates = re.findall(r"a=candidate:\S+ \d udp \d+ (\S+) \d+ typ (\S+)", offer)
                assert candidates == [("127.0.0.1", "host")]
                assert offer.count("a=candidate:") == 1
                assert "VP8" not in offer
                await viewer.send(await browser.answer(offer))
                about = await told(viewer, "video")
                assert (about["mime"], about["width"], about["height"], about["why"]) == ("", 64, 48, "")
                assert datagram_sockets() == {"0100007F"}
                seen = [await browser.shown() for _ in range(2)]  # the library hands one on when the next one comes
                for packet in packets[13:]:
                    ring.write(packet)
                seen += [await browser.shown() for _ in range(11)]
                await browser.close()
            assert seen == list(range(10, 23))

    assert datagram_sockets() == set()
    asyncio.run(look())
    wait_until_silent()


def wait_until_silent() -> None:
    until = time.monotonic() + 30
    while datagram_sockets():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_browser_is_told_by_which_stamp_it_knows_a_moment(open_console: ConsoleWorld) -> None:
    async def look() -> None:
        packets = live_packets(24)
        with ring_of(open_console, packets[:12]) as ring:
            async with looking(open_console) as viewer:
                browser = Browser()
                await viewer.send(await browser.answer(str((await told(viewer, "offer"))["sdp"])))
                await told(viewer, "video")
                moments: list[tuple[int, int]] = []
                for packet in packets[12:16]:
                    ring.write(packet)
                    moment = await told(viewer, "rtp")
                    moments.append((int(str(moment["stamp"])), int(str(moment["mono_ns"]))))
                await browser.close()
        (first, from_ns), *later = moments
        assert {(stamp - first) % 2**32 * NS_PER_S // TICKS for stamp, _ in later} != {0}
        assert all(
            abs((stamp - first) % 2**32 * NS_PER_S // TICKS - (at_ns - from_ns)) <= NS_PER_S // TICKS
            for stamp, at_ns in later
        )

    asyncio.run(look())
    wait_until_silent()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", "does not take the offer"),
        ("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF\r\na=candidate:1", "does not take the offer"),
        (None, "does not reach 127.0.0.1 by UDP"),
    ],
)
def test_who_does_not_answer_sees_the_same_as_without_webrtc_and_is_told_why(
    open_console: ConsoleWorld, monkeypatch: pytest.MonkeyPatch, answer: str | None, why: str
) -> None:
    if answer is None:  # nobody waits for the others, and they may come late
        monkeypatch.setattr(webrtc, "MEETING_S", 0.3)

    async def look() -> None:
        with ring_of(open_console, live_packets(12)):
            async with looking(open_console) as viewer:
                await told(viewer, "offer")
                if answer is not None:
                    await viewer.send(answer)
                about = await told(viewer, "video")
                assert about["mime"]
                assert why in str(about["why"])
                assert isinstance(await asyncio.wait_for(viewer.recv(), PATIENCE_S), bytes)

    asyncio.run(look())
    wait_until_silent()


def test_nothing_is_sent_where_an_answer_says(open_console: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc, "MEETING_S", 0.5)

    async def look(elsewhere: int) -> None:
        with ring_of(open_console, live_packets(12)):
            async with looking(open_console) as viewer:
                browser = Browser()
                answer = await browser.answer(str((await told(viewer, "offer"))["sdp"]))
                await browser.close()
                assert "a=candidate:" in answer
                await viewer.send(re.sub(r"(a=candidate:.* 127\.0\.0\.1) \d+ ", rf"\1 {elsewhere} ", answer))
                assert "by UDP" in str((await told(viewer, "video"))["why"])

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.setblocking(False)
        asyncio.run(look(stranger.getsockname()[1]))
        with pytest.raises(BlockingIOError):
            stranger.recv(1)
    wait_until_silent()


def test_a_camera_with_b_frames_is_shown_without_webrtc(open_console: ConsoleWorld) -> None:
    async def look() -> None:
        with ring_of(open_console, live_packets(9, b_frames=2)):
            async with looking(open_console) as viewer:
                browser = Browser()
                await viewer.send(await browser.answer(str((await told(viewer, "offer"))["sdp"])))
                while not (about := await told(viewer, "video"))["mime"]:
                    pass
                assert "B-frames" in str(about["why"])
                await browser.close()

    asyncio.run(look())
    wait_until_silent()


def test_a_browser_that_shows_nothing_of_it_gets_what_it_can_show(open_console: ConsoleWorld) -> None:
    async def look() -> None:
        with ring_of(open_console, live_packets(12)):
            async with looking(open_console) as viewer:
                browser = Browser()
                await viewer.send(await browser.answer(str((await told(viewer, "offer"))["sdp"])))
                await told(viewer, "video")
                await viewer.send("")
                about = await told(viewer, "video")
                assert about["mime"]
                assert "shows nothing" in str(about["why"])
                await browser.close()

    asyncio.run(look())
    wait_until_silent()


def test_nothing_piles_up_for_a_browser_that_has_agreed_to_take_nothing(
    open_console: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc, "LONGEST_UNSENT_S", 0.0)

    async def look() -> None:
        packets = live_packets(24)
        with ring_of(open_console, packets[:12]) as ring:
            async with looking(open_console) as viewer:
                browser = Browser()
                answer = await browser.answer(str((await told(viewer, "offer"))["sdp"]))
                await viewer.send(answer.replace("a=recvonly", "a=inactive"))
                assert (await told(viewer, "video"))["mime"] == ""
                ring.write(packets[12])
                about = await told(viewer, "video")
                assert about["mime"]
                assert "takes no picture" in str(about["why"])
                await browser.close()

    asyncio.run(look())
    wait_until_silent()


def test_a_link_without_room_gets_no_picture_until_the_first_key_frame_for_which_there_is_room(
    open_console: ConsoleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look() -> None:
        packets = live_packets(24)
        with ring_of(open_console, packets[:2]) as ring:
            async with looking(open_console) as viewer:
                browser = Browser()
                await viewer.send(await browser.answer(str((await told(viewer, "offer"))["sdp"])))
                await told(viewer, "video")
                assert await browser.shown() == 0
                monkeypatch.setattr(webrtc, "MOST_UNSENT_BYTES", -1)
                ring.write(packets[2])
                await told(viewer, "rtp")
                monkeypatch.setattr(webrtc, "MOST_UNSENT_BYTES", 0)
                for packet in packets[3:12]:  # within the second for which a viewer may be behind
                    ring.write(packet)
                assert [await browser.shown() for _ in range(2)] == [1, 10]
                await browser.close()

    asyncio.run(look())
    wait_until_silent()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3 << 20))))
def test_after_a_gap_the_first_picture_is_a_key_frame_and_none_is_sent_without_room(
    coming: list[tuple[bool, int]],
) -> None:
    packet, gaps, had_room = video_packets(encoded(1))[0], Gaps(), True
    for is_key, unsent in coming:
        has_room = gaps.has_room(replace(packet, is_key=is_key), unsent)
        assert not has_room or unsent <= webrtc.MOST_UNSENT_BYTES
        assert has_room == (unsent <= webrtc.MOST_UNSENT_BYTES and (had_room or is_key))
        had_room = has_room


def test_a_console_without_its_packages_says_so_once_and_shows_the_picture_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loaded_in: list[str] = []
    load = sockets.load_webrtc.__wrapped__

    def loading() -> object:
        loaded_in.append(threading.current_thread().name)
        return load()

    monkeypatch.setattr(sockets, "load_webrtc", cache(loading))
    monkeypatch.setitem(sys.modules, "smartcam.console.webrtc", None)

    async def look(world: ConsoleWorld) -> None:
        for _ in range(2):
            async with looking(world) as viewer:
                about = await told(viewer, "video")
                assert about["mime"]
                assert "no WebRTC: this console lacks its packages" in str(about["why"])
                assert isinstance(await asyncio.wait_for(viewer.recv(), PATIENCE_S), bytes)

    with ConsoleWorld(tmp_path).running() as world, ring_of(world, live_packets(12)):
        asyncio.run(look(world))
    assert len(loaded_in) == 1
    assert "console" not in loaded_in, "the loop's own thread"
    assert caplog.text.count("webrtc_not_there") == 1


def test_what_came_before_the_viewer_is_a_moment_apart_and_the_rest_as_it_came() -> None:
    packets = video_packets(encoded(20))
    stamps = RtpStamps(packets[9].captured_mono)
    found = [stamps.stamp(packet) for packet in packets]
    assert found[:10] == [i * TICKS // 1000 for i in range(10)]
    assert found[10:] == [i * TICKS // 10 for i in range(1, 11)]
    assert stamps.time(found[-1]) == packets[-1].captured_mono


@given(st.lists(st.integers(0, 10**12), min_size=1), st.integers(0, 10**12))
def test_stamps_always_grow(times: list[int], begin: int) -> None:
    packet = video_packets(encoded(1))[0]
    stamps = RtpStamps(MonotonicNs(begin))
    found = [stamps.stamp(_at(packet, time_ns)) for time_ns in times]
    assert found == sorted(set(found))


def _at(packet: VideoPacket, time_ns: int) -> VideoPacket:
    return VideoPacket(
        packet.content, packet.codec, packet.width, packet.height, packet.is_key,
        packet.decode_ns, packet.show_ns, packet.captured_at, MonotonicNs(time_ns),
    )  # fmt: skip


def test_a_stream_goes_on_over_key_frames_of_the_same_size_only() -> None:
    packets = video_packets(encoded(11))
    stream = PacketStream(packets[0])
    assert stream.write(packets[1]) == packets[:2]
    assert not stream.is_over(packets[10])
    assert stream.is_over(video_packets(encoded(1, size=(128, 96)), size=(128, 96))[0])
    with pytest.raises(ValueError, match="key frame"):
        PacketStream(packets[1])
    with pytest.raises(NotByWebRtc, match="B-frames"):
        PacketStream(packets[5]) if packets[5].is_key else PacketStream(packets[10]).write(packets[3])


@pytest.mark.parametrize(
    ("reached", "chosen"), [("127.0.0.1", "127.0.0.1"), ("::ffff:10.0.0.7", "10.0.0.7"), ("::1", "::1")]
)
def test_an_address_is_the_one_at_which_the_viewer_has_reached_us(reached: str, chosen: str) -> None:
    assert plain(reached) == chosen


def test_an_address_that_is_none_of_this_device_is_said() -> None:
    async def offer() -> None:
        peer = webrtc.Peer("192.0.2.1", lambda: MonotonicNs(NS_PER_S))
        try:
            with pytest.raises(NotByWebRtc, match="no port can be opened at 192"):
                await peer.offer()
        finally:
            await peer.close()

    asyncio.run(offer())
