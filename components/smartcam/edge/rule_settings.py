"""Zones, lines, hours, rules and masks of a camera, read from its part of a component's configuration document.

Here and not in the components, because whoever lets people draw them must read them as the components do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from typing import TypeVar

from smartcam.edge.settings import Settings
from smartcam.vision.line import Line, line
from smartcam.vision.rule import Rule
from smartcam.vision.week import WeeklyHours, weekly_hours
from smartcam.vision.zone import Corner, Zone, check_name, zone

N = TypeVar("N", Zone, Line)
_LONGEST_LOITER_S = 86_400.0
_MOST_RULES = 32


class RuleReader:
    """Reads one camera's table. Every method refuses wrong values by their keys, as `Settings` does.

    A wrong zone or line is not also reported as a fault of the rules that name it.
    """

    def __init__(self, camera: Settings, place: tzinfo) -> None:
        self._camera = camera
        self._place = place
        named = camera.polygons("zones")
        self.zones = tuple(self._zone(name, corners) for name, corners in named.items())
        lines = camera.table("lines")
        self.lines = tuple(self._line(name, lines) for name in lines.keys())  # noqa: SIM118  not a mapping

    def schedule(self, table: Settings) -> WeeklyHours | None:
        """The hours under `schedule`; None if there are none."""
        inner = table.table("schedule")
        days = {day: inner.texts(day, ()) for day in inner.keys()}  # noqa: SIM118  not a mapping
        name = table.name("schedule")
        for day, spans in days.items():
            inner.attempt(partial(weekly_hours, self._place, {day: spans}, name), None)
        if days and not any(days.values()) and not any(inner.is_wrong(day) for day in days):
            table.refuse(table.error("schedule", "holds in no hour of the week; to switch off, say `armed: false`"))
        return table.attempt(lambda: weekly_hours(self._place, days, name), None) if days else None

    def rules(self) -> tuple[Rule, ...]:
        """The rules, in their order in the document."""
        tables = self._camera.tables("rules")
        if len(tables) > _MOST_RULES:
            self._camera.refuse(self._camera.error("rules", f"must be at most {_MOST_RULES}"))
        return tuple(self._rule(name, table) for name, table in tables.items())

    def _zone(self, name: str, corners: Sequence[Corner]) -> Zone:
        key = f"{self._camera.name('zones')}.{name}"
        return self._camera.attempt(lambda: zone(name, corners, key), Zone(name, ()))

    def _line(self, name: str, lines: Settings) -> Line:
        points = lines.points(name)
        return lines.attempt(lambda: line(name, points, lines.name(name)), Line(name, (0, 0), (1, 1)))

    def _rule(self, name: str, table: Settings) -> Rule:
        table.attempt(lambda: check_name(name, table.name("")[:-1], "rule"), None)
        defaults = Rule()
        crossed = table.text("line", "")
        min_size = table.number("min_size", defaults.min_size, 0, 1)
        max_size = table.number("max_size", defaults.max_size, 0, 1)
        if min_size > max_size:
            table.refuse(table.error("max_size", f"must not be below min_size, which is {min_size:g}"))
        if not max_size:
            table.refuse(table.error("max_size", "must be above 0, or nothing would fit"))
        direction = table.choice("direction", defaults.direction)
        if table.has("direction") and not crossed and not table.is_wrong("line"):
            remedy = "needs a line to be crossed in this direction: name it under `line`"
            table.refuse(table.error("direction", remedy))
        return Rule(
            name=name,
            labels=table.texts("labels", ()),
            zones=tuple(_named(table.texts("zones", ()), self.zones, table, "zones")),
            line=next(_named([crossed], self.lines, table, "line"), None) if crossed else None,
            direction=direction,
            loiter_s=table.number("loiter_s", defaults.loiter_s, 0, _LONGEST_LOITER_S),
            min_size=min_size,
            max_size=max_size,
            hours=self.schedule(table),
        )


def effective_rules(
    rules: Sequence[Rule], labels: tuple[str, ...], zones: tuple[Zone, ...], hours: WeeklyHours | None
) -> tuple[Rule, ...]:
    """The rules that hold for an armed camera: its own, with its labels and hours where they have none.

    Without rules of its own, an object raises an event in any zone, or anywhere if there are no zones.
    """
    if not rules:
        return (Rule(labels=labels, zones=zones, hours=hours),)
    return tuple(replace(rule, labels=rule.labels or labels, hours=rule.hours or hours) for rule in rules)


def read_masks(camera: Settings, key: str) -> tuple[Zone, ...]:
    """The named polygons below a key, in which nothing is to be seen, or nothing counts."""
    from smartcam.vision.mask import check_masks  # noqa: PLC0415  OpenCV is 30 MB, and who only tries rules needs none

    name = camera.name(key)
    read = (
        camera.attempt(partial(zone, each, corners, f"{name}.{each}"), None)
        for each, corners in camera.polygons(key).items()
    )
    zones = tuple(each for each in read if each is not None)
    camera.attempt(lambda: check_masks(zones, name), None)
    return zones


def _named(names: Sequence[str], known: Sequence[N], table: Settings, key: str) -> Iterator[N]:
    for name in names:
        found = next((item for item in known if item.name == name), None)
        if found is not None:
            yield found
        else:
            there = ", ".join(item.name for item in known) or "none"
            table.refuse(table.error(key, f"names {name!r}, which this camera does not have; it has {there}"))
