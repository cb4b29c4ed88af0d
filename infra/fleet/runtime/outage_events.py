"""From an outage to the events that report it: ordinary events, handled like all others."""

from dataclasses import replace
from typing import Final

from infra.fleet.runtime.device import Device, Fleet, Outage, OutageKind, derived_id
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs, format_utc

_VALID_S: Final = 86_400
_KINDS: Final = {
    OutageKind.DEVICE: (EventKind.DEVICE_LOST, EventKind.DEVICE_RESTORED),
    OutageKind.CAMERAS: (EventKind.CAMERA_LOST, EventKind.CAMERA_RESTORED),
    OutageKind.FLEET: (EventKind.FLEET_LOST, EventKind.FLEET_RESTORED),
}
_MOST_NAMED: Final = 5


def of_device(device: Device, now: UtcNs) -> tuple[list[Event], Device]:
    """What is new about a device: events to hand over, in order, and the device to keep once they are taken."""
    events: list[Event] = []
    after = device
    if device.outage is not None and device.outage.kind is OutageKind.DEVICE and _has_news(device.outage):
        came_back = device.heard_at > device.outage.since
        events += _events(device.outage, device.thing, now, came_back=came_back)
        after = replace(after, outage=_told(device.outage))
    if device.camera_outage is not None and _has_news(device.camera_outage):
        came_back = all(
            one.seen_at > device.camera_outage.since
            for one in device.cameras
            if one.camera_id in device.camera_outage.cameras
        )
        events += _events(device.camera_outage, device.thing, now, came_back=came_back)
        after = replace(after, camera_outage=_told(device.camera_outage))
    return events, after


def of_fleet(fleet: Fleet, now: UtcNs) -> tuple[list[Event], Fleet]:
    """What is new about all devices together, as in `of_device`."""
    if fleet.outage is None or not _has_news(fleet.outage):
        return [], fleet
    events = _events(fleet.outage, WHOLE_FLEET, now, came_back=fleet.outage.count > 0)
    return events, replace(fleet, outage=_told(fleet.outage))


def _has_news(outage: Outage) -> bool:
    return not outage.told or not outage.is_open


def _told(outage: Outage) -> Outage | None:
    return replace(outage, told=True) if outage.is_open else None


def _events(outage: Outage, thing: ThingName, now: UtcNs, *, came_back: bool) -> list[Event]:
    lost, restored = _KINDS[outage.kind]
    raised = _event(outage, thing, lost, now)
    events = [] if outage.told else [raised]
    if outage.ended_at is not None:
        events.append(replace(raised, phase=Phase.CLEARED, ended_at=max(outage.ended_at, raised.started_at)))
        if came_back:
            events.append(
                replace(
                    raised,
                    event_id=derived_id(outage.ended_at, f"{outage.event_id}/restored"),
                    kind=restored,
                    severity=Severity.INFO,
                    started_at=outage.ended_at,
                    expires_at=UtcNs(outage.ended_at + _VALID_S * NS_PER_S),
                    age_ms=max(0, now - outage.ended_at) // NS_PER_MS,
                )
            )
    return events


def _event(outage: Outage, thing: ThingName, kind: EventKind, now: UtcNs) -> Event:
    return Event(
        event_id=outage.event_id,
        thing=thing,
        camera_id=_camera(outage),
        kind=kind,
        phase=Phase.RAISED,
        severity=Severity.WARNING,
        started_at=outage.noticed_at,
        expires_at=UtcNs(outage.noticed_at + _VALID_S * NS_PER_S),
        score=1.0,
        threshold=0.0,
        clock_synced=True,
        age_ms=max(0, now - outage.noticed_at) // NS_PER_MS,
        label=_label(outage),
    )


def _camera(outage: Outage) -> CameraId:
    return outage.cameras[0] if len(outage.cameras) == 1 else WHOLE_DEVICE


def _label(outage: Outage) -> str:
    if outage.kind is OutageKind.FLEET:
        return f"{outage.count} of {outage.total} devices"
    since = f"last sign of life {format_utc(outage.since)}"
    if len(outage.cameras) <= 1:
        return since
    named = ", ".join(outage.cameras[:_MOST_NAMED])
    more = f" and {len(outage.cameras) - _MOST_NAMED} more" if len(outage.cameras) > _MOST_NAMED else ""
    return f"no pictures of {named}{more}; {since}"[:256]
