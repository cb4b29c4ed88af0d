"""Requests of components, read from JSON: what is malformed is refused here, once."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from standins.nucleus.configuration import KeyPath
from standins.nucleus.rpc import ErrorKind, IpcRefused

T = TypeVar("T")
Body = Mapping[str, object]


def read_body(payload: bytes) -> Body:
    """The JSON object in a payload. Raises IpcRefused."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise invalid("the payload is not JSON") from error
    if not isinstance(body, dict):
        raise invalid("the payload is not a JSON object")
    return body


class Malformed(IpcRefused):
    """A wrong argument: a ServiceError nearly everywhere on lite, an InvalidArgumentsError on classic."""


def invalid(reason: str, kind: ErrorKind = ErrorKind.SERVICE) -> Malformed:
    """A wrong argument, with the error that it is on lite."""
    return Malformed(kind, f"Received invalid parameters: {reason}")


def required(body: Body, key: str, kind: type[T], error: ErrorKind = ErrorKind.SERVICE) -> T:
    """The value of a key. Raises IpcRefused when it is missing or of another type."""
    value = body.get(key)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise invalid(f"{key} is missing or of a wrong type", error)
    return value


def key_path(body: Body, error: ErrorKind = ErrorKind.SERVICE) -> KeyPath:
    """The optional `keyPath`; the root without one. Raises IpcRefused."""
    value = body.get("keyPath", [])
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise invalid("keyPath must be a list of strings", error)
    return tuple(value)


def component_name(body: Body, caller: str) -> str:
    """The optional `componentName`; the caller without one. Raises IpcRefused."""
    return required(body, "componentName", str) if "componentName" in body else caller


def quality(body: Body) -> int:
    """The optional `qos`, as text or number. Raises IpcRefused unless 0, 1 or 2."""
    value = body.get("qos", 0)
    if isinstance(value, bool) or str(value) not in {"0", "1", "2"}:
        raise invalid("qos must be 0, 1 or 2")
    return int(str(value))


def from_base64(text: str) -> bytes:
    """Bytes from base64. Raises IpcRefused."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise invalid("payload is not valid base64") from error


@dataclass(frozen=True, slots=True)
class LocalMessage:
    """A message on a local topic: `kind` is its key on the wire; binary content stays base64."""

    topic: str
    kind: str
    content: object

    def event(self) -> Body:
        """What a subscriber gets."""
        return {self.kind: {"message": self.content, "context": {"topic": self.topic}}}

    def content_bytes(self) -> bytes:
        """The content as bytes; base64 that cannot be read stays text."""
        if self.kind == "binaryMessage" and isinstance(self.content, str):
            try:
                return base64.b64decode(self.content)
            except binascii.Error:
                return self.content.encode()
        return json.dumps(self.content, separators=(",", ":")).encode()


def local_message(body: Body) -> LocalMessage:
    """The message of a PublishToTopic request. Raises IpcRefused."""
    topic = required(body, "topic", str)
    union = required(body, "publishMessage", dict)
    kinds = [kind for kind in ("jsonMessage", "binaryMessage") if union.get(kind) is not None]
    if len(kinds) != 1:
        raise invalid("publishMessage needs exactly one of jsonMessage and binaryMessage")
    inner = required(union, kinds[0], dict)
    if kinds[0] == "binaryMessage":
        return LocalMessage(topic, kinds[0], required(inner, "message", str))
    if "message" not in inner:
        raise invalid("jsonMessage needs a message")
    return LocalMessage(topic, kinds[0], inner["message"])
