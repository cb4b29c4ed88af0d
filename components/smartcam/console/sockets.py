"""Live pictures on WebSockets: each viewer gets what is newest, and no queue grows for one that is slow."""

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from smartcam.console.access import PasswordUnreadable, Session, Sessions
from smartcam.console.heard import HeardCamera, HeardDevice, ViewWatching
from smartcam.console.live import (
    PYAV_LOADING,
    LivePictures,
    LivePiece,
    NotByWebRtc,
    NotForBrowsers,
    VideoBegins,
    VideoFollower,
    why_not_video,
)
from smartcam.contract.errors import ContractError, FrameOverwritten, RingError
from smartcam.contract.ids import CameraId, camera_id
from smartcam.contract.notice import FrameNotice
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.ring.packet_ring import PacketRingReader

if TYPE_CHECKING:
    from smartcam.console.webrtc import Meet, Peer

logger = logging.getLogger(__name__)

MOST_VIEWERS: Final = 8
_LOOK_S: Final = 0.02
_CHECK_NS: Final = NS_PER_S
"""How often it is asked whether a viewer may still look, and whether there is video by now."""
_TRY_AGAIN_LATER: Final = 1013
_POLICY: Final = 1008
"""Codes of RFC 6455's registry."""
_ASKED_FOR_PICTURES: Final = "this browser asked for pictures; this shows what is analysed"
_MDNS: Final = "aioice.mdns"
_PYAV: Final = ("av", "av.frame", "av.packet", "av.stream", "av.video.codeccontext")
_CODECS: Final = (
    "AudioFrame", "AudioResampler", "CodecContext", "Frame", "Stream", "VideoCodecContext", "VideoFrame",
)  # fmt: skip


class LiveSockets:
    """The viewers of all cameras, `MOST_VIEWERS` at most. For one loop."""

    def __init__(
        self, folder: Path, heard: HeardDevice, watched: ViewWatching, sessions: Sessions, clock: Clock
    ) -> None:
        """`folder`: of the rings in shared memory."""
        self.heard = heard
        self.sessions = sessions
        self.clock = clock
        self._folder = folder
        self._watched = watched
        self._pictures: dict[CameraId, tuple[LivePictures, asyncio.Lock]] = {}
        self._webrtc: asyncio.Task[Meet | None] | None = None

    async def answer(self, websocket: WebSocket) -> None:
        """The whole life of one viewer's socket."""
        await websocket.accept()
        try:
            camera = camera_id(websocket.path_params["camera"])
        except ContractError as error:
            await websocket.close(_POLICY, str(error)[:100])
            return
        if self._watched.viewers >= MOST_VIEWERS:
            await websocket.send_json({"type": "said", "words": f"{MOST_VIEWERS} live pictures are open already"})
            await websocket.close(_TRY_AGAIN_LATER)
            return
        self._watched.begin(camera)
        try:
            viewer = _Viewer(self, websocket, camera, websocket.state.session)
            tasks = asyncio.create_task(viewer.show()), asyncio.create_task(_until_gone(websocket, viewer.hear))
            _, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in others:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
                    raise result
        finally:
            if self._watched.end(camera) and (pictures := self._pictures.pop(camera, None)):
                pictures[0].close()

    def open_packets(self, camera: CameraId) -> PacketRingReader:
        """Raises RingError."""
        return PacketRingReader(self._folder, camera)

    def open_pictures(self, camera: CameraId) -> tuple[LivePictures, asyncio.Lock]:
        """A camera's frames, of which one is encoded at a time."""
        return self._pictures.setdefault(camera, (LivePictures(self._folder, camera), asyncio.Lock()))

    async def webrtc(self) -> "Meet | None":
        """What meets a browser by WebRTC, loaded in a thread for the first who chooses it: it takes seconds on a Pi."""
        self._webrtc = self._webrtc or asyncio.create_task(asyncio.to_thread(load_webrtc))
        return await asyncio.shield(self._webrtc)


class _Carried(bytes):
    """A packet, for a library that only takes it apart: to have PyAV's would take 16 MB."""

    pts: int
    time_base: Fraction


class _NoCodec:
    """What the library would encode and decode with."""


def load_webrtc() -> "Meet | None":
    """What meets a browser by WebRTC; None where it is not there, which is logged."""
    absent = ModuleType("absent")
    # Names of browsers, of which none is asked: they would take 2 MB.
    vars(absent).update(MDnsProtocol=object, is_mdns_hostname=lambda _: False, Packet=_Carried)
    vars(absent).update(dict.fromkeys(_CODECS, _NoCodec))
    with PYAV_LOADING:
        pyav = () if "av" in sys.modules else _PYAV
        sys.modules.update(dict.fromkeys((_MDNS, *pyav), absent))
        try:
            from smartcam.console.webrtc import meet  # noqa: PLC0415  14 MB for whoever chooses it
        except ImportError as error:
            log(logger, logging.WARNING, "webrtc_not_there", error=error)
            return None
        finally:
            for name in pyav:
                del sys.modules[name]
    return meet


