from dataclasses import replace

import pytest

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind, NormalBox, Phase, Severity
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.outbox.outbox import Episode
from smartcam.inference.events import Oddness, OpenEpisode, Trigger, restored, stored
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import START, THING, YARD, maker

SIGHT = Trigger(EventKind.PERSON, 0.7, 0.6, NormalBox(0.1, 0.2, 0.3, 0.9), "person", "gate")


def test_an_event_says_who_saw_what_when_and_how_surely() -> None:
    _, change = maker().raised(SIGHT, SOME_DAY, START)
    event = change.event
    assert event is not None
    assert (event.thing, event.camera_id, event.kind, event.phase) == (THING, YARD, EventKind.PERSON, Phase.RAISED)
    assert (event.score, event.threshold, event.zone, event.label) == (0.7, 0.6, "gate", "person")
    assert (event.model_name, event.model_version, event.severity) == ("eyes", "1.2.0", Severity.WARNING)
    assert event.started_at == SOME_DAY
    assert event.expires_at == SOME_DAY + 3600 * NS_PER_S
    assert change.episode is not None
    assert change.episode.event_id == event.event_id


def test_the_end_of_an_episode_has_its_events_id_its_peak_and_what_it_suppressed() -> None:
    make = maker()
    episode, _ = make.raised(SIGHT, SOME_DAY, START)
    change = make.cleared(replace(episode, peak=0.9, suppressed=2), UtcNs(SOME_DAY + NS_PER_S))
    event = change.event
    assert event is not None
    assert (event.event_id, event.phase) == (episode.event.event_id, Phase.CLEARED)
    assert (event.ended_at, event.score, event.suppressed) == (SOME_DAY + NS_PER_S, 0.9, 2)
    assert change.episode is None


def test_a_clock_that_was_set_back_ends_no_event_before_it_began() -> None:
    make = maker()
    episode, _ = make.raised(SIGHT, SOME_DAY, START)
    event = make.cleared(episode, UtcNs(SOME_DAY - 3600 * NS_PER_S)).event
    assert event is not None
    assert event.ended_at == event.started_at


def test_an_episode_comes_back_from_the_disk_as_it_went() -> None:
    episode, _ = maker().raised(SIGHT, SOME_DAY, START)
    back = restored(replace(stored(episode), age_ms=1500))
    assert back.event == episode.event
    assert (back.box, back.peak, back.suppressed, back.age_ms) == (SIGHT.box, 0.7, 0, 1500)


def test_an_episode_without_a_box_comes_back_too() -> None:
    episode, _ = maker().raised(replace(SIGHT, box=None), SOME_DAY, START)
    assert restored(stored(episode)).box is None


@pytest.mark.parametrize("state", [{}, {"raised": "no event"}, {"raised": "{}"}, {"raised": 5}])
def test_an_episode_that_is_none_of_ours_is_refused(state: dict[str, object]) -> None:
    episode, _ = maker().raised(SIGHT, SOME_DAY, START)
    with pytest.raises(ContractError):
        restored(Episode("yard/1", YARD, episode.event.event_id, state))


ODD = Oddness(0.7, "nowhere")


def an_anomaly(label: str = "intruder", model: str | None = "eyes") -> OpenEpisode:
    sight = Trigger(EventKind.ANOMALY, 0.9, 0.8, label=label, cause="unusual")
    return replace(maker(), model_name=model).raised(sight, SOME_DAY, MonotonicNs(0))[0]


def test_what_the_scene_finds_unusual_when_an_event_is_raised_is_in_its_first_message_and_in_no_second_one() -> None:
    watching = replace(maker(), odd_now=lambda _: ODD, oddness=lambda _: ODD)
    episode, change = watching.raised(Trigger(EventKind.PERSON, 0.9, 0.6), SOME_DAY, MonotonicNs(0))
    assert change.event is not None
    assert (change.event.scene_score, change.event.scene_reason, change.event.revision) == (*ODD, 0)
    assert watching.refreshed(episode, MonotonicNs(NS_PER_S)) == (episode, [])


@pytest.mark.parametrize(("cause", "reason"), [("unusual", "nowhere"), ("detected", None)])
def test_who_judges_the_whole_picture_means_what_is_unusual_anywhere(cause: str, reason: str | None) -> None:
    watching = replace(maker(), odd_now=lambda box: ODD if box is None else None)
    sight = Trigger(EventKind.ANOMALY, 0.9, 0.6, NormalBox(0.0, 0.0, 0.1, 0.1), cause=cause)
    assert watching.event(sight, SOME_DAY).scene_reason == reason


def test_what_the_scene_finds_unusual_later_goes_out_once_under_the_same_id() -> None:
    episode = an_anomaly()
    at = MonotonicNs(NS_PER_S)
    assert maker().refreshed(episode, at) == (episode, [])
    watching = replace(maker(), oddness=lambda _: ODD)
    told, (change,) = watching.refreshed(episode, at)
    assert change.event == told.event
    assert change.episode == stored(told)
    assert told.event == replace(episode.event, scene_score=0.7, scene_reason="nowhere", revision=1)
    louder = replace(maker(), oddness=lambda _: Oddness(0.8, "fast"))
    assert louder.refreshed(told, at) == (told, [])
    ended = louder.cleared(told, SOME_DAY).event
    assert ended is not None
    assert (ended.scene_score, ended.scene_reason) == (0.8, "nowhere")


def test_what_the_scene_has_raised_itself_says_its_reason_once() -> None:
    own = an_anomaly("nowhere", None)
    assert replace(maker(), oddness=lambda _: ODD).refreshed(own, MonotonicNs(NS_PER_S)) == (own, [])
