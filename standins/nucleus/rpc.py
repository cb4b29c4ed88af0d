"""The remote calls on top of event-stream packets: message types, flags, answers and errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum
from typing import Final

from standins.nucleus.eventstream import EventStreamError, Header, Packet, encode, int32, string

PREFIX: Final = "aws.greengrass#"
PROTOCOL_VERSION: Final = "0.1.0"
_JSON: Final = string(":content-type", "application/json")


class MessageType(IntEnum):
    """The header `:message-type`."""

    APPLICATION_MESSAGE = 0
    APPLICATION_ERROR = 1
    PING = 2
    PING_RESPONSE = 3
    CONNECT = 4
    CONNECT_ACK = 5
    PROTOCOL_ERROR = 6
    INTERNAL_ERROR = 7


class Flag(IntFlag):
    """The header `:message-flags`."""

    NONE = 0
    CONNECTION_ACCEPTED = 1
    TERMINATE_STREAM = 2


class ErrorKind(StrEnum):
    """The error types that tell a client what went wrong; on lite they carry no readable text."""

    SERVICE = "ServiceError"
    UNAUTHORIZED = "UnauthorizedError"
    INVALID_ARGUMENTS = "InvalidArgumentsError"
    RESOURCE_NOT_FOUND = "ResourceNotFoundError"
    FAILED_UPDATE_CONDITION = "FailedUpdateConditionCheckError"


class IpcRefused(Exception):
    """An operation that ends in an error for its caller."""

    def __init__(self, kind: ErrorKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RpcMessage:
    """A packet with the three headers that every message has."""

    type: MessageType
    flags: int
    stream_id: int
    packet: Packet


def read_message(packet: Packet) -> RpcMessage:
    """Raises EventStreamError when one of the three headers is missing or unknown."""
    numbers = [packet.integer(name) for name in (":message-type", ":message-flags", ":stream-id")]
    kind, flags, stream_id = numbers
    if kind is None or flags is None or stream_id is None:
        raise EventStreamError("a message needs :message-type, :message-flags and :stream-id")
    try:
        return RpcMessage(MessageType(kind), flags, stream_id, packet)
    except ValueError as error:
        raise EventStreamError(f"{kind} is no message type") from error


def to_json(body: Mapping[str, object]) -> bytes:
    """A body as compact JSON."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def connect_ack(*, accepted: bool = True) -> bytes:
    """The packet that accepts a connection, or refuses it."""
    return encode(Packet(_common(MessageType.CONNECT_ACK, Flag.CONNECTION_ACCEPTED if accepted else Flag.NONE, 0)))


def answer(stream_id: int, shape: str, body: bytes, flags: int = Flag.NONE) -> bytes:
    """A response or an event: `shape` is the name of its type without the prefix."""
    headers = _common(MessageType.APPLICATION_MESSAGE, flags, stream_id)
    return encode(Packet((*headers, _JSON, string("service-model-type", PREFIX + shape)), body))


def refusal(stream_id: int, error: IpcRefused, *, readable: bool) -> bytes:
    """An error that ends a stream. `readable` adds the key "message", which only classic does."""
    body: dict[str, object] = {"_message": error.reason, "_errorCode": error.kind.value}
    if readable:
        body = {"message": error.reason} | body
    headers = _common(MessageType.APPLICATION_ERROR, Flag.TERMINATE_STREAM, stream_id)
    return encode(Packet((*headers, _JSON, string("service-model-type", PREFIX + error.kind)), to_json(body)))


def _common(kind: MessageType, flags: int, stream_id: int) -> tuple[Header, ...]:
    return (int32(":message-type", kind), int32(":message-flags", flags), int32(":stream-id", stream_id))
