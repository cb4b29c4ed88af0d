"""The addresses that a camera tells of itself: taken only where they lead to the camera that told them. Pure."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from tools.cameras.envelope import NotUnderstood
from tools.cameras.findings import plain

LONGEST: Final = 1024
_HTTP_PORT: Final = 80
_STREAMS: Final = ("rtsp", "rtsps")
_VALUE: Final = r"=((?:(?![&/?#]|_[a-z]+=).)*)"
_USER: Final = re.compile(rf"(?<![a-z])(user(?:name)?|usr|login){_VALUE}", re.IGNORECASE)
_PASSWORD: Final = re.compile(rf"(?<![a-z])(pass(?:word|wd)?|pwd){_VALUE}", re.IGNORECASE)
_LOGIN_IN_PATH: Final = re.compile(r"[^/?&=:@]+:[^/@]*@")


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """Where a camera's service answers."""

    host: str
    port: int
    path: str


def is_near(host: str) -> bool:
    """Whether an answer may come from here: a private or link-local address, or this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not (address.is_global or address.is_multicast or address.is_unspecified or address.is_reserved)


def service_address(told: str, host: str) -> ServiceAddress:
    """A service by the address that the camera at `host` tells. Raises NotUnderstood unless it is its own, by HTTP."""
    parts = _parts(told)
    if parts.scheme != "http":
        raise NotUnderstood(f"its service cannot be asked by {plain(parts.scheme) or 'nothing'}, only by http")
    _check_host(parts, host)
    query = f"?{parts.query}" if parts.query else ""
    return ServiceAddress(host, parts.port or _HTTP_PORT, f"{parts.path or '/'}{query}")


def stream_address(told: str, host: str) -> tuple[str, bool]:
    """A stream's address without a login, and whether one stood in it.

    Where it stood in path or query, capture's placeholders take its place. Raises NotUnderstood unless it is an
    address of RTSP on the camera itself.
    """
    parts = _parts(told)
    if parts.scheme not in _STREAMS:
        raise NotUnderstood(f"its stream is not RTSP but {plain(parts.scheme) or 'nothing'}")
    _check_host(parts, host)
    rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if _LOGIN_IN_PATH.search(rest):
        raise NotUnderstood("it tells an address with what looks like a login in its path: not used")
    without = _PASSWORD.sub(r"\1={password}", _USER.sub(r"\1={user}", rest))
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{without}", "@" in parts.netloc or without != rest


def _parts(told: str) -> SplitResult:
    """Raises NotUnderstood. The address is not repeated: it may hold a password."""
    if len(told) > LONGEST or not told.isascii() or not told.isprintable() or " " in told:
        raise NotUnderstood("it tells an address that cannot be one")
    try:
        parts = urlsplit(told)
        _ = parts.port, parts.hostname
    except ValueError as error:
        raise NotUnderstood("it tells an address that cannot be one") from error
    return parts


def _check_host(parts: SplitResult, host: str) -> None:
    if (parts.hostname or "") != host:
        raise NotUnderstood(
            f"it tells an address at {plain(parts.hostname or 'no host')}, which is not its own: not used"
        )
