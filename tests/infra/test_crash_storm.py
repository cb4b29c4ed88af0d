"""Many events at once, repeated and interrupted: what the promise costs to break, counted."""

import random
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import AlertState
from infra.alerts.runtime.words.render import Purpose
from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from tests.fakes.aws import Crash, Interruption, crash
from tests.infra.sample import NOON, raised
from tests.infra.world import RETRY_S, Cloud

EVENTS: Final = 1000
DUPLICATES: Final = 0.3
CRASHES: Final = 0.3
EXCEPTED: Final = {"after publish", "before settle", "before mark", "before closed"}
A_DAY_S: Final = 86_400


def event(number: int, cameras: int) -> Event:
    return raised(
        event_id=new_event_id(UtcNs(NOON + number * NS_PER_MS), number.to_bytes(10)),
        thing=ThingName(f"yard-{number % cameras}"),
        camera_id=CameraId(f"camera-{number % cameras}"),
        age_ms=None,  # what is never stale must be told of, however long it takes
    )


@dataclass
class Storm:
    """Deliveries in any order, some of them twice, some of them interrupted; Lambda tries thrice."""

    cloud: Cloud
    luck: random.Random
    crashed_at: list[str] = field(default_factory=list)
    given_up: list[Event] = field(default_factory=list)

    def interruption(self) -> Interruption:
        return Interruption(self.luck.randrange(24), crash) if self.luck.random() < CRASHES else Interruption()

    def deliver(self, one: Event) -> None:
        for _ in range(3):
            between = self.interruption()
            try:
                self.cloud.deliver(one, between)
            except Crash:
                self.crashed_at.append(between.names[-1])
                self.cloud.now.advance(RETRY_S)
            else:
                return
        self.given_up.append(one)

    def let_timers_ring(self, seconds: int) -> None:
        for _ in range(seconds):
            between = self.interruption()
            planned = between.at
            self.cloud.tick(1, between)
            if planned is not None and between.at is None:  # it has happened
                self.crashed_at.append(between.names[planned])

    def rage(self, events: list[Event]) -> None:
        deliveries = events + self.luck.sample(events, int(len(events) * DUPLICATES))
        self.luck.shuffle(deliveries)
        for one in deliveries:
            self.deliver(one)
            self.cloud.now.advance(0.01)
        for one in self.given_up:  # from the queue of failures, by `alerts redrive`
            self.cloud.deliver(one)
        self.let_timers_ring(6000)
        self.cloud.tick(A_DAY_S)


@pytest.mark.parametrize("seed", range(3))
def test_of_a_thousand_events_none_is_lost_and_none_doubled_but_where_excused(seed: int) -> None:
    cloud, luck = Cloud(cooldown_s=0), random.Random(seed)  # noqa: S311 - not for secrets
    storm, events = Storm(cloud, luck), [event(number, 50) for number in range(EVENTS)]
    storm.rage(events)
    told = cloud.told_ids()
    excused = sum(place in EXCEPTED for place in storm.crashed_at)
    assert len(storm.crashed_at) > 100
    assert excused > 0
    assert {one.event_id for one in events} == set(told)  # lost: 0
    doubled = sum(told.values()) - EVENTS
    assert 0 < doubled <= excused
    assert doubled <= cloud.meter.counted[Metric.ALERTS_DOUBTFUL]  # and each of them was counted
    assert all(len(set(cloud.alerts_of(one))) == 1 for one in events)
    assert all(cloud.history.state(one) is AlertState.SENT and cloud.acknowledged(one) for one in events)
    assert cloud.timers.set == []


def test_without_crashes_a_thousand_events_with_duplicates_are_told_of_once() -> None:
    cloud, luck = Cloud(cooldown_s=0), random.Random(7)  # noqa: S311 - not for secrets
    storm, events = Storm(cloud, luck), [event(number, 50) for number in range(EVENTS)]
    storm.interruption = Interruption  # type: ignore[method-assign]  # nothing breaks
    storm.rage(events)
    assert cloud.told_ids() == dict.fromkeys((one.event_id for one in events), 1)
    assert cloud.meter.counted[Metric.ALERTS_DOUBTFUL] == 0


@pytest.mark.parametrize("seed", range(3))
def test_with_a_cooldown_every_one_of_a_thousand_is_told_of_in_an_alert_or_a_closing_message(seed: int) -> None:
    cloud, luck = Cloud(cooldown_s=300), random.Random(seed)  # noqa: S311 - not for secrets
    storm, events = Storm(cloud, luck), [event(number, 20) for number in range(EVENTS)]
    storm.rage(events)
    assert {one.event_id for one in events} == set(cloud.told_ids())
    states = {cloud.history.state(one) for one in events}
    assert states <= {AlertState.SENT, AlertState.SUPPRESSED}


def test_sns_is_down_for_a_minute_and_nothing_is_lost_or_doubled() -> None:
    cloud = Cloud(cooldown_s=0)
    events = [replace(event(number, 50), age_ms=0) for number in range(200)]
    for number, one in enumerate(events):
        cloud.notifier.down = 50 <= number < 110
        cloud.deliver(one)
        cloud.tick(1)
    cloud.notifier.down = False
    cloud.tick(A_DAY_S)
    assert cloud.told_ids() == dict.fromkeys((one.event_id for one in events), 1)
    assert 4 <= cloud.meter.counted[Metric.PUBLISH_FAILED] <= 2 * 5  # one try a round, not one an alert


def test_of_ten_thousand_events_from_fifty_cameras_a_person_gets_what_the_cooldown_allows() -> None:
    cooldown_s, cameras, events, rate = 300, 50, 10_000, 20
    cloud = Cloud(cooldown_s)
    for number in range(events):
        cloud.deliver(replace(event(number, cameras), age_ms=0))
        cloud.tick(1 / rate)
    cloud.tick(A_DAY_S)
    windows = events / rate / cooldown_s + 1
    assert len(cloud.notifier.published) <= cameras * windows
    assert len(cloud.sent(Purpose.CLOSING)) <= cameras * windows
    told = cloud.told_ids()
    assert len(told) == events
    assert set(told.values()) == {1}
    assert cloud.timers.set == []
    times = [one.at for one in cloud.notifier.all]
    busiest = max(sum(begin <= one < begin + NS_PER_S for one in times) for begin in times)
    assert busiest <= 10
