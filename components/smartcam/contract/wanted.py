"""What the cloud wants of a device: which cameras are armed, and until when; and what people say of its events.

It travels on the topic of the acknowledgements, `smartcam/v1/<thing>/ack`, to devices whose health says that they take
it. A topic of its own would be one that the policies of existing devices do not allow, and AWS IoT ends the connection
of a device that subscribes to such a topic.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, EventId, camera_id, event_id
from smartcam.contract.reading import Fields, dump_object, parse_object
from smartcam.contract.times import UtcNs, format_utc, parse_utc

_NEVER: Final = UtcNs(0)
WANTED_SCHEMA: Final = 1
_KIND: Final = "wanted"
"""What tells it from an acknowledgement, which has no `kind`."""
LARGEST_WANTED_BYTES: Final = 4700
"""Nucleus lite loses what comes from the broker with more than about 5,000."""
MOST_WISHES: Final = 32
"""Wishes about single cameras, besides the one about the whole device."""

MOST_VERDICTS: Final = 50
"""Of one device, the newest."""
_MOST_LOOKED_AT: Final = 4 * MOST_VERDICTS
"""Of one message: no message of the cloud's has room for more."""
MOST_TAKEN: Final = 16
"""Words of what a cloud takes."""
HIGHEST_REPORTED: Final = 2**53
"""Of a revision that a device reports: one that lies must not make the next one a number that nobody reads."""


@dataclass(frozen=True, slots=True)
class Arming:
    """One wish; `until` None: for good. `revision` is the one that brought it: the newest about a camera counts.

    `at`: when it was said, by the cloud's clock; None from a cloud that does not tell, or where there was no room.
    """

    armed: bool
    until: UtcNs | None = None
    revision: int = 0
    at: UtcNs | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person says of an event: whether it was one."""

    event_id: EventId
    true: bool

    def document(self) -> dict[str, object]:
        """As a JSON object."""
        return {"event_id": self.event_id, "true": self.true}

    @classmethod
    def from_fields(cls, fields: Fields) -> "Verdict":
        """The inverse of `document`. Raises ContractError naming the first wrong field."""
        return cls(event_id(fields.text("event_id"), fields.name("event_id")), fields.boolean("true"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that is wanted of one device. A camera without a wish does as its configuration says.

    `takes` is what this cloud takes besides what every cloud takes: `recorded`, the phase of an event, and
    `held_back`, its field. `verdicts`: some of the last days, the newest last, first of all those that the device has
    not heard; they come again and again, and an event stands once among them. `undone`: events of which nothing is said
    any more. Where there is more than one message has room for, its revision is the one that brought the last of them,
    so that a device that has taken it is told the next ones.

    `revision` counts the changes; 0: nothing was ever wanted. `sent_at` is the cloud's clock when it sent the message.
    `more` keeps fields of newer versions. `verdicts_left_out`: how many of a message could not be taken.
    """

    revision: int = 0
    sent_at: UtcNs = _NEVER
    device: Arming | None = None
    cameras: Mapping[CameraId, Arming] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict)
    undone: tuple[EventId, ...] = ()
    verdicts_left_out: int = field(default=0, compare=False)

    def arming(self, camera: CameraId | None) -> Arming | None:
        """The wish that counts for a camera, for None the one about the whole device."""
        own = None if camera is None else self.cameras.get(camera)
        wishes = [wish for wish in (self.device, own) if wish is not None]
        return max(wishes, key=lambda wish: wish.revision, default=None)

    def armed(self, camera: CameraId, *, configured: bool) -> bool:
        """Whether a camera is armed, whose configuration says `configured`."""
        wish = self.arming(camera)
        return configured if wish is None else wish.armed

    def at(self, now: UtcNs) -> "Wanted":
        """What is left of it at a time: what had an end and has passed it is gone."""
        cameras = {name: wish for name, wish in self.cameras.items() if not _is_over(wish, now)}
        is_over = self.device is not None and _is_over(self.device, now)
        if not is_over and len(cameras) == len(self.cameras):
            return self
        return replace(self, device=None if is_over else self.device, cameras=cameras)

    def wishing(self, camera: CameraId | None, wish: Arming, after: int = 0) -> "Wanted":
        """With one more wish, about a camera or the whole device; the same object where that changes nothing.

        The new revision is also above `after`: the one that the device has reported.

        Raises:
            ContractError: when there would be too many wishes.
        """
        # A cloud that knows less than the device, as after a restored backup, does not know what is wanted there.
        if min(after, HIGHEST_REPORTED) <= self.revision and self._is_already(camera, wish):
            return self
        revision = self.renewed(after).revision
        new = replace(wish, revision=revision)
        if camera is None:
            # The others come back into force when this one ends before them.
            kept = {name: one for name, one in self.cameras.items() if not _outlasts(new, one)}
            return replace(self, revision=revision, device=new, cameras=kept)
        cameras = {**self.cameras, camera: new}
        if len(cameras) > MOST_WISHES:
            raise ContractError("cameras", f"at most {MOST_WISHES} can have wishes; arm or disarm the whole device")
        return replace(self, revision=revision, cameras=cameras)

    def renewed(self, after: int = 0) -> "Wanted":
        """The same under a new revision, also above `after`, so that the device takes it as news."""
        return replace(self, revision=max(self.revision, min(after, HIGHEST_REPORTED)) + 1)

    def fitting(self) -> "Wanted":
        """With as many of the newest verdicts as the message has room for beside the wishes and what is undone.

        Where these alone have hardly room, they go without the times when they were said.
        """
        wanted = self
        if not replace(wanted, verdicts=()).has_room():
            cameras = {name: replace(wish, at=None) for name, wish in wanted.cameras.items()}
            device = None if wanted.device is None else replace(wanted.device, at=None)
            wanted = replace(wanted, device=device, cameras=cameras)
        while wanted.verdicts and not wanted.has_room():
            wanted = replace(wanted, verdicts=wanted.verdicts[1:])
        return wanted

    def has_room(self) -> bool:
        """Whether it is no larger than a message may be."""
        return len(dump_object(self.document())) <= LARGEST_WANTED_BYTES

    def _is_already(self, camera: CameraId | None, wish: Arming) -> bool:
        found = self.device if camera is None else self.cameras.get(camera)
        if found is None or (found.armed, found.until) != (wish.armed, wish.until):
            return False
        others = self.cameras.values() if camera is None else [self.device]
        return all(one is None or one.revision < found.revision for one in others)

    def document(self) -> dict[str, object]:
        """As a JSON object."""
        document: dict[str, object] = {
            **self.more,
            "kind": _KIND,
            "schema": WANTED_SCHEMA,
            "revision": self.revision,
            "sent_at": format_utc(self.sent_at),
            "cameras": {name: _document(wish) for name, wish in sorted(self.cameras.items())},
        }
        if self.takes:
            document["takes"] = list(self.takes)
        if self.verdicts:
            document["verdicts"] = [one.document() for one in self.verdicts]
        if self.undone:
            document["undone"] = list(self.undone)
        return document if self.device is None else document | {"device": _document(self.device)}

    def to_json(self) -> bytes:
        """The message as JSON in UTF-8. Raises ContractError when it would be too large."""
        payload = dump_object(self.document())
        if len(payload) > LARGEST_WANTED_BYTES:
            raise ContractError("wanted", f"has {len(payload)} bytes, at most {LARGEST_WANTED_BYTES} are allowed")
        return payload

    @classmethod
    def from_json(cls, payload: bytes | str) -> "Wanted":
        """The message in a payload. Raises ContractError naming the first wrong field."""
        return cls.from_fields(Fields(parse_object(payload, "wanted")))

    @classmethod
    def from_fields(cls, fields: Fields) -> "Wanted":
        """The inverse of `document`. Raises ContractError naming the first wrong field.

        A verdict that cannot be read is left out and counted: it must not cost the device what else is wanted.
        """
        if fields.integer("schema") != WANTED_SCHEMA:
            raise ContractError(
                fields.name("schema"), f"must be {WANTED_SCHEMA}; update the side that does not know it"
            )
        verdicts, left_out = _verdicts(fields)
        undone, unreadable = _undone(fields)
        cameras = fields.inner("cameras")
        if len(cameras.document) > MOST_WISHES:
            raise ContractError(cameras.path, f"must have at most {MOST_WISHES} entries")
        return cls(
            revision=fields.integer("revision"),
            sent_at=parse_utc(fields.text("sent_at"), fields.name("sent_at")),
            device=_arming(fields.inner("device")) if fields.has("device") else None,
            cameras={camera_id(name, cameras.path): _arming(cameras.inner(name)) for name in cameras.document},
            takes=fields.words("takes", MOST_TAKEN) if fields.has("takes") else (),
            verdicts=verdicts,
            more=fields.unknown(_KNOWN),
            undone=undone,
            verdicts_left_out=left_out + unreadable,
        )


