"""What is told of a device and its cameras: for Home Assistant what there is, then how it is. Pure.

Formats: Home Assistant's documentation of MQTT, "device discovery", with its names in full.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from smartcam import __version__
from smartcam.contract.event import Event, EventKind
from smartcam.contract.health import CameraCondition, CameraHealth
from smartcam.contract.ids import CameraId
from smartcam.contract.reading import dump_object, printable
from smartcam.contract.times import UtcNs, format_utc
from smartcam.homeassistant.topics import HomeTopics

KINDS: Final[Mapping[EventKind, str]] = {
    EventKind.PERSON: "occupancy",
    EventKind.VEHICLE: "occupancy",
    EventKind.ANIMAL: "occupancy",
    EventKind.ANOMALY: "problem",
    EventKind.MOTION: "motion",
    EventKind.TAMPER: "tamper",
}
"""The kinds that have an entity, with what Home Assistant calls such a sensor."""
ON: Final = b"ON"
OFF: Final = b"OFF"
ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
_HAVE_CAUSES: Final = frozenset({EventKind.ANOMALY, EventKind.TAMPER})
_MOST_CHARACTERS: Final = 255
"""Of a state: Home Assistant takes no longer one."""

Told = dict[str, bytes]
"""What the broker is to keep, by topic."""


@dataclass(frozen=True, slots=True)
class CameraNews:
    """What is known of a camera. `on`: kinds of which an event is on; `picture`: the newest event's, a JPEG."""

    health: CameraHealth
    on: frozenset[EventKind] = frozenset()
    newest: Event | None = None
    picture: bytes | None = None


def told_of_camera(topics: HomeTopics, news: CameraNews, *, pictures: bool) -> Told:
    """All of one camera: what there is comes first."""
    camera = news.health.camera_id
    told = {
        topics.config(camera): _document(topics, camera, _of_camera(topics, camera, pictures=pictures)),
        topics.of(camera, "connected"): _word(is_on=news.health.condition is CameraCondition.RUNNING),
        **{topics.of(camera, kind): _word(is_on=kind in news.on) for kind in KINDS},
    }
    if news.health.armed is not None:
        told[topics.armed(camera)] = _word(is_on=news.health.armed)
    if news.newest is not None:
        told[topics.of(camera, "event")] = event_words(news.newest).encode()
        told[topics.of(camera, "event/attributes")] = _attributes(news.newest)
    if pictures and news.picture is not None:
        told[topics.of(camera, "picture")] = news.picture
    return told


def told_of_device(topics: HomeTopics, cameras: tuple[CameraHealth, ...]) -> Told:
    """All of the device itself, but for its status. It is armed if every camera is."""
    told = {topics.config(None): _document(topics, None, {"armed": _switch(topics, None)})}
    known = [one.armed for one in cameras if one.armed is not None]
    if known:
        told[topics.armed(None)] = _word(is_on=all(known))
    return told


def event_words(event: Event) -> str:
    """An event in a line: `Person in drive`, `Tamper: covered`."""
    cause = event.cause if event.kind in _HAVE_CAUSES else None
    detail = event.label if event.label not in {None, event.kind} else cause
    words = f"{_name(event.kind)}{f': {detail}' if detail else ''}{f' in {event.zone}' if event.zone else ''}"
    return printable(words)[:_MOST_CHARACTERS]


def _of_camera(topics: HomeTopics, camera: CameraId, *, pictures: bool) -> dict[str, dict[str, object]]:
    def sensor(what: str, kind: str, **more: object) -> dict[str, object]:
        state = topics.of(camera, what)
        return {"platform": "binary_sensor", "name": _name(what), "device_class": kind, "state_topic": state, **more}

    event = topics.of(camera, "event")
    picture = {"name": "Last event", "image_topic": topics.of(camera, "picture"), "content_type": "image/jpeg"}
    return {
        **{str(kind): sensor(kind, home) for kind, home in KINDS.items()},
        "connected": sensor("connected", "connectivity", entity_category="diagnostic"),
        "armed": _switch(topics, camera),
        "event": {
            "platform": "sensor",
            "name": "Last event",
            "icon": "mdi:cctv",
            "state_topic": event,
            "json_attributes_topic": f"{event}/attributes",
        },
        # One without anything else is taken away, if it was there.
        "picture": {"platform": "image", **(picture if pictures else {})},
    }


def _switch(topics: HomeTopics, camera: CameraId | None) -> dict[str, object]:
    places = {"state_topic": topics.armed(camera), "command_topic": topics.command(camera)}
    return {"platform": "switch", "name": "Armed", "icon": "mdi:shield", **places}


def _document(topics: HomeTopics, camera: CameraId | None, components: dict[str, dict[str, object]]) -> bytes:
    identity = topics.identity(camera)
    device: dict[str, object] = {"identifiers": [identity], "manufacturer": "Smartcam", "sw_version": __version__}
    if camera is None:
        device |= {"name": topics.thing, "model": "Smartcam"}
    else:
        device |= {"name": f"{topics.thing} {camera}", "model": "Camera", "via_device": topics.identity(None)}
    for name, one in components.items():
        if len(one) > 1:
            one["unique_id"] = f"{identity}_{name}"
    return dump_object(
        {
            "device": device,
            "origin": {"name": "Smartcam", "sw_version": __version__},
            "availability_topic": topics.status(),
            "qos": 1,
            "components": components,
        }
    )


def _attributes(event: Event) -> bytes:
    return dump_object(
        {
            "event_id": event.event_id,
            "kind": event.kind,
            "label": event.label,
            "score": event.score,
            "zone": event.zone,
            "rule": event.rule,
            "severity": event.severity,
            "started_at": _time(event.started_at),
            "ended_at": _time(event.ended_at),
        }
    )


def _time(at: UtcNs | None) -> str | None:
    return None if at is None else format_utc(at)


def _name(word: str) -> str:
    return word.replace("_", " ").capitalize()


def _word(*, is_on: bool) -> bytes:
    return ON if is_on else OFF
