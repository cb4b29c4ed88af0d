"""An event that goes out again under a better name: motion that turns out to be a person."""

import pytest

from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.audience import Audience, EventFilter, Group
from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.history import DynamoHistory
from infra.alerts.runtime.deciding import LAST_DECIDED
from infra.alerts.runtime.facts import HeldEvent
from infra.alerts.runtime.ports import AlertState, Claim, Closing, Decision, Digests, History, Record, Windows
from infra.alerts.runtime.turns import alert_of
from infra.alerts.runtime.words.render import Purpose
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, EventKind, Severity
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import Crash, Interruption, crash
from tests.infra import test_history
from tests.infra.sample import NOON, raised
from tests.infra.test_history import COOLDOWN_S, ENDS, KEEP_S, LEASE_S, SPOT, later, leased
from tests.infra.test_quiet_alerting import HOUR, night_cloud
from tests.infra.world import EVERYONE, RETRY_S, Cloud, ids_in

table, history = test_history.table, test_history.history
windows, digests = test_history.windows, test_history.digests

A_WHILE_S = 2 * 3600  # longer than anything that waits
GUARDS = Group("guards", "arn:guards", emails=1, wanted=EventFilter(kinds=frozenset({EventKind.PERSON})))


def motion(number: int = 1) -> Event:
    return raised(number, kind=EventKind.MOTION, severity=Severity.INFO, cause="motion")


def person(number: int = 1, revision: int = 1, **changes: object) -> Event:
    return raised(number, cause="detected", label="person", revision=revision, **changes)


def test_a_better_name_is_in_the_history_and_alerts_nobody_a_second_time() -> None:
    cloud = Cloud(COOLDOWN_S)
    assert cloud.deliver(motion()) is Outcome.SENT
    assert cloud.deliver(person()) is Outcome.REPEATED
    assert cloud.history.newest_of(motion()) == person()
    assert cloud.replies.sent[-1][1] == Acknowledgement(person().event_id, person().phase, AckStatus.ACCEPTED, "", 1)
    cloud.tick(A_WHILE_S)
    assert len(cloud.notifier.all) == 1


def test_who_did_not_want_to_hear_of_motion_is_alerted_when_it_turns_out_to_be_a_person() -> None:
    cloud = Cloud(COOLDOWN_S, Audience((EVERYONE, GUARDS)))
    cloud.deliver(motion())
    assert cloud.deliver(person()) is Outcome.SENT
    assert [one.group for one in cloud.notifier.published] == ["everyone", "guards"]
    assert cloud.deliver(person()) is Outcome.REPEATED
    decided = {"everyone": Decision(AlertState.SENT), "guards": Decision(AlertState.SENT, 1)}
    assert cloud.history.told(motion()) == decided


def test_motion_that_the_cooldown_held_back_passes_it_as_a_person_and_is_told_of_once() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(motion(1))
    assert cloud.deliver(motion(2)) is Outcome.SUPPRESSED
    assert cloud.deliver(person(2)) is Outcome.SENT
    cloud.tick(A_WHILE_S)
    assert set(cloud.told_ids().values()) == {1}
    assert cloud.sent(Purpose.CLOSING) == []


def test_what_stays_held_back_is_counted_once_and_by_its_better_name() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    assert cloud.deliver(motion(2)) is Outcome.SUPPRESSED
    assert cloud.deliver(person(2)) is Outcome.SUPPRESSED
    cloud.tick(A_WHILE_S)
    [closing] = cloud.sent(Purpose.CLOSING)
    assert closing.alert.sms.endswith("(1 person)")


def test_quiet_hours_hold_it_once_and_their_digest_has_the_better_name() -> None:
    cloud = night_cloud()
    assert cloud.deliver(motion()) is Outcome.HELD
    assert cloud.deliver(person()) is Outcome.HELD
    cloud.tick(12 * HOUR)
    [digest] = cloud.notifier.all
    assert "gate: 1 (1 person)" in digest.alert.email
    assert cloud.deliver(person(revision=2)) is Outcome.REPEATED
    cloud.tick(A_WHILE_S)
    assert len(cloud.notifier.all) == 1


def test_an_older_name_that_comes_late_changes_nothing() -> None:
    cloud = Cloud(COOLDOWN_S, Audience((EVERYONE, GUARDS)))
    cloud.deliver(person())
    assert cloud.deliver(motion()) is Outcome.REPEATED
    assert cloud.history.newest_of(motion()) == person()
    assert [one.facts["kind"] for one in cloud.notifier.published] == ["person"] * 2
    assert cloud.replies.sent[-1][1].revision == 0


def test_while_an_event_waits_it_may_get_a_better_name_and_is_alerted_by_that_alone() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.notifier.down = True
    assert cloud.deliver(motion()) is Outcome.DEFERRED
    assert cloud.deliver(person()) is Outcome.DEFERRED
    assert cloud.turns.queues("everyone")[0].waiting == (alert_of(person(), 0),)
    cloud.notifier.down = False
    cloud.tick(A_WHILE_S)
    assert [one.facts["kind"] for one in cloud.notifier.published] == ["person"]


def test_however_often_an_event_gets_a_better_name_its_item_does_not_grow_without_end(table: Table) -> None:
    real, cloud = DynamoHistory(table, LEASE_S, KEEP_S), Cloud(COOLDOWN_S)
    cloud.history = real  # type: ignore[assignment]  # the real one, on moto
    cloud.deliver(raised(1))
    sizes = []
    for revision in range(3 * LAST_DECIDED):
        cloud.deliver(person(2, revision=revision))
        [item] = [
            one for one in table.client.scan(TableName="history")["Items"] if motion(2).event_id in one["item"]["S"]
        ]
        sizes.append(len(item["told"]["SS"]))
    assert item["event_revision"] == {"N": str(3 * LAST_DECIDED - 1)}
    assert max(sizes) == LAST_DECIDED + 1


