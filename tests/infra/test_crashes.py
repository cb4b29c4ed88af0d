"""Crashes, repetitions and outages between any two steps."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.audience import Audience, Group
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import AlertState
from infra.alerts.runtime.words.render import Purpose
from smartcam.contract.event import Event
from smartcam.contract.times import NS_PER_S
from tests.fakes.aws import Crash, Interruption, crash
from tests.infra.sample import raised
from tests.infra.world import EVERYONE, RETRY_S, Cloud

COOLDOWN_S = 300
A_WHILE_S = 2 * 3600  # longer than anything that waits


def moments(event: Event, cooldown_s: int = 0) -> list[str]:
    """Every moment between two steps of a delivery that goes well."""
    between = Interruption()
    Cloud(cooldown_s).deliver(event, between)
    return between.names


EXCEPTED = {"after publish", "before settle", "before mark"}
TWO_GROUPS = Audience((EVERYONE, Group("guards", "arn:guards", emails=3)))


@pytest.mark.parametrize("cooldown_s", [0, COOLDOWN_S])
def test_a_crash_between_any_two_steps_loses_nothing_and_doubles_only_between_publish_and_sent(
    cooldown_s: int,
) -> None:
    for at, name in enumerate(moments(raised(), cooldown_s)):
        cloud = Cloud(cooldown_s)
        with pytest.raises(Crash):
            cloud.deliver(raised(), Interruption(at, crash))
        cloud.now.advance(RETRY_S)
        cloud.deliver(raised())
        alerts = cloud.alerts_of(raised())
        assert len(alerts) == (2 if name in EXCEPTED else 1), name
        assert cloud.meter.counted[Metric.ALERTS_DOUBTFUL] >= len(alerts) - 1, name
        assert len(set(alerts)) == 1
        assert cloud.history.state(raised()) is AlertState.SENT
        assert cloud.acknowledged(raised())


def test_a_crash_between_two_groups_doubles_nothing_for_the_first() -> None:
    between = Interruption()
    Cloud(COOLDOWN_S, TWO_GROUPS).deliver(raised(), between)
    for at in range(len(between.names)):
        cloud = Cloud(COOLDOWN_S, TWO_GROUPS)
        interruption = Interruption(at, crash)
        with pytest.raises(Crash):
            cloud.deliver(raised(), interruption)
        cloud.now.advance(RETRY_S)
        cloud.deliver(raised())
        alerts = [one.group for one in cloud.notifier.published]
        assert set(alerts) == {"everyone", "guards"}
        assert len(alerts) == (3 if interruption.names[-1] in EXCEPTED else 2), interruption.names[-1]


def test_one_groups_failing_topic_does_not_keep_the_others_waiting() -> None:
    cloud = Cloud(COOLDOWN_S, TWO_GROUPS)
    between = Interruption()
    publish = cloud.notifier.publish

    def first_fails(*arguments: object, **named: object) -> None:
        cloud.notifier.down = "publish" not in "".join(between.names)
        between.pass_by("publish")
        publish(*arguments, **named)  # type: ignore[arg-type]  # handed through

    cloud.notifier.publish = first_fails  # type: ignore[method-assign]  # a topic of one group fails
    assert cloud.deliver(raised()) is Outcome.DEFERRED
    assert [one.group for one in cloud.notifier.published] == ["guards"]
    assert cloud.tick(60) == ["sent 1"]
    assert [one.group for one in cloud.notifier.published] == ["guards", "everyone"]


def test_after_a_crash_between_sent_and_the_cooldown_the_retry_starts_it() -> None:
    cloud = Cloud(COOLDOWN_S)
    at = moments(raised(), COOLDOWN_S).index("after settle")
    with pytest.raises(Crash):
        cloud.deliver(raised(1), Interruption(at, crash))
    cloud.now.advance(RETRY_S)
    cloud.deliver(raised(1))
    assert cloud.deliver(raised(2)) is Outcome.SUPPRESSED


def test_a_crash_while_holding_back_counts_the_event_once_and_leaves_it_to_no_ones_memory() -> None:
    base = Cloud(COOLDOWN_S)
    base.deliver(raised(1))
    between = Interruption()
    base.deliver(raised(2), between)
    for at, name in enumerate(between.names):
        cloud = Cloud(COOLDOWN_S)
        cloud.deliver(raised(1))
        with pytest.raises(Crash):
            cloud.deliver(raised(2), Interruption(at, crash))
        cloud.now.advance(RETRY_S)
        cloud.deliver(raised(2))
        cloud.tick(A_WHILE_S)
        assert "1 more after" in cloud.sent(Purpose.CLOSING)[0].alert.sms, name
        assert set(cloud.told_ids().values()) == {1}


def test_a_crash_while_closing_loses_nothing_and_doubles_only_after_publish() -> None:
    def closing(cloud: Cloud, interruption: Interruption | None = None) -> None:
        cloud.deliver(raised(1))
        cloud.deliver(raised(2))
        cloud.tick(COOLDOWN_S, interruption)
        cloud.tick(A_WHILE_S)

    between = Interruption()
    closing(Cloud(COOLDOWN_S), between)
    assert "after publish" in between.names
    for at, name in enumerate(between.names):
        cloud = Cloud(COOLDOWN_S)
        closing(cloud, Interruption(at, crash))
        closings = cloud.sent(Purpose.CLOSING)
        assert len(closings) == (2 if name in {"after publish", "before closed"} else 1), name
        assert len({one.alert.number for one in closings}) == 1


def test_a_second_delivery_at_any_moment_of_the_first_alerts_nobody_twice() -> None:
    for at in range(len(moments(raised(), COOLDOWN_S))):
        cloud = Cloud(COOLDOWN_S)
        cloud.deliver(raised(), Interruption(at, lambda cloud=cloud: cloud.deliver(raised())))  # type: ignore[misc]
        cloud.tick(A_WHILE_S)
        assert len(cloud.alerts_of(raised())) == 1
        assert cloud.acknowledged(raised())
        assert cloud.meter.counted[Metric.ALERTS_DOUBTFUL] == 0


def test_another_event_at_any_moment_of_the_first_gives_one_alert_within_the_cooldown() -> None:
    for at, name in enumerate(moments(raised(), COOLDOWN_S)):
        cloud = Cloud(COOLDOWN_S)

        def other(cloud: Cloud = cloud) -> None:
            cloud.deliver(raised(2))

        cloud.deliver(raised(1), Interruption(at, other))
        assert len(cloud.notifier.published) == 1, name
        assert cloud.acknowledged(raised(1))
        assert cloud.acknowledged(raised(2))


@dataclass(frozen=True)
class Step:
    """One thing that happens to the cloud."""

    event: int
    moment: int | None
    topic_down: bool
    broker_down: bool
    pause_s: int
    revision: int


def lives(revisions: int) -> st.SearchStrategy[list[Step]]:
    """Up to a dozen steps, with events that get up to so many better names, in any order."""
    step = st.builds(
        Step,
        event=st.integers(1, 4),
        moment=st.none() | st.integers(0, 25),
        topic_down=st.booleans(),
        broker_down=st.booleans(),
        pause_s=st.sampled_from([0, 1, 44, 46, 60, 400]),
        revision=st.integers(0, revisions),
    )
    return st.lists(step, max_size=12)


def newest(life: list[Step]) -> dict[int, Event]:
    """Each event as its device knows it in the end."""
    revisions = {one.event: max(each.revision for each in life if each.event == one.event) for one in life}
    return {number: raised(number, revision=revision) for number, revision in revisions.items()}


def live(cloud: Cloud, life: list[Step]) -> list[str]:
    """Let it happen; returns where it crashed."""
    crashes = []
    for step in life:
        cloud.notifier.down, cloud.replies.down = step.topic_down, step.broker_down
        between = Interruption(step.moment, crash)
        try:
            cloud.deliver(raised(step.event, revision=step.revision), between)
            cloud.tick(step.pause_s, between)
        except Crash:
            cloud.tick(step.pause_s)
        if between.moment > (step.moment if step.moment is not None else between.moment):
            crashes.append(between.names[step.moment or 0])
    return crashes


def heal(cloud: Cloud, life: list[Step]) -> None:
    """The devices send again what was not accepted, as they do until it is; then all timers ring."""
    cloud.notifier.down = cloud.replies.down = False
    cloud.tick(RETRY_S)
    for event in newest(life).values():
        if not cloud.acknowledged(event):
            cloud.deliver(event)
    cloud.tick(A_WHILE_S)


@settings(deadline=None, max_examples=150)
@given(lives(revisions=2))
def test_whatever_happens_every_event_alerts_at_least_once_and_doubles_only_where_excused(life: list[Step]) -> None:
    cloud = Cloud(cooldown_s=0)
    crashes = live(cloud, life)
    heal(cloud, life)
    doubled = 0
    for event in newest(life).values():
        alerts = cloud.alerts_of(event)
        assert cloud.history.newest_of(event) == event
        if cloud.history.state(event) is not AlertState.STALE:
            assert len(alerts) >= 1
        doubled += max(len(alerts) - 1, 0)
        assert len(set(alerts)) <= 1
        assert cloud.acknowledged(event)
    assert doubled <= sum(place in EXCEPTED for place in crashes)
    assert doubled <= cloud.meter.counted[Metric.ALERTS_DOUBTFUL]


@settings(deadline=None, max_examples=150)
@given(lives(revisions=0) | lives(revisions=1))
def test_whatever_happens_the_cooldown_lies_between_alerts_and_every_event_is_told_of(life: list[Step]) -> None:
    cloud = Cloud(COOLDOWN_S)
    crashes = live(cloud, life)
    heal(cloud, life)
    told = cloud.told_ids()
    for event in newest(life).values():
        assert cloud.acknowledged(event)
        state = cloud.history.state(event)
        assert state in {AlertState.SENT, AlertState.SUPPRESSED, AlertState.STALE}
        assert told[event.event_id] >= 1 or state is AlertState.STALE
    # A better name that comes after the closing message is told again.
    if not crashes and all(step.revision == 0 for step in life):
        assert set(told.values()) <= {1}
        times = [one.at for one in cloud.notifier.published]
        assert all(later - earlier >= COOLDOWN_S * NS_PER_S for earlier, later in pairwise(times))
