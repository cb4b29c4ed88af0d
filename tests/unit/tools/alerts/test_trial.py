"""A test alert: whose it is, what is waited for, and what a person is told."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.ports import AlertState
from infra.fleet.runtime.device import Device, KnownCamera
from smartcam.contract.event import EventKind, Severity
from smartcam.contract.health import CameraCondition
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import format_utc
from tests.infra.sample import NOON, raised
from tools.alerts.history import HistoryRecord
from tools.alerts.reach import Reach, reach_of
from tools.alerts.stack import AlertsSite
from tools.alerts.trial import Found, TrialError, thing_of, verdict, wait_for
from tools.alerts.trial import test_event as event_for_test

GATE, DOOR = CameraId("gate"), CameraId("door")


def device(name: str, *cameras: CameraId) -> Device:
    known = tuple(KnownCamera(camera, CameraCondition.RUNNING) for camera in cameras)
    return Device(ThingName(name), NOON, NOON, cameras=known)


def record(state: AlertState) -> HistoryRecord:
    return HistoryRecord(("yard-1/gate", f"event#{raised().event_id}"), format_utc(NOON), state, raised())


def test_the_event_says_that_it_is_a_test_and_passes_every_check() -> None:
    event = event_for_test(ThingName("yard-1"), GATE, Severity.CRITICAL, NOON)
    assert (event.kind, event.severity, event.label) == (EventKind.TEST, Severity.CRITICAL, "a test from a terminal")
    assert Delivery(event.thing, event.camera_id, event.to_json(), NOON).event() == event


def test_the_device_is_the_one_that_has_the_camera() -> None:
    assert thing_of(DOOR, [device("yard-1", GATE), device("yard-2", GATE, DOOR)]) == "yard-2"


@pytest.mark.parametrize(
    ("devices", "reason"),
    [
        ([], "no device has been heard from"),
        ([device("yard-1", DOOR)], "known are door"),
        ([device("yard-1", GATE), device("yard-2", GATE)], "yard-1, yard-2 have a camera gate"),
    ],
)
def test_where_that_is_nobody_or_several_the_thing_must_be_named(devices: list[Device], reason: str) -> None:
    with pytest.raises(TrialError, match=reason) as caught:
        thing_of(GATE, devices)
    assert "--thing" in str(caught.value)


@dataclass
class Progress:
    """A history that comes a step further each time somebody waits."""

    states: list[AlertState | None]
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def read(self) -> HistoryRecord | None:
        state = self.states[0]
        return None if state is None else record(state)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if len(self.states) > 1:
            self.states.pop(0)

    def wait(self, limit_s: float = 30.0) -> Found:
        return wait_for(self.read, limit_s, lambda: self.now, self.sleep)


def test_it_is_waited_for_until_the_alert_is_sent() -> None:
    found = Progress([None, AlertState.RECORDED, AlertState.SENDING, AlertState.SENT]).wait()
    assert found.was_sent
    assert found.after_s == 0.75
    assert verdict(found).startswith("sent: it is on its way to everybody whose filter lets it through (0.8 s)\n")


@pytest.mark.parametrize(
    ("state", "beginning"),
    [
        (AlertState.HELD, "held: quiet hours"),
        (AlertState.SUPPRESSED, "suppressed: another"),
        (AlertState.UNWANTED, "unwanted: nobody's filter"),
        (AlertState.STALE, "stale: this machine's clock"),
    ],
)
def test_what_became_of_it_instead_is_explained(state: AlertState, beginning: str) -> None:
    found = Progress([state]).wait()
    assert not found.was_sent
    assert verdict(found).startswith(beginning)


def test_when_nothing_comes_a_person_learns_where_to_look() -> None:
    found = Progress([None]).wait(limit_s=2)
    assert (found.was_sent, found.after_s) == (False, 2.0)
    assert "nothing was recorded in 2 s: look at the dead letters" in verdict(found)
    stuck = Progress([AlertState.SENDING]).wait(limit_s=1)
    assert verdict(stuck) == "SENDING: not decided in 1 s; the function's log says why"


def test_a_record_without_its_event_is_told_too() -> None:
    assert "unreadable SENT" in verdict(Found(replace(record(AlertState.SENT), event=None), 1.0))


WAITING = Reach("everyone", 0, ("anna@example.org",))


def sent_to(*groups: str) -> HistoryRecord:
    return replace(record(AlertState.SENT), told=tuple(f"{group}=SENT" for group in groups))


def test_what_was_sent_and_nobody_gets_is_told_as_that() -> None:
    found = Found(sent_to("everyone"), 1.0, (WAITING,))
    assert found.unreached == ("everyone",)
    first, _, last = verdict(found).splitlines()
    assert first.startswith("sent, but nobody gets it in everyone: confirm by the mail that SNS sent, or deploy again")
    assert last == "everyone: 0 confirmed, 1 waits for its confirmation: anna@example.org"


def test_each_group_is_looked_at_on_its_own_and_only_where_it_was_sent() -> None:
    family, shop = Reach("family", 1, ("ben@example.org",)), Reach("shop", 0)
    assert Found(sent_to("family", "shop"), 1.0, (family, shop)).unreached == ("shop",)
    assert Found(sent_to("family"), 1.0, (family, shop)).unreached == ()
    assert [str(one) for one in (family, shop, Reach("x", 2, ("a", "b")))] == [
        "family: 1 confirmed, 1 waits for its confirmation: ben@example.org",
        "shop: 0 confirmed",
        "x: 2 confirmed, 2 wait for their confirmation: a, b",
    ]


class DeployedSite(AlertsSite):
    """A function that knows two groups, and what SNS has of their topics, in pages."""

    def client(self, service: str) -> Any:  # noqa: ANN401
        return {"lambda": self, "sns": self}[service]

    def get_function_configuration(self, *, FunctionName: str) -> object:  # noqa: N803 - AWS's
        assert FunctionName == "alerter"
        audience = json.dumps({"groups": [{"name": "family"}, {"name": "shop"}]})
        return {"Environment": {"Variables": {"AUDIENCE": audience, "TOPIC_ARNS": '["t1", "t2"]'}}}

    def get_paginator(self, name: str) -> "DeployedSite":
        assert name == "list_subscriptions_by_topic"
        return self

    def paginate(self, *, TopicArn: str) -> list[object]:  # noqa: N803 - AWS's
        arns = {"t1": ["arn:aws:sns:1", "PendingConfirmation"], "t2": ["Deleted"]}[TopicArn]
        return [{"Subscriptions": [{"SubscriptionArn": arn, "Endpoint": f"{arn}@{TopicArn}"}]} for arn in arns]


def test_the_subscriptions_of_every_group_are_what_sns_says() -> None:
    site = DeployedSite({"FunctionName": "alerter"})
    family = Reach("family", 1, ("PendingConfirmation@t1",), ("arn:aws:sns:1@t1", "PendingConfirmation@t1"))
    assert reach_of(site) == (family, Reach("shop", 0))
