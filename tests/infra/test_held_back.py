"""An event that a device's filter holds back: it is in the history, and nobody is alerted."""

from dataclasses import replace

import pytest

from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.history import DynamoHistory
from infra.alerts.runtime.ports import AlertState, Decision
from infra.fleet.runtime.device import TAKEN
from smartcam.contract.ack import AckStatus
from smartcam.contract.event import HELD_BACK, Event, EventKind, Severity
from tests.infra import test_history
from tests.infra.sample import cleared, raised
from tests.infra.test_history import KEEP_S, LEASE_S
from tests.infra.test_quiet_alerting import HOUR, night_cloud
from tests.infra.world import Cloud

table = test_history.table
COOLDOWN_S = 300
A_WHILE_S = 2 * 3600


def held(number: int = 1, **changes: object) -> Event:
    return raised(number, held_back="events 3", **changes)


def test_this_cloud_says_that_it_takes_such_an_event() -> None:
    assert HELD_BACK in TAKEN


def test_it_is_stored_and_acknowledged_and_alerts_nobody() -> None:
    cloud = Cloud(COOLDOWN_S)
    assert cloud.deliver(held()) is Outcome.UNWANTED
    assert cloud.history.newest_of(held()) == held()
    assert cloud.replies.sent[-1][1].status is AckStatus.ACCEPTED
    assert cloud.deliver(held()) is Outcome.REPEATED
    cloud.tick(A_WHILE_S)
    assert cloud.notifier.all == []
    assert cloud.history.told(held()) == {"everyone": Decision(AlertState.UNWANTED)}


def test_its_end_completes_the_history_and_alerts_nobody() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(held())
    assert cloud.deliver(cleared()) is Outcome.COMPLETED
    cloud.tick(A_WHILE_S)
    assert cloud.notifier.all == []


def test_it_begins_no_cooldown_and_no_closing_message_counts_it() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(held(1))
    assert cloud.deliver(raised(2)) is Outcome.SENT
    cloud.deliver(held(3))
    cloud.tick(A_WHILE_S)
    assert set(cloud.told_ids()) == {raised(2).event_id}


def test_no_digest_of_quiet_hours_counts_it() -> None:
    cloud = night_cloud()
    cloud.deliver(held())
    cloud.tick(12 * HOUR)
    assert cloud.notifier.all == []


def test_a_better_name_that_is_not_held_back_alerts_after_all_and_once() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(held(kind=EventKind.MOTION, severity=Severity.INFO))
    assert cloud.deliver(raised(revision=1)) is Outcome.SENT
    assert cloud.deliver(raised(revision=1)) is Outcome.REPEATED
    cloud.tick(A_WHILE_S)
    assert len(cloud.notifier.all) == 1


@pytest.mark.parametrize("states", [(Outcome.SENT,), (Outcome.SENT, Outcome.SUPPRESSED)])
def test_a_better_name_that_is_held_back_takes_back_nothing_that_people_have_heard_or_will_hear(
    states: tuple[Outcome, ...],
) -> None:
    cloud, last = Cloud(COOLDOWN_S), len(states)
    assert tuple(cloud.deliver(raised(number)) for number in range(1, last + 1)) == states
    assert cloud.deliver(held(last, revision=1)) is Outcome.REPEATED
    cloud.tick(A_WHILE_S)
    assert set(cloud.told_ids().values()) == {1}
    assert len(cloud.told_ids()) == last


def test_what_waits_for_its_turn_and_is_held_back_by_then_alerts_nobody() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    assert cloud.deliver(raised()) is Outcome.DEFERRED
    assert cloud.deliver(held(revision=1)) is Outcome.UNWANTED
    cloud.notifier.down = False
    cloud.tick(A_WHILE_S)
    assert cloud.notifier.all == []


@pytest.mark.parametrize("kind", ["tamper", "camera_lost", "camera_restored", "device_lost", "test"])
def test_no_device_can_silence_that_a_camera_is_tampered_with_or_lost(kind: str) -> None:
    assert Cloud().deliver(held(kind=EventKind(kind))) is Outcome.SENT


def test_the_real_history_keeps_it_and_its_better_name(table: Table) -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.history = DynamoHistory(table, LEASE_S, KEEP_S)  # type: ignore[assignment]  # the real one, on moto
    assert cloud.deliver(held()) is Outcome.UNWANTED
    assert cloud.deliver(held(revision=1)) is Outcome.REPEATED
    assert cloud.deliver(raised(revision=2)) is Outcome.SENT
    [item] = table.client.scan(TableName="history")["Items"]
    assert item["alert_state"]["S"] == AlertState.SENT
    assert Event.from_json(item["raised"]["S"]) == replace(raised(), revision=2)
