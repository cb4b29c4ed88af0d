"""A group's round: what goes out, what stays, and what a fault of one message does to the others."""

from dataclasses import replace

import pytest

from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.facts import HeldEvent
from infra.alerts.runtime.jobs import CloseWindow, DeliverAgain, SendDigest, SendWaiting
from infra.alerts.runtime.ports import AlertState, Decision
from infra.alerts.runtime.rounds import LONG_WAIT_S, MOST_BREAKS
from infra.alerts.runtime.turns import A_ROUND, ROUND_S, WaitingAlert, WaitingClosing, alert_of
from infra.alerts.runtime.words.render import Purpose
from smartcam.contract.event import Event, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import Crash, Interruption, crash
from tests.infra.sample import NOON, raised
from tests.infra.world import EVERYONE, VISIBILITY_S, Cloud

YARD, SHED = ThingName("yard-1"), ThingName("shed-1")
DECIDED = Decision(AlertState.SENT)


def after(seconds: float) -> UtcNs:
    return UtcNs(NOON + round(seconds * NS_PER_S))


def of(number: int, thing: ThingName = YARD, **changes: object) -> Event:
    return raised(number, thing=thing, camera_id=CameraId(f"camera-{number}"), age_ms=None, **changes)


def waiting_cloud(*events: Event) -> Cloud:
    """A cloud in which these wait, with their group's timer."""
    cloud = Cloud(300)
    cloud.turns.free_at["everyone"] = after(3600)
    for event in events:
        assert cloud.deliver(event) is Outcome.DEFERRED
    return cloud


def published(cloud: Cloud) -> list[str]:
    return [one.event_id for one in cloud.notifier.published]


def test_a_round_sends_two_and_rings_again_a_second_later_until_nobody_waits() -> None:
    cloud = waiting_cloud(*[of(number) for number in range(5)])
    for round_, sent in ((1, 2), (2, 4), (3, 5)):
        cloud.tick(ROUND_S)
        assert len(published(cloud)) == sent
        assert cloud.timers.set == ([] if sent == 5 else [(after(round_ + 1), SendWaiting("everyone"))])
    assert cloud.turns.queues("everyone") == []
    cloud.now.advance(3)
    assert cloud.deliver(of(9)) is Outcome.SENT


def test_what_turns_out_to_be_told_already_takes_no_turn() -> None:
    cloud = waiting_cloud(*[of(number) for number in range(6)])
    for number in range(4):
        cloud.history.settle(
            of(number), cloud.history.lease(of(number), NOON) or pytest.fail("nothing there"), AlertState.SENT, NOON
        )
        cloud.history.told(of(number))["everyone"] = DECIDED
    cloud.tick(ROUND_S)
    assert published(cloud) == [of(4).event_id, of(5).event_id]


def test_a_forgotten_event_leaves_the_line() -> None:
    cloud = waiting_cloud(of(1))
    cloud.turns.join("everyone", SHED, WaitingAlert(True, EventId(of(7).event_id), CameraId("gone")), NOON)
    cloud.tick(ROUND_S)
    assert published(cloud) == [of(1).event_id]
    assert cloud.timers.set == []


def test_an_event_that_another_invocation_decides_waits_on_and_the_others_go_out() -> None:
    cloud = waiting_cloud(of(1), of(2, SHED))
    assert cloud.history.lease(of(1), NOON) is not None
    cloud.tick(ROUND_S)
    assert published(cloud) == [of(2).event_id]
    cloud.tick(60)
    assert published(cloud) == [of(2).event_id, of(1).event_id]


def test_of_a_thing_that_is_revoked_meanwhile_nothing_is_told() -> None:
    cloud = waiting_cloud(*[of(number) for number in range(5)], of(8, SHED))
    cloud.guards.revoke(YARD)
    cloud.tick(60)
    assert published(cloud) == [of(8, SHED).event_id]
    assert cloud.turns.queues("everyone") == []
    assert cloud.timers.set == []


def test_neither_closing_messages_nor_digests_nor_jobs_tell_of_a_revoked_thing() -> None:
    cloud = Cloud(300)
    for thing in (YARD, SHED):
        cloud.deliver(of(1, thing))
        cloud.deliver(of(1, thing, event_id=of(2).event_id))
        cloud.digests.hold("everyone", NOON, HeldEvent.of(of(3, thing)))
    cloud.guards.revoke(YARD)
    assert cloud.do(NOON, SendDigest("everyone", NOON)) == "digest"
    [digest] = cloud.sent(Purpose.DIGEST)
    assert digest.alert.document.count(of(3).event_id) == 1
    again = DeliverAgain(cloud.history.delivery(YARD, of(1).camera_id, of(1).event_id) or pytest.fail("nothing there"))
    assert cloud.do(NOON, again) == "revoked"
    cloud.tick(3600)
    assert [one.facts["thing"] for one in cloud.sent(Purpose.CLOSING)] == [SHED]
    cloud.digests.hold("everyone", after(9), HeldEvent.of(of(4)))
    assert cloud.do(after(9), SendDigest("everyone", after(9))) == "revoked"
    assert len(cloud.sent(Purpose.DIGEST)) == 1


def test_sns_that_fails_costs_a_try_of_two_things_a_round_and_the_pauses_grow() -> None:
    cloud = waiting_cloud(*[of(number, ThingName(f"thing-{number}")) for number in range(10)])
    cloud.notifier.down = True
    cloud.tick(LONG_WAIT_S)
    rounds = 7  # after 1, 5, 10, 20, 40, and then every 60 seconds
    assert cloud.troubles.counted["publish_failed", "everyone"] <= 2 * (rounds + 1)
    assert len(cloud.timers.set) == 1
    cloud.tick(LONG_WAIT_S)
    assert cloud.troubles.counted["alert_waits", "everyone"] > 0
    cloud.notifier.down = False
    cloud.tick(1000)
    assert len(published(cloud)) == 10


