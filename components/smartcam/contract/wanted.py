"""What the cloud wants of a device: which cameras are armed, and until when.

It travels on the topic of the acknowledgements, `smartcam/v1/<thing>/ack`, to devices whose health says that they take
it. A topic of its own would be one that the policies of existing devices do not allow, and AWS IoT ends the connection
of a device that subscribes to such a topic.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, camera_id
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

HIGHEST_REPORTED: Final = 2**53
"""Of a revision that a device reports: one that lies must not make the next one a number that nobody reads."""


@dataclass(frozen=True, slots=True)
class Arming:
    """One wish; `until` None: for good. `revision` is the one that brought it: the newest about a camera counts."""

    armed: bool
    until: UtcNs | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that is wanted of one device. A camera without a wish does as its configuration says.

    `revision` counts the changes; 0: nothing was ever wanted. `sent_at` is the cloud's clock when it sent the message.
    `more` keeps fields of newer versions.
    """

    revision: int = 0
    sent_at: UtcNs = _NEVER
    device: Arming | None = None
    cameras: Mapping[CameraId, Arming] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

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
        after = min(after, HIGHEST_REPORTED)
        if after <= self.revision and self._is_already(camera, wish):
            return self
        revision = max(self.revision, after) + 1
        new = replace(wish, revision=revision)
        if camera is None:
            # The others come back into force when this one ends before them.
            kept = {name: one for name, one in self.cameras.items() if not _outlasts(new, one)}
            return replace(self, revision=revision, device=new, cameras=kept)
        cameras = {**self.cameras, camera: new}
        if len(cameras) > MOST_WISHES:
            raise ContractError("cameras", f"at most {MOST_WISHES} can have wishes; arm or disarm the whole device")
        return replace(self, revision=revision, cameras=cameras)

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
        """The inverse of `document`. Raises ContractError naming the first wrong field."""
        if fields.integer("schema") != WANTED_SCHEMA:
            raise ContractError(
                fields.name("schema"), f"must be {WANTED_SCHEMA}; update the side that does not know it"
            )
        cameras = fields.inner("cameras")
        if len(cameras.document) > MOST_WISHES:
            raise ContractError(cameras.path, f"must have at most {MOST_WISHES} entries")
        return cls(
            revision=fields.integer("revision"),
            sent_at=parse_utc(fields.text("sent_at"), fields.name("sent_at")),
            device=_arming(fields.inner("device")) if fields.has("device") else None,
            cameras={camera_id(name, cameras.path): _arming(cameras.inner(name)) for name in cameras.document},
            more=fields.unknown(_KNOWN),
        )


NOTHING_WANTED: Final = Wanted()
_KNOWN = frozenset(Wanted.__dataclass_fields__) - {"more"} | {"kind", "schema"}


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
    until = {} if wish.until is None else {"until": format_utc(wish.until)}
    return {"armed": wish.armed, **until, "revision": wish.revision}


def _arming(fields: Fields) -> Arming:
    until = parse_utc(fields.text("until"), fields.name("until")) if fields.has("until") else None
    return Arming(fields.boolean("armed"), until, fields.integer("revision"))
