"""`smartcam alerts test`: send one test alert through broker, rule, function, table and topic.

It fails when a group that it went to has no confirmed subscription, although SNS accepts the alert.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.ports import AlertState
from infra.fleet.runtime.aws import DynamoRegistry
from infra.fleet.runtime.device import Device
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import RANDOM_BYTES_OF_AN_EVENT_ID, CameraId, ThingName, camera_id, new_event_id, thing_name
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.topics import event_topic
from smartcam.edge.arguments import number
from tools.alerts.history import HistoryReader, HistoryRecord, line
from tools.alerts.reach import Reach, reach_of
from tools.alerts.stack import FAULTS, find_site
from tools.command_line import complain, new_parser

_VALID_S: Final = 3600
_POLL_S: Final = 0.25
_MEANINGS: Final = {
    AlertState.SENT: "sent: it is on its way to everybody whose filter lets it through",
    AlertState.HELD: "held: quiet hours; it comes with the digest at their end",
    AlertState.SUPPRESSED: "suppressed: another test was sent a moment ago",
    AlertState.UNWANTED: "unwanted: nobody's filter takes it; see the groups' cameras, kinds and severities",
    AlertState.STALE: "stale: this machine's clock is wrong",
}


class TrialError(Exception):
    """The test cannot be made: why, and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a test event, `after_s` after it was published, and whom the groups reach."""

    record: HistoryRecord | None
    after_s: float
    reach: tuple[Reach, ...] = ()

    @property
    def was_sent(self) -> bool:
        """Whether SNS has it."""
        return self.record is not None and self.record.state == AlertState.SENT

    @property
    def unreached(self) -> tuple[str, ...]:
        """The groups that it was sent to but in which nobody gets it."""
        told = () if self.record is None else self.record.told
        return tuple(one.group for one in self.reach if not one.confirmed and f"{one.group}={AlertState.SENT}" in told)


def test_event(thing: ThingName, camera: CameraId, severity: Severity, now: UtcNs) -> Event:
    """An event that says what it is."""
    return Event(
        event_id=new_event_id(now, secrets.token_bytes(RANDOM_BYTES_OF_AN_EVENT_ID)),
        thing=thing,
        camera_id=camera,
        kind=EventKind.TEST,
        phase=Phase.RAISED,
        severity=severity,
        started_at=now,
        expires_at=UtcNs(now + _VALID_S * NS_PER_S),
        score=1.0,
        threshold=0.0,
        clock_synced=True,
        age_ms=0,
        label="a test from a terminal",
    )


def thing_of(camera: CameraId, devices: Sequence[Device]) -> ThingName:
    """The only device that has the camera. Raises TrialError where none has, or several have."""
    things = [one.thing for one in devices if any(known.camera_id == camera for known in one.cameras)]
    if len(things) == 1:
        return things[0]
    if not things:
        known = sorted({one.camera_id for device in devices for one in device.cameras})
        heard = f"known are {', '.join(known)}" if known else "no device has been heard from"
        raise TrialError(f"no device has a camera {camera} ({heard}): give --thing")
    raise TrialError(f"{', '.join(things)} have a camera {camera}: give --thing")


def wait_for(
    read: Callable[[], HistoryRecord | None],
    limit_s: float,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> Found:
    """Poll until the alert's state is final, or the time is up."""
    began = clock()
    while True:
        record, after_s = read(), clock() - began
        if after_s >= limit_s or (record is not None and record.is_final):
            return Found(record, after_s)
        sleep(_POLL_S)


def verdict(found: Found) -> str:
    """What became of it, for people."""
    if found.record is None:
        return (
            f"nothing was recorded in {found.after_s:.0f} s: look at the dead letters (smartcam alerts redrive"
            " --help), at the rule and at the function's log"
        )
    if not found.record.is_final:
        return f"{found.record.state}: not decided in {found.after_s:.0f} s; the function's log says why"
    meaning = _MEANINGS[AlertState(found.record.state)]
    if found.was_sent and found.unreached:
        meaning = (
            f"sent, but nobody gets it in {', '.join(found.unreached)}: confirm by the mail that SNS sent, or deploy"
            " again with every recipient (docs/alerts.md)"
        )
    return "\n".join([f"{meaning} ({found.after_s:.1f} s)", line(found.record), *map(str, found.reach)])


def main(argv: Sequence[str]) -> int:
    """Publish, wait, report. 0 only when the alert was sent and somebody in each of its groups gets it."""
    parser = new_parser("alerts test", __doc__)
    parser.add_argument("--camera", required=True, help="the camera that the test event is from")
    parser.add_argument("--thing", help="its device; needed only where several have such a camera, or none is known")
    parser.add_argument("--severity", choices=list(Severity), type=Severity, default=Severity.WARNING, help="(warning)")
    parser.add_argument(
        "--limit", type=number(0), default=30.0, metavar="SECONDS", help="to wait at most (default: 30)"
    )
    options = parser.parse_args(argv)
    try:
        found = run_trial(options.camera, options.thing, options.severity, options.limit)
    except (TrialError, ContractError, *FAULTS) as error:
        return complain("alerts", error, 2)
    print(verdict(found))
    return 0 if found.was_sent and not found.unreached else 1


def run_trial(camera: str, thing: str | None, severity: Severity, limit_s: float) -> Found:
    """One test through the deployed stack."""
    site = find_site()
    table, camera_name = site.client("dynamodb"), camera_id(camera)
    if thing is None:
        device = thing_of(camera_name, DynamoRegistry(Table(table, site.output("TableName"))).devices())
    else:
        device = thing_name(thing)
    event = test_event(device, camera_name, severity, UtcNs(time.time_ns()))
    site.client("iot-data").publish(topic=event_topic(device, camera_name), qos=1, payload=event.to_json())
    reader, key = HistoryReader(table, site.output("TableName")), (f"{device}/{camera_name}", f"event#{event.event_id}")
    found = wait_for(lambda: reader.record(key), limit_s, time.monotonic, time.sleep)
    return replace(found, reach=reach_of(site)) if found.was_sent else found
