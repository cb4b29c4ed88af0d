"""Which silence has lasted too long: the dead-man switch, without a clock and without AWS."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from infra.fleet.runtime.device import NEVER, Device, Fleet, KnownCamera, Outage, OutageKind, derived_id
from smartcam.contract.health import CameraCondition, DeviceState
from smartcam.contract.times import NS_PER_S, UtcNs


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient the watch is, in seconds.

    `slack_s`: how late a sign of life may be. `offline_grace_s`: how long a device that the broker lost may take to
    come back. `planned_grace_s`: the same after a goodbye, which a deployment, a reboot or a planned stop sends.
    `flap_grace_s`: the same for a device that has come back within the last `flap_memory_s`. A fleet is silent
    when `fleet_share` of those that should speak (at least `fleet_least`), or `fleet_many` of them, are late
    together; it is back when all are, or `fleet_settle_s` after most are.
    """

    slack_s: int = 60
    offline_grace_s: int = 180
    planned_grace_s: int = 900
    flap_grace_s: int = 1800
    flap_memory_s: int = 3600
    fleet_least: int = 3
    fleet_share: float = 0.5
    fleet_many: int = 10
    fleet_settle_s: int = 600


def judge(fleet: Fleet, devices: Sequence[Device], now: UtcNs, policy: Policy) -> tuple[Fleet, list[Device]]:
    """Begin an outage for each silence that has lasted too long, end what is over, and return the rest as they were.

    Outages of many devices at once are one outage of the fleet: their own then carry its event id and alert nobody.
    """
    fleet = _fleet_after(fleet, devices, now, policy)
    return fleet, [_device_after(fleet, device, now, policy) for device in devices]


def is_watched(device: Device, now: UtcNs) -> bool:
    """Whether its silence means anything."""
    return not device.retired and now >= device.paused_until


def is_overdue(device: Device, now: UtcNs, policy: Policy) -> bool:
    """Whether its silence has lasted too long."""
    return is_watched(device, now) and now > _patience_ends(device, policy)


def is_late(device: Device, now: UtcNs, policy: Policy) -> bool:
    """Whether it should have spoken by now."""
    return device.is_offline or now - device.heard_at > (device.every_s + policy.slack_s) * NS_PER_S


def silent_cameras(device: Device, now: UtcNs, policy: Policy) -> tuple[KnownCamera, ...]:
    """The cameras that have been silent for too long on a device that speaks itself.

    A camera that the device calls lost is not among them: the device raises that event itself.
    """
    limit = two_signs(device, policy)
    return tuple(
        one
        for one in device.cameras
        if one.condition is CameraCondition.AWAITED
        and one.seen_at != NEVER
        and one.camera_id not in device.retired_cameras
        and device.heard_at - one.seen_at > limit
        and is_watched(device, now)
    )


def two_signs(device: Device, policy: Policy) -> int:
    """Nanoseconds in which two signs of life must have come."""
    return (2 * device.every_s + policy.slack_s) * NS_PER_S


def _patience_ends(device: Device, policy: Policy) -> UtcNs:
    if device.state is DeviceState.STOPPING:
        ends = device.heard_at + policy.planned_grace_s * NS_PER_S
    else:
        ends = device.heard_at + two_signs(device, policy)
        if device.is_offline:
            ends = min(ends, device.presence.at + policy.offline_grace_s * NS_PER_S)
    if device.heard_at - device.back_at <= policy.flap_memory_s * NS_PER_S:
        ends = max(ends, device.heard_at + policy.flap_grace_s * NS_PER_S)
    return UtcNs(ends)


def _fleet_after(fleet: Fleet, devices: Sequence[Device], now: UtcNs, policy: Policy) -> Fleet:
    outage = fleet.outage
    if outage is None:
        return _fleet_lost(fleet, devices, now, policy)
    return _fleet_watched(fleet, outage, devices, now, policy) if outage.is_open else fleet


