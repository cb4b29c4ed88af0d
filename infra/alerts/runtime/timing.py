"""When an event happened, and whether it is stale: by its age, because a device's UTC can be hours off."""

from dataclasses import dataclass

from smartcam.contract.event import Event
from smartcam.contract.times import NS_PER_MS, UtcNs


@dataclass(frozen=True, slots=True)
class Occasion:
    """When an event happened, as well as the cloud can tell; not `certain` after a reboot without a clock."""

    at: UtcNs
    certain: bool


def is_stale(event: Event, arrived_at: UtcNs, now: UtcNs) -> bool:
    """Whether the event is older than its own validity. An unknown age is never stale."""
    if event.age_ms is None:
        return False
    age = event.age_ms * NS_PER_MS + max(0, now - arrived_at)
    return age > event.expires_at - event.started_at


def occasion(event: Event, arrived_at: UtcNs) -> Occasion:
    """The device's own time where its clock was trusted, else the arrival minus the age."""
    if event.age_ms is None:
        return Occasion(event.started_at, certain=False)
    if event.clock_synced:
        return Occasion(event.started_at, certain=True)
    return Occasion(UtcNs(max(0, arrived_at - event.age_ms * NS_PER_MS)), certain=True)
