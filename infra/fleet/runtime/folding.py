"""What a sign of life changes in what is known of a device. Pure: the same signs give the same device."""

from dataclasses import replace
from typing import Final

from infra.alerts.runtime.clip_keys import with_key
from infra.fleet.runtime.device import MOST_CAMERAS_KEPT, NEVER, Device, KnownCamera, Presence
from infra.fleet.runtime.pace import GOODBYE_SPARE, HEALTH_PACE, PRESENCE_PACE
from smartcam.contract.health import CameraCondition, CameraHealth, DeviceState, Health
from smartcam.contract.times import NS_PER_S, UtcNs

SETTLED_S: Final = 60
"""How long after its start a device has heard of all its cameras."""
_VERSIONS_LAST_S: Final = 3600
"""The broker restarts a client's connection count when it was away for about an hour."""


_LOUD_NOTED_S: Final = 600
_LONGEST_MODELS: Final = 257
"""Two words of a health message with a space between; what more there is of cameras' own models is cut off."""


def heard(known: Device | None, health: Health, arrived_at: UtcNs) -> Device:
    """As `with_health`, at the pace that one device may have; beyond it nothing changes but a note, now and then."""
    device = with_health(known, health, arrived_at)
    if device is known:
        return device
    spare = GOODBYE_SPARE if health.state is DeviceState.STOPPING else 0
    until = HEALTH_PACE.taken(device.health_until, arrived_at, spare=spare)
    if until is None and known is not None:
        return _loud(known, arrived_at)
    return replace(device, health_until=until or NEVER)


def noticed(known: Device, presence: Presence, arrived_at: UtcNs) -> Device:
    """As `with_presence`, at the pace of `heard`."""
    device = with_presence(known, presence)
    if device is known:
        return device
    until = PRESENCE_PACE.taken(device.presence_until, arrived_at)
    return _loud(known, arrived_at) if until is None else replace(device, presence_until=until)


def _loud(known: Device, now: UtcNs) -> Device:
    return known if now - known.loud_at < _LOUD_NOTED_S * NS_PER_S else replace(known, loud_at=now)


def with_health(known: Device | None, health: Health, arrived_at: UtcNs) -> Device:
    """The device after its own report; a message that is late or comes twice changes nothing."""
    if known is not None and known.run == health.run and health.seq <= known.seq:
        return known
    device = known or Device(health.thing, first_seen=arrived_at, heard_at=arrived_at)
    return replace(
        device,
        heard_at=max(device.heard_at, arrived_at),
        state=health.state,
        every_s=health.every_s,
        run=health.run,
        seq=health.seq,
        version=health.version,
        capture_version=health.capture_version or "",
        release_refused=health.release_refused or "",
        model=_models(health),
        bundle_refused=health.bundle_refused or "",
        configuration_refused=health.configuration_refused or "",
        events_waiting=health.outbox.waiting,
        oldest_waiting_ms=health.outbox.oldest_ms,
        cameras=_cameras(device, health, arrived_at),
        wanted_revision=health.wanted_revision,
        verdicts=device.lasting_verdicts(arrived_at, health.wanted_revision),
        cloud_takes=health.cloud_takes,
        clip_keys=with_key(device.clip_keys, health.clip_key, arrived_at),
    )


def _models(health: Health) -> str:
    """The default model, and what each camera has that has another one."""
    default = " ".join(filter(None, (health.model_name, health.model_version)))
    own = (f"{one.camera_id}: {one.model}" for one in health.cameras if one.model)
    return ", ".join(filter(None, (default, *own)))[:_LONGEST_MODELS]


def _cameras(device: Device, health: Health, arrived_at: UtcNs) -> tuple[KnownCamera, ...]:
    """The listed cameras, and those that are missing without having been removed.

    Capture names all its cameras. So where it is heard at all, a camera that is not listed has been removed from the
    configuration; where nothing is heard of capture, its cameras are silent.
    """
    known = {one.camera_id: one for one in device.cameras}
    listed = {one.camera_id: _camera(known.get(one.camera_id), one, arrived_at) for one in health.cameras}
    hears_capture = any(one.condition is not CameraCondition.AWAITED for one in health.cameras)
    is_whole = hears_capture and health.uptime_s >= SETTLED_S and not health.cameras_left_out
    missing = {} if is_whole else {name: _awaited(one) for name, one in known.items() if name not in listed}
    # A camera that is listed stays; of the others those that were seen last, so that what is kept can be read again.
    kept = sorted(missing.values(), key=lambda one: (-one.seen_at, one.camera_id))[: MOST_CAMERAS_KEPT - len(listed)]
    return tuple(sorted((*listed.values(), *kept), key=lambda one: one.camera_id))


def _camera(known: KnownCamera | None, said: CameraHealth, arrived_at: UtcNs) -> KnownCamera:
    seen_at = NEVER if known is None else known.seen_at
    if said.condition is not CameraCondition.AWAITED:
        seen_at = arrived_at
    return KnownCamera(
        said.camera_id, said.condition, seen_at, said.frames_per_second, said.armed, said.collects_footage, said.scene
    )


def _awaited(known: KnownCamera) -> KnownCamera:
    return replace(known, condition=CameraCondition.AWAITED, frames_per_second=0.0, scene=None)


def with_presence(device: Device, presence: Presence) -> Device:
    """The device after what the broker reported; reports may come twice and in any order."""
    last = device.presence
    is_newer = (presence.version, not presence.connected) > (last.version, not last.connected)
    if not is_newer and presence.at - last.at <= _VERSIONS_LAST_S * NS_PER_S:
        return device
    if presence.at < last.at - _VERSIONS_LAST_S * NS_PER_S:  # from before the count restarted
        return device
    return replace(device, presence=presence)
