from dataclasses import replace

import pytest

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind, NormalBox, Phase, Severity
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.outbox.outbox import Episode
from smartcam.inference.events import Trigger, restored, stored
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
