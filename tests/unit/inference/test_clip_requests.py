"""Which clips inference asks for, and until when."""

from dataclasses import replace

import pytest

from smartcam.contract.clip import MOST_WAITING, ClipRequest, ClipWorth, decode_clip_message
from smartcam.contract.errors import OutboxError
from smartcam.contract.event import ClipPart, EventKind, Phase
from smartcam.contract.health import CameraCondition, CameraHealth
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_S
from smartcam.contract.topics import clips_topic
from smartcam.contract.wanted import Verdict
from smartcam.inference.clip_requests import ClipRequests
from smartcam.inference.events import Change, EventMaker, Trigger, stored
from tests.clip_events import event_id
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock

YARD = CameraId("yard")
MAKER = EventMaker(ThingName("porch"), YARD, 3600, lambda at: new_event_id(at, b"0123456789"), lambda: True)
PERSON = Trigger(EventKind.PERSON, 0.8, 0.6)


class Bench:
    """Requests on simulated time; seconds count from the beginning."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.began = self.clock.monotonic()
        self.nucleus = FakeNucleus()
        self.requests = ClipRequests(self.nucleus.bus("smartcam.Inference"), self.clock)

    def asked(self) -> list[ClipRequest]:
        told = [decode_clip_message(payload) for payload in self.nucleus.local_payloads(clips_topic(YARD))]
        return [each for each in told if isinstance(each, ClipRequest)]

    def weighed(self, camera: CameraId = YARD) -> list[tuple[tuple[EventId, ...], tuple[EventId, ...]]]:
        told = [decode_clip_message(payload) for payload in self.nucleus.local_payloads(clips_topic(camera))]
        return [(each.false, each.waiting) for each in told if isinstance(each, ClipWorth)]

    def spans(self) -> list[tuple[float, float]]:
        return [
            ((each.from_mono - self.began) / NS_PER_S, (each.to_mono - self.began) / NS_PER_S) for each in self.asked()
        ]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_clip_is_asked_for_from_the_event_on_longer_while_it_goes_on_and_until_its_end(bench: Bench) -> None:
    at = bench.clock.utc()
    bench.clock.advance(0.5)
    episode, change = MAKER.raised(PERSON, at, bench.clock.monotonic())
    bench.requests.ask(change)
    bench.clock.advance(20)
    bench.requests.ask(Change(None, stored(episode)))
    bench.clock.advance(10)
    bench.requests.ask(MAKER.cleared(episode, bench.clock.utc()))
    assert bench.spans() == [(0.0, 60.5), (0.0, 80.5), (0.0, 30.5)]
    assert {each.event.event_id for each in bench.asked()} == {episode.event.event_id}


def test_an_event_that_is_over_at_once_has_a_clip_of_its_moment(bench: Bench) -> None:
    bench.requests.ask(Change(MAKER.event(Trigger(EventKind.CAMERA_RESTORED, 1.0, 0.0), bench.clock.utc()), None))
    assert bench.spans() == [(0.0, 0.0)]


@pytest.mark.parametrize(("step_s", "earliest_s"), [(7200, -60.0), (-7200, 0.0), (30, -30.0)])
def test_a_step_of_the_clock_moves_a_beginning_by_a_minute_at_most_and_never_an_end(
    bench: Bench, step_s: float, earliest_s: float
) -> None:
    at = bench.clock.utc()
    bench.clock.step_utc(step_s)
    episode, change = MAKER.raised(PERSON, at, bench.clock.monotonic())
    bench.requests.ask(change)
    bench.clock.step_utc(-step_s)
    bench.clock.advance(5)
    bench.requests.ask(MAKER.cleared(episode, bench.clock.utc()))
    assert bench.spans() == [(earliest_s, 60.0), (0.0, 5.0)]


def test_an_episode_that_an_earlier_process_left_open_is_asked_for_again(bench: Bench) -> None:
    episode, _ = MAKER.raised(PERSON, bench.clock.utc(), bench.clock.monotonic())
    bench.clock.advance(40)
    bench.requests.ask(Change(None, stored(episode)))
    assert bench.spans() == [(0.0, 100.0)]
    assert bench.asked()[0].event == episode.event


def test_what_has_been_recorded_is_not_asked_for_again(bench: Bench) -> None:
    event = MAKER.event(PERSON, bench.clock.utc())
    part = ClipPart(1, 5, "0" * 64)
    bench.requests.ask(Change(replace(event, phase=Phase.RECORDED, clips=(part,), revision=1), None))
    assert bench.asked() == []


def test_a_request_that_cannot_be_sent_stops_nothing(bench: Bench) -> None:
    _, change = MAKER.raised(PERSON, bench.clock.utc(), bench.clock.monotonic())
    bench.nucleus.away = True
    bench.requests.ask(change)
    bench.nucleus.away = False
    bench.nucleus.refused.add("smartcam/clips/+")
    bench.requests.ask(change)
    assert bench.asked() == []
    bench.requests.ask(Change(None, None))


def only_the_yard() -> list[CameraHealth]:
    return [CameraHealth(YARD, CameraCondition.RUNNING)]


SAID = (Verdict(event_id(1), true=False), Verdict(event_id(2), true=True))


def test_which_clips_may_go_first_and_which_last_is_said_each_minute_to_every_camera(bench: Bench) -> None:
    yard, door = (CameraHealth(name, CameraCondition.RUNNING) for name in (YARD, CameraId("door")))
    for _ in range(121):
        bench.requests.weigh(lambda: [yard, door], SAID, lambda most: [event_id(3)] * min(most, 2))
        bench.clock.advance(1)
    assert bench.weighed() == bench.weighed(door.camera_id) == [((event_id(1),), (event_id(3), event_id(3)))] * 3


def test_where_all_clips_are_worth_the_same_nothing_is_said_but_that_they_are_so_again(bench: Bench) -> None:
    for waiting in ([], [event_id(3)], [], [], []):
        bench.requests.weigh(only_the_yard, SAID[1:], lambda _, waiting=waiting: waiting)  # type: ignore[misc]
        bench.clock.advance(60)
    assert bench.weighed() == [((), (event_id(3),)), ((), ())]


def test_an_outbox_that_cannot_be_read_leaves_what_is_false(bench: Bench) -> None:
    def broken(most: int) -> list[EventId]:
        assert most == MOST_WAITING
        raise OutboxError("the disk is gone")

    bench.requests.weigh(only_the_yard, SAID, broken)
    assert bench.weighed() == [((event_id(1),), ())]
