import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import OutboxError
from smartcam.contract.event import Event, EventKind, Phase
from smartcam.contract.times import UtcNs
from smartcam.contract.topics import ack_topic
from smartcam.contract.wanted import Wanted
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.outbox.outbox import DueEvent, Outbox, Urgency
from smartcam.inference.events import Change, EventMaker, Trigger
from smartcam.inference.sender import Sender
from tests.fakes.bus import FakeNucleus, Hearing, Publication
from tests.fakes.clock import SOME_DAY, FakeClock
from tests.unit.inference.stage import START, THING, YARD, maker

TOPIC = f"smartcam/v1/{THING}/{YARD}/event"


class Post:
    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.nucleus = FakeNucleus()
        self.outbox = Outbox(folder / "outbox.sqlite3", self.clock, random=lambda: 1.0)
        self.wanted = Hearing()
        bus = self.nucleus.bus("smartcam.Inference")
        self.sender = Sender(bus, self.outbox, THING, random=lambda: 1.0, on_wanted=self.wanted)
        self._maker: EventMaker = maker()

    def raise_one(self, kind: EventKind = EventKind.PERSON) -> Event:
        _, change = self._maker.raised(Trigger(kind, 0.7, 0.6), SOME_DAY, START)
        return self.put(change)

    def put(self, change: Change) -> Event:
        assert change.event is not None
        self.outbox.put(change.event, change.episode)
        return change.event

    def sent(self) -> list[Event]:
        return [Event.from_json(payload) for payload in self.nucleus.cloud_payloads()]

    def answer(self, event: Event, status: AckStatus = AckStatus.ACCEPTED, reason: str = "") -> None:
        payload = Acknowledgement(event.event_id, event.phase, status, reason).to_json()
        self.nucleus.deliver(ack_topic(THING), payload)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    post = Post(tmp_path)
    yield post
    post.outbox.close()


class Running:
    """The sender in a thread, until the block is left."""

    def __init__(self, post: Post) -> None:
        self._stop = StopToken()
        self._thread = Thread(target=post.sender.run, args=(self._stop,))
        self._post = post

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._post.sender.wake()
        self._thread.join(60)
        assert not self._thread.is_alive()


def wait_until(condition: object) -> None:
    assert callable(condition)
    stop = StopToken()
    for _ in range(6000):
        if condition():
            return
        stop.wait(0.01)
    raise AssertionError("it never became true")


