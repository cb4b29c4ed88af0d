"""A broker of MQTT 5 over TLS, by paho-mqtt. Nothing is spooled: each connection is a fresh session."""

import logging
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from paho.mqtt.client import (
    MQTT_ERR_SUCCESS,
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTMessageInfo,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from smartcam.edge.logs import log
from smartcam.homeassistant.broker import LARGE_BYTES, BrokerAway, Introduction
from smartcam.homeassistant.settings import HomeAssistantSettings, password_of, tls_of

logger = logging.getLogger(__name__)

_CONNECT_S: Final = 5.0
_ACCEPTED_S: Final = 5.0
_LOOK_S: Final = 0.1
_KEEP_ALIVE_S: Final = 15
_MOST_UNSENT: Final = 4000
"""Messages on their way: what 64 cameras have at once, several times."""
_HEADER_BYTES: Final = 32
"""At most, of a packet that tells something, besides topic and payload."""
_LARGEST_PACKET: Final = 2048
"""What the broker may send us: a command has a few bytes. It drops what is larger."""
_MOST_AT_ONCE: Final = 20
_ONLY_WHAT_COMES: Final = 2
"""A command that a broker has kept is of another day: the retain handling that asks for none."""
_WITH_WILL: Final = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")


class _EagerTls(ssl.SSLContext):
    """Paho leaves a socket open whose handshake fails, and gives it half a minute: this closes it, after 5 s."""

    def wrap_socket(self, *arguments: Any, **named: Any) -> ssl.SSLSocket:  # noqa: ANN401  as the original has them
        """Wrap it, and shake hands at once."""
        return super().wrap_socket(*arguments, **{**named, "do_handshake_on_connect": True})


class _CarefulClient(Client):
    """Says so where paho's own thread ends by a fault: it does not, and would queue messages for ever."""

    def __init__(self, client_id: str, on_fault: Callable[[str], None]) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        self._on_fault = on_fault

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:  # noqa: FBT001, FBT002
        """As paho's; a broker's message that paho cannot read ends it."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception as error:  # noqa: BLE001  the edge of the thread
            self._on_fault(f"says what cannot be read ({type(error).__name__}: {error})")
            return MQTTErrorCode.MQTT_ERR_PROTOCOL


class PahoLine:
    """One connection."""

    def __init__(self, settings: HomeAssistantSettings, introduction: Introduction) -> None:
        """Connect. Raises BrokerAway, SettingsError."""
        self._where = f"{settings.host} port {settings.port}"
        self._filters, self._on_command = introduction.filters, introduction.on_command
        self._answered, self._end = threading.Event(), ""
        self._largest: int | None = None
        """Bytes of a packet that the broker takes, None: any."""
        self._larger: set[str] = set()
        self._client = self._made(settings, introduction)
        try:
            self._client.connect(settings.host, settings.port, _KEEP_ALIVE_S, clean_start=True, properties=_limits())
        except (OSError, ValueError) as error:
            raise BrokerAway(f"{self._where}: {_unreachable(error)}") from error
        # In paho's own thread, or other threads would write to the same TLS session that this one reads.
        self._client.loop_start()
        if not self._answered.wait(_ACCEPTED_S):
            self._end = f"did not answer within {_ACCEPTED_S:g} s; is it a broker of MQTT 5?"
        if self._end:
            self.close()
            raise BrokerAway(f"{self._where}: {self._end}")

    @property
    def end(self) -> str | None:
        """Why it is over, None while it is not."""
        return f"{self._where}: {self._end}" if self._end else None

    def publish(self, topic: str, payload: bytes) -> None:
        """Have the broker keep a payload; one that is too large for it is left out. Raises BrokerAway."""
        if self._end:
            raise BrokerAway(f"{self._where}: {self._end}")
        size = len(payload) + len(topic.encode()) + _HEADER_BYTES
        if self._largest is not None and size > self._largest:
            level = logging.DEBUG if topic in self._larger else logging.WARNING
            self._larger.add(topic)
            log(logger, level, "too_large_for_broker", topic=topic, bytes=size, largest=self._largest)
            return
        said = self._client.publish(topic, payload, qos=1, retain=True)
        if said.rc != MQTT_ERR_SUCCESS:
            raise BrokerAway(f"{self._where}: takes no more messages (code {said.rc})")
        if not payload or len(payload) > LARGE_BYTES:
            self._await(said)

    def close(self) -> None:
        """End it; the broker does the will."""
        self._end = self._end or "was left"
        self._client.disconnect(reasoncode=_WITH_WILL)
        self._client.loop_stop()

    def _await(self, said: MQTTMessageInfo) -> None:
        """Until the broker has acknowledged it; paho would not notice that it is over. Raises BrokerAway."""
        limit = time.monotonic() + _ACCEPTED_S
        while not said.is_published():
            if self._end or time.monotonic() > limit:
                raise BrokerAway(f"{self._where}: {self._end or 'does not acknowledge what it is told'}")
            said.wait_for_publish(_LOOK_S)

    def _made(self, settings: HomeAssistantSettings, introduction: Introduction) -> Client:
        client = _CarefulClient(introduction.client_id, self._finish)
        client.connect_timeout = _CONNECT_S
        client.tls_set_context(tls_of(settings, _EagerTls))
        if settings.user:
            client.username_pw_set(settings.user, password_of(settings))
        topic, payload = introduction.will
        client.will_set(topic, payload, qos=1, retain=True)
        client.max_queued_messages_set(_MOST_UNSENT)
        client.on_connect, client.on_disconnect, client.on_message = self._accepted, self._over, self._heard
        client.on_publish, client.on_subscribe = self._published, self._subscribed
        return client

    def _accepted(
        self, client: Client, _own: object, _flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._finish(f"refuses the connection: {code}; check user and password_file, and what the broker allows")
            return
        self._largest = getattr(properties, "MaximumPacketSize", None)
        options = SubscribeOptions(qos=1, retainHandling=_ONLY_WHAT_COMES)
        client.subscribe([(each, options) for each in self._filters])

    def _over(
        self, _client: Client, _own: object, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._finish(f"the connection is over: {code}")

    def _published(self, _client: Client, _own: object, _mid: int, code: ReasonCode, _properties: Properties) -> None:
        if code.is_failure:
            remedy = "allow this user to write below discovery_prefix and topic_prefix"
            self._finish(f"refuses what it is told: {code}; {remedy}")

    def _subscribed(
        self, _client: Client, _own: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = next((code for code in codes if code.is_failure), None)
        if refused is not None:  # who wants no commands from there may have it so
            log(logger, logging.WARNING, "commands_not_heard", broker=self._where, error=refused)
        self._answered.set()

    def _finish(self, reason: str) -> None:
        self._end = self._end or reason
        self._answered.set()

    def _heard(self, _client: Client, _own: object, message: MQTTMessage) -> None:
        if not message.retain:
            self._on_command(message.topic, bytes(message.payload))


def _limits() -> Properties:
    limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    limits.MaximumPacketSize = _LARGEST_PACKET
    limits.ReceiveMaximum = _MOST_AT_ONCE
    return limits


def _unreachable(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "set authority to the file of who has signed it, and host to a name that it bears"
        return f"its certificate is not trusted ({error.verify_message}); {remedy}"
    if isinstance(error, ssl.SSLError):
        return f"does not speak TLS as it must ({error.reason}); set port to where it does, {8883} as a rule"
    reason = "it takes too long" if isinstance(error, TimeoutError) else getattr(error, "strerror", None) or str(error)
    return f"cannot be reached ({reason}); check host and port"
