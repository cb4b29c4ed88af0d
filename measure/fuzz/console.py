"""What reaches the console: requests before its door, and the queries of the history."""

import asyncio
from collections.abc import Iterable
from functools import cache
from typing import Final

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Message
from starlette.websockets import WebSocket

from measure.fuzz.device import EVENT
from measure.fuzz.places import file_with
from measure.fuzz.rings import shared_memory
from measure.fuzz.target import FuzzTarget, Unfaithful, decoding
from smartcam.console.access import Guesses, Password, Session, Sessions
from smartcam.console.changing import Changing
from smartcam.console.door import Door
from smartcam.console.heard import HeardDevice
from smartcam.console.looking import Clips, Looking, asked_for
from smartcam.console.main import build_app
from smartcam.console.settings import ConsoleSettings
from smartcam.console.sockets import LiveSockets
from smartcam.console.wishes import Wishing
from smartcam.contract.errors import ContractError, SettingsError
from smartcam.contract.event import Event
from smartcam.contract.notice import encode_notice
from smartcam.contract.topics import frames_topic
from smartcam.contract.wish import (
    Holding,
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    WishError,
    decode_wish_message,
    encode_wish_message,
)
from smartcam.edge.bus.port import NoSubscription, OnMessage
from smartcam.edge.clip_name import CAPTIONS
from smartcam.edge.clock import SystemClock
from smartcam.edge.history.folder import EventHistory, HistorySettings
from smartcam.edge.history.reading import PastEvents
from tools.console.beside import BesideBus

_FAILED: Final = 500
_WORD: Final = "word"
_BETWEEN: Final = b"\n--\n"
_PAUSE_S: Final = 0.01
_MOST_SAID: Final = 8
_EVENT_ID: Final = b"01930000-0000-7000-8000-000000000000"


