"""What an earlier process left open."""

from dataclasses import replace

import pytest

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.inference.analysis.orphans import Orphans
from smartcam.inference.events import OpenEpisode, Trigger
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import frame, maker

LEFT, RIGHT = (0.1, 0.2, 0.3, 0.8), (0.6, 0.2, 0.8, 0.8)


def episode(
    box: tuple[float, float, float, float] | None = LEFT, kind: EventKind = EventKind.PERSON, age_ms: int | None = 1000
) -> OpenEpisode:
    trigger = Trigger(kind, 0.8, 0.6, None if box is None else NormalBox(*box))
    return replace(maker().raised(trigger, UtcNs(SOME_DAY), MonotonicNs(0))[0], age_ms=age_ms)


def waiting(*episodes: OpenEpisode) -> Orphans:
    orphans = Orphans()
    orphans.add(episodes)
    return orphans


def test_an_episode_goes_to_what_is_where_its_object_was_and_to_nobody_else() -> None:
    left, right, car = episode(), episode(RIGHT), episode(RIGHT, EventKind.VEHICLE)
    orphans = waiting(left, right, car)
    assert orphans.at(RIGHT) is right
    assert orphans.at(RIGHT, EventKind.VEHICLE) is car
    assert orphans.at(LEFT, EventKind.VEHICLE) is None
    assert orphans.at((0.4, 0.0, 0.5, 0.1)) is None
    assert orphans.give(right) is right
    assert orphans.at(RIGHT) is car
    assert orphans.episodes == [left, car]


def test_somebody_who_walked_on_meanwhile_is_known_by_their_kind() -> None:
    person, car = episode(), episode(RIGHT, EventKind.VEHICLE)
    assert waiting(person, car).of(EventKind.VEHICLE) is car
    assert waiting(person, car).of(EventKind.ANIMAL) is None


@pytest.mark.parametrize("age_ms", [None, 180_001])
def test_what_was_left_open_long_ago_is_nobodys(age_ms: int | None) -> None:
    old = episode(age_ms=age_ms)
    orphans = waiting(old, episode(RIGHT, age_ms=180_000))
    assert orphans.at(LEFT) is orphans.of(EventKind.VEHICLE) is None
    assert orphans.of(EventKind.PERSON) is orphans.at(RIGHT)
    assert orphans.overdue(frame(0).captured_mono) == [old]
    assert len(orphans.episodes) == 1


def test_they_wait_for_ten_seconds_from_the_next_frame_on_and_then_end() -> None:
    first, second = episode(), episode(RIGHT)
    orphans = waiting(first)
    assert orphans.overdue(frame(100).captured_mono) == []
    assert orphans.overdue(frame(109.9).captured_mono) == []
    orphans.add([second])
    assert orphans.overdue(frame(110).captured_mono) == []
    assert orphans.overdue(frame(119.9).captured_mono) == []
    assert orphans.overdue(frame(120).captured_mono) == [first, second]
    assert orphans.overdue(frame(121).captured_mono) == orphans.episodes == []


def test_the_places_of_all_that_have_one_are_known() -> None:
    orphans = waiting(episode(), episode(None))
    assert orphans.boxes() == [NormalBox(*LEFT)]
    orphans.forget()
    assert (orphans.boxes(), orphans.episodes) == ([], [])
