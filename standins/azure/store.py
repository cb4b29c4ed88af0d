"""What an edge hub keeps of one module, and what it answers: messages, the twin, methods. No network.

A message is stored before it is acknowledged, as the hub's own store does it.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote

from standins.azure.identity import ModuleIdentity
from standins.azure.mqtt import MqttError, MqttKind, MqttPacket, Publish
from standins.azure.twins import Properties, TwinRefused
from tools.recipes.matching import topic_matches

PATIENCE_S: Final = 60.0
_TWIN: Final = "$iothub/twin/"
_METHOD_ANSWER: Final = "$iothub/methods/res/"


@dataclass(frozen=True, slots=True)
class Received:
    """A message that the hub has stored."""

    output: str
    identity: str | None
    properties: Mapping[str, str]
    payload: bytes


@dataclass(eq=False)
class ModuleSession:
    """One connection."""

    writer: asyncio.StreamWriter
    filters: set[str] = field(default_factory=set)
    sent: int = 0

    def publish(self, topic: str, payload: bytes) -> None:
        """Where the module listens to the topic, at least once."""
        if any(topic_matches(topic, wanted) for wanted in self.filters):
            self.sent = self.sent % 0xFFFF + 1
            self.writer.write(Publish(topic, payload, 1, self.sent).encode())


class HubStore:
    """All that outlives an outage of the hub."""

    def __init__(self, identity: ModuleIdentity) -> None:
        self.desired, self.reported = Properties(), Properties()
        self.cuts_after = ""
        """The output whose next message it stores and, instead of acknowledging, cuts the connection; tests set it."""
        self.refused: list[str] = []
        """Why connections were closed, and patches refused."""
        self.identity = identity
        self.methods: dict[str, Future[tuple[int, object]]] = {}
        """Who waits for the answer to a method, by the number of the request."""
        self._changed = threading.Condition()
        self._received: list[Received] = []

    @property
    def received(self) -> list[Received]:
        """Everything that is stored, in order of arrival."""
        with self._changed:
            return list(self._received)

    def wait_for(self, condition: Callable[[list[Received]], object], timeout_s: float = PATIENCE_S) -> bool:
        """Wait until what is stored meets a condition; False when it does not in time."""
        with self._changed:
            return bool(self._changed.wait_for(lambda: condition(self._received), timeout_s))

    def published(self, session: ModuleSession, message: Publish) -> None:
        """Do what a message of the module asks. Raises MqttError over a topic that IoT Hub does not know."""
        if message.topic.startswith(self.identity.events):
            if self._store(message).output == self.cuts_after:
                self.cuts_after = ""
                session.writer.transport.abort()
                return
        elif message.topic.startswith(_TWIN):
            self._asked(session, message)
        elif message.topic.startswith(_METHOD_ANSWER):
            self._answered(message)
        else:
            raise MqttError(f"the topic {message.topic!r}")
        if message.qos:
            session.writer.write(MqttPacket(MqttKind.PUBACK, 0, message.number.to_bytes(2)).encode())

    def _store(self, message: Publish) -> Received:
        pairs = message.topic.removeprefix(self.identity.events).rstrip("/").split("&")
        named = (pair.partition("=") for pair in pairs if pair)
        found = {unquote(key): unquote(value) for key, _, value in named}
        own = {key: value for key, value in found.items() if not key.startswith("$.")}
        received = Received(found.get("$.on", ""), found.get("$.mid"), own, message.payload)
        with self._changed:
            self._received.append(received)
            self._changed.notify_all()
        return received

    def _asked(self, session: ModuleSession, message: Publish) -> None:
        path, _, query = message.topic.removeprefix(_TWIN).partition("?")
        number = dict(parse_qsl(query)).get("$rid", "")
        if path == "GET/":
            twin = {"desired": self.desired.document(), "reported": self.reported.document()}
            session.publish(f"{_TWIN}res/200/?$rid={number}", json.dumps(twin).encode())
            return
        try:
            if path != "PATCH/properties/reported/":
                raise TwinRefused(f"the path {path!r}")
            self.reported.patch(json.loads(message.payload))
        except (TwinRefused, ValueError) as error:
            self.refused.append(str(error))
            session.publish(f"{_TWIN}res/400/?$rid={number}", b"{}")
            return
        session.publish(f"{_TWIN}res/204/?$rid={number}&$version={self.reported.version}", b"")

    def _answered(self, message: Publish) -> None:
        status, _, query = message.topic.removeprefix(_METHOD_ANSWER).partition("/?")
        answer = self.methods.pop(dict(parse_qsl(query)).get("$rid", ""), None)
        if answer is not None:
            answer.set_result((int(status), json.loads(message.payload)))
