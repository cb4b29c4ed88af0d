"""What is asked of the device on scenes, and what falls short of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from measure.scenes.playing import Played


@dataclass(frozen=True, slots=True)
class Bar:
    """At least this share of objects found, and at most so many events (about objects or nothing) for each of them.

    Nothing may be told of what only stands there.
    """

    found: float
    events: float


BARS: Final = {
    "street": Bar(found=0.95, events=1.05),
    "room": Bar(found=0.95, events=1.2),
    "group": Bar(found=0.9, events=1.0),
    "square": Bar(found=0.0, events=25 / 19),
    "road": Bar(found=0.8, events=1.2),
    "shaken": Bar(found=0.8, events=1.2),
}
"""With the noise model. A crowd may be one event with a number, so that of a square no share is asked."""
OF_SEEN: Final = 0.9
"""With a real detector: of the objects that it is sure of in two looks, this share is to be found."""


def misses(played: Sequence[Played], *, real: bool) -> list[str]:
    """One line for each bar that the plays miss, all plays of a scene taken together."""
    faults = []
    for name in dict.fromkeys(each.scene.name for each in played):
        of_scene = [each for each in played if each.scene.name == name]
        faults += [f"{name}: {fault}" for fault in (_real(of_scene) if real else _made_up(of_scene, BARS[name]))]
    return faults


def _real(played: Sequence[Played]) -> list[str]:
    seen, found = sum(len(each.seen) for each in played), sum(each.found_of_seen for each in played)
    return [] if found >= OF_SEEN * seen else [f"{found} found of {seen} that were seen, not {OF_SEEN:.0%}"]


def _made_up(played: Sequence[Played], bar: Bar) -> list[str]:
    rulings = [each.ruling for each in played]
    objects, found = sum(each.expected for each in rulings), sum(len(each.found) for each in rulings)
    parked = sum(sum(each.parked.values()) for each in rulings)
    events = sum(each.events for each in played) - parked
    faults = []
    if found < bar.found * objects:
        faults.append(f"{found} found of {objects}, not {bar.found:.0%}")
    if events > bar.events * objects:
        faults.append(f"{events} events for {objects} objects, more than {bar.events:.2f} each")
    if parked:
        faults.append(f"{parked} events about what only stood there")
    return faults
