"""Devices as they are stored: JSON, read as strictly as what comes over the wire."""

from infra.fleet.runtime.device import NEVER, Device, Fleet, KnownCamera, Outage, OutageKind, Presence
from smartcam.contract.errors import ContractError
from smartcam.contract.health import CameraCondition, DeviceState
from smartcam.contract.ids import camera_id, event_id, thing_name
from smartcam.contract.reading import Fields, dump_object, parse_object
from smartcam.contract.times import UtcNs
from smartcam.contract.wanted import NOTHING_WANTED, Wanted

_MOST_CAMERAS = 256
_FASTEST = 1e6


def dump_device(device: Device) -> str:
    """The device as JSON, without its revision."""
    return dump_object(
        {
            "thing": device.thing,
            "first_seen": device.first_seen,
            "heard_at": device.heard_at,
            "state": device.state,
            "every_s": device.every_s,
            "run": device.run or None,
            "seq": device.seq,
            "version": device.version or None,
            "capture_version": device.capture_version or None,
            "release_refused": device.release_refused or None,
            "model": device.model or None,
            "bundle_refused": device.bundle_refused or None,
            "configuration_refused": device.configuration_refused or None,
            "events_waiting": device.events_waiting,
            "oldest_waiting_ms": device.oldest_waiting_ms,
            "cameras": [_dump_camera(one) for one in device.cameras],
            "presence": {
                "connected": device.presence.connected,
                "at": device.presence.at,
                "version": device.presence.version,
            },
            "paused_until": device.paused_until,
            "retired": device.retired,
            "retired_cameras": sorted(device.retired_cameras),
            "outage": _dump_outage(device.outage),
            "camera_outage": _dump_outage(device.camera_outage),
            "back_at": device.back_at,
            "wanted": device.wanted.document() if device.wanted.revision else None,
            "wanted_revision": device.wanted_revision,
        }
    ).decode()


def load_device(text: str, revision: int) -> Device:
    """The inverse. Raises ContractError naming the first wrong field."""
    fields = Fields(parse_object(text, "device"))
    return Device(
        thing=thing_name(fields.text("thing")),
        first_seen=_time(fields, "first_seen"),
        heard_at=_time(fields, "heard_at"),
        state=fields.choice("state", DeviceState),
        every_s=fields.integer("every_s", 1),
        run=fields.text("run") if fields.has("run") else "",
        seq=fields.integer("seq"),
        version=fields.optional_text("version") or "",
        capture_version=fields.optional_text("capture_version") or "",
        release_refused=fields.optional_text("release_refused") or "",
        model=fields.text("model", 512) if fields.has("model") else "",
        bundle_refused=fields.text("bundle_refused") if fields.has("bundle_refused") else "",
        configuration_refused=fields.text("configuration_refused") if fields.has("configuration_refused") else "",
        events_waiting=fields.optional_integer("events_waiting"),
        oldest_waiting_ms=fields.integer("oldest_waiting_ms") if fields.has("oldest_waiting_ms") else None,
        cameras=tuple(_camera(one) for one in fields.items("cameras", _MOST_CAMERAS)),
        presence=_presence(fields.inner("presence")),
        paused_until=_time(fields, "paused_until"),
        retired=fields.boolean("retired"),
        retired_cameras=frozenset(camera_id(str(one)) for one in fields.items("retired_cameras", _MOST_CAMERAS)),
        outage=_outage(fields.inner("outage")) if fields.has("outage") else None,
        camera_outage=_outage(fields.inner("camera_outage")) if fields.has("camera_outage") else None,
        back_at=_time(fields, "back_at"),
        wanted=Wanted.from_fields(fields.inner("wanted")) if fields.has("wanted") else NOTHING_WANTED,
        wanted_revision=fields.optional_integer("wanted_revision"),
        revision=revision,
    )


def dump_fleet(fleet: Fleet) -> str:
    """What is known of all devices together as JSON, without its revision."""
    return dump_object(
        {
            "outage": _dump_outage(fleet.outage),
            "recovering_since": fleet.recovering_since,
        }
    ).decode()


def load_fleet(text: str, revision: int) -> Fleet:
    """The inverse. Raises ContractError naming the first wrong field."""
    fields = Fields(parse_object(text, "fleet"))
    return Fleet(
        outage=_outage(fields.inner("outage")) if fields.has("outage") else None,
        recovering_since=_time(fields, "recovering_since") if fields.has("recovering_since") else None,
        revision=revision,
    )


def _dump_outage(outage: Outage | None) -> dict[str, object] | None:
    if outage is None:
        return None
    return {
        "event_id": outage.event_id,
        "kind": outage.kind,
        "since": outage.since,
        "noticed_at": outage.noticed_at,
        "told": outage.told,
        "ended_at": outage.ended_at,
        "cameras": list(outage.cameras),
        "count": outage.count,
        "total": outage.total,
    }


def _outage(fields: Fields) -> Outage:
    return Outage(
        event_id=event_id(fields.text("event_id")),
        kind=fields.choice("kind", OutageKind),
        since=_time(fields, "since"),
        noticed_at=_time(fields, "noticed_at"),
        told=fields.boolean("told"),
        ended_at=_time(fields, "ended_at") if fields.has("ended_at") else None,
        cameras=tuple(camera_id(str(one)) for one in fields.items("cameras", _MOST_CAMERAS)),
        count=fields.integer("count"),
        total=fields.integer("total"),
    )


def _presence(fields: Fields) -> Presence:
    return Presence(fields.boolean("connected"), _time(fields, "at"), fields.integer("version", -1))


def _dump_camera(one: KnownCamera) -> dict[str, object]:
    armed = {} if one.armed is None else {"armed": one.armed}
    return {
        "camera_id": one.camera_id,
        "condition": one.condition,
        "seen_at": one.seen_at,
        "fps": one.frames_per_second,
        **armed,
    }


def _camera(item: object) -> KnownCamera:
    if not isinstance(item, dict):
        raise ContractError("cameras", "must hold objects")
    fields = Fields(item, "cameras")
    return KnownCamera(
        camera_id=camera_id(fields.text("camera_id")),
        condition=fields.choice("condition", CameraCondition),
        seen_at=_time(fields, "seen_at"),
        frames_per_second=fields.number("fps", 0, _FASTEST),
        armed=fields.boolean("armed") if fields.has("armed") else None,
    )


def _time(fields: Fields, key: str) -> UtcNs:
    return UtcNs(fields.integer(key, NEVER))
