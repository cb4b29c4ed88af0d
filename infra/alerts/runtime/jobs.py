"""What timers are set for: a closing message, a digest, or a delivery that has to wait."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.handover import moment
from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, ThingName, camera_id, thing_name
from smartcam.contract.reading import Fields, parse_object
from smartcam.contract.times import NS_PER_MS, UtcNs

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class CloseWindow:
    """Tell a group what followed an alert; a `sweep` checks again for what was being stored at that moment."""

    thing: ThingName
    camera: CameraId
    group: str
    family: str
    tries: int = 0
    slot: UtcNs | None = None
    sweep: bool = False


@dataclass(frozen=True, slots=True)
class SendDigest:
    """Send a group the digest of its quiet hours."""

    group: str
    ends: UtcNs
    tries: int = 0
    slot: UtcNs | None = None


@dataclass(frozen=True, slots=True)
class DeliverAgain:
    """Take a delivery again. `tries` have failed; `slots` are the turns that its groups were given, as `slot` above."""

    delivery: Delivery
    tries: int = 0
    slots: Mapping[str, UtcNs] = field(default_factory=dict)


Job = CloseWindow | SendDigest | DeliverAgain


def job_to_json(due: UtcNs, job: Job) -> str:
    """A queue message that holds a job; times in milliseconds, rounded up, so that nothing rings early."""
    return json.dumps({"schema": SCHEMA, "due_ms": -(-due // NS_PER_MS), **_fields(job)}, separators=(",", ":"))


def _fields(job: Job) -> dict[str, object]:
    match job:
        case CloseWindow():
            place = {"thing": job.thing, "camera": job.camera}
            more = {"group": job.group, "family": job.family, "sweep": job.sweep}
            return {"job": "close", **place, **more, **_attempt(job)}
        case SendDigest():
            return {"job": "digest", "group": job.group, "ends_ms": job.ends // NS_PER_MS, **_attempt(job)}
        case DeliverAgain():
            slots = {group: slot // NS_PER_MS for group, slot in job.slots.items()}
            return {"job": "deliver", "delivery": job.delivery.document(), "tries": job.tries, "slots": slots}


def _attempt(job: CloseWindow | SendDigest) -> dict[str, object]:
    slot = {} if job.slot is None else {"slot_ms": job.slot // NS_PER_MS}
    return {"tries": job.tries, **slot}


def job_from_json(text: str) -> tuple[UtcNs, Job]:
    """When it is due, and the job. Raises ContractError."""
    fields = Fields(parse_object(text, "job"))
    if fields.integer("schema") != SCHEMA:
        raise ContractError("schema", f"must be {SCHEMA}")
    return moment(fields, "due_ms"), _job(fields)


def _job(fields: Fields) -> Job:
    kind = fields.text("job")
    if kind == "close":
        thing, camera = thing_name(fields.text("thing")), camera_id(fields.text("camera"))
        group, family = fields.text("group"), fields.text("family")
        tries, sweep = fields.integer("tries"), fields.boolean("sweep")
        return CloseWindow(thing, camera, group, family, tries, _slot(fields), sweep)
    if kind == "digest":
        return SendDigest(fields.text("group"), moment(fields, "ends_ms"), fields.integer("tries"), _slot(fields))
    if kind == "deliver":
        slots = fields.inner("slots")
        return DeliverAgain(
            Delivery.from_rule(fields.inner("delivery").document),
            fields.integer("tries"),
            {group: moment(slots, group) for group in slots.document},
        )
    raise ContractError("job", "must be close, digest or deliver")


def _slot(fields: Fields) -> UtcNs | None:
    return moment(fields, "slot_ms") if fields.has("slot_ms") else None
