"""Clouds that take everything, that take one event a second, and that forget all, on a clock that is moved by hand."""

import heapq
import logging
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, Phase, Severity
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.topics import ack_topic
from smartcam.edge.outbox.outbox import DueEvent, Outbox, Urgency
from smartcam.edge.outbox.window import (
    HOLD_S,
    LONGEST_HOLD_S,
    PLACES,
    Reply,
    SendingWindow,
)
from smartcam.inference.sender import Sender
from tests.fakes.bus import FakeNucleus, Publication
from tests.fakes.clock import FakeClock
from tests.unit.edge.outbox.sample import event
from tests.unit.inference.stage import THING

MEMORY = Path("/dev/shm")  # noqa: S108  durability is not tested here, and thousands of syncs take their time
HOUR_S = 3600
WAITED = PLACES[Urgency.WAITED]


class Cloud:
    """Answers after a while, as long as it has a token: `burst` at once, then `each_s` apart."""

    def __init__(self, clock: FakeClock, burst: float = 120, each_s: float = 1.0, answers_after_s: float = 0.3) -> None:
        self.clock = clock
        self.burst = self.tokens = burst
        self.each_s = each_s
        self.answers_after_s = answers_after_s
        self.takes = set(Severity)
        self.heard: list[tuple[float, Event]] = []
        self.taken: list[Event] = []
        self._answers: list[tuple[float, int, Event]] = []
        self._filled_at = self.now()

    def now(self) -> float:
        return self.clock.monotonic() / NS_PER_S

    def hear(self, publication: Publication) -> None:
        one = Event.from_json(publication.payload)
        self.heard.append((self.now(), one))
        self.tokens = min(self.burst, self.tokens + (self.now() - self._filled_at) / self.each_s)
        self._filled_at = self.now()
        if self.tokens >= 1 and one.severity in self.takes:
            self.tokens -= 1
            heapq.heappush(self._answers, (self.now() + self.answers_after_s, len(self.heard), one))

    def next_answer_s(self) -> float | None:
        return self._answers[0][0] - self.now() if self._answers else None

    def answers(self) -> list[Event]:
        ready = []
        while self._answers and self._answers[0][0] <= self.now() + 1e-6:
            ready.append(heapq.heappop(self._answers)[2])
        self.taken += ready
        return ready

    def rate(self, since_s: float, until_s: float) -> float:
        """Publishes a second between two moments of this cloud's life."""
        return sum(since_s <= at - 1000 < until_s for at, _ in self.heard) / (until_s - since_s)


class Device:
    """A sender with its outbox, whose time goes by in steps; `cloud` may be replaced by another."""

    def __init__(self, folder: Path, seed: int = 3) -> None:
        self.clock = FakeClock()
        chance = random.Random(seed)  # noqa: S311  jitter
        self.outbox = Outbox(folder / "outbox.sqlite", self.clock, random=chance.random)
        self.nucleus = FakeNucleus()
        self.nucleus.on_publish.append(self._hear)
        bus = self.nucleus.bus("smartcam.Inference")
        self.sender = Sender(bus, self.outbox, THING, chance.random, lambda _topic, _payload: None)
        self.cloud = Cloud(self.clock)

    def _hear(self, publication: Publication) -> None:
        self.cloud.hear(publication)

    def fill(self, count: int, severity: Severity = Severity.WARNING) -> None:
        """A backlog: events that have waited for longer than a minute."""
        for number in range(count):
            self.outbox.put(event(number, severity=severity))
        self.clock.advance(120)

    def live(self, seconds: float) -> None:
        """Send, hear the answers, rest, as `Sender.run` does."""
        end = self.clock.monotonic() + round(seconds * NS_PER_S)
        while self.clock.monotonic() < end:
            wait_s = self.sender.send_due()
            answer_s = self.cloud.next_answer_s()
            left_s = (end - self.clock.monotonic()) / NS_PER_S
            self.clock.advance(max(0.01, min(wait_s, left_s, wait_s if answer_s is None else answer_s)))
            for one in self.cloud.answers():
                acknowledgement = Acknowledgement(one.event_id, one.phase, AckStatus.ACCEPTED, revision=one.revision)
                self.sender._on_answer(ack_topic(THING), acknowledgement.to_json())

    def waiting(self) -> int:
        return self.outbox.counts().waiting