def scope_of(data: bytes) -> tuple[dict[str, object], bytes]:
    """A request and its body: a line `METHOD PATH QUERY`, a line for each header, an empty line, and the body."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, path, query = [*first.split(b" ", 2), b"", b"", b""][:3]
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    kind = "websocket" if method == b"SOCKET" else "http"
    scope: dict[str, object] = {"type": kind, "method": method.decode("latin-1"), "path": path.decode("latin-1")}
    query = query.decode("ascii", "ignore").encode()  # the server lets nothing else pass
    return {**scope, "headers": headers, "query_string": query, "extensions": {"websocket.http.response": {}}}, body


def _at_the_door(data: bytes) -> object:
    """The status of the answer; whatever the request is, there is one, and none says that the console has failed."""
    scope, body = scope_of(data)
    password = Password(file_with("console/password", b""))
    password.path.unlink()
    door = Door(Response("in"), Sessions(password, SystemClock(), lambda: "word"), ("camera.lan",))
    sent: list[Message] = []

    halves = iter([(body[: len(body) // 2], True), (body[len(body) // 2 :], False)])

    async def receive() -> Message:
        half, more = next(halves)
        return {"type": "http.request", "body": half, "more_body": more}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(door(scope, receive, send))
    if not sent or sent[0].get("status") == _FAILED:
        raise Unfaithful(f"{scope}: {sent}")
    return sent[0].get("status")


def _query(data: bytes) -> object:
    return asked_for(QueryParams(data))


class _Owners:
    """The bus, on which the owners of the settings have answered before it returns: they know one camera."""

    def __init__(self) -> None:
        self.wishing = Wishing(self, lambda: "wish", patience_s=0.0)

    def publish_local(self, topic: str, payload: bytes) -> None:
        asked = decode_wish_message(payload)
        if b"silent" in payload:
            return
        errors = (WishError("zones", "are refused"),) if b"refuse" in payload else ()
        is_done = not errors and not (isinstance(asked, SettingsWish) and asked.trial)
        for owner in SettingsOwner:
            holds = (
                Holding("1", {"zones": {}, "masks": []}, {"labels": ["person"]}) if asked.camera_id == "yard" else None
            )
            answer = WishAnswer(asked.id, asked.camera_id, owner, is_done, errors, holds)
            self.wishing.hear(topic, encode_wish_message(answer))

    def subscribe_local(self, _topic: str, _on_message: OnMessage) -> NoSubscription:
        return NoSubscription()


@cache
def _app() -> ASGIApp:
    """The console as it is served, with an event in its history."""
    folder, clock, owners = file_with("console/here", b"").parent, SystemClock(), _Owners()
    history = EventHistory(folder / "history", clock)
    history.configure(HistorySettings())
    history.add(Event.from_json(EVENT % _EVENT_ID))
    history.store()
    sessions = Sessions(Password(folder / "none"), clock, lambda: _WORD)
    heard, clips = HeardDevice(clock), Clips(file_with("films/nothing", b"").parent)
    for ending in (".mp4", CAPTIONS):
        file_with(f"films/{_EVENT_ID.decode()}.yard.001{ending}", b"film")
    looking = Looking(heard, PastEvents(folder / "history"), clips)
    sockets = LiveSockets(folder, heard, BesideBus(None, {}), sessions, clock)
    routes = [*looking.routes(), *Changing(owners.wishing, looking.camera_of, lambda: ()).routes()]
    return build_app(ConsoleSettings(), sessions, Guesses(clock), sockets, routes)


def _answer_of(scope: dict[str, object], heard: Iterable[Message]) -> list[Message]:
    """What is sent to somebody whom the door lets in. Raises Unfaithful where the console has failed."""
    sent: list[Message] = []
    coming = iter(heard)
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"x-smartcam-token", _WORD.encode())]

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        await _app()({**scope, "headers": headers, "client": ("127.0.0.1", 1)}, receive, send)

    asyncio.run(ask())
    if not sent or sent[0].get("status") == _FAILED:
        raise Unfaithful(f"{scope}: {sent}")
    return sent


def _asked(data: bytes) -> object:
    """A request of somebody who is signed in, as `scope_of` reads it."""
    scope, body = scope_of(data)
    scope |= {"type": "http", "root_path": "", "scheme": "http", "http_version": "1.1"}
    return _answer_of(scope, [{"type": "http.request", "body": body, "more_body": False}, {"type": "http.disconnect"}])


def _watched(data: bytes) -> None:
    """A live picture that somebody asks for: a line `CAMERA QUERY`, and what the page says, each behind two dashes."""
    first, *said = data.split(_BETWEEN)
    camera, _, query = first.partition(b" ")
    told = [{"text": line.decode(errors="replace")} if line[:1] != b"!" else {"bytes": line[1:]} for line in said]
    heard: list[Message] = [{"type": "websocket.receive", **each} for each in told[:_MOST_SAID]]
    coming = iter([{"type": "websocket.connect"}, *heard, {"type": "websocket.disconnect", "code": 1001}])

    async def receive() -> Message:
        await asyncio.sleep(_PAUSE_S)  # or the viewer would be gone before it is shown anything
        return next(coming)

    async def send(_: Message) -> None:
        return

    sockets, session = _sockets()
    scope: dict[str, object] = {
        "type": "websocket",
        "path_params": {"camera": camera.decode("latin-1")},
        "state": {"session": session},
    }
    scope |= {"query_string": query, "headers": [], "server": ("127.0.0.1", 1)}
    asyncio.run(sockets.answer(WebSocket(scope, receive, send)))


@cache
def _sockets() -> tuple[LiveSockets, Session]:
    """Live pictures of one camera, whose packets are in a ring, and a frame."""
    clock, (folder, notice) = SystemClock(), shared_memory()
    sessions = Sessions(Password(folder / "none"), clock, lambda: _WORD)
    heard, session = HeardDevice(clock), sessions.find(None)
    heard.notice(frames_topic(notice.camera_id), encode_notice(notice))
    if session is None:
        raise Unfaithful("without a password everybody is signed in")
    return LiveSockets(folder, heard, BesideBus(None, {}), sessions, clock), session


TARGETS: Final = {
    "console-request": FuzzTarget(
        decoding(_asked, ()),
        ("smartcam.console.changing", "smartcam.console.looking"),
    ),
    "console-socket": FuzzTarget(
        decoding(_watched, ()),
        (
            "smartcam.console.sockets:LiveSockets.answer",
            "smartcam.console.sockets:_Viewer.hear",
            "smartcam.console.sockets:_Viewer._send_picture",
            "smartcam.console.sockets:_Viewer._say",
            "smartcam.console.sockets:_until_gone",
        ),
    ),
    "console-door": FuzzTarget(
        decoding(_at_the_door, ()), ("smartcam.console.door:Door", "smartcam.console.door:_body")
    ),
    "event-query": FuzzTarget(
        decoding(_query, (ContractError, SettingsError)),
        ("smartcam.console.looking:asked_for",),
    ),
}
