"""One check of the whole fleet by the dead-man switch.

What is decided is stored before anybody is alerted, and marked as told afterwards: a crash between any two steps hands
the same event over again, which alerts once.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from infra.alerts.runtime.metrics import Metric
from infra.fleet.runtime.desk import Desk
from infra.fleet.runtime.device import Device, Fleet
from infra.fleet.runtime.judging import Policy, judge
from infra.fleet.runtime.outage_events import of_device, of_fleet
from infra.fleet.runtime.ports import Alerts, ChangedMeanwhile, Registry
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event
from smartcam.contract.health import CameraCondition
from smartcam.contract.times import UtcNs

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watching:
    """The switch. Two of them at a time do no harm: each change is kept by one of them."""

    registry: Registry
    alerts: Alerts
    policy: Policy
    desk: Desk | None = None

    def check(self, now: UtcNs) -> dict[str, float]:
        """Judge everything and hand over the events that follow; returns the fleet's measures."""
        fleet, devices = self.registry.fleet(), self.registry.devices()
        try:
            return self._judge(fleet, devices, now)
        finally:  # neither duty may keep the other from being done
            if self.desk is not None:
                self.desk.look(devices, fleet, now)

    def _judge(self, fleet: Fleet, devices: Sequence[Device], now: UtcNs) -> dict[str, float]:
        fleet_after, devices_after = judge(fleet, devices, now, self.policy)
        # Nothing else would mend what cannot be read of the fleet.
        kept_fleet = _keep(None if fleet.damage else fleet, fleet_after, self.registry.save_fleet)
        if kept_fleet is None:  # another check is under way: what becomes of the devices depends on what it keeps
            return measures(devices)
        # Told first: to mark thousands of devices takes longer than a check may, and people must not wait for it.
        self._tell(*of_fleet(kept_fleet, now), self.registry.save_fleet)
        kept = []
        for before, after in zip(devices, devices_after, strict=True):
            device = _keep(before, after, self.registry.save)
            if device is not None:
                self._tell(*of_device(device, now), self.registry.save)
                kept.append(device)
        return measures(kept)

    def _tell(self, events: Sequence[Event], after: T, save: Callable[[T], T]) -> None:
        if not events:
            return
        for event in events:
            logger.info("told kind=%s phase=%s thing=%s id=%s", event.kind, event.phase, event.thing, event.event_id)
            self.alerts.hand_over(event)
        if _keep(None, after, save) is None:
            logger.info("told_not_marked, told again by the next check")


def _keep(before: T | None, after: T, save: Callable[[T], T]) -> T | None:
    """What is kept now; None where it has just been changed by others: the next check judges it anew."""
    if after is before:
        return after
    try:
        return save(after)
    except ChangedMeanwhile:
        return None
    except ContractError as error:  # the others must be judged all the same
        logger.error("not_kept error=%s", error)  # noqa: TRY400 - the text says it
        return None


def measures(devices: Sequence[Device]) -> dict[str, float]:
    """The fleet in numbers; never one metric a device, which would cost more than the device's messages."""
    active = [one for one in devices if not one.retired]
    conditions = Counter(camera.condition for one in active for camera in one.cameras)
    oldest_ms = max((one.oldest_waiting_ms or 0 for one in active), default=0)
    return {
        Metric.DEVICES_KNOWN: len(active),
        Metric.DEVICES_SILENT: sum(one.outage is not None and one.outage.is_open for one in active),
        Metric.CAMERAS_RUNNING: conditions[CameraCondition.RUNNING],
        Metric.CAMERAS_LOST: conditions[CameraCondition.LOST] + conditions[CameraCondition.AWAITED],
        Metric.EVENTS_WAITING: sum(one.events_waiting or 0 for one in active),
        Metric.OLDEST_EVENT_WAITING: oldest_ms / 1000,
    }
