"""The IPC server: connections of components on a Unix socket."""

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

from standins.nucleus.eventstream import EventStreamError, PacketTooLarge, Splitter
from standins.nucleus.journal import Journal
from standins.nucleus.operations import Call, IpcOperations
from standins.nucleus.profile import Profile
from standins.nucleus.requests import Body, Malformed, read_body
from standins.nucleus.rpc import (
    PREFIX,
    PROTOCOL_VERSION,
    ErrorKind,
    Flag,
    IpcRefused,
    MessageType,
    RpcMessage,
    answer,
    connect_ack,
    read_message,
    refusal,
    to_json,
)
from standins.nucleus.subscriptions import ResponseStream

_MOST_UNREAD_BYTES: Final = 4 * 1024 * 1024
_STREAMING: Final = frozenset({"SubscribeToTopic", "SubscribeToIoTCore", "SubscribeToConfigurationUpdate"})

Identify = Callable[[str], str | None]
"""The component that a token belongs to, None for an unknown token."""


class _ConnectionEnds(Exception):
    """The peer broke the protocol, which closes its connection."""


class _Connection(asyncio.Protocol):
    """One component's connection."""

    def __init__(self, server: "IpcServer", number: int) -> None:
        self.number = number
        self.component: str | None = None
        self.transport: asyncio.Transport | None = None
        self._server = server
        self._splitter = Splitter(server.profile.incoming_bytes)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  a Unix socket's transport
        self.transport = transport
        if not self._server.admit(self):
            transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self._splitter.feed(data):
                self._receive(read_message(packet))
        except (EventStreamError, _ConnectionEnds) as error:
            kind = "packet too large" if isinstance(error, PacketTooLarge) else "protocol"
            self.close(f"{kind}: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._server.forget(self)

    def close(self, reason: str, *, at_once: bool = True) -> None:
        """End the connection, and its subscriptions with it; not at once: after what is still to be sent."""
        if self.transport is None or self.transport.is_closing():
            return
        self._server.journal.write("connection_closed", component=self.component, reason=reason)
        if at_once:
            self.transport.abort()
        else:
            self.transport.close()

    def _send_event(self, stream_id: int, shape: str, body: bytes) -> None:
        packet = answer(stream_id, shape, body)
        if len(packet) > self._server.profile.outgoing_bytes:
            # Larger than this nucleus can send.
            self._server.journal.write("event_lost", component=self.component, shape=shape, bytes=len(packet))
            return
        self._write(packet)

    def _write(self, packet: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(packet)
        # A component that no longer reads must not eat the nucleus's memory.
        if self.transport.get_write_buffer_size() > _MOST_UNREAD_BYTES:
            self.close("the component does not read its events")

    def _receive(self, message: RpcMessage) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if self.component is None:
            self._shake_hands(message)
        elif message.stream_id == 0:
            raise _ConnectionEnds("a request needs a stream id")
        elif message.flags & Flag.TERMINATE_STREAM:
            self._server.end_stream((self.number, message.stream_id))
        else:
            self._call(message)

    def _shake_hands(self, message: RpcMessage) -> None:
        packet = message.packet
        if (message.type, message.flags, message.stream_id) != (MessageType.CONNECT, 0, 0):
            raise _ConnectionEnds("the first message must be CONNECT on stream 0")
        if packet.text(":version") not in {None, PROTOCOL_VERSION}:
            raise _ConnectionEnds(f"the protocol version must be {PROTOCOL_VERSION}")
        try:
            token = read_body(packet.payload).get("authToken")
        except IpcRefused as error:
            raise _ConnectionEnds(error.reason) from error
        component = self._server.identify(token) if isinstance(token, str) else None
        if component is None:
            if self._server.profile.acknowledges_refusals:
                self._write(connect_ack(accepted=False))
                self.close("the token is unknown", at_once=False)
                return
            raise _ConnectionEnds("the token is unknown")
        self.component = component
        self._server.journal.write("connection_opened", component=component)
        self._write(connect_ack())

    def _call(self, message: RpcMessage) -> None:
        name = (message.packet.text("operation") or "").removeprefix(PREFIX)
        try:
            if message.type is not MessageType.APPLICATION_MESSAGE or not name:
                raise IpcRefused(ErrorKind.SERVICE, "A request is an application message with an operation")
            body = read_body(message.packet.payload)
            assert self.component is not None  # noqa: S101  the handshake came before
            stream = ResponseStream((self.number, message.stream_id), partial(self._send_event, message.stream_id))
            call = Call(self.component, name, body, stream)
            reply = self._server.operations.handle(call)
        except IpcRefused as error:
            self._refuse(message.stream_id, error)
            return
        if isinstance(reply, Awaitable):
            self._server.answer_later(self._answer_later(message.stream_id, name, reply))
        else:
            self._answer(message.stream_id, name, reply)

    async def _answer_later(self, stream_id: int, name: str, reply: Awaitable[Body]) -> None:
        try:
            self._answer(stream_id, name, await reply)
        except IpcRefused as error:
            self._refuse(stream_id, error)

    def _answer(self, stream_id: int, name: str, body: Body) -> None:
        profile = self._server.profile
        ends = profile.ends_unary_streams and name not in _STREAMING
        flags = Flag.TERMINATE_STREAM if ends else Flag.NONE
        packet = answer(stream_id, f"{name}Response", to_json(body), flags)
        if len(packet) > profile.outgoing_bytes:
            self._refuse(stream_id, IpcRefused(ErrorKind.SERVICE, f"The response has {len(packet)} bytes"))
        else:
            self._write(packet)

    def _refuse(self, stream_id: int, error: IpcRefused) -> None:
        profile = self._server.profile
        if profile.names_invalid_arguments and isinstance(error, Malformed):
            error = IpcRefused(ErrorKind.INVALID_ARGUMENTS, error.reason)
        self._write(refusal(stream_id, error, readable=profile.readable_errors))


class IpcServer:
    """Listens on a Unix socket and lets components call operations."""

    def __init__(self, profile: Profile, operations: IpcOperations, identify: Identify, journal: Journal) -> None:
        self.profile = profile
        self.operations = operations
        self.identify = identify
        self.journal = journal
        self._numbers = itertools.count(1)
        self._connections: set[_Connection] = set()
        self._answers: set[asyncio.Task[None]] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._path: Path | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self, path: Path) -> None:
        """Listen at a path, which only its owner may use. Raises OSError when it cannot be bound."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_unix_server(lambda: _Connection(self, next(self._numbers)), sock=_bind(path))
        self._path = path

    async def stop(self) -> None:
        """Close the socket and all connections."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            # Whoever was accepted a moment ago is given his connection first: asyncio loses the sockets of a server
            # that is closed in between, and the component would wait for an answer.
            for waiting in listener.sockets:
                asyncio.get_running_loop().remove_reader(waiting.fileno())
            await asyncio.sleep(0)
            listener.close()
        self.drop_connections("the server stops")
        await self._empty.wait()
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, *self._endings, return_exceptions=True)
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def drop_connections(self, reason: str) -> None:
        """Close every connection; the server goes on listening."""
        for connection in list(self._connections):
            connection.close(reason)

    def admit(self, connection: _Connection) -> bool:
        """Whether the server listens and has room for one more connection."""
        if self._listener is None:
            return False
        if len(self._connections) >= self.profile.connections:
            self.journal.write("connection_refused", reason=f"{self.profile.connections} connections are open already")
            return False
        self._connections.add(connection)
        self._empty.clear()
        return True

    def forget(self, connection: _Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        _keep(self._endings, self.operations.end_connection(connection.number))

    def end_stream(self, key: tuple[int, int]) -> None:
        """A component closes one of its streams."""
        _keep(self._endings, self.operations.end_stream(key))

    def answer_later(self, work: Coroutine[Any, Any, None]) -> None:
        """An answer that has to wait for the cloud."""
        _keep(self._answers, work)


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _bind(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        # Before it listens, so that nobody else ever connects.
        path.chmod(0o600)
    except OSError:
        listener.close()
        raise
    return listener
