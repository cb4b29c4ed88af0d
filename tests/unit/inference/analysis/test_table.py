"""The one table of a camera's objects."""

import pytest

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.places import normal
from smartcam.inference.analysis.record import SceneObject
from smartcam.inference.analysis.stays import begin
from smartcam.inference.analysis.table import ObjectTable
from smartcam.inference.events import Trigger
from smartcam.vision.corners import Corners
from smartcam.vision.movers import Mover
from smartcam.vision.rule import Rule
from smartcam.vision.track import Track
from tests.unit.inference.stage import frame, maker

HERE: Corners = (0.4, 0.2, 0.6, 0.8)
THERE: Corners = (0.0, 0.2, 0.2, 0.8)


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round((100 + seconds) * NS_PER_S))


def track(number: int, box: Corners = HERE, *, seen: bool = True) -> Track:
    return Track(number, box, 0.8, EventKind.PERSON, "person", seen, not seen, 0.0, 1, 0.0, static=False)


def mover(number: int, box: Corners = HERE, *, seen: bool = True) -> Mover:
    return Mover(number, seen, at(0), (box,))


def raise_event(one: SceneObject, box: Corners = HERE, kind: EventKind = EventKind.PERSON) -> SceneObject:
    one.raise_event(maker(), Trigger(kind, 0.8, 0.6, NormalBox(*box)), frame(0))
    return one


@pytest.fixture
def table() -> ObjectTable:
    table = ObjectTable()
    table.configure((Rule(),))
    return table


def test_an_object_keeps_its_record_while_its_track_or_its_mover_lasts(table: ObjectTable) -> None:
    table.observe([track(1)], [mover(1)])
    before = dict(table.named), dict(table.moving)
    table.observe([track(1), track(2)], [mover(1), mover(2)])
    assert (table.named[1], table.moving[1]) == (before[0][1], before[1][1])
    assert (list(table.named), list(table.moving)) == ([1, 2], [1, 2])
    assert len(list(table.objects())) == 4


def test_a_mover_that_vanishes_is_forgotten_unless_its_episode_is_on(table: ObjectTable) -> None:
    table.observe([], [mover(1), mover(2, THERE)])
    lasting = raise_event(table.moving[1])
    table.observe([], [])
    assert (table.moving, table.adrift) == ({}, [lasting])
    assert table.episodes() == [lasting.episode]
    table.forget()
    assert (table.episodes(), table.adrift) == ([], [])


def test_what_moves_again_where_a_mover_vanished_goes_on_with_its_episode(table: ObjectTable) -> None:
    table.observe([], [mover(1)])
    vanished = raise_event(table.moving[1])
    table.observe([], [])
    table.observe([], [mover(2, THERE), mover(3, THERE, seen=False), mover(4, seen=False)])
    assert table.adrift == [vanished]
    table.observe([], [mover(4), mover(5)])
    assert table.adrift == []
    assert [one.episode for one in table.moving.values()] == [vanished.episode, None]


def test_what_is_somebody_elses_does_not_go_on_with_the_episode_of_one_that_vanished(table: ObjectTable) -> None:
    table.observe([], [mover(1), mover(2), mover(3)])
    vanished, named, busy = table.moving[1], table.moving[2], table.moving[3]
    raise_event(vanished)
    named.name()
    raise_event(busy)
    episode = busy.episode
    table.observe([], [mover(2), mover(3)])
    assert table.adrift == [vanished]
    assert (named.episode, busy.episode) == (None, episode)


def test_each_object_is_the_mover_that_fits_it_best_in_this_frame_and_none_that_stands_still(
    table: ObjectTable,
) -> None:
    table.observe([track(1), track(2, THERE), track(3, seen=False)], [mover(1), mover(2, THERE, seen=False)])
    table.pair()
    assert table.named[1].moving_as is table.moving[1]
    assert table.named[2].moving_as is table.named[3].moving_as is None
    table.observe([track(1), track(2, THERE)], [mover(1, seen=False)])
    table.pair()
    assert table.named[1].moving_as is None