class QuickCloud:
    """A way to the cloud on which the acknowledgement comes before the publish returns."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._bus = post.nucleus.bus("smartcam.Inference")
        self.subscribe_cloud = self._bus.subscribe_cloud

    def publish_cloud(self, topic: str, payload: bytes) -> None:
        self._bus.publish_cloud(topic, payload)
        self._post.answer(Event.from_json(payload))


def test_acknowledgements_that_come_before_a_publish_returns_leave_no_place_taken(post: Post) -> None:
    post.sender = Sender(QuickCloud(post), post.outbox, THING, random=lambda: 1.0, on_wanted=post.wanted)
    with Running(post):
        for number in range(1, 41):
            post.raise_one()
            post.sender.wake()
            wait_until(lambda number=number: len(post.sent()) == number)
    assert post.outbox.counts().waiting == 0


def test_a_long_backlog_does_not_keep_a_stop_waiting_and_each_event_is_a_sign_of_life(post: Post) -> None:
    for _ in range(4):
        post.raise_one()
    stop = StopToken()

    def cloud(_: Publication) -> None:
        [pulse] = stop.loops.pulses()
        beats.append(pulse.beats)
        if len(beats) == 3:
            stop.set()

    beats: list[int] = []
    post.nucleus.on_publish.append(cloud)
    stop.follow("sender", lambda: post.sender.run(stop))
    assert len(post.sent()) == 3
    assert len(set(beats)) == 3


def test_what_is_due_is_published_on_its_cameras_topic(post: Post) -> None:
    event = post.raise_one()
    post.sender.send_due()
    assert [item.topic for item in post.nucleus.published_cloud] == [TOPIC]
    assert post.sent()[0].event_id == event.event_id


def test_every_send_carries_the_age_and_the_state_of_the_clock(post: Post) -> None:
    post.raise_one()
    post.clock.advance(3)
    post.clock.is_synced = False
    post.sender.send_due()
    sent = post.sent()[0]
    assert (sent.age_ms, sent.clock_synced) == (3000, False)


def test_an_event_is_sent_again_until_the_cloud_has_it(post: Post) -> None:
    event = post.raise_one()
    post.sender.send_due()
    assert post.sender.send_due() > 0
    assert len(post.sent()) == 1
    post.clock.advance(6)
    post.sender.send_due()
    assert [item.event_id for item in post.sent()] == [event.event_id] * 2


def test_without_a_way_to_the_cloud_nothing_is_lost_and_everything_follows_at_once(post: Post) -> None:
    post.nucleus.cloud_away = True
    events = [post.raise_one(), post.raise_one()]
    for _ in range(20):
        post.sender.send_due()
        post.clock.advance(30)
    assert post.sent() == []
    post.nucleus.cloud_away = False
    post.clock.advance(60)
    post.sender.send_due()
    assert {item.event_id for item in post.sent()} == {event.event_id for event in events}


def test_an_event_that_the_nucleus_refuses_does_not_hold_up_the_others(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.nucleus.refused.add(TOPIC)
    post.raise_one()
    post.raise_one()
    post.sender.send_due()
    assert caplog.text.count("event_not_published") == 2
    post.nucleus.refused.clear()
    post.clock.advance(6)
    post.sender.send_due()
    assert len(post.sent()) == 2


def test_an_outage_is_logged_once(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    post.nucleus.away = True
    post.raise_one()
    for _ in range(10):
        post.sender.send_due()
        post.clock.advance(60)
    post.nucleus.away = False
    post.sender.send_due()
    assert caplog.text.count("cloud_unreachable") == 1
    assert caplog.text.count("cloud_reachable") == 1


def test_sending_and_acknowledging_an_event_is_nothing_that_a_person_needs_to_see(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    event = post.raise_one()
    post.sender.send_due()
    acknowledgement = Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED)
    post.sender._on_acknowledgement("a", acknowledgement.to_json())
    assert len(post.sent()) == 1
    assert [record.getMessage() for record in caplog.records] == []


def test_what_the_cloud_has_accepted_is_let_go_of(post: Post) -> None:
    with Running(post):
        event = post.raise_one()
        post.sender.wake()
        wait_until(post.sent)
        post.answer(event)
        assert post.outbox.counts().waiting == 0


def test_what_the_cloud_refuses_is_reported_and_never_sent_again(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    with Running(post):
        event = post.raise_one()
        post.sender.wake()
        wait_until(post.sent)
        post.answer(event, AckStatus.REFUSED, "thing is not the topic's")
    counts = post.outbox.counts()
    assert (counts.waiting, counts.refused) == (0, 1)
    refusals = [record for record in caplog.records if "event_refused" in record.message]
    assert len(refusals) == 1
    assert refusals[0].levelno >= logging.WARNING
    assert "thing is not the topic's" in refusals[0].message


def test_the_end_of_an_episode_is_acknowledged_for_itself(post: Post) -> None:
    make = maker()
    episode, change = make.raised(Trigger(EventKind.PERSON, 0.7, 0.6), SOME_DAY, START)
    with Running(post):
        raised = post.put(change)
        cleared = post.put(make.cleared(episode, UtcNs(SOME_DAY + 1)))
        post.sender.wake()
        wait_until(lambda: len(post.sent()) == 2)
        post.answer(raised)
        assert post.outbox.counts().waiting == 1
        post.answer(cleared)
        assert post.outbox.counts().waiting == 0
    assert [event.phase for event in post.sent()] == [Phase.RAISED, Phase.CLEARED]


def test_an_acknowledgement_from_within_the_publish_is_taken(post: Post) -> None:
    def cloud(publication: Publication) -> None:
        post.answer(Event.from_json(publication.payload))

    post.nucleus.on_publish.append(cloud)
    with Running(post):
        event = post.raise_one()
        post.sender.wake()
        wait_until(lambda: post.outbox.counts().waiting == 0)
    assert [sent.event_id for sent in post.sent()] == [event.event_id]


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"schema": 9}'])
def test_an_acknowledgement_that_says_nothing_is_logged_and_changes_nothing(
    post: Post, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with Running(post):
        post.raise_one()
        post.sender.wake()
        wait_until(post.sent)
        post.nucleus.deliver(ack_topic(THING), payload)
    assert "acknowledgement_unreadable" in caplog.text
    assert post.outbox.counts().waiting == 1


def test_what_the_cloud_wants_is_handed_on_and_no_acknowledgement(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    wanted = Wanted(revision=3).to_json()
    with Running(post):
        event = post.raise_one()
        post.sender.wake()
        wait_until(post.sent)
        post.nucleus.deliver(ack_topic(THING), wanted)
        post.answer(event)
    assert post.wanted.messages == [(ack_topic(THING), wanted)]
    assert post.outbox.counts().waiting == 0
    assert "acknowledgement_unreadable" not in caplog.text


class FullDisk(Outbox):
    """An outbox whose disk gives an error `faults` times."""

    faults = 2

    def due(self, most: int = 16, urgency: Urgency | None = None) -> list[DueEvent]:
        if self.faults:
            self.faults -= 1
            raise OutboxError("disk I/O error")
        return super().due(most, urgency)


def test_a_disk_that_fails_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    post = Post(tmp_path)
    post.outbox = FullDisk(tmp_path / "outbox.sqlite3", post.clock, random=lambda: 1.0)
    bus = post.nucleus.bus("smartcam.Inference")
    post.sender = Sender(bus, post.outbox, THING, random=lambda: 0.0, on_wanted=post.wanted)
    event = post.raise_one()
    with Running(post):
        wait_until(lambda: "outbox_unusable" in caplog.text)
        post.sender.wake()
        wait_until(lambda: caplog.text.count("outbox_unusable") == 2)
        post.sender.wake()
        wait_until(post.sent)
    assert [sent.event_id for sent in post.sent()] == [event.event_id]
    post.outbox.close()


def test_a_flood_of_acknowledgements_of_what_was_never_sent_wakes_nobody(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = post.raise_one()
    post.sender.send_due()
    woken: list[str] = []
    monkeypatch.setattr(post.sender, "wake", lambda: woken.append("woken"))
    subscription = post.sender._bus.subscribe_cloud(ack_topic(THING), post.sender._on_answer)
    others = maker()
    for _ in range(6000):
        other = others.raised(Trigger(EventKind.PERSON, 0.7, 0.6), SOME_DAY, START)[1].event
        assert other is not None
        if other.event_id != kept.event_id:
            post.answer(other)
    assert woken == []
    post.answer(kept)
    post.answer(kept)
    assert woken == ["woken"]
    subscription.close()
