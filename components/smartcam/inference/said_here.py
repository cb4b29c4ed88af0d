"""What people have said on the device itself: which cameras are armed, and what was an event.

And how that goes together with what the cloud says: the newest of the two counts. Pure; `wanted.py` keeps it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, EventId, camera_id, event_id
from smartcam.contract.reading import Fields, dump_object, parse_object
from smartcam.contract.times import UtcNs, format_utc, parse_utc
from smartcam.contract.wanted import MOST_WISHES, Arming, Verdict, Wanted

MOST_VERDICTS_KEPT: Final = 600
"""The newest, of the cloud and of people here; the scene memory holds fewer events that wait for one."""
_DEVICE: Final = "*"
_NEVER: Final = UtcNs(0)
_VERDICTS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "none": None}


@dataclass(frozen=True, slots=True)
class ArmingHere:
    """One wish, said here as the `turn`th, when the cloud's revision `after` was known.

    `at`: when, by the device's clock; None where that was not set.
    """

    armed: bool
    until: UtcNs | None
    turn: int
    after: int
    at: UtcNs | None

    @property
    def age(self) -> tuple[int, int]:
        """Which of two wishes is the newer one, those of the cloud included: the greater."""
        return self.after, self.turn

    def document(self) -> dict[str, object]:
        """As a JSON object."""
        times = {"until": self.until, "at": self.at}
        said = {name: format_utc(at) for name, at in times.items() if at is not None}
        return {"armed": self.armed, "turn": self.turn, "after": self.after, **said}

    @classmethod
    def from_fields(cls, fields: Fields) -> "ArmingHere":
        """The inverse of `document`. Raises ContractError naming the first wrong field."""
        until, at = (parse_utc(fields.text(name), name) if fields.has(name) else None for name in ("until", "at"))
        return cls(fields.boolean("armed"), until, fields.integer("turn"), fields.integer("after"), at)


@dataclass(frozen=True, slots=True)
class EventVerdict:
    """What counts of an event, None: nothing; and what the cloud has said of it last, so that news can be told."""

    true: bool | None = None
    cloud: bool | None = None


@dataclass(frozen=True, slots=True)
class SaidHere:
    """Everything that was said here and still counts, and all verdicts, those of the cloud too, which come piecemeal.

    `said_at`: the device's clock when an arming was said last.
    """

    said_at: UtcNs = _NEVER
    armings: Mapping[CameraId | None, ArmingHere] = field(default_factory=dict)
    verdicts: Mapping[EventId, EventVerdict] = field(default_factory=dict)
    """The newest last."""

    def arming(self, camera: CameraId | None, wish: Arming, cloud: Wanted, now: UtcNs) -> "SaidHere":
        """With one more wish, about a camera or the whole device; the same object where that changes nothing.

        `wish.at`: when it is said, None where the clock is not set; `now`: the same, set or not.

        Raises:
            ContractError: it ends in the past, or there would be too many.
        """
        if wish.until is not None and wish.until <= now:
            raise ContractError("until", f"must be later than now, {format_utc(now)} by the device's clock")
        last = max((one.turn for one in self.armings.values()), default=0)
        known = max(cloud.revision, *(one.revision for one in (cloud.device, *cloud.cameras.values()) if one), 0)
        new = ArmingHere(wish.armed, wish.until, last + 1, known, wish.at)
        if self.armings.get(camera) == replace(new, turn=last, at=self.armings.get(camera, new).at):
            return self
        others = {
            name: one
            for name, one in self.armings.items()
            if name != camera and not (camera is None and _outlasts(new, one))
        }
        if len(others) > MOST_WISHES:
            raise ContractError("camera_id", f"at most {MOST_WISHES} can have wishes; arm or disarm the whole device")
        return replace(self, said_at=now, armings={**others, camera: new})

    def judging(self, event: EventId, *, true: bool | None) -> "SaidHere":
        """With what is said of an event, None: nothing; the same object where that stands so already."""
        known = self.verdicts.get(event, EventVerdict())
        return self if known.true is true else self._with(event, replace(known, true=true))

    def verdict(self, event: EventId) -> bool | None:
        """What counts of an event."""
        return self.verdicts.get(event, EventVerdict()).true

    def after_hearing(self, news: Wanted) -> "SaidHere":
        """What counts when the cloud has said something new.

        A verdict of the cloud is newer than one here if the cloud has not said it before. A wish is, unless both clocks
        say that it was said before the one here, and has only come later.
        """
        said = self
        told = [*((one.event_id, one.true) for one in news.verdicts), *((event, None) for event in news.undone)]
        for event, true in told:
            if said.verdicts.get(event, EventVerdict()).cloud is not true:
                said = said._with(event, EventVerdict(true, true))
        wishes = [wish for wish in (news.device, *news.cameras.values()) if wish is not None]
        armings = {name: _still_after(one, wishes) for name, one in self.armings.items()}
        return said if armings == self.armings else replace(said, armings=armings)

    def left(self, now: UtcNs) -> "SaidHere":
        """What is left of it at a time: what had an end and has passed it is gone."""
        armings = {name: one for name, one in self.armings.items() if one.until is None or one.until > now}
        return self if len(armings) == len(self.armings) else replace(self, armings=armings)

    def over(self, cloud: Wanted) -> Wanted:
        """What is wanted by both. The revisions of its wishes then say only which of them is newer."""
        cloud = self._with_verdicts(cloud)
        if not self.armings:
            return cloud
        places: dict[CameraId | None, list[tuple[tuple[int, int], Arming]]] = {}
        if cloud.device is not None:
            places[None] = [((cloud.device.revision, 0), cloud.device)]
        for camera, wish in cloud.cameras.items():
            places[camera] = [((wish.revision, 0), wish)]
        for name, here in self.armings.items():
            places.setdefault(name, []).append((here.age, Arming(here.armed, here.until)))
        newest = {name: max(wishes, key=lambda one: one[0]) for name, wishes in places.items()}
        order = dict(zip(sorted({age for age, _ in newest.values()}), count(1), strict=False))
        counted = {name: replace(wish, revision=order[age]) for name, (age, wish) in newest.items()}
        cameras = {name: wish for name, wish in counted.items() if name is not None}
        return replace(cloud, device=counted.get(None), cameras=cameras)

    def _with_verdicts(self, cloud: Wanted) -> Wanted:
        said = tuple(Verdict(event, one.true) for event, one in self.verdicts.items() if one.true is not None)
        return cloud if (said, ()) == (cloud.verdicts, cloud.undone) else replace(cloud, verdicts=said, undone=())

    def _with(self, event: EventId, said: EventVerdict) -> "SaidHere":
        others = [(name, one) for name, one in self.verdicts.items() if name != event]
        newest = [(event, said)] if said != EventVerdict() else []
        return replace(self, verdicts=dict([*others, *newest][-MOST_VERDICTS_KEPT:]))

    def to_json(self) -> bytes:
        """As JSON in UTF-8."""
        armings = {_DEVICE if name is None else name: one.document() for name, one in self.armings.items()}
        words = {true: word for word, true in _VERDICTS.items()}
        verdicts = {event: f"{words[one.true]} {words[one.cloud]}" for event, one in self.verdicts.items()}
        return dump_object({"said_at": format_utc(self.said_at), "armings": armings, "verdicts": verdicts})

    @classmethod
    def from_json(cls, content: bytes) -> "SaidHere":
        """The inverse of `to_json`. Raises ContractError naming the first wrong field."""
        fields = Fields(parse_object(content, "said_here"))
        armings, verdicts = fields.inner("armings"), fields.inner("verdicts")
        return cls(
            said_at=parse_utc(fields.text("said_at"), "said_at"),
            armings={
                None if name == _DEVICE else camera_id(name): ArmingHere.from_fields(armings.inner(name))
                for name in armings.document
            },
            verdicts={event_id(event): _said_of(verdicts.text(event)) for event in verdicts.document},
        )


NOTHING_SAID: Final = SaidHere()


def _said_of(text: str) -> EventVerdict:
    true, _, cloud = text.partition(" ")
    return EventVerdict(_VERDICTS.get(true), _VERDICTS.get(cloud))


def _outlasts(new: ArmingHere, other: ArmingHere) -> bool:
    """Whether the newer wish ends no earlier than the other, which can then never count again."""
    return new.until is None or (other.until is not None and other.until <= new.until)


def _still_after(here: ArmingHere, wishes: list[Arming]) -> ArmingHere:
    """The wish, which also counts over those of the cloud that were said before it."""
    if here.at is None:
        return here
    older = [wish.revision for wish in wishes if wish.at is not None and wish.at <= here.at]
    return replace(here, after=max([here.after, *older]))
