"""A small MQTT 3.1.1 broker with mutual TLS, for one client at a time."""

import datetime as dt
import ipaddress
import select
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 1, 2, 3, 4, 8, 9, 10, 11
PINGREQ, PINGRESP = 12, 13


@dataclass(frozen=True, slots=True)
class Papers:
    """Files of one authority that signed the broker's and the device's certificate."""

    ca: Path
    broker: Path
    broker_key: Path
    device: Path
    device_key: Path


def make_papers(folder: Path, ca_name: str = "Test CA") -> Papers:
    """Write a certificate authority and what it signed."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name_ = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ca_name)])
    files: dict[str, Path] = {}
    for name in ("ca", "broker", "device"):
        key = ca_key if name == "ca" else ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        subject = ca_name_ if name == "ca" else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name_)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            # Python 3.13 refuses certificates that do not say whose key signed them, and for what.
            .add_extension(_usage(signs=name == "ca"), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
        )
        certificate = builder.sign(ca_key, hashes.SHA256())
        files[name] = folder / f"{name}.pem"
        files[name].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[f"{name}_key"] = folder / f"{name}.key"
        files[f"{name}_key"].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return Papers(files["ca"], files["broker"], files["broker_key"], files["device"], files["device_key"])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


class Broker:
    """Records what the client sends; `acknowledges` and `refuses` are switches."""

    idle_s = 60.0
    """A client that says nothing for so long is gone."""

    def __init__(self, papers: Papers) -> None:
        self.acknowledges = True
        self.refuses = False
        self.refuses_subscriptions = False
        self.answers: dict[str, tuple[str, bytes]] = {}
        """What is sent back, by the topic of a question."""
        self.clients: list[str] = []
        self.published: list[tuple[str, bytes]] = []
        self.subscribed: list[str] = []
        self.unsubscribed: list[str] = []
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=papers.ca)
        self._tls.load_cert_chain(papers.broker, papers.broker_key)
        self._tls.verify_mode = ssl.CERT_REQUIRED
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connection: ssl.SSLSocket | None = None
        self._in_turn = threading.RLock()
        """A TLS connection is not for two threads at once: reading waits for bytes before it takes this."""
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._accept, name="broker")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def cut(self) -> None:
        """Nobody answers at the port any more, and the connection ends."""
        if self._thread is None:
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        self._thread.join(10)
        self._thread = None

    def mend(self) -> None:
        """Listen again at the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.__enter__()

    def drop(self) -> None:
        """End the connection, as a network does."""
        if self._connection is not None:
            try:
                self._connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def send(self, topic: str, payload: bytes) -> None:
        """Publish something to the client."""
        connection = self._connection
        assert connection is not None
        with self._in_turn:
            connection.sendall(_packet(PUBLISH << 4, _text(topic) + payload))

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            raw.settimeout(self.idle_s)
            try:
                with self._tls.wrap_socket(raw, server_side=True) as connection:
                    self._connection = connection
                    while self._has_said_something(connection):
                        with self._in_turn:
                            if not self._answer(connection):
                                break
            except OSError:
                raw.close()
            self._connection = None

    def _has_said_something(self, connection: ssl.SSLSocket) -> bool:
        return connection.pending() > 0 or select.select([connection], [], [], self.idle_s)[0] != []

    def _answer(self, connection: ssl.SSLSocket) -> bool:
        head = connection.recv(1)
        if not head:
            return False
        body = _read(connection, _length(connection))
        kind, qos = head[0] >> 4, head[0] >> 1 & 3
        if kind == CONNECT:
            self.clients.append(_first_text(body[10:]))
            connection.sendall(_packet(CONNACK << 4, bytes((0, 5 if self.refuses else 0))))
        elif kind == PUBLISH:
            self._take(connection, body, qos)
        elif kind == SUBSCRIBE:
            self.subscribed.append(_first_text(body[2:]))
            connection.sendall(_packet(SUBACK << 4, body[:2] + (b"\x80" if self.refuses_subscriptions else b"\x01")))
        elif kind == UNSUBSCRIBE:
            self.unsubscribed.append(_first_text(body[2:]))
            connection.sendall(_packet(UNSUBACK << 4, body[:2]))
        elif kind == PINGREQ:
            connection.sendall(_packet(PINGRESP << 4, b""))
        return True

    def _take(self, connection: ssl.SSLSocket, body: bytes, qos: int) -> None:
        topic = _first_text(body)
        rest = body[2 + len(topic.encode()) :]
        if qos == 0:
            self.published.append((topic, rest))
        elif self.acknowledges:
            self.published.append((topic, rest[2:]))  # first: whoever is acknowledged may look here at once
            connection.sendall(_packet(PUBACK << 4, rest[:2]))
        if topic in self.answers:
            back, payload = self.answers[topic]
            connection.sendall(_packet(PUBLISH << 4, _text(back) + payload))


def _packet(head: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while not length or left:
        length.append(left & 127 | (128 if left > 127 else 0))
        left >>= 7
    return bytes((head, *length)) + body


def _text(text: str) -> bytes:
    return len(text.encode()).to_bytes(2) + text.encode()


def _first_text(body: bytes) -> str:
    return body[2 : 2 + int.from_bytes(body[:2])].decode()


def _length(connection: ssl.SSLSocket) -> int:
    length, shift = 0, 0
    while True:
        (part,) = _read(connection, 1)
        length += (part & 127) << shift
        shift += 7
        if part < 128:
            return length


def _read(connection: ssl.SSLSocket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        part = connection.recv(length - len(found))
        if not part:
            raise ConnectionError
        found += part
    return found
