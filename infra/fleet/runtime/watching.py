"""One look of the dead-man switch at the whole fleet.

What is decided is stored before anybody is told, and marked as told after: a crash between any two steps tells the same
event once more, which alerts once.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from infra.alerts.runtime.metrics import OLDEST_EVENT_WAITING
from infra.fleet.runtime.device import Device, Fleet
from infra.fleet.runtime.judging import Policy, judge
from infra.fleet.runtime.outage_events import ToTell, of_device, of_fleet
from infra.fleet.runtime.ports import Alerts, ChangedMeanwhile, Registry
from smartcam.contract.health import CameraCondition
from smartcam.contract.times import UtcNs

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watching:
    """The switch. Two of them at a time do no harm: each change is kept by one of them."""

    registry: Registry
    alerts: Alerts
    policy: Policy

    def check(self, now: UtcNs) -> dict[str, float]:
        """Judge everything, tell what is to be told; the fleet's measures."""
        fleet, devices = self.registry.fleet(), self.registry.devices()
        after = judge(fleet, devices, now, self.policy)
        kept_fleet = self._keep_fleet(fleet, after.fleet)
        if kept_fleet is None:  # another look is under way: what the devices are depends on what it keeps
            return measures(devices)
        kept = [self._keep(before, device) for before, device in zip(devices, after.devices, strict=True)]
        self._tell(of_fleet(kept_fleet, now))
        for device in kept:
            if device is not None:
                self._tell(of_device(device, now))
        return measures([one for one in kept if one is not None])

    def _keep(self, before: Device, device: Device) -> Device | None:
        if device is before:
            return device
        try:
            return self.registry.save(device)
        except ChangedMeanwhile:
            return None  # it has just been heard of: the next look judges it anew

    def _keep_fleet(self, before: Fleet, fleet: Fleet) -> Fleet | None:
        if fleet is before:
            return fleet
        try:
            return self.registry.save_fleet(fleet)
        except ChangedMeanwhile:
            return None

    def _tell(self, news: ToTell | None) -> None:
        if news is None:
            return
        for event in news.events:
            logger.info("told kind=%s phase=%s thing=%s id=%s", event.kind, event.phase, event.thing, event.event_id)
            self.alerts.hand_over(event)
        try:
            if news.device is not None:
                self.registry.save(news.device)
            if news.fleet is not None:
                self.registry.save_fleet(news.fleet)
        except ChangedMeanwhile:
            logger.info("told_not_marked, told again by the next look")


def measures(devices: Sequence[Device]) -> dict[str, float]:
    """The fleet in numbers; never one metric a device, which would cost more than the device's messages."""
    active = [one for one in devices if not one.retired]
    cameras = [camera for one in active for camera in one.cameras]
    oldest_ms = max((one.oldest_waiting_ms or 0 for one in active), default=0)
    return {
        "DevicesKnown": len(active),
        "DevicesSilent": sum(one.outage is not None and one.outage.is_open for one in active),
        "CamerasRunning": sum(one.condition is CameraCondition.RUNNING for one in cameras),
        "CamerasLost": sum(one.condition in {CameraCondition.LOST, CameraCondition.AWAITED} for one in cameras),
        "EventsWaiting": sum(one.events_waiting for one in active),
        OLDEST_EVENT_WAITING: oldest_ms / 1000,
    }
