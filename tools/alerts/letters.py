"""What is in the queues of failures, and what to do with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.alerts.runtime.handover import REDRIVEN
from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields, parse_object

MOST_REDRIVES: Final = 3
"""What still fails after this many redrives stays for a person to examine."""


_REPLACED: Final = "a sign of life, which the device's next one has replaced"


class Action(StrEnum):
    """What becomes of a letter."""

    INVOKE = "start the function with it"
    RING = "put it back among the timers"
    KEEP = "keep it"


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """An action with its body (empty where the letter is kept) and, for a person, the reason."""

    action: Action
    body: str
    reason: str


def plan_unhandled(body: str, *, refused_too: bool) -> PlannedAction:
    """A letter from the function: it failed on an event, or refused it."""
    try:
        fields = Fields(parse_object(body, "letter"))
        condition = fields.inner("requestContext").text("condition")
        payload = dict(fields.inner("requestPayload").document)
        answer = fields.inner("responsePayload").document if fields.has("responsePayload") else {}
    except ContractError as error:
        return PlannedAction(Action.KEEP, "", f"is not a letter from the function ({error})")
    reason = f"{condition}: {answer.get('errorMessage', 'no reason')}"
    if "topic_thing" in payload and "topic_camera" not in payload:
        return PlannedAction(Action.KEEP, "", f"{reason}; {_REPLACED}")
    if condition == "Refused" and not refused_too:
        return PlannedAction(Action.KEEP, "", reason)
    return _again(payload, reason, Action.INVOKE)


def plan_undelivered(body: str, sent_ms: int) -> PlannedAction:
    """A letter from the broker: its rule could not start the function."""
    try:
        fields = Fields(parse_object(body, "letter"))
        topic = fields.text("topic")
        if topic.endswith("/health") or topic.startswith("$aws/events/presence/"):
            return PlannedAction(Action.KEEP, "", f"is from {topic}: {_REPLACED}")
        _, _, thing, camera, kind = topic.split("/")
        if kind != "event":
            return PlannedAction(Action.KEEP, "", f"is from the topic {topic}")
        document: dict[str, object] = {
            "payload": fields.text("base64OriginalPayload", 200_000),
            "topic_thing": thing,
            "topic_camera": camera,
            "arrived_ms": sent_ms,
        }
        failures = fields.items("failures")
    except (ContractError, ValueError) as error:
        return PlannedAction(Action.KEEP, "", f"is not a letter from the broker ({error})")
    return _again(document, f"the rule failed: {_first_error(failures)}", Action.INVOKE)


def plan_untimely(body: str) -> PlannedAction:
    """An event or a timer that the function failed on until the queue gave up."""
    try:
        document = parse_object(body, "letter")
    except ContractError as error:
        return PlannedAction(Action.KEEP, "", f"is not a timer ({error})")
    if "topic_thing" in document:  # not by the queue: what a person hands over has no bound
        return _again(document, f"an event of {document['topic_thing']}", Action.INVOKE)
    return _again(document, f"a timer for {document.get('job', 'nothing')}", Action.RING)


def _again(document: dict[str, object], reason: str, action: Action) -> PlannedAction:
    before = document.get(REDRIVEN, 0)
    times = before if isinstance(before, int) else 0
    if times >= MOST_REDRIVES:
        return PlannedAction(Action.KEEP, "", f"{reason}; it has been redriven {times} times already")
    return PlannedAction(action, json.dumps(document | {REDRIVEN: times + 1}), reason)


def _first_error(failures: list[object]) -> str:
    first = failures[0] if failures else {}
    return str(first.get("errorMessage", "no reason")) if isinstance(first, Mapping) else "no reason"
