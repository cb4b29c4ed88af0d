"""Live pictures on WebSockets: each viewer gets what is newest, and no queue grows for one that is slow."""

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from smartcam.console.access import PasswordUnreadable, Session, Sessions
from smartcam.console.heard import HeardCamera, HeardDevice
from smartcam.console.live import (
    LivePictures,
    LivePiece,
    NotByWebRtc,
    NotForBrowsers,
    VideoBegins,
    VideoFollower,
    why_not_video,
)
from smartcam.contract.errors import BusError, ContractError, FrameOverwritten, RingError
from smartcam.contract.ids import CameraId, camera_id
from smartcam.contract.notice import FrameNotice
from smartcam.contract.times import NS_PER_S
from smartcam.contract.topics import views_topic
from smartcam.contract.view import WATCHED_S, ViewWatch, encode_view_message
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.ring.packet_ring import PacketRingReader

if TYPE_CHECKING:
    from smartcam.console.webrtc import Meet, Peer

logger = logging.getLogger(__name__)

MOST_VIEWERS: Final = 8
_LOOK_S: Final = 0.02
_WATCH_S: Final = WATCHED_S / 3
_CHECK_NS: Final = NS_PER_S
"""How often it is asked whether a viewer may still look, and whether there is video by now."""
_TRY_AGAIN_LATER: Final = 1013
_POLICY: Final = 1008
"""Codes of RFC 6455's registry."""
_NO_FRAME: Final = "no frame has come yet, or frames travel inside messages, which the console does not read"
_ASKED_FOR_PICTURES: Final = "this browser asked for pictures; this shows what is analysed"
_MDNS: Final = "aioice.mdns"
_PYAV: Final = ("av", "av.frame", "av.packet", "av.stream", "av.video.codeccontext")


@dataclass
class LiveSockets:
    """The viewers of all cameras, `MOST_VIEWERS` at most. For one loop."""

    folder: Path
    """Of the rings in shared memory."""
    heard: HeardDevice
    bus: LocalBus
    sessions: Sessions
    clock: Clock
    viewers: Counter[CameraId] = field(default_factory=Counter)
    pictures: dict[CameraId, LivePictures] = field(default_factory=dict)

    async def answer(self, websocket: WebSocket) -> None:
        """The whole life of one viewer's socket."""
        await websocket.accept()
        try:
            camera = camera_id(websocket.path_params["camera"])
        except ContractError as error:
            await websocket.close(_POLICY, str(error)[:100])
            return
        if self.viewers.total() >= MOST_VIEWERS:
            await websocket.send_json({"type": "said", "words": f"{MOST_VIEWERS} live pictures are open already"})
            await websocket.close(_TRY_AGAIN_LATER)
            return
        self.viewers[camera] += 1
        try:
            viewer = _Viewer(self, websocket, camera, websocket.state.session, websocket.query_params.get("as"))
            ways = viewer.show(), _until_gone(websocket, viewer.hear), self._watch(camera)
            tasks = [asyncio.create_task(way) for way in ways]
            _, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in others:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
                    raise result
        finally:
            self.viewers -= Counter((camera,))
            if camera not in self.viewers and (pictures := self.pictures.pop(camera, None)):
                pictures.close()

    async def _watch(self, camera: CameraId) -> None:
        """Have inference say what it sees: it does for a while, and only if somebody looks."""
        watch = encode_view_message(ViewWatch(camera))
        while True:
            with suppress(BusError):  # boxes are missing for as long as the nucleus is
                await asyncio.to_thread(lambda: self.bus.publish_local(views_topic(camera), watch))
            await asyncio.sleep(_WATCH_S)


class _Carried(bytes):
    """A packet, for a library that only takes it apart: to have PyAV's would take 16 MB."""

    pts: int
    time_base: Fraction


class _NoCodec:
    """What the library would encode and decode with."""


@cache
def load_webrtc() -> "Meet | None":
    """What meets a browser by WebRTC; None where it is not there, which is logged. It takes seconds on a Pi."""
    absent = ModuleType("absent")
    # Names of browsers, of which none is asked: they would take 2 MB. All else is a codec.
    vars(absent).update(MDnsProtocol=object, is_mdns_hostname=lambda _: False, Packet=_Carried)
    vars(absent)["__getattr__"] = lambda _: _NoCodec
    absences = (_MDNS,) if "av" in sys.modules else (_MDNS, *_PYAV)
    sys.modules.update(dict.fromkeys(absences, absent))
    try:
        from smartcam.console.webrtc import meet  # noqa: PLC0415  22 MB for whoever chooses it
    except ImportError as error:
        log(logger, logging.WARNING, "webrtc_not_there", error=error)
        return None
    finally:
        for name in absences:
            del sys.modules[name]
    return meet


