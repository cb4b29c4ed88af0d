"""What reaches the console: requests before its door, and the queries of the history."""

import asyncio
from typing import Final

from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import Message

from measure.fuzz.places import file_with
from measure.fuzz.target import FuzzTarget, Unfaithful, decoding
from smartcam.console.access import Password, Sessions
from smartcam.console.door import Door
from smartcam.console.looking import asked_for
from smartcam.contract.errors import ContractError
from smartcam.edge.clock import SystemClock

_FAILED: Final = 500
_SECURE: Final = "http"


def scope_of(data: bytes) -> tuple[dict[str, object], bytes]:
    """A request and its body: a line `METHOD PATH QUERY`, a line for each header, an empty line, and the body."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, path, query = [*first.split(b" ", 2), b"", b"", b""][:3]
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    kind = "websocket" if method == b"SOCKET" else "http"
    scope: dict[str, object] = {"type": kind, "method": method.decode("latin-1"), "path": path.decode("latin-1")}
    return {**scope, "headers": headers, "query_string": query, "extensions": {"websocket.http.response": {}}}, body


def _at_the_door(data: bytes) -> object:
    """The status of the answer; whatever the request is, there is one, and none says that the console has failed."""
    scope, body = scope_of(data)
    password = Password(file_with("console/password", b""))
    password.path.unlink()
    door = Door(Response("in"), Sessions(password, SystemClock(), lambda: "word"), ("camera.lan",))
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(door(scope, receive, send))
    if not sent or sent[0].get("status") == _FAILED:
        raise Unfaithful(f"{scope}: {sent}")
    return sent[0].get("status")


def _query(data: bytes) -> object:
    return asked_for(QueryParams(data))


TARGETS: Final = {
    "console-door": FuzzTarget(
        decoding(_at_the_door, ()), ("smartcam.console.door:Door", "smartcam.console.door:_body")
    ),
    "event-query": FuzzTarget(
        decoding(_query, (ContractError,)),
        ("smartcam.console.looking:asked_for", "smartcam.console.looking:_number"),
    ),
}
