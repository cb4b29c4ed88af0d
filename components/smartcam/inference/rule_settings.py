"""Zones, lines, hours and rules of a camera, read from its part of the configuration document."""

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo

from smartcam.contract.errors import SettingsError
from smartcam.edge.settings import Settings
from smartcam.vision.line import Line, line
from smartcam.vision.rule import Rule
from smartcam.vision.week import WeeklyHours, weekly_hours
from smartcam.vision.zone import Zone, check_name, zone

N = TypeVar("N", Zone, Line)
_LONGEST_LOITER_S = 86_400.0
_MOST_RULES = 32


def time_zone(name: str, key: str) -> tzinfo:
    """The IANA time zone of a name. Raises SettingsError naming the key where this device knows none of that name."""
    if name == "UTC":  # the default must not depend on what is installed
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        remedy = "must be an IANA time zone that this device knows, such as Europe/Berlin"
        raise SettingsError(key, name, remedy) from error


class RuleReader:
    """Reads one camera's table. Every method raises SettingsError naming the wrong key."""

    def __init__(self, camera: Settings, place: tzinfo) -> None:
        self._camera = camera
        self._place = place
        named = camera.polygons("zones")
        self.zones = tuple(zone(name, corners, f"{camera.name('zones')}.{name}") for name, corners in named.items())
        lines = camera.table("lines")
        self.lines = tuple(line(name, lines.points(name), lines.name(name)) for name in lines.keys())  # noqa: SIM118

    def schedule(self, table: Settings) -> WeeklyHours | None:
        """The hours under `schedule`; None where there are none."""
        inner = table.table("schedule")
        days = {day: inner.texts(day, ()) for day in inner.keys()}  # noqa: SIM118  not a mapping
        if days and not any(days.values()):
            raise table.error("schedule", "holds in no hour of the week; to switch off, say `armed: false`")
        return weekly_hours(self._place, days, table.name("schedule")) if days else None

    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they stand."""
        tables = self._camera.tables("rules")
        if len(tables) > _MOST_RULES:
            raise self._camera.error("rules", f"must be at most {_MOST_RULES}")
        return tuple(self._rule(name, table) for name, table in tables.items())

    def _rule(self, name: str, table: Settings) -> Rule:
        check_name(name, table.name("")[:-1], "rule")
        defaults = Rule()
        crossed = table.text("line", "")
        min_size = table.number("min_size", defaults.min_size, 0, 1)
        max_size = table.number("max_size", defaults.max_size, 0, 1)
        if min_size > max_size:
            raise table.error("max_size", f"must not be below min_size, which is {min_size:g}")
        if not max_size:
            raise table.error("max_size", "must be above 0: everything is larger")
        if table.has("direction") and not crossed:
            raise table.error("direction", "needs a line that is crossed in this direction: name it under `line`")
        return Rule(
            name=name,
            labels=table.texts("labels", ()),
            zones=tuple(_named(wanted, self.zones, table, "zones") for wanted in table.texts("zones", ())),
            line=_named(crossed, self.lines, table, "line") if crossed else None,
            direction=table.choice("direction", defaults.direction),
            loiter_s=table.number("loiter_s", defaults.loiter_s, 0, _LONGEST_LOITER_S),
            min_size=min_size,
            max_size=max_size,
            hours=self.schedule(table),
        )


def _named(name: str, known: Sequence[N], table: Settings, key: str) -> N:
    found = next((item for item in known if item.name == name), None)
    if found is None:
        names = ", ".join(item.name for item in known) or "none"
        raise table.error(key, f"names {name!r}, which this camera does not have; it has {names}")
    return found