class _Viewer:
    """One socket, from one thread of control: what is sent keeps its order."""

    def __init__(self, sockets: LiveSockets, websocket: WebSocket, camera: CameraId, session: Session) -> None:
        self._sockets = sockets
        self._websocket = websocket
        self._camera = camera
        self._session = session
        self._wanted = websocket.query_params.get("as")
        """`jpeg`: of a browser that cannot play the video; `webrtc`: until something comes between."""
        self._why_not_webrtc = ""
        self._answer: asyncio.Future[str] | None = None
        """To the offer that was made."""
        self._why = ""
        """Why there are pictures and no video."""
        self._fault = ""
        """Why there is not even a picture."""
        self._words = ""
        self._view = b""
        self._shown: FrameNotice | None = None
        self._size: tuple[int, int] | None = None
        """What the viewer knows of pictures; nothing after video."""
        self._check_at = 0

    async def show(self) -> None:
        """Show the camera until the session ends."""
        while self._may_look():
            self._why = _ASKED_FOR_PICTURES if self._wanted == "jpeg" else why_not_video(self._open)
            if self._why:
                await self._show_pictures()
            else:
                self._fault = ""
                self._shown = self._size = None
                await self._show_video()
                await asyncio.sleep(_LOOK_S)  # or a ring that cannot be shown would keep everybody else waiting
        await self._websocket.close(_POLICY, "signed out")

    def hear(self, words: str) -> None:
        """What the page says: its answer to an offer, and later only that nothing is seen."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(words)
        else:
            self._do_without_webrtc("this browser shows nothing of it")

    def _open(self) -> PacketRingReader:
        return self._sockets.open_packets(self._camera)

    async def _show_video(self) -> None:
        """Until the ring ends, the viewer may not look any more, or it has to be done in another way."""
        peer = await self._meet() if self._wanted == "webrtc" else None
        try:
            begin = None if peer is None else peer.begin
            with closing(VideoFollower(self._open, self._sockets.clock.monotonic, begin)) as follower:
                while (self._wanted == "webrtc") is (peer is not None) and (not self._is_due() or self._may_look()):
                    for each in follower.step():
                        await self._send(each, peer)
                    await self._show_what_is_beside()
                    await asyncio.sleep(_LOOK_S)
        except NotByWebRtc as error:
            self._do_without_webrtc(error)
        except (RingError, NotForBrowsers):
            return
        finally:
            if peer is not None:
                await peer.close()

    async def _meet(self) -> "Peer | None":
        """The connection by WebRTC that the person has chosen; None where there cannot be one."""
        self._answer = asyncio.get_running_loop().create_future()
        try:
            if (meet := await self._sockets.webrtc()) is None:
                raise NotByWebRtc("this console lacks its packages, as its log says")
            return await meet(self._websocket, self._answer, self._sockets.clock.monotonic)
        except NotByWebRtc as error:
            self._do_without_webrtc(error)
            return None

    def _do_without_webrtc(self, why: object) -> None:
        self._wanted, self._why_not_webrtc = None, f"no WebRTC: {why}"

    async def _send(self, piece: LivePiece, peer: "Peer | None") -> None:
        """Raises NotByWebRtc."""
        if isinstance(piece, VideoBegins):
            await self._websocket.send_json({"type": "video", **asdict(piece), "why": self._why_not_webrtc})
        elif isinstance(piece, bytes):
            await self._websocket.send_bytes(piece)
        elif peer is not None and (sent := peer.send(piece)) is not None:
            await self._websocket.send_json({"type": "rtp", "stamp": sent[0], "mono_ns": sent[1]})

    async def _show_pictures(self) -> None:
        """Until it is time to see whether there is video by now."""
        while not self._is_due():
            heard = self._heard
            if heard and heard.notice and heard.notice != self._shown:
                self._shown = heard.notice
                await self._send_picture(heard.notice)
            await self._show_what_is_beside()
            await asyncio.sleep(_LOOK_S)

    async def _send_picture(self, notice: FrameNotice) -> None:
        pictures, one_at_a_time = self._sockets.open_pictures(self._camera)
        try:
            async with one_at_a_time:
                picture = await asyncio.to_thread(pictures.picture, notice)
        except FrameOverwritten:  # a newer one is on its way
            return
        except (RingError, ValueError) as error:
            self._fault = f"the picture cannot be shown: {error}"
            return
        self._fault = ""
        if self._size != (picture.width, picture.height):
            self._size = picture.width, picture.height
            await self._websocket.send_json({"type": "jpeg", "width": picture.width, "height": picture.height})
        await self._websocket.send_json({"type": "picture", "captured_mono_ns": picture.captured_mono})
        await self._websocket.send_bytes(picture.jpeg)

    async def _show_what_is_beside(self) -> None:
        heard = self._heard
        await self._say((heard.trouble if heard else "") or self._fault or self._why)
        if heard and heard.view and heard.view is not self._view:
            self._view = heard.view
            await self._websocket.send_text(heard.view.decode())

    async def _say(self, words: str) -> None:
        """Once, until something else is to be said, or nothing any more."""
        if words != self._words:
            self._words = words
            await self._websocket.send_json({"type": "said", "words": words})

    @property
    def _heard(self) -> HeardCamera | None:
        return self._sockets.heard.camera(self._camera)

    def _is_due(self) -> bool:
        return self._sockets.clock.monotonic() >= self._check_at

    def _may_look(self) -> bool:
        """Whether the session goes on."""
        self._check_at = self._sockets.clock.monotonic() + _CHECK_NS
        try:
            return self._sockets.sessions.holds(self._session)
        except PasswordUnreadable:
            return False


async def _until_gone(websocket: WebSocket, hear: Callable[[str], None]) -> None:
    """Until the viewer has gone; what it says until then is heard."""
    while (message := await websocket.receive())["type"] != "websocket.disconnect":
        hear(message.get("text") or "")


def live_of(open_packets: Callable[[], PacketRingReader], newest: FrameNotice | None) -> tuple[str, str]:
    """How a camera can be looked at, `mp4`, `jpeg` or `none`, and why it is not the best of these."""
    if not (why := why_not_video(open_packets)):
        return "mp4", ""
    if newest is not None:
        return "jpeg", why
    return "none", "no frame has come yet, or frames travel inside messages, which the console does not read"
