"""IoT Core, contacted directly with the device's certificate: without the nucleus, it is clear which of them fails.

A few packets of MQTT 3.1.1 by hand: the device's client library belongs to the nucleus's connection.
"""

import socket
import ssl
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from smartcam.contract.ids import ThingName
from smartcam.contract.topics import ack_topic
from smartcam.doctor.finding import Finding, State

PORT: Final = 8883
SOON_DAYS: Final = 30
_LIMIT_S: Final = 10.0
_CONNACK, _SUBACK, _PINGRESP = 0x20, 0x90, 0xD0
_REFUSED: Final = 0x80
_PING: Final = b"\xc0\x00"
_GOODBYE: Final = b"\xe0\x00"


@dataclass(frozen=True, slots=True)
class Identity:
    """The device's identity, as the nucleus has it."""

    thing: ThingName
    certificate: Path
    key: Path
    authority: Path
    endpoint: str
    port: int = PORT


def check_certificate(identity: Identity, now: datetime | None = None) -> Finding:
    """How long the device's certificate is valid."""
    try:
        certificate = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
    except (OSError, ValueError) as error:
        return Finding("certificate", State.FAULT, f"{identity.certificate}: {error}")
    left = (certificate.not_valid_after_utc - (now or datetime.now(UTC))).days
    said = f"valid until {certificate.not_valid_after_utc:%Y-%m-%d}, {left} days"
    facts: dict[str, float | str] = {"days_left": left}
    if left < 0:
        return Finding("certificate", State.FAULT, f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}", facts)
    if left < SOON_DAYS:
        return Finding("certificate", State.WARNING, f"{said}: provision the device again in time", facts)
    return Finding("certificate", State.OK, said, facts)


def check_iot_core(identity: Identity) -> Finding:
    """Connect, subscribe to the device's own acknowledgements, and measure a round trip."""
    place = f"{identity.endpoint}:{identity.port}"
    try:
        context = ssl.create_default_context(cafile=str(identity.authority))
        context.load_cert_chain(identity.certificate, identity.key)
        with (
            socket.create_connection((identity.endpoint, identity.port), _LIMIT_S) as plain,
            context.wrap_socket(plain, server_hostname=identity.endpoint) as wire,
        ):
            return _converse(wire, identity, place)
    except TimeoutError:
        return Finding("IoT Core", State.FAULT, f"{place}: no answer in {_LIMIT_S:g} s; is port {identity.port} open?")
    except (OSError, ValueError) as error:
        return Finding("IoT Core", State.FAULT, f"{place}: {error}")


def _converse(wire: ssl.SSLSocket, identity: Identity, place: str) -> Finding:
    # A client id of its own: with the nucleus's, IoT Core would disconnect the nucleus.
    client = f"{identity.thing}#doctor".encode()
    head = b"\x00\x04MQTT\x04\x02" + struct.pack(">H", 30)
    wire.sendall(_packet(0x10, head + _text(client)))
    kind, body = _receive(wire)
    if kind != _CONNACK or body[1]:
        return Finding("IoT Core", State.FAULT, f"{place}: refuses the device; is its policy attached?")
    topic = ack_topic(identity.thing).encode()
    wire.sendall(_packet(0x82, b"\x00\x01" + _text(topic) + b"\x00"))
    kind, body = _receive(wire)
    if kind != _SUBACK or body[2] == _REFUSED:
        return Finding(
            "IoT Core", State.FAULT, f"{place}: the policy does not let {identity.thing} hear {topic.decode()}"
        )
    begun = time.perf_counter()
    wire.sendall(_PING)
    while _receive(wire)[0] != _PINGRESP:
        pass
    took_ms = (time.perf_counter() - begun) * 1000
    wire.sendall(_GOODBYE)
    said = f"{place}: connected as {client.decode()}, round trip {took_ms:.0f} ms"
    return Finding("IoT Core", State.OK, said, {"round_trip_ms": round(took_ms, 1)})


def _packet(kind: int, body: bytes) -> bytes:
    low, high = len(body) & 0x7F, len(body) >> 7
    return bytes((kind, low | 0x80, high) if high else (kind, low)) + body


def _receive(wire: ssl.SSLSocket) -> tuple[int, bytes]:
    kind, left, shift = _exactly(wire, 1)[0], 0, 0
    while True:
        digit = _exactly(wire, 1)[0]
        left |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return kind & 0xF0, _exactly(wire, left)


def _exactly(wire: ssl.SSLSocket, count: int) -> bytes:
    held = b""
    while len(held) < count:
        part = wire.recv(count - len(held))
        if not part:
            raise ConnectionError("the connection was closed: is the certificate active, and is its policy attached?")
        held += part
    return held


def _text(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text
