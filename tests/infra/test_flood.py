"""One thing publishes without end, under any camera's name: what the others notice of it, and what it costs."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from infra.alerts.runtime.audience import Audience, Group
from infra.alerts.runtime.deciding import OVERFLOW
from infra.alerts.runtime.guarding import BURST, MOST_A_DAY, MOST_CAMERAS
from infra.alerts.runtime.metrics import Metric
from infra.alerts.runtime.ports import AlertState
from infra.alerts.runtime.turns import MOST_WAITING
from infra.alerts.runtime.words.render import Purpose
from smartcam.contract.ack import AckStatus
from smartcam.contract.event import WHOLE_DEVICE, Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from tests.fakes.aws import FakeLimits, Interruption
from tests.infra.sample import NOON, delivery, raised
from tests.infra.world import EVERYONE, Cloud

FLOOD: Final = 9000
SHORTER: Final = 2000
"""Of the other kinds of floods: what is beyond the bound is alike."""
A_DAY_S: Final = 86_400
IN_TIME_S: Final = 5
Changes = dict[str, object]


def of_flood(number: int, thing: str = "stolen", **changes: object) -> Event:
    """Another camera each time."""
    return replace(
        raised(
            event_id=new_event_id(UtcNs(NOON + number * NS_PER_MS), number.to_bytes(10)),
            thing=ThingName(thing),
            camera_id=CameraId(f"camera-{number}"),
            age_ms=None,
        ),
        **changes,  # type: ignore[arg-type]  # the tests name the fields
    )


def alarm(number: int = 70, **changes: object) -> Event:
    """A tamper alarm of the camera that matters."""
    return raised(number, kind=EventKind.TAMPER, severity=Severity.CRITICAL, age_ms=None, **changes)


def site() -> Cloud:
    return Cloud(300, limits=FakeLimits(50, 20))


def seconds_until_told(cloud: Cloud, event: Event, published_at: UtcNs) -> float:
    [one] = [one for one in cloud.notifier.published if one.event_id == event.event_id]
    assert one.texts, "its SMS was gone"
    return (one.at - published_at) / NS_PER_S


FLOODS: Final[dict[str, Callable[[int], list[Event]]]] = {
    "any camera": lambda number: [of_flood(number)],
    "two floods": lambda number: [of_flood(number), of_flood(number, "stolen-2")],
    "all critical": lambda number: [of_flood(number, severity=Severity.CRITICAL)],
    "two all critical": lambda number: [
        of_flood(number, thing, severity=Severity.CRITICAL) for thing in ("stolen", "stolen-2")
    ],
    "one camera": lambda number: [of_flood(number, camera_id=CameraId("gate"))],
    "few cameras, rising": lambda number: [
        of_flood(number, camera_id=CameraId(f"camera-{number % 60}"), severity=list(Severity)[number % 3])
    ],
    "any kind": lambda number: [of_flood(number, kind=list(EventKind)[number % len(EventKind)])],
    "revisions of one event": lambda number: [of_flood(0, revision=number)],
    "the end before the beginning": lambda number: [
        of_flood(number // 2, phase=Phase.CLEARED, ended_at=NOON) if number % 2 == 0 else of_flood(number // 2)
    ],
    "tests": lambda number: [of_flood(number, camera_id=CameraId(f"camera-{number % 60}"), kind=EventKind.TEST)],
    "cleared": lambda number: [of_flood(number, phase=Phase.CLEARED, ended_at=NOON)],
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("a_second", [100, 0])
def test_whatever_one_thing_publishes_anothers_alarm_comes_in_time_with_its_sms(flood: str, a_second: int) -> None:
    cloud, times, many = site(), dict[str, tuple[Event, UtcNs]](), FLOOD if flood == "any camera" else SHORTER
    for number in range(many):
        for event in FLOODS[flood](number):
            cloud.publish(event)
        if number in ({100, 1000, many - 1} if a_second else {many - 1}):
            mine = alarm(number % 251, camera_id=CameraId(f"mine-{number}"))
            times[mine.event_id] = mine, cloud.now()
            cloud.publish(mine)
        if a_second:
            cloud.tick(1 / a_second)
    cloud.tick(IN_TIME_S)
    for event, published_at in times.values():
        assert cloud.acknowledged(event)
        assert seconds_until_told(cloud, event, published_at) < IN_TIME_S


@pytest.mark.parametrize("flood", ["two floods", "two all critical"])
@pytest.mark.parametrize("a_second", [100, 0])
def test_an_ordinary_event_of_another_thing_waits_for_a_message_of_each_and_not_for_all_of_one(
    flood: str, a_second: int
) -> None:
    cloud, calm = site(), raised(70, age_ms=None)
    for number in range(SHORTER):
        for event in FLOODS[flood](number):
            cloud.publish(event)
        if a_second:
            cloud.tick(1 / a_second)
    begun = cloud.now()
    cloud.publish(calm)
    cloud.tick(IN_TIME_S)
    assert seconds_until_told(cloud, calm, begun) < IN_TIME_S


def test_refused_payloads_count_too_and_end() -> None:
    cloud, mine = site(), alarm()
    for number in range(FLOOD):
        cloud.take_published(delivery(b"no event", thing="stolen", camera=f"camera-{number}"))
        cloud.tick(0.01)
    begun = cloud.now()
    cloud.publish(mine)
    cloud.tick(IN_TIME_S)
    assert seconds_until_told(cloud, mine, begun) < IN_TIME_S
    assert len(cloud.refusals.kept) <= BURST + FLOOD / 100 + 1


def test_what_is_beyond_the_bound_is_neither_written_nor_answered_and_the_operators_hear_whose_it_is() -> None:
    cloud = site()
    for number in range(FLOOD):
        cloud.publish(of_flood(number, camera_id=CameraId("gate")))
    assert len(cloud.replies.sent) == BURST
    assert len(cloud.history.states) == BURST
    assert cloud.troubles.counted["over_bound", "stolen"] == FLOOD - BURST


def test_an_honest_device_loses_nothing_to_its_bound_because_it_sends_again() -> None:
    cloud = site()
    backlog = [of_flood(number, camera_id=CameraId("gate")) for number in range(500)]
    for _ in range(20):
        for event in [event for event in backlog if not cloud.acknowledged(event)]:
            cloud.publish(event)
        cloud.tick(60)
    cloud.tick(A_DAY_S)
    assert set(cloud.told_ids()) == {event.event_id for event in backlog}


def test_the_65th_camera_of_a_thing_is_refused_with_the_reason_and_its_other_cameras_are_not() -> None:
    cloud = site()
    for number in range(MOST_CAMERAS + 2):
        cloud.publish(of_flood(number))
        cloud.tick(1)
    refused = [one for _, one in cloud.replies.sent if one.status is AckStatus.REFUSED]
    assert [one.reason for one in refused] == ["camera_id: is one more than the 64 that a device may have in a day"] * 2
    assert cloud.meter.counted[Metric.EVENTS_REFUSED] == 2
    assert cloud.troubles.counted["refused", "stolen"] == 2
    cloud.publish(of_flood(9999, camera_id=CameraId("camera-3")))
    assert cloud.replies.sent[-1][1].status is AckStatus.ACCEPTED


def test_of_a_things_waiting_alerts_the_rest_is_one_message_that_says_how_many() -> None:
    cloud = site()
    many = 60
    events = [of_flood(number) for number in range(many)]
    for event in events:
        cloud.publish(event)
    alerts = 5 + MOST_WAITING
    cloud.tick(120)
    assert len(cloud.notifier.published) == alerts
    [rest] = cloud.sent(Purpose.CLOSING)
    assert f"{many - alerts} more" in rest.alert.sms
    assert rest.facts["thing"] == "stolen"
    assert set(cloud.told_ids().values()) == {1}
    assert len(cloud.told_ids()) == len(events)
    states = Counter(cloud.history.state(event) for event in events)
    assert states == {AlertState.SENT: alerts, AlertState.SUPPRESSED: many - alerts}
    windows = [key for key in cloud.windows.items if key[2] == OVERFLOW]
    assert windows == [((ThingName("stolen"), WHOLE_DEVICE), "everyone", OVERFLOW)]


def test_a_flood_over_midnight_gets_the_next_days_share_and_no_more() -> None:
    cloud, mine = site(), alarm()
    cloud.now.at = UtcNs(NOON + (12 * 3600 - 30) * NS_PER_S)
    for number in range(6000):
        cloud.publish(of_flood(number))
        cloud.tick(0.01)
    begun = cloud.now()
    cloud.publish(mine)
    cloud.tick(IN_TIME_S)
    assert seconds_until_told(cloud, mine, begun) < IN_TIME_S
    assert len(cloud.replies.sent) <= BURST + 60 + 2
    cameras = {camera for (thing, camera), _ in cloud.history.states if thing == "stolen"}
    assert len(cameras) <= 2 * MOST_CAMERAS


@pytest.mark.parametrize("hours", [0.01, 2])
def test_however_long_sns_was_away_during_a_flood_an_alarm_goes_out_a_minute_after_it_is_back(hours: float) -> None:
    cloud = site()
    cloud.notifier.down = True
    flood = [of_flood(number) for number in range(BURST)]
    for event in flood:
        cloud.publish(event)
    early = alarm(71)
    cloud.publish(early)
    cloud.tick(hours * 3600)
    cloud.notifier.down = False
    mine, begun = alarm(72, camera_id=CameraId("door")), cloud.now()
    cloud.publish(mine)
    cloud.tick(60 + IN_TIME_S)
    assert cloud.notifier.published[0].event_id == early.event_id
    assert seconds_until_told(cloud, mine, begun) < 60 + IN_TIME_S
    cloud.tick(3600)
    assert {event.event_id for event in [*flood, early, mine]} == set(cloud.told_ids())
    assert set(cloud.told_ids().values()) == {1}


def test_a_flooded_group_does_not_hold_up_another_group() -> None:
    guards = Group(
        "guards", "arn:guards", emails=1, wanted=replace(EVERYONE.wanted, kinds=frozenset({EventKind.TAMPER}))
    )
    cloud = Cloud(300, Audience((EVERYONE, guards)), limits=FakeLimits(50, 20))
    for number in range(SHORTER):
        cloud.publish(of_flood(number))
    begun = cloud.now()
    cloud.publish(alarm())
    assert [one.at for one in cloud.notifier.published if one.group == "guards"] == [begun]


@dataclass
class Counting:
    """Counts the calls of every port to the table, and the timers that ring."""

    cloud: Cloud = field(default_factory=site)

    def __post_init__(self) -> None:
        self.between = Interruption()
        self.cloud.published = self.cloud.wire(self.between)

    def calls(self) -> int:
        """So far."""
        return len(self.between.names) // 2


def cost_of(events: int) -> int:
    counting = Counting()
    for number in range(events):
        counting.cloud.publish(of_flood(number, camera_id=CameraId(f"camera-{number % 60}")))
        counting.cloud.tick(0.01, counting.between)
    counting.cloud.tick(A_DAY_S, counting.between)
    assert counting.cloud.timers.set == []
    return counting.calls()


def test_what_a_flood_costs_grows_no_faster_than_the_flood() -> None:
    assert cost_of(4000) <= 4.5 * cost_of(1000)


def test_waiting_alerts_ring_by_one_timer_a_group_and_not_by_one_each() -> None:
    cloud, rung = site(), 0
    for number in range(MOST_CAMERAS):
        cloud.publish(of_flood(number))
        cloud.publish(of_flood(number, "stolen-2"))
    for _ in range(30):
        waiting = [job for _, job in cloud.timers.set if type(job).__name__ in {"SendWaiting", "DeliverAgain"}]
        assert len(waiting) <= 1
        rung += len(cloud.tick(1))
    assert rung <= 31


# A day of a hundred messages a second, at the list prices of docs/cost.md, each message in a batch of its own.
A_DAYS_MESSAGES: Final = 100 * A_DAY_S
DOLLARS: Final = {
    "IoT message": 1e-6,
    "rule": 0.3e-6,
    "SQS": 3 * 0.4e-6,
    "Lambda request": 0.2e-6,
    "Lambda time": 0.010 * 0.25 * 13.3334e-6,
}
WRITE, READ = 0.625e-6, 0.125e-6
UNITS: Final = Counter(record=6, lease=5, mark=5, settle=5, release=5, complete=5, save=5, join=3, leave=3)
"""Kilobytes of an item that a write costs: an event may have four, a thing may name 64 cameras of 64 characters."""
OTHER_UNITS: Final = 2
READS: Final = frozenset({"guard", "is_revoked", "delivery", "queues", "is_armed"})
ELSEWHERE: Final = frozenset({"ring", "publish", "send", "keep"})
TIMER: Final = 3 * 0.4e-6 + 0.2e-6 + 0.1 * 0.25 * 13.3334e-6
ANSWER: Final = 3e-6
E_MAIL: Final = 20e-6
SMS: Final = 0.0075


MIDNIGHT: Final = UtcNs(NOON + 12 * 3600 * NS_PER_S)


def test_a_stolen_device_that_publishes_for_a_whole_day_costs_no_more_than_a_meal_and_nothing_later() -> None:
    counting = Counting()
    cloud = counting.cloud
    cloud.now.at = MIDNIGHT
    for number in range(2 * MOST_A_DAY + 300):  # each second's first is taken, and all others are as its second
        cloud.publish(of_flood(number, camera_id=CameraId(f"camera-{number // 2 % 60}")))
        if number % 2:
            cloud.tick(1, counting.between)
    assert len(cloud.replies.sent) == MOST_A_DAY
    names = Counter(name.removeprefix("before ") for name in counting.between.names if name.startswith("before "))
    writes = sum(many * (UNITS[name] or OTHER_UNITS) for name, many in names.items() if name not in READS | ELSEWHERE)
    mails, texts = len(cloud.notifier.all), sum(one.texts for one in cloud.notifier.all)
    taken = (
        writes * WRITE
        + 4 * names["guard"] * (READ * 2 + WRITE * UNITS["save"])  # of five processes, four lose against the first
        + sum(names[name] for name in READS) * READ * 2
        + names["ring"] * TIMER
        + names["send"] * ANSWER
        + mails * (E_MAIL + 0.5e-6)
        + texts * SMS
    )
    total = A_DAYS_MESSAGES * sum(DOLLARS.values()) + 2 * taken  # from noon to noon it has two days' shares
    print(f"${total:.2f}, ${taken:.2f} a share: {writes} units, {names['ring']} timers, {mails} mails")  # noqa: T201
    assert total <= 25
    before = counting.calls()
    for number in range(1000):
        cloud.publish(of_flood(number))
    assert counting.calls() - before <= 1
    cloud.tick(3600, counting.between)
    assert cloud.timers.set == []
    later = counting.calls()
    cloud.tick(10 * A_DAY_S, counting.between)
    assert counting.calls() == later
