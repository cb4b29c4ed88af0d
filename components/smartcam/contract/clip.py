"""What travels on `smartcam/clips/<camera_id>`: inference asks for clips, and capture says which it has."""

from dataclasses import dataclass
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import CameraId, EventId, camera_id, event_id
from smartcam.contract.reading import Fields, dump_object, parse_object
from smartcam.contract.times import MonotonicNs
from smartcam.contract.wanted import MOST_VERDICTS

MOST_WAITING: Final = 100
"""Events in one message: with as many false ones it fits every nucleus."""


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """An event is from `from_mono` to `to_mono`, as far as is known. The newest request about an event counts.

    `event` is as it was sent last. Times are of the clock that all processes of a boot share. While an event goes on
    it is requested again before `to_mono` has come.
    """

    event: Event
    from_mono: MonotonicNs
    to_mono: MonotonicNs

    @property
    def camera_id(self) -> CameraId:
        """The event's camera."""
        return self.event.camera_id


@dataclass(frozen=True, slots=True)
class ClipKept:
    """Capture has clips of an event, which `event` names: it is in the recorded phase. Said until it is heard."""

    event: Event

    @property
    def camera_id(self) -> CameraId:
        """The event's camera."""
        return self.event.camera_id


@dataclass(frozen=True, slots=True)
class ClipHeard:
    """Inference has heard which clips of an event there are, up to this revision of the record."""

    camera_id: CameraId
    event_id: EventId
    revision: int


@dataclass(frozen=True, slots=True)
class ClipWorth:
    """Whose clips go first where room is needed: of events that a person called `false`; and whose last: `waiting`.

    `waiting` are events that the cloud has not acknowledged. What is in neither is worth as much as any.
    """

    camera_id: CameraId
    false: tuple[EventId, ...]
    waiting: tuple[EventId, ...]


ClipMessage = ClipRequest | ClipKept | ClipHeard | ClipWorth


def encode_clip_message(message: ClipMessage) -> bytes:
    """The message as JSON in UTF-8. Raises ContractError where its event is over 4 kB."""
    if isinstance(message, ClipHeard):
        facts = {"camera_id": message.camera_id, "event_id": message.event_id, "revision": message.revision}
        return dump_object({"type": "heard", **facts})
    if isinstance(message, ClipWorth):
        events = {"false": list(message.false), "waiting": list(message.waiting)}
        return dump_object({"type": "worth", "camera_id": message.camera_id, **events})
    event = parse_object(message.event.to_json(), "event")
    if isinstance(message, ClipKept):
        return dump_object({"type": "kept", "event": event})
    times = {"from_mono_ns": message.from_mono, "to_mono_ns": message.to_mono}
    return dump_object({"type": "clip", "event": event, **times})


def decode_clip_message(payload: bytes | str) -> ClipMessage:
    """The message in a payload.

    Raises:
        ContractError: naming the first wrong field.
    """
    fields = Fields(parse_object(payload, "clip message"))
    kind = fields.text("type")
    if kind == "heard":
        event, camera = event_id(fields.text("event_id")), camera_id(fields.text("camera_id"))
        return ClipHeard(camera, event, fields.integer("revision"))
    if kind == "worth":
        camera = camera_id(fields.text("camera_id"))
        return ClipWorth(camera, _events(fields, "false", MOST_VERDICTS), _events(fields, "waiting", MOST_WAITING))
    if kind == "kept":
        return ClipKept(_event(fields, recorded=True))
    if kind != "clip":
        raise ContractError("type", "must be clip, kept, heard or worth")
    from_mono, to_mono = fields.integer("from_mono_ns"), fields.integer("to_mono_ns")
    if to_mono < from_mono:
        raise ContractError("to_mono_ns", "must not be before from_mono_ns")
    return ClipRequest(_event(fields, recorded=False), MonotonicNs(from_mono), MonotonicNs(to_mono))


def _event(fields: Fields, *, recorded: bool) -> Event:
    event = Event.from_document(fields.inner("event").document)
    event.to_json()  # whoever takes it writes it again: into a clip, a memory, another message
    if (event.phase is Phase.RECORDED) != recorded:
        raise ContractError("event.phase", f"must {'' if recorded else 'not '}be recorded")
    return event


def _events(fields: Fields, key: str, most: int) -> tuple[EventId, ...]:
    return tuple(event_id(text, fields.name(key)) for text in fields.words(key, most, longest=64))