def test_a_message_that_breaks_leaves_the_line_for_a_timer_and_in_the_end_for_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = waiting_cloud(of(1, severity=Severity.CRITICAL), of(2, SHED), of(3, SHED))
    render = __import__("infra.alerts.runtime.deciding", fromlist=["render_alert"]).render_alert

    def broken(facts: object, language: object) -> object:
        if facts.event.event_id == of(1).event_id:  # type: ignore[attr-defined]  # any facts
            raise OverflowError("a year that no calendar has")
        return render(facts, language)

    monkeypatch.setattr("infra.alerts.runtime.deciding.render_alert", broken)
    cloud.tick(2 * ROUND_S)
    assert published(cloud) == [of(2).event_id, of(3).event_id]
    for _ in range(200):
        cloud.turns.free_at["everyone"] = UtcNs(cloud.now() + 3600 * NS_PER_S)  # or it would break by itself
        cloud.tick(60)
    [(document, reason)] = cloud.refusals.kept
    assert document["topic_thing"] == YARD
    assert "breaks" in reason
    assert cloud.timers.set == []
    assert cloud.turns.queues("everyone") == []


def test_a_closing_message_that_breaks_is_kept_as_a_job_that_can_be_done_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud = Cloud(300)
    cloud.deliver(of(1))
    cloud.deliver(of(1, event_id=of(2).event_id))
    cloud.timers.set.clear()
    cloud.now.advance(300)
    monkeypatch.setattr("infra.alerts.runtime.closing.render_closing", lambda *_: 1 / 0)
    cloud.turns.join("everyone", YARD, WaitingClosing(of(1).camera_id, "sighting", tries=MOST_BREAKS), cloud.now())
    assert cloud.do(cloud.now(), SendWaiting("everyone")) == "sent 0"
    [(document, _)] = cloud.refusals.kept
    assert (document["job"], document["family"]) == ("close", "sighting")


def test_a_crash_at_any_step_of_a_round_loses_nothing_and_doubles_only_after_publish() -> None:
    def whole(between: Interruption) -> Cloud:
        cloud = waiting_cloud(of(1), of(2, SHED), of(3))
        cloud.tick(ROUND_S, between)
        cloud.tick(2 * VISIBILITY_S)
        return cloud

    between = Interruption()
    whole(between)
    assert len(between.names) > 30
    for at, name in enumerate(between.names):
        cloud = whole(Interruption(at, crash))
        excused = name in {"after publish", "before settle"}
        assert set(published(cloud)) == {of(1).event_id, of(2).event_id, of(3).event_id}, name
        assert len(published(cloud)) <= 3 + excused, name
        assert cloud.turns.queues("everyone") == [], name
        assert not [job for _, job in cloud.timers.set if not isinstance(job, CloseWindow)], name


def test_a_crash_at_any_step_of_joining_loses_nothing() -> None:
    between = Interruption()
    cloud = Cloud(300)
    cloud.turns.free_at["everyone"] = after(3600)
    cloud.deliver(of(1), between)
    for at, name in enumerate(between.names):
        cloud = Cloud(300)
        cloud.turns.free_at["everyone"] = after(3600)
        with pytest.raises(Crash):
            cloud.deliver(of(1), Interruption(at, crash))
        cloud.now.advance(VISIBILITY_S)
        cloud.deliver(of(1))
        cloud.tick(2 * VISIBILITY_S)
        assert published(cloud) == [of(1).event_id], name
        assert cloud.timers.set == []


def test_what_joins_while_a_round_closes_is_not_forgotten() -> None:
    between = Interruption()
    waiting_cloud(of(1)).tick(ROUND_S, between)
    for at in range(len(between.names)):
        cloud = waiting_cloud(of(1))
        cloud.tick(ROUND_S, Interruption(at, lambda cloud=cloud: cloud.deliver(of(2, SHED))))  # type: ignore[misc]
        cloud.tick(5)
        assert set(published(cloud)) == {of(1).event_id, of(2).event_id}, between.names[at]
        assert cloud.timers.set == []


def test_an_event_of_two_groups_waits_in_each_and_is_settled_by_the_last() -> None:
    guards = replace(EVERYONE, name="guards", topic_arn="arn:guards")
    cloud = Cloud(300)
    cloud.audience = replace(cloud.audience, groups=(EVERYONE, guards))
    for group in ("everyone", "guards"):
        cloud.turns.free_at[group] = after(3600)
    assert cloud.deliver(of(1)) is Outcome.DEFERRED
    cloud.notifier.down = True
    assert len(cloud.timers.set) == 2
    cloud.tick(ROUND_S)
    cloud.notifier.down = False
    cloud.tick(10)
    assert sorted(one.group for one in cloud.notifier.published) == ["everyone", "guards"]
    assert cloud.history.state(of(1)) is AlertState.SENT
    assert cloud.timers.set == []


def test_a_round_never_sends_more_than_a_round_may() -> None:
    cloud = waiting_cloud(*[of(number, ThingName(f"thing-{number}")) for number in range(30)])
    before = 0
    for _ in range(20):
        cloud.tick(ROUND_S)
        assert len(published(cloud)) - before <= A_ROUND
        before = len(published(cloud))
    assert before == 30
    assert alert_of(of(1), 0).tries == 0