NOTHING_WANTED: Final = Wanted()
_KNOWN = frozenset(Wanted.__dataclass_fields__) - {"more", "verdicts_left_out"} | {"kind", "schema"}


def is_wanted(payload: bytes) -> bool:
    """Whether a message on the topic of the acknowledgements is one of these."""
    try:
        return parse_object(payload, "answer").get("kind") == _KIND
    except ContractError:
        return False


def _is_over(wish: Arming, now: UtcNs) -> bool:
    return wish.until is not None and wish.until <= now


def _outlasts(new: Arming, other: Arming) -> bool:
    """Whether the newer wish ends no earlier than the other, which can then never count again."""
    return new.until is None or (other.until is not None and other.until <= new.until)


def _document(wish: Arming) -> dict[str, object]:
    times = {"until": wish.until, "at": wish.at}
    said = {name: format_utc(at) for name, at in times.items() if at is not None}
    return {"armed": wish.armed, **said, "revision": wish.revision}


def _arming(fields: Fields) -> Arming:
    until, at = (
        parse_utc(fields.text(name), fields.name(name)) if fields.has(name) else None for name in ("until", "at")
    )
    return Arming(fields.boolean("armed"), until, fields.integer("revision"), at)


def _verdicts(fields: Fields) -> tuple[tuple[Verdict, ...], int]:
    """The newest verdicts of a message, and how many more it has that cannot be taken."""
    read: dict[EventId, Verdict] = {}
    items = _listed(fields, "verdicts")
    for place, item in enumerate(items[-_MOST_LOOKED_AT:]):
        with suppress(ContractError):
            one = Verdict.from_fields(Fields(item if isinstance(item, dict) else {}, f"verdicts[{place}]"))
            read.pop(one.event_id, None)
            read[one.event_id] = one
    verdicts = tuple(read.values())[-MOST_VERDICTS:]
    return verdicts, len(items) - len(verdicts)


def _undone(fields: Fields) -> tuple[tuple[EventId, ...], int]:
    """The events of which nothing is said any more, and how many others are named that cannot be."""
    read: dict[EventId, None] = {}
    items = _listed(fields, "undone")
    for item in items[-MOST_VERDICTS:]:
        with suppress(ContractError):
            read[event_id(item if isinstance(item, str) else "")] = None
    return tuple(read), len(items) - len(read)


def _listed(fields: Fields, key: str) -> list[object]:
    """The items below a key; what is no list is one item that nobody can read."""
    found = fields.document.get(key)
    return found if isinstance(found, list) else [] if found is None else [found]