@pytest.fixture
def device() -> Iterator[Device]:
    logging.getLogger("smartcam").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    it = Device(folder)
    yield it
    it.outbox.close()
    shutil.rmtree(folder)
    logging.getLogger("smartcam").setLevel(logging.NOTSET)


def test_a_cloud_that_takes_everything_gets_thousands_in_a_minute(device: Device) -> None:
    device.cloud = Cloud(device.clock, burst=10**9, answers_after_s=0.1)
    device.fill(2500)
    device.live(60)
    assert device.waiting() == 0
    assert len(device.cloud.heard) == 2500


def test_a_cloud_that_forgets_gets_few_and_after_an_hour_two_an_hour(device: Device) -> None:
    device.cloud = Cloud(device.clock, burst=0, each_s=1e12)
    device.fill(300)
    begun = device.cloud.now() - 1000
    device.live(3 * HOUR_S)
    rate = device.cloud.rate
    assert rate(begun, begun + 60) < 1
    assert rate(begun + 300, begun + 600) < 0.05
    assert sum(True for _ in device.cloud.heard) < 150
    assert rate(begun + HOUR_S, begun + 3 * HOUR_S) * HOUR_S <= 2


def test_a_fresh_alarm_goes_at_once_before_any_backlog_and_in_any_silence(device: Device) -> None:
    device.cloud = Cloud(device.clock, burst=0, each_s=1e12)
    device.fill(300, Severity.CRITICAL)
    for number in range(1000, 1003):
        device.live(700)
        device.outbox.put(event(number, severity=Severity.INFO))
        device.sender.send_due()
        assert event(number).event_id in [one.event_id for at, one in device.cloud.heard if at == device.cloud.now()]


def test_an_acknowledgement_ends_the_silence_and_ten_thousand_do_not_go_at_once(device: Device) -> None:
    device.cloud = Cloud(device.clock, burst=0, each_s=1e12)
    device.fill(200)
    device.live(2 * HOUR_S)
    device.cloud = Cloud(device.clock, burst=10**9, answers_after_s=5)
    device.outbox.put(event(1000))
    device.live(5.5)
    assert 1 < len(device.cloud.heard) <= 1 + 2 * WAITED
    device.live(200)
    assert device.waiting() == 0


def test_what_a_cloud_never_takes_keeps_no_place_from_the_others(device: Device) -> None:
    device.cloud = Cloud(device.clock, burst=10**9)
    device.cloud.takes = {Severity.WARNING}
    for number in range(1000, 1200):
        device.outbox.put(event(number))
    device.fill(50, Severity.CRITICAL)
    device.live(600)
    assert device.waiting() == 50


def test_without_a_way_one_publish_is_tried_at_a_time_ever_more_rarely(device: Device) -> None:
    device.fill(200)
    device.nucleus.cloud_away = True
    waits = [device.sender.send_due() for _ in range(8)]
    assert all(wait_s > 0 for wait_s in waits)
    assert waits[-1] >= 15
    device.nucleus.cloud_away = False
    device.live(60)
    assert device.waiting() < 100


def test_a_backlog_drains_at_the_pace_of_a_cloud_that_takes_one_a_second(device: Device) -> None:
    device.fill(500)
    device.live(1000)
    assert device.waiting() == 0
    assert len(device.cloud.heard) < 2 * 500


@pytest.mark.soak
def test_three_thousand_events_are_taken_in_an_hour_so_that_ten_thousand_take_three(device: Device) -> None:
    device.fill(3000)
    begun = device.cloud.now()
    while device.waiting() > 30:
        device.live(60)
    assert device.cloud.now() - begun < HOUR_S
    device.live(HOUR_S)
    assert device.waiting() == 0
    assert len(device.cloud.heard) < 2 * 3000


