"""The live picture by WebRTC, for whoever chooses it: a camera's own packets as RTP, from one address of this device.

Of the browser's candidates none is used: it finds us, with the words of the offer, and nothing is sent where it says.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from fractions import Fraction
from typing import Final

import aioice.ice
import av
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from av.stream import Stream
from starlette.websockets import WebSocket

from smartcam.console.access import plain
from smartcam.console.live import NotByWebRtc, VideoBegins
from smartcam.contract.times import NS_PER_S, TICKS, MonotonicNs
from smartcam.edge.ring.packet_ring import VideoPacket

MEETING_S: Final = 5.0
"""How long a browser and we may take to find each other."""
LONGEST_UNSENT_S: Final = 5.0
"""For how long packets may wait: a browser that has agreed to take nothing would have them pile up."""
MOST_UNSENT_BYTES: Final = 1 << 20
"""Of datagrams that wait for the network, which the library keeps without a bound: two seconds at 4 Mbit/s."""
_CLOSEST_TICKS: Final = TICKS // 1000
"""Between two pictures, when what came before the viewer is sent all at once."""
_SENT: Final = "_RTCRtpSender__rtp_timestamp"
"""The last stamp as it was sent: the library adds a number to ours that it keeps to itself."""
_CARRIED: Final = frozenset({"video/H264", "video/rtx"})
_CANDIDATE: Final = "a=candidate:"
_LAST_CANDIDATE: Final = "a=end-of-candidates"
_address: ContextVar[str] = ContextVar("address")


# The library would listen at all addresses of this device but 127.0.0.1.
aioice.ice.get_host_addresses = lambda *_, **__: [_address.get()]


class PacketStream:
    """One stream as RTP carries it, from a key frame on."""

    def __init__(self, first: VideoPacket) -> None:
        """Raises ValueError: no stream can begin with this packet."""
        if not first.is_key:
            raise ValueError("a stream begins with a key frame")
        self.begins = VideoBegins("", first.width, first.height, first.captured_mono)
        self._latest_ns = first.show_ns
        self._first: list[VideoPacket] = [first]

    def is_over(self, key_frame: VideoPacket) -> bool:
        """Whether the pictures have another size from here on."""
        return (key_frame.width, key_frame.height) != (self.begins.width, self.begins.height)

    def write(self, packet: VideoPacket) -> Sequence[VideoPacket]:
        """What is to be sent now. Raises NotByWebRtc: pictures come in another order than they are shown."""
        if packet.show_ns < self._latest_ns:
            raise NotByWebRtc("the camera sends B-frames, which WebRTC does not carry")
        self._latest_ns = packet.show_ns
        first, self._first = self._first, []
        return [*first, packet]


class Gaps:
    """Leaves out pictures for which a weak link has no room, up to a key frame for which it has: others need these."""

    def __init__(self) -> None:
        self._is_gap = False

    def has_room(self, packet: VideoPacket, unsent: int) -> bool:
        """Whether it is to be sent, while so many bytes wait."""
        self._is_gap = unsent > MOST_UNSENT_BYTES or (self._is_gap and not packet.is_key)
        return not self._is_gap


class RtpStamps:
    """When each picture came, on RTP's clock: what came before the viewer is close together, and shown at once."""

    def __init__(self, begin: MonotonicNs) -> None:
        """`begin`: when stamp 0 is."""
        self._begin = begin
        self._last = -_CLOSEST_TICKS

    def stamp(self, packet: VideoPacket) -> int:
        """In ticks, larger than the last one."""
        ticks = (packet.captured_mono - self._begin) * TICKS // NS_PER_S
        self._last = max(ticks, self._last + _CLOSEST_TICKS)
        return self._last

    def time(self, stamp: int) -> MonotonicNs:
        """When that was."""
        return MonotonicNs(self._begin + stamp * NS_PER_S // TICKS)


class _Track(MediaStreamTrack):
    """The packets, as the library asks for them."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.waiting: asyncio.Queue[av.Packet[Stream]] = asyncio.Queue()
        self.sender: RTCRtpSender | None = None
        self.sent: tuple[int, int] | None = None
        """The stamp of the last picture that is on its way, as the browser has it and as we have it."""
        self._last: int | None = None

    async def recv(self) -> "av.Packet[Stream]":
        """The next one. Whoever asks has sent the last one."""
        if self._last is not None:
            self.sent = getattr(self.sender, _SENT), self._last
        packet = await self.waiting.get()
        self._last = packet.pts
        return packet


class Peer:
    """One viewer's connection. For one loop."""

    def __init__(self, address: str, now: Callable[[], MonotonicNs]) -> None:
        """`address`: of this device; nothing is sent from or heard at another one."""
        self._address = plain(address)
        self._now = now
        self._stamps: RtpStamps | None = None
        self._gaps = Gaps()
        self._unsent_since: MonotonicNs | None = None
        self._track = _Track()
        self._is_decided = asyncio.Event()
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connection.on("connectionstatechange", self._look)
        self._transceiver = transceiver = self._connection.addTransceiver(self._track, "sendonly")
        self._track.sender = transceiver.sender
        known = RTCRtpSender.getCapabilities("video").codecs
        # Otherwise the browser chooses VP8, and shows nothing.
        transceiver.setCodecPreferences([codec for codec in known if codec.mimeType in _CARRIED])

    async def offer(self) -> str:
        """What the browser is offered, as SDP. Raises NotByWebRtc: nothing can be heard at this address."""
        _address.set(self._address)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        sdp = self._connection.localDescription.sdp
        if _CANDIDATE not in sdp:
            raise NotByWebRtc(f"no port can be opened at {self._address}")
        return sdp

    async def connect(self, answer: str) -> None:
        """Take the browser's answer, and wait until it has found us. Raises NotByWebRtc."""
        lines = [line for line in answer.splitlines() if not line.startswith((_CANDIDATE, _LAST_CANDIDATE))]
        description = RTCSessionDescription("\r\n".join([*lines, ""]), "answer")
        try:
            await self._connection.setRemoteDescription(description)
        except Exception as error:
            raise NotByWebRtc("this browser does not take the offer") from error
        await self._is_decided.wait()
        if not self._is_open:
            raise NotByWebRtc("the connection has failed")

    begin = PacketStream
    """Of this connection."""

    def send(self, packet: VideoPacket) -> tuple[int, MonotonicNs] | None:
        """Send one packet; the stamp by which the browser knows one that was sent before, and when that one came.

        Raises NotByWebRtc: nobody is there any more.
        """
        if not self._is_open:
            raise NotByWebRtc("the connection has ended")
        now = self._now()
        if self._unsent_since is None or self._track.waiting.empty():
            self._unsent_since = now
        elif now - self._unsent_since > LONGEST_UNSENT_S * NS_PER_S:
            raise NotByWebRtc("this browser takes no picture")
        self._stamps = self._stamps or RtpStamps(now)
        if self._gaps.has_room(packet, self._unsent_bytes()):
            carried: av.Packet[Stream] = av.Packet(packet.content)
            carried.pts, carried.time_base = self._stamps.stamp(packet), Fraction(1, TICKS)
            self._track.waiting.put_nowait(carried)
        sent = self._track.sent
        return None if sent is None else (sent[0], self._stamps.time(sent[1]))

    def _unsent_bytes(self) -> int:
        """Of the datagrams that asyncio has not got rid of."""
        connection = self._transceiver.sender.transport.transport._connection  # noqa: SLF001  as with `_SENT`
        sockets = [pair.protocol.transport for pair in connection._nominated.values()]  # noqa: SLF001  as above
        return sum(getattr(each, "get_write_buffer_size")() for each in sockets)  # noqa: B009  unknown to its type

    async def close(self) -> None:
        """Close the port."""
        await self._connection.close()

    @property
    def _is_open(self) -> bool:
        return self._connection.connectionState == "connected" and self._track.readyState == "live"

    def _look(self) -> None:
        if self._connection.connectionState not in {"new", "connecting"}:
            self._is_decided.set()


Meet = Callable[[WebSocket, Awaitable[str], Callable[[], MonotonicNs]], Awaitable[Peer]]


async def meet(websocket: WebSocket, answer: Awaitable[str], now: Callable[[], MonotonicNs]) -> Peer:
    """A connection with the browser at a socket, by the address at which it has reached us. Raises NotByWebRtc."""
    address = websocket.scope["server"][0]
    peer = Peer(address, now)
    try:
        async with asyncio.timeout(MEETING_S):
            await websocket.send_json({"type": "offer", "sdp": await peer.offer()})
            await peer.connect(await answer)
    except TimeoutError as error:
        await peer.close()
        raise NotByWebRtc(f"this browser does not reach {address} by UDP") from error
    except BaseException:
        await peer.close()
        raise
    return peer
