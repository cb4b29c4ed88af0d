"""WS-Discovery: one question to the local network, and the answers of the cameras.

The answers come to the socket that asked, which is open for as long as somebody waits; nothing is joined or served.
"""

import contextlib
import socket
import struct
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from tools.cameras.addresses import ServiceAddress, is_near, service_address
from tools.cameras.envelope import NotUnderstood, probe, read_xml, texts
from tools.cameras.findings import plain
from tools.command_line import Say

GROUP: Final = "239.255.255.250"
PORT: Final = 3702
MOST_CAMERAS: Final = 64
MOST_ANSWERS: Final = 1000
_NO_NETWORK: Final = "this machine is in no network: the question for cameras cannot be sent"
_SCOPE: Final = "onvif://www.onvif.org/"
_LARGEST: Final = 65_535
_MOST_ADDRESSES: Final = 8

Place = tuple[str, int]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Answerer:
    """A camera that answered: where it is and what it calls itself. `reason` says why it has no service to ask."""

    host: str
    name: str
    service: ServiceAddress | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """Who answered, each once, and what went wrong."""

    answerers: tuple[Answerer, ...] = ()
    remarks: tuple[str, ...] = ()


def ask(asked: Sequence[Place], wait_s: float, say: Say, clock: Clock = time.monotonic) -> Heard:
    """Ask these places, or without any the whole local network, and listen for `wait_s` seconds. The time is real."""
    identity = str(uuid.uuid4())
    question = probe(identity)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        sent, problems = _send(door, question, asked)
        if not sent:
            return Heard(remarks=tuple(problems) or (_NO_NETWORK,))
        hosts = frozenset(host for host, _ in asked)
        raw = _datagrams(door, wait_s, clock, lambda: _send(door, question, asked))
        return gathered(raw, identity, hosts, say)


def gathered(raw: Iterator[tuple[bytes, str]], identity: str, hosts: frozenset[str], say: Say) -> Heard:
    """The cameras in datagrams, each with its sender. Only `hosts` may answer where some are named."""
    found: dict[str, Answerer] = {}
    ignored: dict[str, str] = {}
    for datagram, sender in raw:
        if sender in found or (hosts and sender not in hosts):
            continue
        try:
            answerer = read_answer(datagram, sender, identity, is_named=bool(hosts))
        except NotUnderstood as error:
            if len(ignored) < MOST_CAMERAS:
                ignored[sender] = f"{sender}: {error}"
            continue
        if len(found) == MOST_CAMERAS:
            ignored[""] = f"more than {MOST_CAMERAS} cameras answered: ask the others by --ask"
            break
        found[sender] = answerer
        say(f"{sender} answers: {answerer.name}")
        if hosts and hosts == found.keys():
            break  # all who were asked
    return Heard(tuple(found.values()), tuple(line for sender, line in ignored.items() if sender not in found))


def read_answer(datagram: bytes, sender: str, identity: str, *, is_named: bool = False) -> Answerer:
    """What a camera answered. Raises NotUnderstood; also for a stranger's address, unless the user named it."""
    if not is_named and not is_near(sender):
        raise NotUnderstood("answers from outside the local network: not used")
    root = read_xml(datagram)
    if not any(related.lower().endswith(identity) for related in texts(root, "RelatesTo")):
        raise NotUnderstood("answers a question that was not asked")
    told = " ".join(texts(root, "XAddrs")).split()[:_MOST_ADDRESSES]
    scopes = " ".join(texts(root, "Scopes")).split()
    words = {
        kind: plain(unquote(scope[len(_SCOPE) + len(kind) + 1 :]).replace("_", " "))
        for kind in ("hardware", "name")
        for scope in scopes
        if scope.startswith(f"{_SCOPE}{kind}/")
    }
    name = words.get("name") or words.get("hardware") or f"camera {sender}"
    reason = "it tells no address of its service"
    for address in told:
        try:
            return Answerer(sender, name, service_address(address, sender))
        except NotUnderstood as error:
            reason = str(error)
    return Answerer(sender, name, None, reason)


def _datagrams(
    door: socket.socket, wait_s: float, clock: Clock, again: Callable[[], object]
) -> Iterator[tuple[bytes, str]]:
    """What comes in; the question is repeated once, because UDP loses some."""
    begin = clock()
    repeat_at = begin + wait_s / 3
    for _ in range(MOST_ANSWERS):
        while True:
            now = clock()
            if now >= begin + wait_s:
                return
            if repeat_at and now >= repeat_at:
                repeat_at = 0.0
                again()
            door.settimeout(max(0.001, min(repeat_at or begin + wait_s, begin + wait_s) - now))
            with contextlib.suppress(TimeoutError, ConnectionError):  # a place that was asked has nobody there
                raw, (sender, _) = door.recvfrom(_LARGEST)
                break
        yield raw, sender


def _send(door: socket.socket, question: bytes, asked: Sequence[Place]) -> tuple[int, list[str]]:
    """Send the question everywhere: how often that worked, and in words where it did not."""
    problems = []
    for place in asked:
        try:
            door.sendto(question, place)
        except OSError as error:
            problems.append(f"{place[0]}: cannot be asked ({error.strerror})")
    ways = [] if asked else [each for each in socket.if_nameindex() if each[1] != "lo"]
    for number, name in ways:
        try:
            choice = struct.pack("=4s4si", socket.inet_aton(GROUP), b"\0" * 4, number)
            door.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, choice)
            door.sendto(question, (GROUP, PORT))
        except OSError as error:
            problems.append(f"{name}: the network cannot be asked ({error.strerror})")
    return len(asked) + len(ways) - len(problems), problems