def test_trying_again_costs_no_disk_write(device: Device) -> None:
    device.cloud = Cloud(device.clock, burst=0, each_s=1e12)
    device.fill(50)
    log = Path(device.outbox._database._path).with_name("outbox.sqlite-wal")
    before = log.stat().st_size, log.stat().st_mtime_ns
    device.live(600)
    assert len(device.cloud.heard) > WAITED
    assert (log.stat().st_size, log.stat().st_mtime_ns) == before


def due(number: int, urgency: Urgency = Urgency.WAITED) -> DueEvent:
    one = event(number)
    return DueEvent(number, one, one.to_json(), 0, urgency)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(mono=MonotonicNs(0))


@pytest.fixture
def window(clock: FakeClock) -> SendingWindow:
    return SendingWindow(clock, lambda: 1.0)


def fill(window: SendingWindow, urgency: Urgency = Urgency.WAITED, first: int = 0) -> int:
    """Send as many as are admitted; how many."""
    for number in range(first, first + 100):
        one = due(number, urgency)
        if not window.admits(one):
            assert window.free(urgency) == 0
            return number - first
        window.sent(one)
    pytest.fail("there is no end of places")


def test_no_urgency_takes_the_place_of_another(window: SendingWindow) -> None:
    assert [fill(window, urgency, 100 * urgency) for urgency in reversed(Urgency)] == [16, 6, 10]


def test_a_place_is_free_after_its_time_or_an_answer(window: SendingWindow, clock: FakeClock) -> None:
    fill(window)
    assert window.free_in_s() == HOLD_S
    window.answered(event(3).event_id, Phase.RAISED)
    assert fill(window, first=100) == 1
    clock.advance(HOLD_S)
    assert window.free_in_s() == 0
    assert fill(window, first=200) == WAITED


def test_what_was_fresh_may_be_sent_again_in_its_place_and_a_backlog_may_not(window: SendingWindow) -> None:
    assert window.sent(due(1, Urgency.FRESH)) == 0
    assert window.sent(due(2)) == HOLD_S
    assert window.admits(due(1))
    assert not window.admits(due(2))


def test_while_nothing_is_acknowledged_places_become_fewer_and_are_held_longer(
    window: SendingWindow, clock: FakeClock
) -> None:
    window.sent(due(1000, Urgency.FRESH))
    clock.advance(8 * HOLD_S)
    assert fill(window) == WAITED // 8
    assert window.free_in_s() == 8 * HOLD_S
    clock.advance(40 * HOLD_S)
    assert fill(window, first=100) == 1
    clock.advance(1000 * HOLD_S)
    assert fill(window, first=200) == 1
    assert window.free_in_s() == LONGEST_HOLD_S
    assert fill(window, Urgency.FRESH, first=300) == PLACES[Urgency.FRESH]
    assert window.answered(event(1000).event_id, Phase.RAISED) is Reply.AFTER_SILENCE
    assert fill(window, first=400) == WAITED
    assert window.answered(event(1000).event_id, Phase.RAISED) is Reply.IN_TIME


def test_an_answer_to_nothing_ends_no_silence(window: SendingWindow, clock: FakeClock) -> None:
    window.sent(due(1))
    clock.advance(100 * HOLD_S)
    assert window.answered(event(2).event_id, Phase.RAISED, waited=False) is Reply.TO_NOTHING
    assert fill(window, first=100) == 1
    assert window.answered(event(100).event_id, Phase.RAISED, waited=False) is Reply.AFTER_SILENCE


def test_half_of_the_time_of_a_place_is_chance(clock: FakeClock) -> None:
    window = SendingWindow(clock, lambda: 0.0)
    window.sent(due(1))
    assert window.free_in_s() == HOLD_S / 2


def test_when_the_way_is_open_again_all_places_are_free(window: SendingWindow) -> None:
    fill(window)
    window.reopen()
    assert fill(window, first=100) == WAITED
