"""Who gets which alerts: groups of subscribers with a language, quiet hours and a filter of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, time, tzinfo
from enum import StrEnum
from typing import Final

from infra.alerts.runtime.quiet import QuietHours
from infra.alerts.runtime.zones import zone
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Event, EventKind, Severity
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.reading import Fields, parse_object

RANK: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
ANY: Final = "*"
_MOST: Final = 1000


class Language(StrEnum):
    """The languages that alerts are written in."""

    ENGLISH = "en"
    CHINESE = "zh"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a group wants; empty sets mean all.

    `cameras` holds `camera`, `thing/camera` or `thing/*`. A person's test reaches every group with its camera.
    """

    cameras: frozenset[str] = frozenset()
    kinds: frozenset[EventKind] = frozenset()
    severity: Severity = Severity.INFO

    def includes(self, event: Event) -> bool:
        """Whether a group with this filter gets the event."""
        if self.cameras and not self._is_theirs(event):
            return False
        if event.kind is EventKind.TEST:
            return True
        return RANK[event.severity] >= RANK[self.severity] and (not self.kinds or event.kind in self.kinds)

    def _is_theirs(self, event: Event) -> bool:
        if event.thing == WHOLE_FLEET:
            return True
        if event.camera_id == WHOLE_DEVICE:  # a name without a thing may be any device's
            return any("/" not in one or one.startswith(f"{event.thing}/") for one in self.cameras)
        names = {str(event.camera_id), f"{event.thing}/{event.camera_id}", f"{event.thing}/{ANY}"}
        return not self.cameras.isdisjoint(names)


@dataclass(frozen=True, slots=True)
class Group:
    """Subscribers of one topic."""

    name: str
    topic_arn: str
    language: Language = Language.ENGLISH
    quiet: QuietHours | None = None
    emails: int = 0
    phones: int = 0
    wanted: EventFilter = field(default_factory=EventFilter)
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Audience:
    """All groups, and the time zone of each camera."""

    groups: tuple[Group, ...]
    zone: tzinfo = UTC
    zones: Mapping[str, tzinfo] = field(default_factory=dict)

    def group(self, name: str) -> Group | None:
        """The group of that name, where it still exists."""
        return next((group for group in self.groups if group.name == name), None)

    def zone_of(self, thing: ThingName, camera: CameraId) -> tzinfo:
        """The time zone at a camera."""
        return self.zones.get(f"{thing}/{camera}") or self.zones.get(thing) or self.zone

    @classmethod
    def from_json(cls, text: str, topic_arns: Iterable[str]) -> "Audience":
        """The audience in what the stack wrote, with the groups' topics in their order.

        Raises:
            ContractError, ValueError: then the stack and its function do not belong together.
        """
        fields = Fields(parse_object(text, "audience"))
        groups = [one for one in fields.items("groups") if isinstance(one, dict)]
        named = fields.inner("zones").document
        return cls(
            tuple(_group(Fields(one), arn) for one, arn in zip(groups, topic_arns, strict=True)),
            zone(fields.text("zone")),
            {place: zone(str(name)) for place, name in named.items()},
        )


def _group(fields: Fields, topic_arn: str) -> Group:
    own_zone = zone(fields.text("zone"))
    quiet = [time.fromisoformat(str(one)) for one in fields.items("quiet", 2)]
    return Group(
        name=fields.text("name"),
        topic_arn=topic_arn,
        language=fields.choice("language", Language),
        quiet=QuietHours(quiet[0], quiet[1], own_zone) if quiet else None,
        emails=fields.integer("emails"),
        phones=fields.integer("phones"),
        wanted=EventFilter(
            cameras=frozenset(str(one) for one in fields.items("cameras", _MOST)),
            kinds=frozenset(EventKind(str(one)) for one in fields.items("kinds", _MOST)),
            severity=fields.choice("severity", Severity),
        ),
        zone=own_zone,
    )
