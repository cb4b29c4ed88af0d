"""Identifiers, each checked once, where it enters."""

import re
from typing import NewType

from smartcam.contract.errors import ContractError
from smartcam.contract.times import NS_PER_MS, UtcNs

CameraId = NewType("CameraId", str)
ThingName = NewType("ThingName", str)
EventId = NewType("EventId", str)
"""A UUIDv7 in lower-case hexadecimal with dashes: sorts by the time it was made."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_THING = re.compile(r"[A-Za-z0-9:_-]{1,128}", re.ASCII)
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
RANDOM_BYTES_OF_AN_EVENT_ID = 10
MOST_CAMERAS_OF_A_DEVICE = 64
"""The cloud takes no more of one thing."""


def camera_id(text: str, field: str = "camera_id") -> CameraId:
    """A camera's id. Raises ContractError unless 1 to 64 letters, digits, '-' or '_'."""
    return CameraId(_checked(text, _NAME, field, "must be 1 to 64 letters, digits, '-' or '_'"))


def thing_name(text: str, field: str = "thing") -> ThingName:
    """A thing's name as AWS IoT allows it. Raises ContractError otherwise."""
    return ThingName(_checked(text, _THING, field, "must be 1 to 128 letters, digits, ':', '-' or '_'"))


def event_id(text: str, field: str = "event_id") -> EventId:
    """An event's id. Raises ContractError unless it is a UUIDv7 in lower case."""
    return EventId(_checked(text, _UUID7, field, "must be a UUIDv7 in lower case"))


def _checked(text: str, pattern: re.Pattern[str], field: str, rule: str) -> str:
    if not pattern.fullmatch(text):
        raise ContractError(field, rule, text)
    return text


def new_event_id(now: UtcNs, random: bytes) -> EventId:
    """A UUIDv7 (RFC 9562, section 5.7) from a time and ten random bytes.

    Raises:
        ValueError: when `random` is not ten bytes, or the time is before 1970.
    """
    if len(random) != RANDOM_BYTES_OF_AN_EVENT_ID or now < 0:
        raise ValueError("an event id takes ten random bytes and a time from 1970 on")
    raw = bytearray((now // NS_PER_MS).to_bytes(6) + random)
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    text = raw.hex()
    return EventId("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))
