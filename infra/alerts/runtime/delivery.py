"""What the IoT rule hands over: the payload as published, and the topic and time, for which the broker vouches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.handover import REDRIVEN, moment, payload_of, rule_document
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError
from smartcam.contract.event import LARGEST_EVENT_BYTES, Event, Phase
from smartcam.contract.ids import CameraId, ThingName, camera_id, event_id, thing_name
from smartcam.contract.reading import Fields, parse_refused
from smartcam.contract.times import UtcNs


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message. `thing` and `camera` come from its topic, which the device's policy guards.

    `redriven`: so often has a person handed it over again.
    """

    thing: ThingName
    camera: CameraId
    payload: bytes
    arrived_at: UtcNs
    redriven: int = 0

    @classmethod
    def from_rule(cls, document: Mapping[str, object]) -> "Delivery":
        """The message in what the rule's SQL selects. Raises ContractError for anything else."""
        fields = Fields(document)
        thing = thing_name(fields.text("topic_thing"), "topic_thing")
        camera = camera_id(fields.text("topic_camera"), "topic_camera")
        arrived_at = moment(fields, "arrived_ms")
        return cls(thing, camera, payload_of(fields), arrived_at, fields.optional_integer(REDRIVEN) or 0)

    def document(self) -> dict[str, object]:
        """The inverse of `from_rule`."""
        document = rule_document(self.thing, self.payload, self.arrived_at, topic_camera=self.camera)
        return {**document, REDRIVEN: self.redriven} if self.redriven else document

    def event(self) -> Event:
        """The event in the payload.

        Raises:
            ContractError: when it is none, is too large, or names another thing or camera than its topic.
        """
        if len(self.payload) > LARGEST_EVENT_BYTES:
            raise ContractError("event", f"has {len(self.payload)} bytes, at most {LARGEST_EVENT_BYTES} are allowed")
        event = Event.from_json(self.payload)
        if event.thing != self.thing:
            raise ContractError("thing", f"must be {self.thing}, as in the topic")
        if event.camera_id != self.camera:
            raise ContractError("camera_id", f"must be {self.camera}, as in the topic")
        _check_storable(event)
        return event


NOBODY: Final = ThingName("#nobody")
"""Whose message it is where the topic names no thing: a name that no thing can have."""
_NO_CAMERA: Final = CameraId("#none")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What the rule selected of a topic that names no camera as ours are named: a device may publish there."""

    thing: ThingName
    document: Mapping[str, object]
    error: ContractError

    @property
    def camera(self) -> CameraId:
        """One for all such topics."""
        return _NO_CAMERA


def read_delivery(document: Mapping[str, object]) -> Delivery | Unreadable:
    """A message as `Delivery.from_rule` reads it; whose it is, and why it cannot be read, where it cannot."""
    try:
        return Delivery.from_rule(document)
    except ContractError as error:
        try:
            thing = thing_name(Fields(document).text("topic_thing"), "topic_thing")
        except ContractError:
            thing = NOBODY
        return Unreadable(thing, document, error)


def _check_storable(event: Event) -> None:
    """Unknown fields are kept, and may be longer when they are written again: 1e15 has 18 characters then."""
    try:
        event.to_json()
    except (ValueError, RecursionError) as error:
        raise ContractError("event", f"cannot be kept ({error})") from error


def refused(payload: bytes, reason: str) -> Acknowledgement | None:
    """The answer to a payload that cannot be taken; None where it does not even say which event it is."""
    try:
        fields = Fields(parse_refused(payload, "event"))
        identity = event_id(fields.text("event_id")), fields.choice("phase", Phase)
    except ContractError:
        return None
    return Acknowledgement(*identity, AckStatus.REFUSED, reason, _revision(fields))


def _revision(fields: Fields) -> int | None:
    """The payload's revision; None where that cannot be read."""
    try:
        return fields.integer("revision") if "revision" in fields.document else 0
    except ContractError:
        return None