def test_a_part_has_a_whole_only_among_the_other_tracks_of_the_frame(table: ObjectTable) -> None:
    part = track(2, (0.45, 0.2, 0.55, 0.4))
    table.observe([track(1), part], [])
    assert table.whole_of(part, at(0)) is None
    body = raise_event(table.named[1])
    body.track(track(1), normal(HERE), at(0))
    assert table.whole_of(part, at(0)) is body
    assert table.whole_of(track(1), at(0)) is None
    table.observe([part], [])
    assert table.whole_of(part, at(0)) is None


def test_the_earlier_self_of_an_object_is_the_one_of_its_kind_that_its_mover_was(table: ObjectTable) -> None:
    table.observe([track(1)], [mover(1)])
    earlier = raise_event(table.named[1])
    earlier.track(track(1), NormalBox(*HERE), at(0))
    table.moving[1].name(earlier)
    table.observe([track(2)], [mover(1)])
    table.pair()
    now = table.named[2]
    now.track(track(2), NormalBox(*HERE), at(1))
    assert table.earlier_self(now, EventKind.PERSON, at(1)) is earlier
    assert table.earlier_self(now, EventKind.VEHICLE, at(1)) is None
    assert table.earlier_self(now, EventKind.PERSON, at(21)) is None
    assert table.earlier_self(SceneObject(()), EventKind.PERSON, at(1)) is None
    raise_event(now)
    table.moving[1].name(now)
    assert table.earlier_self(now, EventKind.PERSON, at(1)) is None


def test_a_mover_is_pending_while_the_detector_is_about_to_name_it(table: ObjectTable) -> None:
    table.observe([track(1)], [mover(1)])
    table.pair()
    one, moving = table.named[1], table.moving[1]
    assert not table.is_pending(moving)
    raise_event(one)
    one.alarm = type(one.alarm)(evidence=1)
    assert table.is_pending(moving)
    assert not table.is_pending(SceneObject(()))


def test_a_place_is_taken_for_two_seconds_after_an_object_with_an_episode_was_seen_there(table: ObjectTable) -> None:
    table.observe([track(1), track(2, THERE)], [])
    for number, box in ((1, HERE), (2, THERE)):
        table.named[number].track(track(number, box), NormalBox(*box), at(0))
    raise_event(table.named[1])
    assert table.taken(at(2)) == [NormalBox(*HERE)]
    assert table.taken(at(2.1)) == []


def test_an_object_whose_track_is_lost_is_forgotten_unless_its_episode_is_on_or_it_moves_on(
    table: ObjectTable,
) -> None:
    table.observe([track(1), track(2), track(3)], [mover(1)])
    lost, held, nobody = (table.named[number] for number in (1, 2, 3))
    for one in (lost, held):
        raise_event(one)
        one.track(track(1), NormalBox(*HERE), at(0))
    table.moving[1].name(held)
    assert table.gone(at(1)) == []
    table.observe([], [mover(1)])
    assert table.gone(at(1)) == [lost]
    assert list(table.named.values()) == [lost, held]
    assert nobody.episode is None
    table.observe([], [mover(1, seen=False)])
    assert table.gone(at(1)) == [lost, held]


def test_other_rules_remember_nothing_of_any_object(table: ObjectTable) -> None:
    table.observe([track(1)], [mover(1)])
    rules = (Rule("one"), Rule("two"))
    table.configure(rules)
    assert table.rules == rules
    assert [len(one.rules) for one in table.objects()] == [2, 2]


@pytest.mark.parametrize(("kind", "is_taken"), [(EventKind.PERSON, True), (EventKind.VEHICLE, False)])
def test_a_place_stays_taken_by_somebody_told_of_and_a_parked_vehicle_hides_nobody_before_it(
    table: ObjectTable, kind: EventKind, *, is_taken: bool
) -> None:
    box = (0.4, 0.3, 0.6, 0.8)
    stay = begin(kind, box, MonotonicNs(0))
    stay.tell()
    one = SceneObject((), box=NormalBox(*box), stay=stay)
    table.named[1] = one
    assert bool(table.taken(MonotonicNs(0))) is is_taken
