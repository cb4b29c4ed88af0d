"""The fleet's registry and the way to the alerts in memory, held to the promises of infra.fleet.runtime.ports."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from infra.fleet.runtime.codec import dump_device, load_device
from infra.fleet.runtime.device import NEVER, Device, Fleet
from infra.fleet.runtime.pace import REFUSAL_PACE
from infra.fleet.runtime.ports import ChangedMeanwhile, NotAnswered
from smartcam.contract.event import Event
from smartcam.contract.ids import EventId, ThingName
from smartcam.contract.times import UtcNs
from smartcam.contract.wanted import Wanted


@dataclass
class FakeRegistry:
    items: dict[ThingName, Device] = field(default_factory=dict)
    common: Fleet = field(default_factory=Fleet)
    refusals: dict[ThingName, UtcNs] = field(default_factory=dict)

    def device(self, thing: ThingName) -> Device | None:
        return self.items.get(thing)

    def devices(self) -> Sequence[Device]:
        return [self.items[name] for name in sorted(self.items)]

    def fleet(self) -> Fleet:
        return self.common

    def save(self, device: Device) -> Device:
        known = self.items.get(device.thing)
        if (0 if known is None else known.revision) != device.revision:
            raise ChangedMeanwhile(device.thing)
        load_device(dump_device(device), device.revision)
        self.items[device.thing] = replace(device, revision=device.revision + 1, damage="")
        return self.items[device.thing]

    def save_fleet(self, fleet: Fleet) -> Fleet:
        if self.common.revision != fleet.revision:
            raise ChangedMeanwhile("fleet")
        self.common = replace(fleet, revision=fleet.revision + 1, damage="")
        return self.common

    def may_refuse(self, thing: ThingName, now: UtcNs) -> bool:
        until = REFUSAL_PACE.taken(self.refusals.get(thing, NEVER), now)
        if until is not None:
            self.refusals[thing] = until
        return until is not None


@dataclass
class FakeAnswers:
    """A broker; while `down` no answer reaches the device."""

    down: bool = False
    sent: list[tuple[ThingName, Wanted]] = field(default_factory=list)

    def send(self, thing: ThingName, wanted: Wanted) -> None:
        if self.down:
            raise NotAnswered("the broker is down")
        self.sent.append((thing, wanted))


@dataclass
class FakeAlerts:
    """Takes events; `handed` holds every one, `alerts` each once, as the alerting makes of it."""

    handed: list[Event] = field(default_factory=list)

    def hand_over(self, event: Event) -> None:
        self.handed.append(event)

    @property
    def alerts(self) -> list[Event]:
        once: dict[EventId, Event] = {}
        for event in self.handed:
            if event.phase == "raised":
                once.setdefault(event.event_id, event)
        return list(once.values())