def _fleet_watched(fleet: Fleet, outage: Outage, devices: Sequence[Device], now: UtcNs, policy: Policy) -> Fleet:
    covered = [one for one in devices if one.outage is not None and one.outage.event_id == outage.event_id]
    silent = sum(is_late(one, now, policy) and is_watched(one, now) for one in covered)
    if silent > len(covered) / 2 or not covered:
        return _recovering(fleet, None)
    since = now if fleet.recovering_since is None else fleet.recovering_since
    if silent and now - since < policy.fleet_settle_s * NS_PER_S:
        return _recovering(fleet, since)
    ended = replace(outage, ended_at=now, count=len(covered) - silent)
    return replace(fleet, outage=ended, recovering_since=None)


def _recovering(fleet: Fleet, since: UtcNs | None) -> Fleet:
    """The fleet itself if nothing of it changes: then it is not stored again."""
    return fleet if fleet.recovering_since == since else replace(fleet, recovering_since=since)


def _fleet_lost(fleet: Fleet, devices: Sequence[Device], now: UtcNs, policy: Policy) -> Fleet:
    expected = [
        one for one in devices if is_watched(one, now) and one.outage is None and one.state is DeviceState.RUNNING
    ]
    late = [one for one in expected if is_late(one, now, policy)]
    if len(late) < max(policy.fleet_least, min(policy.fleet_share * len(expected), policy.fleet_many)):
        return fleet
    if not any(is_overdue(one, now, policy) for one in late):
        return fleet
    since = min(one.heard_at for one in late)
    event = derived_id(now, f"fleet/{since}/{now}")
    return replace(fleet, outage=Outage(event, OutageKind.FLEET, since, now, count=len(late), total=len(expected)))


def _device_after(fleet: Fleet, device: Device, now: UtcNs, policy: Policy) -> Device:
    device = _device_outage_after(fleet, device, now, policy)
    if device.outage is None:
        device = _cameras_after(device, now, policy)
    return device


def _device_outage_after(fleet: Fleet, device: Device, now: UtcNs, policy: Policy) -> Device:
    if device.outage is None:
        return _device_lost(fleet, device, now, policy)
    if not device.outage.is_open:
        return device
    is_back = device.heard_at > device.outage.since and not is_late(device, now, policy)
    is_over = is_back or not is_watched(device, now)
    if device.outage.kind is OutageKind.FLEET:
        return _covered_after(fleet, device, now, is_over=is_over)
    return replace(device, outage=replace(device.outage, ended_at=now), back_at=now) if is_over else device


def _device_lost(fleet: Fleet, device: Device, now: UtcNs, policy: Policy) -> Device:
    common = fleet.outage
    if common is not None and common.is_open and is_late(device, now, policy) and is_watched(device, now):
        return replace(device, outage=replace(common, told=True))
    if is_overdue(device, now, policy):
        return replace(device, outage=_begun(device, OutageKind.DEVICE, device.heard_at, now))
    return device


def _covered_after(fleet: Fleet, device: Device, now: UtcNs, *, is_over: bool) -> Device:
    """A device whose silence was part of the fleet's: the fleet's alerts report it, unless it outlasts them."""
    if fleet.outage is not None and fleet.outage.is_open:
        return device
    if is_over:
        return replace(device, outage=None, back_at=now)
    return replace(device, outage=_begun(device, OutageKind.DEVICE, device.heard_at, now))


def _cameras_after(device: Device, now: UtcNs, policy: Policy) -> Device:
    outage, silent = device.camera_outage, silent_cameras(device, now, policy)
    if outage is None:
        if not silent:
            return device
        since = min(one.seen_at for one in silent)
        begun = _begun(device, OutageKind.CAMERAS, since, now)
        return replace(device, camera_outage=replace(begun, cameras=tuple(one.camera_id for one in silent)))
    if outage.is_open and not silent:
        return replace(device, camera_outage=replace(outage, ended_at=now))
    return device


def _begun(device: Device, kind: OutageKind, since: UtcNs, now: UtcNs) -> Outage:
    return Outage(derived_id(now, f"{kind}/{device.thing}/{since}/{now}"), kind, since, now)