def test_a_name_whose_number_skips_all_others_is_decided_once() -> None:
    cloud = Cloud(COOLDOWN_S)
    cloud.deliver(raised(1))
    assert cloud.deliver(person(2, revision=5000)) is Outcome.SUPPRESSED
    assert cloud.deliver(person(2, revision=5001)) is Outcome.REPEATED
    assert cloud.replies.sent[-1][1].status is AckStatus.ACCEPTED


def test_a_better_name_that_comes_too_late_for_an_alarm_takes_no_alert_away() -> None:
    cloud = Cloud(COOLDOWN_S, Audience((EVERYONE, GUARDS)))
    cloud.deliver(motion())
    assert cloud.deliver(person(age_ms=2 * 3_600_000)) is Outcome.STALE
    assert cloud.history.state(motion()) is AlertState.SENT
    assert len(cloud.notifier.published) == 1


@pytest.mark.parametrize("first", [raised(9), motion(9)], ids=["stays", "passes"])
def test_a_crash_while_an_event_gets_a_better_name_loses_nothing(first: Event) -> None:
    """In a cooldown of `first`, the motion of another event is held back, then known as a person."""
    audience = Audience((EVERYONE, GUARDS))

    def cloud_before() -> Cloud:
        cloud = Cloud(COOLDOWN_S, audience)
        cloud.deliver(first)
        cloud.deliver(motion())
        return cloud

    between = Interruption()
    cloud_before().deliver(person(), between)
    for at, name in enumerate(between.names):
        cloud = cloud_before()
        with pytest.raises(Crash):
            cloud.deliver(person(), Interruption(at, crash))
        cloud.now.advance(RETRY_S)
        cloud.deliver(person())
        cloud.tick(A_WHILE_S)
        told = {(one.group, each) for one in cloud.notifier.all for each in ids_in(one.alert.document)}
        assert {("everyone", motion().event_id), ("guards", motion().event_id)} <= told, name
        doubled = sum(cloud.told_ids().values()) - len(told)
        assert doubled <= (1 if name in {"after publish", "before settle", "before mark"} else 0), name
        assert cloud.history.newest_of(motion()) == person()


def test_the_newest_revision_is_kept_in_whatever_order_they_come(history: History) -> None:
    assert history.record(person(revision=1), NOON) == Record(AlertState.RECORDED, revision=1)
    assert history.record(motion(), NOON).revision == 1
    assert history.record(person(revision=3), NOON).revision == 3
    assert history.record(person(revision=2), NOON).revision == 3


@pytest.mark.parametrize(
    "final", [AlertState.SENT, AlertState.HELD, AlertState.SUPPRESSED, AlertState.UNWANTED, AlertState.STALE]
)
def test_what_was_decided_can_be_decided_again_but_for_what_is_stale(history: History, final: AlertState) -> None:
    history.record(motion(), NOON)
    history.settle(motion(), leased(history, motion()), final, NOON, ("everyone", final))
    assert history.record(person(), NOON) == Record(final, {"everyone": Decision(final)}, 1)
    lease = history.lease(person(), NOON, again=True)
    assert (lease is None) is (final is AlertState.STALE)
    if lease is not None:
        assert history.lease(person(), NOON, again=True) is None
        history.settle(person(), lease, AlertState.SENT, NOON, ("everyone", AlertState.SENT))
        told = {"everyone": Decision(AlertState.SENT, 1)}
        assert history.record(person(), NOON) == Record(AlertState.SENT, told, 1)


def test_the_item_shows_what_an_event_turned_out_to_be(table: Table) -> None:
    history = DynamoHistory(table, LEASE_S, KEEP_S)
    history.record(motion(), NOON)
    history.record(person(), later(5))
    history.record(motion(), later(6))
    [item] = table.client.scan(TableName="history")["Items"]
    assert (item["kind"], item["severity"]) == ({"S": "person"}, {"S": "warning"})
    assert Event.from_json(item["raised"]["S"]) == person()
    assert item["recorded_at"] == {"S": "2026-03-01T12:00:00.000Z"}


def test_a_window_holds_an_event_back_under_its_last_name_alone(windows: Windows) -> None:
    windows.hold_back(SPOT, motion(), NOON)
    windows.hold_back(SPOT, person(), later(1))
    assert windows.close(SPOT, later(2)) == Closing((HeldEvent.of(person()),), None, None)


def test_an_alert_takes_its_event_out_under_any_name(windows: Windows) -> None:
    windows.hold_back(SPOT, motion(), NOON)
    windows.claim(SPOT, person(), later(1))
    windows.sent(SPOT, person(), Claim(), later(1))
    assert windows.close(SPOT, later(10**6)) is None


def test_a_night_holds_an_event_under_its_last_name_alone(digests: Digests) -> None:
    digests.hold("everyone", ENDS, HeldEvent.of(motion()))
    digests.hold("everyone", ENDS, HeldEvent.of(person()))
    assert digests.open("everyone", ENDS, UtcNs(ENDS + NS_PER_S)) == [HeldEvent.of(person())]


def test_an_item_from_before_there_were_revisions_takes_a_better_name(table: Table) -> None:
    history = DynamoHistory(table, LEASE_S, KEEP_S)
    history.record(motion(), NOON)
    [item] = table.client.scan(TableName="history")["Items"]
    table.client.put_item(
        TableName="history", Item={name: value for name, value in item.items() if name != "event_revision"}
    )
    assert history.record(person(), later(5)).revision == 1
    [item] = table.client.scan(TableName="history")["Items"]
    assert (item["kind"], item["event_revision"]) == ({"S": "person"}, {"N": "1"})
