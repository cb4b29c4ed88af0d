"""Messages: between the components, between a device and the cloud, and inside the cloud."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Final, TypeVar

from infra.alerts.runtime.delivery import Delivery, Unreadable, read_delivery
from infra.alerts.runtime.jobs import job_from_json, job_to_json
from infra.fleet.runtime.codec import dump_device, dump_fleet, load_device, load_fleet
from measure.fuzz.target import FuzzTarget, Unfaithful, decoding
from smartcam.capture.recording.captions import EventTimes, webvtt
from smartcam.contract.ack import Acknowledgement
from smartcam.contract.clip import ClipRequest, decode_clip_message, encode_clip_message
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event
from smartcam.contract.health import Health
from smartcam.contract.inline import decode_chunk, decode_inline_request, encode_inline_request, joined
from smartcam.contract.notice import decode_notice, encode_notice
from smartcam.contract.reading import parse_object
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.view import decode_view_message
from smartcam.contract.wanted import Wanted
from smartcam.contract.wish import WishAnswer, WishMessage, decode_wish_message, encode_wish_message
from smartcam.edge.bus.messages import cloud_message, local_message

T = TypeVar("T")


def _message(decode: Callable[[bytes], T], encode: Callable[[T], bytes] | None, *reads: str) -> FuzzTarget:
    return FuzzTarget(decoding(decode, ContractError, encode), reads)


def _event(data: bytes) -> Event:
    """As whoever takes one reads it: what is too large to be written again is refused there."""
    event = Event.from_json(data)
    event.to_json()
    return event


def _frame_of_chunk(data: bytes) -> object:
    chunk = decode_chunk(data)
    return joined([chunk]) if chunk.count == 1 else chunk


def _wished(data: bytes) -> WishMessage:
    """As it is sent again: an answer with as much as a message has room for."""
    message = decode_wish_message(data)
    return message.fitting() if isinstance(message, WishAnswer) else message


def _delivered(data: bytes) -> Event:
    """What the alerting makes of what its rule has selected."""
    delivery = read_delivery(parse_object(data, "delivery"))
    if isinstance(delivery, Unreadable):
        raise delivery.error
    if Delivery.from_rule(delivery.document()) != delivery:
        raise Unfaithful(f"{delivery!r} is not read again")
    return delivery.event()


def _ipc_messages(data: bytes) -> object:
    """An event as the nucleus's client hands it over: whatever JSON has for a topic, and None for what is not there."""
    said = parse_object(data, "event")

    def shape(key: str, name: str, *, is_binary: bool) -> SimpleNamespace | None:
        inner = said.get(key)
        if not isinstance(inner, dict):
            return None
        content = str(inner[name]).encode() if is_binary and name in inner else inner.get(name)
        context = inner.get("context")
        within = SimpleNamespace(topic=context.get("topic")) if isinstance(context, dict) else None
        return SimpleNamespace(**{name: content}, context=within, topic_name=inner.get("topicName"))

    local = SimpleNamespace(
        binary_message=shape("binaryMessage", "message", is_binary=True),
        json_message=shape("jsonMessage", "message", is_binary=False),
    )
    cloud = SimpleNamespace(message=shape("message", "payload", is_binary=True))
    reads: tuple[Callable[[], tuple[str, bytes]], ...] = (
        partial(local_message, local, "smartcam/frames/+"),
        partial(cloud_message, cloud),
    )
    for read in reads:
        with suppress(ContractError):
            topic, payload = read()
            if not isinstance(payload, bytes):
                raise Unfaithful(f"{topic}: {payload!r}")
    return None


def _captions(data: bytes) -> object:
    """Of all requests, a line each, in a clip that began at 0: no event's words may end a cue, or begin one."""
    times = EventTimes()
    for line in data.split(b"\n"):
        with suppress(ContractError):
            message = decode_clip_message(line)
            if isinstance(message, ClipRequest):
                times.hear(message, MonotonicNs(5 * NS_PER_S))
    written = webvtt(times.cues(MonotonicNs(0), 60 * NS_PER_S)).decode()
    head, *cues = written.split("\n\n")
    for cue in cues:
        if len(cue.splitlines()) != 2 or cue.count("-->") != 1:  # noqa: PLR2004  its times, and its words
            raise Unfaithful(written)
    return head


TARGETS: Final = {
    "ipc-message": _message(
        _ipc_messages,
        None,
        "smartcam.edge.bus.messages",
    ),
    "captions": _message(_captions, None, "smartcam.capture.recording.captions"),
    "event": _message(_event, Event.to_json, "smartcam.contract.event"),
    "health": _message(Health.from_json, Health.to_json, "smartcam.contract.health"),
    "acknowledgement": _message(Acknowledgement.from_json, Acknowledgement.to_json, "smartcam.contract.ack"),
    "wanted": _message(Wanted.from_json, Wanted.to_json, "smartcam.contract.wanted:Wanted.from_fields"),
    "notice": _message(decode_notice, encode_notice, "smartcam.contract.notice"),
    "chunk": _message(
        _frame_of_chunk, None, "smartcam.contract.inline:decode_chunk", "smartcam.contract.inline:joined"
    ),
    "inline-request": _message(
        decode_inline_request, encode_inline_request, "smartcam.contract.inline:decode_inline_request"
    ),
    "view": _message(decode_view_message, None, "smartcam.contract.view:decode_view_message"),
    "clip-message": _message(decode_clip_message, encode_clip_message, "smartcam.contract.clip"),
    "wish": _message(
        _wished,
        encode_wish_message,
        "smartcam.contract.wish",
    ),
    "delivery": _message(
        _delivered, None, "infra.alerts.runtime.delivery:Delivery.event", "infra.alerts.runtime.delivery:read_delivery"
    ),
    "job": _message(
        lambda data: job_from_json(data.decode(errors="replace")),
        lambda job: job_to_json(*job).encode(),
        "infra.alerts.runtime.jobs",
    ),
    "fleet-device": _message(
        lambda data: load_device(data.decode(errors="replace"), 1),
        lambda device: dump_device(device).encode(),
        "infra.fleet.runtime.codec",
    ),
    "fleet": _message(
        lambda data: load_fleet(data.decode(errors="replace"), 1),
        lambda fleet: dump_fleet(fleet).encode(),
        "infra.fleet.runtime.codec",
    ),
}
