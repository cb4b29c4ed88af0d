"""A fleet on a simulated clock: devices that speak, fall silent, stop and come back, and the watch over them."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from infra.fleet.runtime.device import NEVER
from infra.fleet.runtime.hearing import Hearing, Sign, SignOutcome
from infra.fleet.runtime.judging import Policy
from infra.fleet.runtime.watching import Watching
from smartcam.contract.health import CameraCondition, CameraHealth, DeviceState, Health
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from tests.fakes.aws import FakeRefusals
from tests.fakes.registry import FakeAlerts, FakeAnswers, FakeRegistry
from tests.infra.sample import Now

GATE, YARD = CameraId("gate"), CameraId("yard")
RUNNING, LOST = CameraCondition.RUNNING, CameraCondition.LOST


def health(thing: str = "pi-1", **changes: object) -> Health:
    values: dict[str, object] = {
        "thing": ThingName(thing),
        "state": DeviceState.RUNNING,
        "run": "r1",
        "seq": 1,
        "sent_at": NEVER,
        "clock_synced": True,
        "uptime_s": 600,
        "version": "0.1.0",
        "cameras": (CameraHealth(GATE, RUNNING, 25.0),),
    }
    return Health(**(values | changes))  # type: ignore[arg-type]  # the tests name the fields


def health_document(health: Health, at: UtcNs, topic_thing: str | None = None) -> dict[str, object]:
    return {
        "payload": base64.b64encode(health.to_json()).decode(),
        "topic_thing": topic_thing or health.thing,
        "arrived_ms": at // NS_PER_MS,
    }


def presence_document(thing: str, kind: str, at: UtcNs, version: int) -> dict[str, object]:
    word = {"clientId": thing, "timestamp": at // NS_PER_MS, "eventType": kind, "versionNumber": version}
    return {
        "payload": base64.b64encode(json.dumps(word).encode()).decode(),
        "topic_thing": thing,
        "presence": kind,
        "arrived_ms": at // NS_PER_MS,
    }


@dataclass
class Pi:
    """One device: speaks every five minutes while `on`, at a moment of its own."""

    thing: str
    phase_s: int
    on: bool = True
    run: int = 1
    seq: int = 0
    uptime_s: int = 0
    cameras: tuple[CameraHealth, ...] = (CameraHealth(GATE, RUNNING, 25.0),)
    version: int = 0

    def speaks(self, second: int) -> bool:
        return self.on and second % 300 == self.phase_s % 300


@dataclass
class World:
    """Moves minute by minute: devices speak, the broker notices, the watch checks."""

    policy: Policy = field(default_factory=Policy)
    now: Now = field(default_factory=Now)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    alerts: FakeAlerts = field(default_factory=FakeAlerts)
    refusals: FakeRefusals = field(default_factory=FakeRefusals)
    answers: FakeAnswers = field(default_factory=FakeAnswers)
    devices: list[Pi] = field(default_factory=list)
    second: int = 0

    def __post_init__(self) -> None:
        self.hearing = Hearing(self.registry, self.refusals, self.answers)
        self.watching = Watching(self.registry, self.alerts, self.policy)
        self.check: Callable[[UtcNs], Mapping[str, float]] = self.watching.check

    def add(self, count: int = 1, spread_s: int = 7) -> list[Pi]:
        new = [Pi(f"pi-{len(self.devices) + number}", number * spread_s) for number in range(1, count + 1)]
        self.devices += new
        return new

    def live(self, minutes: float) -> None:
        for _ in range(round(minutes * 60)):
            for device in self.devices:
                device.uptime_s += 1
                if device.speaks(self.second):
                    self.say(device)
            if self.second % 60 == 0:
                self.check(self.now())
            self.second += 1
            self.now.advance(1)

    def say(self, device: Pi, state: DeviceState = DeviceState.RUNNING) -> SignOutcome:
        device.seq += 1
        word = health(
            device.thing,
            state=state,
            run=f"run-{device.run}",
            seq=device.seq,
            uptime_s=device.uptime_s,
            cameras=device.cameras,
        )
        return self.hearing.take(Sign.from_rule(health_document(word, self.now())))

    def presence(self, device: Pi, kind: str, *, version: int | None = None, ago_s: int = 0) -> SignOutcome:
        at = UtcNs(self.now() - ago_s * NS_PER_S)
        document = presence_document(device.thing, kind, at, device.version if version is None else version)
        return self.hearing.take(Sign.from_rule(document))

    def goodbye(self, device: Pi) -> None:
        self.say(device, DeviceState.STOPPING)
        device.on = False

    def start(self, device: Pi) -> None:
        device.on, device.run, device.seq, device.uptime_s = True, device.run + 1, 0, 0
        self.say(device)

    def told(self) -> list[str]:
        """Kind and thing of every alert that a person got."""
        return [f"{event.kind} {event.thing}" for event in self.alerts.alerts]
