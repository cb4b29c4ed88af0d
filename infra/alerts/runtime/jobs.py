"""What timers are set for: closing messages, digests, deliveries that have to wait, and a group's waiting messages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.handover import moment
from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, ThingName, camera_id, thing_name
from smartcam.contract.reading import Fields, parse_object
from smartcam.contract.times import NS_PER_MS, UtcNs

SCHEMA: Final = 1
_KINDS: Final = ("close", "digest", "deliver", "waiting")


@dataclass(frozen=True, slots=True)
class CloseWindow:
    """Tell a group what followed an alert; a `sweep` checks again for what was being stored at that moment."""

    thing: ThingName
    camera: CameraId
    group: str
    family: str
    tries: int = 0
    sweep: bool = False


@dataclass(frozen=True, slots=True)
class SendDigest:
    """Send a group the digest of its quiet hours."""

    group: str
    ends: UtcNs
    tries: int = 0


@dataclass(frozen=True, slots=True)
class DeliverAgain:
    """Take a delivery again; `tries` have failed."""

    delivery: Delivery
    tries: int = 0


@dataclass(frozen=True, slots=True)
class SendWaiting:
    """Send what waits for a group's turn; SNS has failed so many `tries` in a row."""

    group: str
    tries: int = 0


Job = CloseWindow | SendDigest | DeliverAgain | SendWaiting


def job_to_json(due: UtcNs, job: Job) -> str:
    """A queue message that holds a job; times in milliseconds, rounded up, so that nothing rings early."""
    return json.dumps(document_of(due, job), separators=(",", ":"))


def document_of(due: UtcNs, job: Job) -> dict[str, object]:
    """What `job_to_json` writes."""
    return {"schema": SCHEMA, "due_ms": -(-due // NS_PER_MS), **_fields(job)}


def _fields(job: Job) -> dict[str, object]:
    match job:
        case CloseWindow():
            place = {"thing": job.thing, "camera": job.camera}
            more = {"group": job.group, "family": job.family, "sweep": job.sweep}
            return {"job": "close", **place, **more, "tries": job.tries}
        case SendDigest():
            return {"job": "digest", "group": job.group, "ends_ms": job.ends // NS_PER_MS, "tries": job.tries}
        case DeliverAgain():
            return {"job": "deliver", "delivery": job.delivery.document(), "tries": job.tries}
        case SendWaiting():
            return {"job": "waiting", "group": job.group, "tries": job.tries}


def job_from_json(text: str) -> tuple[UtcNs, Job]:
    """When it is due, and the job. Raises ContractError."""
    return job_from(parse_object(text, "job"))


def job_from(document: Mapping[str, object]) -> tuple[UtcNs, Job]:
    """The inverse of `document_of`. Raises ContractError."""
    fields = Fields(document)
    if fields.integer("schema") != SCHEMA:
        raise ContractError("schema", f"must be {SCHEMA}")
    return moment(fields, "due_ms"), _job(fields)


def _job(fields: Fields) -> Job:
    kind = fields.text("job")
    tries = fields.integer("tries") if kind in _KINDS else 0
    if kind == "close":
        thing, camera = thing_name(fields.text("thing")), camera_id(fields.text("camera"))
        return CloseWindow(thing, camera, fields.text("group"), fields.text("family"), tries, fields.boolean("sweep"))
    if kind == "digest":
        return SendDigest(fields.text("group"), moment(fields, "ends_ms"), tries)
    if kind == "deliver":
        return DeliverAgain(Delivery.from_rule(fields.inner("delivery").document), tries)
    if kind == "waiting":
        return SendWaiting(fields.text("group"), tries)
    raise ContractError("job", f"must be one of {', '.join(_KINDS)}")
