"""One object, and what becomes of its episode."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind, NormalBox, Phase
from smartcam.contract.times import MonotonicNs
from smartcam.inference.analysis import record
from smartcam.inference.analysis.record import (
    PurposeState,
    SceneObject,
    bring_back,
    count_part,
    no_memory,
    take_over,
    upgrade,
)
from smartcam.inference.events import Trigger
from smartcam.vision.alarm import AlarmPolicy, AlarmState, Observation, Transition
from smartcam.vision.movers import Mover
from smartcam.vision.rule import Candidate, Rule
from smartcam.vision.track import Track
from tests.unit.inference.stage import frame, maker

BOX, ELSEWHERE = NormalBox(0.1, 0.2, 0.3, 0.8), NormalBox(0.5, 0.2, 0.7, 0.8)
SIGHT = Trigger(EventKind.MOTION, 0.5, 0.5, BOX)
PERSON = Trigger(EventKind.PERSON, 0.8, 0.6, ELSEWHERE, "person")
POLICY = AlarmPolicy(0.6, 0.4, 2, 1.0)
NOW = frame(0).captured_mono


def raised(box: NormalBox = BOX, sight: Trigger = SIGHT) -> SceneObject:
    one = SceneObject((), box=box)
    one.show(frame(0), "motion")
    one.raise_event(maker(), sight, frame(0))
    return one


def track(*, seen: bool = True, moves: int = 1) -> Track:
    return Track(
        1, (0.1, 0.2, 0.3, 0.8), 0.8, EventKind.PERSON, "person", seen, not seen, 0.0, moves, 0.0, static=False
    )


def test_no_other_module_changes_what_is_known_of_an_object() -> None:
    """Elsewhere an object is only asked, and told: whoever assigns to an attribute assigns to its own."""
    folder = Path(record.__file__).parent
    foreign = [
        f"{path.name}:{node.lineno}"
        for path in folder.glob("*.py")
        if path.name != "record.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if not (isinstance(node.value, ast.Name) and node.value.id == "self")
        if node.attr in SceneObject.__slots__ or node.attr in PurposeState.__slots__
    ]
    assert foreign == []


def test_first_and_last_place_and_time_are_those_at_which_it_was_seen() -> None:
    one = SceneObject(())
    one.track(track(), BOX, NOW)
    one.track(track(seen=False, moves=2), None, MonotonicNs(NOW + 1))
    assert (one.since, one.seen_at, one.born, one.box, one.moves) == (NOW, NOW, BOX, BOX, 2)
    one.track(track(), ELSEWHERE, MonotonicNs(NOW + 2))
    assert (one.since, one.seen_at, one.born, one.box) == (NOW, NOW + 2, BOX, ELSEWHERE)


def test_a_mover_keeps_its_last_place_where_it_has_left_the_picture() -> None:
    one = SceneObject(())
    assert not one.is_moving
    one.move(Mover(1, True, NOW, ((0.1, 0.2, 0.3, 0.8),)))
    assert (one.is_moving, one.box) == (True, BOX)
    one.move(Mover(1, False, NOW, ((1.1, 0.2, 1.3, 0.8),)))
    assert (one.is_moving, one.box) == (False, BOX)


@given(st.lists(st.booleans(), max_size=12))
def test_a_mover_counts_while_it_was_an_object_more_often_than_a_shadow(looks: list[bool]) -> None:
    purpose = PurposeState()
    for number, look in enumerate(looks, 1):
        purpose.weigh(is_object=look)
        assert purpose.is_known is (2 * sum(looks[:number]) > number)


def test_it_is_ready_since_the_first_time_that_it_was() -> None:
    purpose = PurposeState()
    assert [purpose.is_ready_since(MonotonicNs(at)) for at in (5, 6, 7)] == [5, 5, 5]


def test_a_mover_remembers_the_last_named_object_with_an_episode_that_it_was() -> None:
    mover, named, other = SceneObject(()), raised(), SceneObject(())
    mover.name(other, is_sure=False)
    assert (mover.named_as, mover.is_named) == (None, False)
    mover.name(named, is_sure=False)
    assert (mover.named_as, mover.is_named) == (named, False)
    mover.name(other)
    mover.name(other, is_sure=False)
    assert (mover.named_as, mover.is_named) == (named, True)


def test_other_rules_remember_nothing() -> None:
    rules = (Rule(loiter_s=5.0),)
    one = SceneObject(no_memory(rules))
    stand = Candidate(NOW, None, "person", BOX)
    later = replace(stand, at=MonotonicNs(NOW + 5 * 10**9))
    assert one.check(rules, stand) is None
    assert one.check(rules, later) is not None
    one.forget_rules(rules)
    assert one.check(rules, later) is None
    assert len(no_memory((*rules, *rules))) == 2


def test_an_event_begins_with_the_picture_that_there_is_and_its_alarm_is_open() -> None:
    one = SceneObject((), box=BOX)
    one.show(frame(0), "motion")
    change = one.raise_event(maker(), SIGHT, frame(0.5))
    assert one.episode is not None
    assert change.event is one.episode.event
    assert change.event.started_at == frame(0.5).captured_at
    assert change.snapshot is not None
    assert change.snapshot.event_id == one.episode.event.event_id
    assert one.alarm.open


def test_an_episode_goes_on_where_the_object_is_and_keeps_its_highest_score() -> None:
    one = raised()
    assert one.go_on(None, maker(), frame(1), ELSEWHERE, 0.9) == []
    assert one.go_on(None, maker(), frame(1), None, 0.7) == []
    assert one.episode is not None
    assert (one.episode.box, one.episode.peak) == (ELSEWHERE, 0.9)


def test_an_episode_that_its_alarm_clears_is_over() -> None:
    one = raised()
    unseen = Observation(NOW, 0.0, seen=False)
    assert one.judge(POLICY, unseen) is None
    transition = one.judge(POLICY, replace(unseen, at=MonotonicNs(NOW + 10**9)))
    assert transition is Transition.CLEARED
    (change,) = one.go_on(transition, maker(), frame(1), None)
    assert change.event is not None
    assert (change.event.phase, change.event.ended_at) == (Phase.CLEARED, frame(1).captured_at)
    assert one.episode is None
    assert one.go_on(transition, maker(), frame(1), None) == one.store(maker(), NOW) == []


def test_each_event_has_a_picture_of_its_own_even_if_the_last_one_of_the_object_was_as_good() -> None:
    one = SceneObject((), box=BOX)
    for at in (0, 100):
        one.show(frame(at), "motion")
        assert one.raise_event(maker(), SIGHT, frame(at)).snapshot is not None
        one.go_on(Transition.CLEARED, maker(), frame(at + 1), None)


def test_the_state_of_an_episode_is_stored_every_twenty_seconds() -> None:
    one = raised()
    assert one.store(maker(), frame(19.9).captured_mono) == []
    (change,) = one.store(maker(), frame(20).captured_mono)
    assert (change.event, change.episode is not None) == (None, True)
    assert one.store(maker(), frame(21).captured_mono) == []


def test_a_part_is_counted_in_the_event_of_the_whole() -> None:
    part, whole = SceneObject(()), raised()
    count_part(part, whole)
    count_part(SceneObject(()), whole)
    assert whole.episode is not None
    assert (whole.episode.suppressed, part.is_counted, whole.is_counted) == (2, True, False)
    nothing = SceneObject(())
    count_part(part, nothing)
    assert nothing.episode is None


def test_what_is_better_known_has_the_event_from_then_on_and_the_other_one_needs_a_new_movement() -> None:
    mover, one = raised(), SceneObject((), alarm=AlarmState(evidence=2), box=ELSEWHERE)
    mover.moves = 3
    assert mover.episode is not None
    event = mover.episode.event
    change = upgrade(one, mover, maker(), PERSON)
    assert change is not None
    assert one.episode is not None
    assert change.event is one.episode.event
    assert (change.event.event_id, change.event.kind, change.event.revision) == (event.event_id, EventKind.PERSON, 1)
    assert one.alarm == AlarmState(evidence=2, open=True)
    assert mover.alarm == AlarmState(spent_moves=3)
    assert upgrade(SceneObject(()), mover, maker(), PERSON) is None


def test_an_object_under_a_new_track_has_the_episode_of_the_one_that_it_was() -> None:
    earlier, one = raised(), SceneObject((), alarm=AlarmState(evidence=3, open=True))
    earlier.moves, episode, picture = 2, earlier.episode, earlier.picture
    take_over(one, earlier)
    assert (one.episode, one.alarm) == (episode, AlarmState(evidence=3, open=True))
    assert one.picture is picture is not earlier.picture
    assert earlier.alarm == AlarmState(spent_moves=2)
    assert earlier.store(maker(), frame(100).captured_mono) == []


def test_a_mover_that_is_back_goes_on_with_episode_and_picture() -> None:
    vanished, one = raised(), SceneObject(())
    bring_back(one, vanished)
    assert (one.episode, one.picture) == (vanished.episode, vanished.picture)
    assert one.purpose.is_known
    assert one.alarm == AlarmState(open=True)


def test_an_earlier_processs_episode_goes_on_here_or_where_the_object_has_gone() -> None:
    episode = raised().episode
    assert episode is not None
    stays = SceneObject((), alarm=AlarmState(evidence=1, spent_moves=2), box=ELSEWHERE)
    stays.resume(episode)
    assert (stays.episode, stays.alarm) == (episode, AlarmState(open=True))
    went = SceneObject((), alarm=AlarmState(evidence=3, open=True), box=ELSEWHERE)
    went.move_on(episode)
    assert (went.episode, went.alarm) == (replace(episode, box=ELSEWHERE), AlarmState(evidence=3, open=True))


@pytest.mark.parametrize("moving", [None, SceneObject(())])
def test_which_mover_an_object_is_changes_from_frame_to_frame(moving: SceneObject | None) -> None:
    one = SceneObject((), moving_as=SceneObject(()))
    one.pair(moving)
    assert one.moving_as is moving
