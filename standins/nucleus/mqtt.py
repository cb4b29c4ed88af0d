"""IoT Core over MQTT 3.1.1 with mutual TLS: each connection is a fresh session, nothing is spooled."""

import asyncio
import random
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVarTuple

from paho.mqtt.client import (
    MQTT_ERR_SUCCESS,
    Client,
    ConnectFlags,
    DisconnectFlags,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from standins.nucleus.cloud import CloudMessage, CloudUnavailable, Deliver, Notice

Arguments = TypeVarTuple("Arguments")
_ACKNOWLEDGED_WITHIN_S: Final = 10.0
_KEEP_ALIVE_S: Final = 30
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class MqttEndpoint:
    """Where IoT Core is and who we are: the client id is the thing's name."""

    host: str
    port: int
    thing: str
    ca: Path
    certificate: Path
    key: Path

    def tls(self) -> ssl.SSLContext:
        """Raises OSError (ssl.SSLError is one) when a file is missing or no certificate."""
        context = ssl.create_default_context(cafile=self.ca)
        context.load_cert_chain(self.certificate, self.key)
        return context


class IotCore:
    """The connection to IoT Core. A thread connects and reconnects; all state belongs to the event loop."""

    configured = True

    def __init__(self, endpoint: MqttEndpoint, random_share: Callable[[], float] = random.random) -> None:
        """Raises OSError when the certificates cannot be read."""
        self._endpoint = endpoint
        self._tls = endpoint.tls()
        self._random_share = random_share
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_connected, name="iot-core")
        self._session: _Session | None = None
        self._client: Client | None = None
        self._filters: dict[str, int] = {}
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deliver: Deliver = lambda _topic, _payload: None
        self._notice: Notice = lambda _connected, _reason: None

    def start(self, deliver: Deliver, notice: Notice) -> None:
        """Start connecting, and keep trying."""
        self._loop = asyncio.get_running_loop()
        self._deliver = deliver
        self._notice = notice
        self._thread.start()

    async def publish(self, message: CloudMessage) -> None:
        """Returns when the broker has acknowledged (QoS 1). Raises CloudUnavailable."""
        client = self._connected()
        try:
            sent = client.publish(message.topic, message.payload, min(message.qos, 1))
        except ValueError as error:
            raise CloudUnavailable(str(error)) from error
        if sent.rc != MQTT_ERR_SUCCESS:
            raise CloudUnavailable(f"the connection is down (code {sent.rc})")
        if message.qos > 0:
            await self._acknowledgement(sent.mid)

    async def subscribe(self, topic_filter: str, qos: int) -> None:
        """Returns when the broker has accepted. Raises CloudUnavailable."""
        client = self._connected()
        try:
            code, mid = client.subscribe(topic_filter, min(qos, 1))
        except ValueError as error:
            raise CloudUnavailable(str(error)) from error
        if code != MQTT_ERR_SUCCESS or mid is None:
            raise CloudUnavailable(f"the connection is down (code {code})")
        await self._acknowledgement(mid)
        self._filters[topic_filter] = qos

    async def unsubscribe(self, topic_filter: str) -> None:
        """Forget a subscription."""
        self._filters.pop(topic_filter, None)
        if self._client is not None:
            self._client.unsubscribe(topic_filter)

    async def stop(self) -> None:
        """Disconnect and wait for the end of the thread."""
        self._stop.set()
        if self._session is not None:
            self._session.over.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def accepted(self, client: Client) -> None:
        """The broker has accepted a connection."""
        self._client = client
        for topic_filter, qos in self._filters.items():
            client.subscribe(topic_filter, min(qos, 1))
        self._notice(True, "")

    def lost(self, reason: str) -> None:
        """There is no connection (any more)."""
        self._client = None
        waiting = list(self._waiting.values())
        self._waiting.clear()
        for promise in waiting:
            if not promise.done():
                promise.set_exception(CloudUnavailable(f"the connection was lost: {reason}"))
        self._notice(False, reason)

    def run_in_loop(self, call: Callable[[*Arguments], None], *arguments: *Arguments) -> None:
        """Call something in the event loop; used from the connection's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _acknowledged(self, mid: int, codes: list[ReasonCode]) -> None:
        """The broker has answered a publish or a subscribe."""
        promise = self._waiting.pop(mid, None)
        if promise is None or promise.done():
            return
        refusal = next((str(code) for code in codes if code.is_failure), None)
        if refusal is None:
            promise.set_result(None)
        else:
            promise.set_exception(CloudUnavailable(refusal))

    def _connected(self) -> Client:
        if self._client is None:
            raise CloudUnavailable("there is no connection to IoT Core")
        return self._client

    async def _acknowledgement(self, mid: int) -> None:
        # The answer reaches the loop through `run_in_loop`, so it cannot come before it is expected.
        promise: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[mid] = promise
        try:
            await asyncio.wait_for(promise, _ACKNOWLEDGED_WITHIN_S)
        except TimeoutError as error:
            self._waiting.pop(mid, None)
            raise CloudUnavailable(f"no acknowledgement within {_ACKNOWLEDGED_WITHIN_S:g} s") from error

    def _keep_connected(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stop.is_set():
            if self._one_session():
                pause_s = _FIRST_PAUSE_S
            # Half of the pause is random, so that many devices do not reconnect at once.
            self._stop.wait(pause_s * (0.5 + self._random_share() / 2))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _one_session(self) -> bool:
        """Connect once and stay until the connection ends; whether it was ever accepted."""
        session = _Session(self)
        # A client of its own each time: paho would send again what an old session left.
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._endpoint.thing,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.tls_set_context(self._tls)
        client.on_connect = session.on_connect
        client.on_disconnect = session.on_disconnect
        client.on_message = lambda _client, _own, message: self.run_in_loop(
            self._deliver, message.topic, bytes(message.payload)
        )
        client.on_publish = lambda _client, _own, mid, code, _properties: self.run_in_loop(
            self._acknowledged, mid, [code]
        )
        client.on_subscribe = lambda _client, _own, mid, codes, _properties: self.run_in_loop(
            self._acknowledged, mid, codes
        )
        self._session = session
        if self._stop.is_set():
            return False
        try:
            client.connect(self._endpoint.host, self._endpoint.port, _KEEP_ALIVE_S)
        except OSError as error:
            self.run_in_loop(self.lost, str(error))
            return False
        # In paho's own thread, or other threads would write to the same TLS session that this one reads.
        client.loop_start()
        session.over.wait()
        client.disconnect()
        client.loop_stop()
        return session.accepted


class _Session:
    """Paho's callbacks for one connection: they run in its thread, and only hand over to the event loop.

    No lock may be taken here: paho holds its own ones around them.
    """

    def __init__(self, owner: IotCore) -> None:
        self.accepted = False
        self.over = threading.Event()
        self._owner = owner

    def on_connect(
        self, client: Client, _own: object, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._owner.run_in_loop(self._owner.lost, f"the broker refused: {code}")
            self.over.set()
        else:
            self.accepted = True
            self._owner.run_in_loop(self._owner.accepted, client)

    def on_disconnect(
        self, _client: Client, _own: object, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if not self.over.is_set():
            self._owner.run_in_loop(self._owner.lost, str(code))
        self.over.set()
