"""An edge hub for one module: MQTT over TLS on port 8883, as Azure's client wants it, with messages, twin and methods.

Tests can take the hub away, cut the connection between storing and acknowledging, and keep it silent.
"""

import asyncio
import json
import secrets
import ssl
import threading
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, Final, TypeVar
from urllib.parse import quote

from standins.azure.identity import ModuleIdentity
from standins.azure.mqtt import (
    Connect,
    MqttError,
    MqttKind,
    MqttPacket,
    connect_of,
    filters_of,
    publish_of,
    read_packet,
)
from standins.azure.store import PATIENCE_S, HubStore, ModuleSession

T = TypeVar("T")
PORT: Final = 8883
"""Azure's client knows no other."""
_FAILED: Final = 0x80


class StandInHub(HubStore):
    """The hub in a thread of its own. What it has stored and the twin outlive its outages."""

    def __init__(self, identity: ModuleIdentity, address: str, tls: ssl.SSLContext) -> None:
        super().__init__(identity)
        self.is_deaf = False
        """Whether it takes what comes and answers nothing; tests set it."""
        self.unanswered = 0
        """How many packets it has taken so."""
        self._address, self._tls = address, tls
        self._session: ModuleSession | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="edge-hub-stand-in")
        self._thread.start()

    def is_connected(self) -> bool:
        """Whether the module is."""
        return self._session is not None

    def start(self) -> None:
        """Take connections."""
        self._run(self._start())

    def stop(self) -> None:
        """An outage: nobody listens, and every connection ends."""
        self._run(self._stop())

    def desire(self, change: Mapping[str, object]) -> None:
        """An operator changes the desired properties. Raises TwinRefused."""
        self._run(self._desire(change))

    def invoke(self, name: str, payload: object, timeout_s: float = PATIENCE_S) -> tuple[int, object]:
        """Call a direct method. Raises ConnectionError where the module is not there, TimeoutError without answer."""
        return self._run(self._invoke(name, payload)).result(timeout_s)

    def close(self) -> None:
        """End it and its thread."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._connected, self._address, PORT, ssl=self._tls)

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._connections):
            writer.transport.abort()

    async def _desire(self, change: Mapping[str, object]) -> None:
        told = self.desired.patch(change)
        if self._session is not None:
            topic = f"$iothub/twin/PATCH/properties/desired/?$version={self.desired.version}"
            self._session.publish(topic, json.dumps(told).encode())

    async def _invoke(self, name: str, payload: object) -> Future[tuple[int, object]]:
        if self._session is None:
            raise ConnectionError("the module is not connected")
        number, answer = secrets.token_hex(4), Future[tuple[int, object]]()
        self.methods[number] = answer
        topic = f"$iothub/methods/POST/{quote(name, safe='')}/?$rid={number}"
        self._session.publish(topic, json.dumps(payload).encode())
        return answer

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        session = ModuleSession(writer)
        try:
            who = connect_of(await read_packet(reader))
            if why := self._refusal(who):
                writer.write(MqttPacket(MqttKind.CONNACK, 0, b"\x00\x05").encode())
                raise MqttError(why)
            before, self._session = self._session, session
            if before is not None:
                before.writer.transport.abort()
            writer.write(MqttPacket(MqttKind.CONNACK, 0, b"\x00\x00").encode())
            while True:
                packet = await read_packet(reader)
                if packet.kind is MqttKind.DISCONNECT:
                    return
                if self.is_deaf:
                    self.unanswered += 1
                    continue
                self._take(session, packet)
                await writer.drain()
        except MqttError as error:
            self.refused.append(str(error))
        except (EOFError, OSError):
            pass
        finally:
            if self._session is session:
                self._session = None
            self._connections.discard(writer)
            writer.close()

    def _refusal(self, who: Connect) -> str:
        """Why somebody is not let in; empty where he is."""
        identity = self.identity
        if who.client_id != identity.client_id:
            return f"the client {who.client_id!r}"
        if not who.user.startswith(f"{identity.hub}/{identity.client_id}/?api-version="):
            return f"the user {who.user!r}"
        return "" if identity.is_token(who.password, time.time()) else "a token that is not the module's, or too old"

    def _take(self, session: ModuleSession, packet: MqttPacket) -> None:
        if packet.kind is MqttKind.PUBLISH:
            self.published(session, publish_of(packet))
        elif packet.kind in {MqttKind.SUBSCRIBE, MqttKind.UNSUBSCRIBE}:
            self._listens(session, packet)
        elif packet.kind is MqttKind.PINGREQ:
            session.writer.write(MqttPacket(MqttKind.PINGRESP, 0, b"").encode())
        elif packet.kind is not MqttKind.PUBACK:
            raise MqttError(f"the packet {packet.kind.name}")

    def _listens(self, session: ModuleSession, packet: MqttPacket) -> None:
        number, filters = filters_of(packet)
        answer = number.to_bytes(2)
        if packet.kind is MqttKind.UNSUBSCRIBE:
            session.filters.difference_update(filters)
            session.writer.write(MqttPacket(MqttKind.UNSUBACK, 0, answer).encode())
            return
        allowed = [each.startswith("$iothub/") for each in filters]
        session.filters.update(each for each, is_allowed in zip(filters, allowed, strict=True) if is_allowed)
        codes = bytes(1 if is_allowed else _FAILED for is_allowed in allowed)
        session.writer.write(MqttPacket(MqttKind.SUBACK, 0, answer + codes).encode())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)
