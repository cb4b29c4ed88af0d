"""`smartcam alerts verdict`: say whether an event was one. The history keeps it, and the device learns from it."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from infra.alerts.runtime.agreed import ARRIVED_AT
from infra.alerts.runtime.aws.dynamo import Table, Values, text
from infra.fleet.runtime.aws import DynamoRegistry, IotAnswers
from infra.fleet.runtime.device import Device
from infra.fleet.runtime.ports import Answers, ChangedMeanwhile, Registry
from smartcam.contract.errors import ContractError
from smartcam.contract.ids import EventId, ThingName, event_id
from smartcam.contract.times import UtcNs, format_utc
from smartcam.contract.wanted import Verdict
from tools.alerts.arming import place_of, told
from tools.alerts.devices import change
from tools.alerts.history import VERDICT_ATTRIBUTE, HistoryReader, verdict_word
from tools.alerts.stack import FAULTS, find_site
from tools.command_line import complain, new_parser

_WORDS: Final = {"true": True, "false": False}
_JUDGE: Final = f"SET {VERDICT_ATTRIBUTE} = :verdict, judged_at = :at"
_IS_NEWS: Final = (
    f"attribute_exists({ARRIVED_AT}) AND (attribute_not_exists({VERDICT_ATTRIBUTE}) OR {VERDICT_ATTRIBUTE} <> :verdict)"
)
_UNDO: Final = f"REMOVE {VERDICT_ATTRIBUTE}, judged_at"
_IS_JUDGED: Final = f"attribute_exists({ARRIVED_AT}) AND attribute_exists({VERDICT_ATTRIBUTE})"


class VerdictBook(Protocol):
    """Where verdicts stand: with their events."""

    def places(self, event: EventId, now: UtcNs) -> Sequence[str]:
        """The cameras (`thing/camera`) of which an event with this id has arrived."""

    def judge(self, place: str, event: EventId, now: UtcNs, *, true: bool | None) -> bool:
        """Keep a verdict, None: forget it; the same again changes nothing. False where there is no such event."""


@dataclass(frozen=True, slots=True)
class DynamoVerdictBook:
    """A `VerdictBook` in the history's table."""

    table: Table

    def places(self, event: EventId, now: UtcNs) -> Sequence[str]:
        """See VerdictBook."""
        return HistoryReader(self.table.client, self.table.name).places(event, now)

    def judge(self, place: str, event: EventId, now: UtcNs, *, true: bool | None) -> bool:
        """See VerdictBook."""
        key = place, f"event#{event}"
        if true is None:
            changed, item = self.table.update(key, _UNDO, {}, _IS_JUDGED)
        else:
            values: Values = {":verdict": {"BOOL": true}, ":at": text(format_utc(now))}
            changed, item = self.table.update(key, _JUDGE, values, _IS_NEWS)
        return changed or ARRIVED_AT in item


def parser_of() -> argparse.ArgumentParser:
    """The verb's arguments."""
    parser = new_parser("alerts verdict", __doc__)
    parser.add_argument("event", metavar="EVENT", help="its id, as smartcam alerts tail shows it")
    parser.add_argument("verdict", nargs="?", choices=tuple(_WORDS), help="whether it was one")
    parser.add_argument("--undo", action="store_true", help="take back what was said")
    parser.add_argument("--camera", metavar="THING/CAMERA", help="of this camera, where several have such an event")
    return parser


def main(argv: Sequence[str]) -> int:
    """Keep a verdict, and tell its device; 0, 1 where that is not possible."""
    parser = parser_of()
    options = parser.parse_args(argv)
    if options.undo == (options.verdict is not None):
        parser.error("give true or false, or --undo")
    try:
        _asked(options)
        site = find_site()
        table = Table(site.client("dynamodb"), site.output("TableName"))
        answers = IotAnswers(site.client("iot-data"))
        return run(options, DynamoVerdictBook(table), DynamoRegistry(table), answers, UtcNs(time.time_ns()))
    except (ContractError, *FAULTS) as error:
        return complain("alerts", error)


def run(options: argparse.Namespace, book: VerdictBook, registry: Registry, answers: Answers, now: UtcNs) -> int:
    """What `main` does with a history, a registry and a way to the devices. Raises ContractError."""
    event, true = _asked(options), _WORDS.get(options.verdict)
    places = book.places(event, now) if options.camera is None else [options.camera]
    if len(places) > 1:
        return complain("alerts", f"{event} is an event of {', '.join(places)}; remedy: name one of them with --camera")
    if not places or not book.judge(places[0], event, now, true=true):
        where = "" if options.camera is None else f" of {options.camera}"
        remedy = "remedy: see smartcam alerts tail --since 1d; one that has just arrived may take a few seconds"
        return complain("alerts", f"the history has no event {event}{where}; {remedy}")
    print(f"{places[0]} {event}: {'no verdict' if true is None else verdict_word(true)}")
    thing = ThingName(places[0].partition("/")[0])
    try:
        device = change(registry, thing, lambda found: found.judging(event, now, true=true))
    except ChangedMeanwhile as error:
        return complain("alerts", error)
    if device is None:
        print(f"nothing was ever heard from {thing}, so that it is not told")
    else:
        print(_told_of(device, None if true is None else Verdict(event, true), answers, now))
    return 0


def _told_of(device: Device, verdict: Verdict | None, answers: Answers, now: UtcNs) -> str:
    """Tell the device, and say what will become of that."""
    if device.wanted_revision is None:
        return f"{device.thing} runs {device.version or 'an old release'}, which takes no verdicts"
    answer = device.answer(now)
    if verdict is not None and answer is not None and not answer.verdicts:
        wishes = len(answer.cameras)
        return (
            f"{device.thing} cannot be told: the wishes of {wishes} cameras fill the message; "
            f"remedy: arm or disarm the whole device"
        )
    return told(device, answers, now)


def _asked(options: argparse.Namespace) -> EventId:
    """The event that is meant. Raises ContractError where there can be none, or no such camera."""
    if options.camera is not None and place_of(options.camera)[1] is None:
        raise ContractError("--camera", "must be THING/CAMERA", options.camera)
    return event_id(options.event.strip().lower(), "EVENT")