@dataclass
class _Viewer:
    """One socket, from one thread of control: what is sent keeps its order."""

    sockets: LiveSockets
    websocket: WebSocket
    camera: CameraId
    session: Session
    wanted: str | None
    """`jpeg`: of a browser that cannot play the video; `webrtc`: until something comes between."""
    why_not_webrtc: str = ""
    answer: asyncio.Future[str] | None = None
    """To the offer that was made."""
    why: str = ""
    """Why there are pictures and no video."""
    fault: str = ""
    """Why there is not even a picture."""
    words: str = ""
    view: bytes = b""
    shown: FrameNotice | None = None
    about: Mapping[str, object] = field(default_factory=dict)
    """What the viewer knows of pictures; nothing after video."""
    check_at: int = 0

    async def show(self) -> None:
        """Show the camera until the session ends."""
        while self._may_look():
            self.why = _ASKED_FOR_PICTURES if self.wanted == "jpeg" else why_not_video(self._open)
            if self.why:
                await self._show_pictures()
            else:
                self.fault = ""
                self.shown, self.about = None, {}
                await self._show_video()
                await asyncio.sleep(_LOOK_S)  # or a ring that cannot be shown would keep everybody else waiting
        await self.websocket.close(_POLICY, "signed out")

    def hear(self, words: str) -> None:
        """What the page says: its answer to an offer, and later only that nothing is seen."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(words)
        else:
            self._do_without_webrtc("this browser shows nothing of it")

    def _open(self) -> PacketRingReader:
        return PacketRingReader(self.sockets.folder, self.camera)

    async def _show_video(self) -> None:
        """Until the ring ends, the viewer may not look any more, or it has to be done in another way."""
        peer = await self._meet() if self.wanted == "webrtc" else None
        try:
            begin = None if peer is None else peer.begin
            with closing(VideoFollower(self._open, self.sockets.clock.monotonic, begin)) as follower:
                while (self.wanted == "webrtc") is (peer is not None) and (not self._is_due() or self._may_look()):
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
        self.answer = asyncio.get_running_loop().create_future()
        try:
            if (meet := await asyncio.to_thread(load_webrtc)) is None:
                raise NotByWebRtc("this console lacks its packages, as its log says")
            return await meet(self.websocket, self.answer, self.sockets.clock.monotonic)
        except NotByWebRtc as error:
            self._do_without_webrtc(error)
            return None

    def _do_without_webrtc(self, why: object) -> None:
        self.wanted, self.why_not_webrtc = None, f"no WebRTC: {why}"

    async def _send(self, piece: LivePiece, peer: "Peer | None") -> None:
        """Raises NotByWebRtc."""
        if isinstance(piece, VideoBegins):
            await self.websocket.send_json({"type": "video", **asdict(piece), "why": self.why_not_webrtc})
        elif isinstance(piece, bytes):
            await self.websocket.send_bytes(piece)
        elif peer is not None and (sent := peer.send(piece)) is not None:
            await self.websocket.send_json({"type": "rtp", "stamp": sent[0], "mono_ns": sent[1]})

    async def _show_pictures(self) -> None:
        """Until it is time to see whether there is video by now."""
        while not self._is_due():
            notice = self._heard.notice if self._heard else None
            if notice is None:
                self.fault = _NO_FRAME
            elif notice != self.shown:
                self.shown = notice
                await self._send_picture(notice)
            await self._show_what_is_beside()
            await asyncio.sleep(_LOOK_S)

    async def _send_picture(self, notice: FrameNotice) -> None:
        pictures = self.sockets.pictures.setdefault(self.camera, LivePictures(self.sockets.folder, self.camera))
        try:
            picture = await asyncio.to_thread(pictures.picture, notice)
        except FrameOverwritten:  # a newer one is on its way
            return
        except (RingError, ValueError) as error:
            self.fault = f"the picture cannot be shown: {error}"
            return
        self.fault = ""
        about = {"type": "jpeg", "width": picture.width, "height": picture.height, "why": self.why}
        if about != self.about:
            self.about = about
            await self.websocket.send_json(about)
        await self.websocket.send_json({"type": "picture", "captured_mono_ns": picture.captured_mono})
        await self.websocket.send_bytes(picture.jpeg)

    async def _show_what_is_beside(self) -> None:
        heard = self._heard
        await self._say((heard.trouble if heard else "") or self.fault)
        if heard and heard.view and heard.view is not self.view:
            self.view = heard.view
            await self.websocket.send_text(heard.view.decode())

    async def _say(self, words: str) -> None:
        """Once, until something else is to be said, or nothing any more."""
        if words != self.words:
            self.words = words
            await self.websocket.send_json({"type": "said", "words": words})

    @property
    def _heard(self) -> HeardCamera | None:
        return self.sockets.heard.camera(self.camera)

    def _is_due(self) -> bool:
        return self.sockets.clock.monotonic() >= self.check_at

    def _may_look(self) -> bool:
        """Whether the session goes on."""
        self.check_at = self.sockets.clock.monotonic() + _CHECK_NS
        try:
            return self.sockets.sessions.holds(self.session)
        except PasswordUnreadable:
            return False


async def _until_gone(websocket: WebSocket, hear: Callable[[str], None]) -> None:
    """Until the viewer has gone; what it says until then is heard."""
    while (message := await websocket.receive())["type"] != "websocket.disconnect":
        hear(message.get("text") or "")
