"""Shops on a simulated clock: each takes what is deployed to it, and reports its health to the real fleet code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.fleet.runtime.device import Device
from infra.fleet.runtime.hearing import Hearing, Sign
from infra.fleet.runtime.ports import Registry
from smartcam.contract.health import CameraCondition, CameraHealth, DeviceState, Health
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from standins.greengrass_api.plane import DeploymentEnd
from tests.fakes.aws import FakeRefusals
from tests.fakes.fleet import Devices
from tests.fakes.registry import FakeAnswers, FakeRegistry
from tests.infra.sample import NOON

JUDGED = "smartcam.Inference"


@dataclass
class Shop:
    """One device. It refuses the versions in `refuses` and goes on with what it has, as run.sh does on both nuclei."""

    thing: str
    version: str = ""
    capture_version: str = ""
    refused: str = ""
    refuses: Mapping[str, str] = field(default_factory=dict)
    restarts_every_s: int = 0
    capture_stays: bool = False
    refuses_configuration: str = ""
    every_s: int = 300
    installs_in_s: int = 20
    on: bool = True
    run: int = 1
    seq: int = 0
    next_report_s: int = 0
    wanted: str = ""
    wanted_from_s: int = 0
    configuration: Mapping[str, Any] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)
    """All that ever ran here."""

    def take(self, components: Mapping[str, Any], second: int) -> None:
        if JUDGED in components:
            self.wanted, self.wanted_from_s = components[JUDGED]["componentVersion"], second + self.installs_in_s
            self.configuration = components

    def tick(self, second: int) -> bool:
        """Whether it reports now."""
        if not self.on or (not self.version and not self.wanted):
            return False
        if self.wanted and second >= self.wanted_from_s:
            self._start(self.wanted, second)
            self.wanted = ""
        elif self.restarts_every_s and second % self.restarts_every_s == 0 and self.version:
            self._restart(second)
        if not self.version or second < self.next_report_s:
            return False
        self.next_report_s, self.seq = second + self.every_s, self.seq + 1
        return True

    def _start(self, version: str, second: int) -> None:
        if version in self.refuses:
            self.refused = f"{version}: {self.refuses[version]}"
        else:
            self.refused, self.version = "", version
            self.capture_version = self.capture_version if self.capture_stays else version
            self.versions.append(version)
        self._restart(second)

    def _restart(self, second: int) -> None:
        self.run, self.seq, self.next_report_s = self.run + 1, 0, second

    def health(self) -> Health:
        return Health(
            thing=ThingName(self.thing),
            state=DeviceState.RUNNING,
            run=f"run-{self.run}",
            seq=self.seq,
            sent_at=UtcNs(0),
            clock_synced=True,
            uptime_s=600,
            version=self.version,
            capture_version=self.capture_version or None,
            release_refused=self.refused or None,
            configuration_refused=self.refuses_configuration or None,
            every_s=self.every_s,
            cameras=(CameraHealth(CameraId("gate"), CameraCondition.RUNNING, 25.0),),
        )


@dataclass
class Street:
    """All shops, the clock, and the table that their health ends in."""

    registry: Registry = field(default_factory=FakeRegistry)
    shops: dict[str, Shop] = field(default_factory=dict)
    second: int = 0

    def __post_init__(self) -> None:
        self._hearing = Hearing(self.registry, FakeRefusals(), FakeAnswers())

    def now(self) -> UtcNs:
        return UtcNs(NOON + self.second * NS_PER_S)

    def shop(self, thing: str) -> Shop:
        return self.shops.setdefault(thing, Shop(thing))

    def runs(self, version: str, *things: str) -> None:
        """They have been running it, and were heard a moment ago."""
        for thing in things:
            self.shops[thing] = Shop(thing, version, version, versions=[version])
        self.sleep(1)

    def serve(self, devices: Devices) -> None:
        """Take what the control plane hands to the devices."""

        def take(thing: str, components: Mapping[str, Any], end: DeploymentEnd | None) -> None:
            if end is not None and end.status == "SUCCEEDED":
                self.shop(thing).take(components, self.second)

        devices.on_sent = take

    def sleep(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds))):
            self.second += 1
            for shop in list(self.shops.values()):
                if shop.tick(self.second):
                    sign = Sign(ThingName(shop.thing), shop.health().to_json(), self.now())
                    self._hearing.take(sign)

    def fleet(self) -> Mapping[str, Device]:
        return {device.thing: device for device in self.registry.devices()}
