"""Devices as they are stored: JSON, read as strictly as what comes over the wire."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from infra.alerts.runtime.clip_keys import LONGEST_KEYS, dump_keys, load_keys
from infra.fleet.runtime.device import (
    MOST_VERDICTS_WAITING,
    NEVER,
    Device,
    Fleet,
    GivenVerdict,
    KnownCamera,
    Outage,
    OutageKind,
    Presence,
)
from smartcam.contract.errors import ContractError
from smartcam.contract.health import CameraCondition, DeviceState, SceneHealth
from smartcam.contract.ids import ThingName, camera_id, event_id, thing_name
from smartcam.contract.reading import Fields, dump_object, parse_object
from smartcam.contract.times import UtcNs
from smartcam.contract.wanted import MOST_TAKEN, NOTHING_WANTED, Verdict, Wanted

Reader = Callable[[Fields], Any]
_MOST_CAMERAS = 256
"""What older versions wrote; see MOST_CAMERAS_KEPT for what is written."""
_FASTEST = 1e6
_UNREADABLE = object()


def dump_device(device: Device) -> str:
    """The device as JSON, without its revision."""
    return dump_object(
        {
            "thing": device.thing,
            "first_seen": device.first_seen,
            "heard_at": device.heard_at,
            "state": device.state,
            "every_s": device.every_s,
            "run": _said(device.run),
            "seq": device.seq,
            "version": _said(device.version),
            "capture_version": _said(device.capture_version),
            "release_refused": _said(device.release_refused),
            "model": _said(device.model),
            "bundle_refused": _said(device.bundle_refused),
            "configuration_refused": _said(device.configuration_refused),
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
            "verdicts": _said([_dump_verdict(one) for one in device.verdicts]),
            "wanted_revision": device.wanted_revision,
            "cloud_takes": device.cloud_takes,
            "clip_keys": _said(dump_keys(device.clip_keys)),
            "health_until": _said(device.health_until),
            "presence_until": _said(device.presence_until),
            "loud_at": _said(device.loud_at),
        }
    ).decode()


def _said(value: object) -> object:
    """What is empty is left out."""
    return value or None


def load_device(text: str, revision: int) -> Device:
    """The inverse. Raises ContractError naming the first wrong field."""
    fields = Fields(parse_object(text, "device"))
    return Device(thing=_thing(fields), revision=revision, **{name: read(fields) for name, read in _READERS.items()})


def salvage_device(text: str, bare: Device) -> Device:
    """As much of a device as can be read; the rest is as in `bare`, which is what its item says beside the text."""
    try:
        fields = Fields(parse_object(text, "device"))
    except ContractError:
        return bare
    read: dict[str, Any] = {
        name: value for name, reader in _READERS.items() if (value := _try(reader, fields)) is not _UNREADABLE
    }
    return replace(bare, **read)


def _try(reader: Reader, fields: Fields) -> object:
    try:
        return reader(fields)
    except (ContractError, ValueError):
        return _UNREADABLE


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
    said = {
        "armed": one.armed,
        "footage": one.collects_footage or None,
        "scene": None if one.scene is None else one.scene.document(),
    }
    return {
        "camera_id": one.camera_id,
        "condition": one.condition,
        "seen_at": one.seen_at,
        "fps": one.frames_per_second,
        **{key: value for key, value in said.items() if value is not None},
    }


def _camera(fields: Fields) -> KnownCamera:
    return KnownCamera(
        camera_id=camera_id(fields.text("camera_id")),
        condition=fields.choice("condition", CameraCondition),
        seen_at=_time(fields, "seen_at"),
        frames_per_second=fields.number("fps", 0, _FASTEST),
        armed=fields.boolean("armed") if fields.has("armed") else None,
        collects_footage=fields.has("footage") and fields.boolean("footage"),
        scene=SceneHealth.from_fields(fields.inner("scene")) if fields.has("scene") else None,
    )


def _dump_verdict(one: GivenVerdict) -> dict[str, object]:
    undone = {"undone": True} if one.undone else {}
    return one.verdict.document() | {"given_at": one.given_at, "revision": one.revision} | undone


def _verdict(fields: Fields) -> GivenVerdict:
    return GivenVerdict(
        Verdict.from_fields(fields),
        _time(fields, "given_at"),
        fields.optional_integer("revision") or 0,
        undone=fields.has("undone") and fields.boolean("undone"),
    )


def _optional_objects(fields: Fields, key: str) -> list[Fields]:
    return fields.objects(key, MOST_VERDICTS_WAITING) if fields.has(key) else []


def _time(fields: Fields, key: str) -> UtcNs:
    return UtcNs(fields.integer(key, NEVER))


def _thing(fields: Fields) -> ThingName:
    return thing_name(fields.text("thing"))


def _optional_time(key: str) -> Reader:
    return lambda fields: _time(fields, key) if fields.has(key) else NEVER


def _optional_outage(key: str) -> Reader:
    return lambda fields: _outage(fields.inner(key)) if fields.has(key) else None


def _optional_word(key: str, longest: int = 256) -> Reader:
    return lambda fields: fields.optional_text(key, longest) or ""


_READERS: Final[dict[str, Reader]] = {
    "first_seen": lambda fields: _time(fields, "first_seen"),
    "heard_at": lambda fields: _time(fields, "heard_at"),
    "state": lambda fields: fields.choice("state", DeviceState),
    "every_s": lambda fields: fields.integer("every_s", 1),
    "run": _optional_word("run"),
    "seq": lambda fields: fields.integer("seq"),
    "version": _optional_word("version"),
    "capture_version": _optional_word("capture_version"),
    "release_refused": _optional_word("release_refused"),
    "model": _optional_word("model", 512),
    "bundle_refused": _optional_word("bundle_refused"),
    "configuration_refused": _optional_word("configuration_refused"),
    "events_waiting": lambda fields: fields.optional_integer("events_waiting"),
    "oldest_waiting_ms": lambda fields: fields.optional_integer("oldest_waiting_ms"),
    "cameras": lambda fields: tuple(_camera(one) for one in fields.objects("cameras", _MOST_CAMERAS)),
    "presence": lambda fields: _presence(fields.inner("presence")),
    "paused_until": lambda fields: _time(fields, "paused_until"),
    "retired": lambda fields: fields.boolean("retired"),
    "retired_cameras": lambda fields: frozenset(
        camera_id(str(one)) for one in fields.items("retired_cameras", _MOST_CAMERAS)
    ),
    "outage": _optional_outage("outage"),
    "camera_outage": _optional_outage("camera_outage"),
    "back_at": lambda fields: _time(fields, "back_at"),
    "wanted": lambda fields: Wanted.from_fields(fields.inner("wanted")) if fields.has("wanted") else NOTHING_WANTED,
    "verdicts": lambda fields: tuple(_verdict(one) for one in _optional_objects(fields, "verdicts")),
    "wanted_revision": lambda fields: fields.optional_integer("wanted_revision"),
    "cloud_takes": lambda fields: fields.words("cloud_takes", MOST_TAKEN) if fields.has("cloud_takes") else None,
    "clip_keys": lambda fields: load_keys(fields.optional_text("clip_keys", LONGEST_KEYS) or ""),
    "health_until": _optional_time("health_until"),
    "presence_until": _optional_time("presence_until"),
    "loud_at": _optional_time("loud_at"),
}
"""How each field of a device is read; its name is the keyword's."""
