"""What becomes of tracks, one look after the other: at the table, without a detector."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.analysis import alarm_policy
from smartcam.inference.analysis.naming import NamedWatch, first_of, may_tell
from smartcam.inference.analysis.orphans import Orphans
from smartcam.inference.analysis.places import normal
from smartcam.inference.analysis.record import SceneObject
from smartcam.inference.analysis.stays import Stay, begin
from smartcam.inference.analysis.table import ObjectTable
from smartcam.inference.events import Change, OpenEpisode, restored
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.manifest import ModelKind
from smartcam.vision.corners import Corners
from smartcam.vision.movers import Mover
from smartcam.vision.rule import Rule
from smartcam.vision.track import Track
from smartcam.vision.zone import Zone
from tests.unit.inference.stage import START, frame, happened, maker, manifest

HERE: Corners = (0.4, 0.2, 0.6, 0.8)
HEAD: Corners = (0.45, 0.2, 0.55, 0.4)
THERE: Corners = (0.15, 0.2, 0.35, 0.8)
RAISED, CLEARED = ("person", "raised"), ("person", "cleared")


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(START + round(seconds * NS_PER_S))


def track(number: int, box: Corners = HERE, kind: EventKind = EventKind.PERSON) -> Track:
    return Track(number, box, 0.9, kind, str(kind), True, False, 0.0, 1, 0.0, static=False)


def missed(one: Track) -> Track:
    return one._replace(seen=False, missed=True)


class Scene:
    """A camera's table, and what looks at it tell."""

    def __init__(self, *rules: Rule) -> None:
        self.table, self.orphans = ObjectTable(), Orphans()
        self.table.configure(rules or (Rule(),))
        policy = alarm_policy(manifest(ModelKind.DETECTOR), AnalysisSettings())
        self.watch = NamedWatch(self.table, self.orphans, maker(), policy)

    def look(self, seconds: float, *tracks: Track, movers: Sequence[Mover] = ()) -> list[Change]:
        """What one look tells."""
        self.table.observe(tracks, movers)
        self.table.pair()
        return self.watch.judge(frame(seconds)) + self.watch.let_go(frame(seconds))

    def looks(self, seconds: Iterable[float], *tracks: Track, movers: Sequence[Mover] = ()) -> list[Change]:
        """What several looks at the same tell."""
        return [change for each in seconds for change in self.look(each, *tracks, movers=movers)]

    def stay(self, number: int) -> Stay:
        """What is remembered of a track."""
        stay = self.table.named[number].stay
        assert stay is not None
        return stay


def five_a_second(start: float, end: float) -> list[float]:
    return [start + look / 5 for look in range(round((end - start) * 5))]


def test_the_third_sure_look_at_whoever_came_tells_what_was_seen_where_and_by_which_rule() -> None:
    scene = Scene(Rule("porch", zones=(Zone("steps", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))),)))
    assert scene.looks([0, 0.2], track(1)) == []
    (change,) = scene.look(0.4, track(1)._replace(label="postman"))
    event = change.event
    assert event is not None
    assert (event.kind, event.label, event.score, event.threshold) == (EventKind.PERSON, "postman", 0.9, 0.6)
    assert (event.rule, event.zone, event.cause) == ("porch", "steps", "detected")
    assert event.box == normal(HERE)
    assert event.started_at == frame(0.4).captured_at
    assert scene.stay(1).told


def test_whoever_travels_or_strides_is_believed_sooner_or_at_a_lower_score() -> None:
    slow, fast = Scene(), Scene()
    assert happened(slow.looks([0, 0.2], track(1))) == []
    assert happened(fast.looks([0, 0.2], track(1)._replace(stride=1.0))) == [RAISED]
    faint = track(1)._replace(score=0.55)
    assert happened(Scene().looks(five_a_second(0, 3), faint)) == []
    assert happened(Scene().looks(five_a_second(0, 3), faint._replace(travelled=1.0))) == [RAISED]


def test_what_has_always_stood_there_or_is_static_is_no_event() -> None:
    assert Scene().looks(five_a_second(0, 4), track(1)._replace(moves=0)) == []
    assert Scene().looks(five_a_second(0, 4), track(1)._replace(static=True)) == []


@pytest.mark.parametrize(("still_s", "told"), [(2.5, True), (31.5, True), (32.5, False)])
def test_a_rule_that_asks_for_loitering_is_told_of_who_stays_and_not_of_what_has_stood_there_for_long(
    still_s: float, *, told: bool
) -> None:
    scene = Scene(Rule("loiter", loiter_s=2.0))
    scene.watch.static_after_s = 30.0
    stands = track(1)._replace(still_s=still_s, static=still_s > 30)
    assert bool(scene.looks(five_a_second(0, 4), stands)) is told


def test_an_episode_ends_when_its_object_is_missed_and_goes_on_where_nobody_looked() -> None:
    for unseen, ends in ((missed(track(1)), True), (track(1)._replace(seen=False), False)):
        scene = Scene()
        scene.looks([0, 0.2, 0.4], track(1))
        changes = scene.looks(five_a_second(0.6, 4), unseen)
        assert happened(changes) == ([CLEARED] if ends else [])


def test_an_episode_goes_on_while_the_gate_sees_its_object_move() -> None:
    scene, mover = Scene(), Mover(1, True, at(0), (HERE,), HERE)
    scene.looks([0, 0.2, 0.4], track(1), movers=[mover])
    assert scene.looks(five_a_second(0.6, 6), missed(track(1)), movers=[mover]) == []
    assert happened(scene.looks(five_a_second(6, 10), missed(track(1)))) == [CLEARED]


def test_an_episode_whose_track_is_lost_is_counted_down_and_tells_where_and_how_surely_it_was_seen() -> None:
    scene = Scene()
    scene.looks([0, 0.2, 0.4], track(1))
    scene.look(0.6, track(1, THERE)._replace(score=0.95))
    changes = scene.looks(five_a_second(0.8, 3.2))
    assert changes == []
    (change,) = scene.looks(five_a_second(3.2, 4))
    assert change.event is not None
    assert (change.event.score, change.event.box) == (0.95, normal(HERE))
    assert scene.table.named == {} or scene.table.episodes() == []


def test_a_sure_part_of_somebody_told_of_is_counted_once_and_shares_their_stay() -> None:
    scene = Scene()
    scene.looks([0, 0.2, 0.4], track(1))
    assert scene.looks(five_a_second(0.6, 3), track(1), track(2, HEAD)) == []
    (episode,) = scene.table.episodes()
    assert episode.suppressed == 1
    assert scene.stay(2) is scene.stay(1)


def test_a_part_that_moves_by_itself_keeps_a_stay_of_its_own() -> None:
    scene, mover = Scene(), Mover(1, True, at(0.6), (HEAD,), HEAD)
    scene.looks([0, 0.2, 0.4], track(1, THERE))
    scene.stay(1).place = scene.stay(1).box = THERE
    scene.looks(five_a_second(0.6, 3), track(1, THERE), track(2, HEAD), movers=[mover])
    assert scene.stay(2) is not scene.stay(1)


def told_of_a_cat(*rules: Rule) -> Scene:
    scene = Scene(*rules)
    assert happened(scene.looks([0, 0.2, 0.4], track(1, HERE, EventKind.ANIMAL))) == [("animal", "raised")]
    return scene


def test_an_event_goes_out_again_when_its_object_is_known_as_something_graver_and_only_then() -> None:
    scene = told_of_a_cat()
    both = track(1, HERE, EventKind.ANIMAL), track(2)
    assert scene.looks([0.6, 0.8], *both) == []
    (change,) = scene.look(1.0, *both)
    assert change.event is not None
    assert (change.event.kind, change.event.revision) == (EventKind.PERSON, 1)
    assert scene.looks([1.2, 1.4], *both) == []
    assert len(scene.table.episodes()) == 1
    other = Scene()
    other.looks([0, 0.2, 0.4], track(1))
    assert other.looks(five_a_second(0.6, 2), track(1), track(2, HERE, EventKind.ANIMAL)) == []


@pytest.mark.parametrize(("labels", "renamed"), [((), True), (("animal", "person"), True), (("animal",), False)])
def test_nothing_is_called_by_a_label_that_no_rule_asks_for(labels: tuple[str, ...], *, renamed: bool) -> None:
    scene = told_of_a_cat(Rule("some", labels=labels))
    changes = scene.looks(five_a_second(0.6, 2), track(1, HERE, EventKind.ANIMAL), track(2))
    assert bool(changes) is renamed


def left_open(box: Corners) -> OpenEpisode:
    (change,) = Scene().looks([0, 0.2, 0.4], track(1, box))
    assert change.episode is not None
    return restored(replace(change.episode, age_ms=2000))


def test_whoever_moved_on_during_a_restart_is_told_of_no_second_time_and_the_next_one_is() -> None:
    scene, episode = Scene(), left_open(THERE)
    scene.orphans.add([episode])
    assert scene.looks([0, 0.2, 0.4], track(1)) == []
    assert (scene.orphans.episodes, scene.table.episodes()) == ([], [replace(episode, box=normal(HERE))])
    assert happened(scene.looks([0.6, 0.8, 1.0], track(1), track(2, THERE))) == [RAISED]


def test_who_is_seen_under_a_further_track_in_the_same_motion_is_told_of_no_second_time() -> None:
    scene, mover = Scene(), Mover(1, True, at(0), (HERE,), HERE)
    scene.looks([0, 0.2, 0.4], track(1), movers=[mover])
    (episode,) = scene.table.episodes()
    assert scene.looks([1.2, 1.4, 1.6], track(2), movers=[mover]) == []
    assert [each.event for each in scene.table.episodes()] == [episode.event]


def told_of_and_lost(scene: Scene) -> Stay:
    """Somebody told of, whom the detector loses as soon as another track, of which it is not sure, begins beside."""
    scene.looks([0, 0.2], track(2, THERE))
    assert happened(scene.look(0.4, track(1)._replace(score=0.5), track(2, THERE))) == [RAISED]
    assert scene.stay(1) is not scene.stay(2)
    return scene.stay(2)


def test_a_track_that_goes_over_to_somebody_told_of_goes_on_with_their_episode() -> None:
    scene = Scene()
    lost = told_of_and_lost(scene)
    (episode,) = scene.table.episodes()
    assert scene.looks([0.6, 0.8, 1.0], track(1), missed(track(2, THERE))) == []
    assert (scene.stay(1), lost.seen_by, lost.box) == (lost, 1, HERE)
    assert scene.table.named[2].episode is None
    gone_on = scene.table.named[1].episode
    assert gone_on is not None
    assert gone_on.event == episode.event


def test_a_track_that_goes_over_to_somebody_whose_episode_is_over_tells_of_them_no_second_time() -> None:
    scene, unsure = Scene(), track(1)._replace(score=0.5)
    lost = told_of_and_lost(scene)
    scene.looks(five_a_second(0.6, 3), unsure, missed(track(2, THERE)))
    assert happened(scene.looks([3.0, 3.2], track(1), missed(track(2, THERE)))) == [CLEARED]
    assert scene.looks(five_a_second(3.4, 6), track(1)) == []
    assert (scene.stay(1), scene.table.episodes()) == (lost, [])


def test_a_mover_is_named_by_what_the_detector_is_sure_of_and_by_nothing_that_stands() -> None:
    scene, mover = Scene(), Mover(1, True, at(0), (HERE,), HERE)
    scene.looks([0, 0.2], track(1)._replace(score=0.7), movers=[mover])
    moving = scene.table.moving[1]
    assert (moving.is_named, moving.named_as) == (False, None)
    scene.look(0.4, track(1)._replace(score=0.7), movers=[mover])
    assert (moving.is_named, moving.named_as) == (True, scene.table.named[1])
    parked = Scene()
    parked.looks(five_a_second(0, 2), track(1)._replace(static=True), movers=[mover])
    assert parked.table.moving[1].is_named is False


def shared(scene: Scene) -> None:
    """Two tracks of somebody who rests, of which the second was taken for a part of them."""
    scene.looks(five_a_second(0, 12), track(1))
    scene.looks(five_a_second(12, 14), track(1), track(2, HEAD))
    assert scene.stay(2) is scene.stay(1)


def test_what_was_taken_for_a_part_and_is_seen_elsewhere_is_a_second_one() -> None:
    scene = Scene()
    shared(scene)
    scene.look(14.2, track(1), track(2, THERE))
    first, second = scene.stay(1), scene.stay(2)
    assert first is not second
    assert (first.seen_by, second.seen_by, second.place, second.since) == (1, 2, THERE, at(14.2))
    scene.look(14.4, track(1), track(2, THERE))
    assert (scene.stay(1), scene.stay(2)) == (first, second)


@pytest.mark.parametrize(("kind", "is_known"), [(EventKind.PERSON, True), (EventKind.ANIMAL, False)])
def test_what_was_taken_for_a_part_may_be_somebody_of_its_kind_who_rests_where_it_is_seen(
    kind: EventKind, *, is_known: bool
) -> None:
    scene = Scene()
    other = scene.watch.stays.begin(kind, THERE, at(0))
    for second in range(14):
        other.see(THERE, at(second), 9)
    other.tell()
    shared(scene)
    scene.look(14.2, track(1), track(2, THERE))
    assert (scene.stay(2) is other) is is_known


@pytest.mark.parametrize(("seconds", "box", "is_new"), [(61, THERE, True), (59, THERE, False), (61, HERE, False)])
def test_a_track_that_goes_on_elsewhere_after_an_absence_is_somebody_else(
    seconds: float, box: Corners, *, is_new: bool
) -> None:
    scene = Scene()
    scene.looks(five_a_second(0, 4.2), track(1))
    before = scene.stay(1)
    scene.look(4 + seconds, track(1, box))
    assert (scene.stay(1) is not before) is is_new


def test_who_settles_without_having_moved_has_not_come_and_who_moved_has() -> None:
    for moves, arrived in ((0, False), (1, True)):
        scene = Scene()
        scene.look(0, track(1)._replace(moves=moves))
        assert scene.stay(1).arrived is arrived
    scene = Scene()
    scene.looks(five_a_second(0, 4), track(1)._replace(moves=0))
    scene.look(4, track(1))
    assert scene.stay(1).arrived is False


def followed(*boxes: Corners) -> Mover:
    """What the gate has followed from box to box."""
    return Mover(1, True, at(0), boxes, boxes[0])


BESIDE: Corners = (0.25, 0.2, 0.45, 0.8)


@pytest.mark.parametrize(
    ("moves", "movers", "box", "told"),
    [
        (2, [followed(HERE, BESIDE, THERE)], THERE, True),
        (2, [], THERE, False),
        (2, [followed(THERE)], THERE, False),
        (2, [followed(THERE, HERE)], HERE, False),
        (0, [followed(HERE, BESIDE, THERE)], THERE, False),
    ],
    ids=["walks out", "seen elsewhere", "stirs elsewhere", "leans over", "has not moved"],
)
def test_whoever_sat_from_the_start_is_told_of_as_soon_as_they_get_up_and_walk(
    moves: int, movers: list[Mover], box: Corners, *, told: bool
) -> None:
    """They are out of the door before they have been elsewhere for a second."""
    scene = Scene()
    still = track(1)._replace(moves=0)
    assert scene.looks(five_a_second(0, 20), still) == []
    up = still._replace(box=box, moves=moves)
    changes = scene.looks((20.0, 20.2), up, movers=movers)
    assert happened(changes) == ([RAISED] if told else [])


def test_whoever_was_told_of_is_told_of_no_second_time_when_they_get_up() -> None:
    scene = Scene()
    assert happened(scene.looks(five_a_second(0, 20), track(1))) == [RAISED]
    assert scene.looks((20.0, 20.2), track(1, THERE), movers=[followed(HERE, BESIDE, THERE)]) == []


def test_a_track_that_is_seen_after_its_stay_was_forgotten_is_known_by_whoever_comes_back() -> None:
    scene = Scene()
    scene.looks(five_a_second(0, 20), track(1))
    stay = scene.stay(1)
    scene.watch.stays.stays.clear()
    scene.look(30, track(1))
    assert (scene.watch.stays.stays, scene.stay(1)) == ([stay], stay)


@pytest.mark.parametrize("moves", [True, False])
def test_a_track_that_lost_somebody_to_another_one_does_not_take_them_along_to_furniture(*, moves: bool) -> None:
    """Whoever went out is expected where they were last seen, and not beside the chair."""
    chair: Corners = (0.7, 0.3, 0.95, 0.9)
    scene = Scene()
    scene.looks(five_a_second(0, 20), track(1))
    scene.look(20, missed(track(1)), track(2, THERE), movers=[followed(HERE, BESIDE, THERE)])
    stay = scene.stay(2)
    assert stay is scene.stay(1)
    scene.look(22, track(1, chair), movers=[followed(THERE, HERE, chair)] if moves else [])
    assert (scene.stay(1) is stay) is moves
    assert (stay.box == THERE) is not moves


def test_an_event_may_be_told_once_a_stay_and_of_what_came_or_loiters() -> None:
    one = SceneObject(())
    assert may_tell(one, loitered=False)
    one.stay = begin(EventKind.PERSON, HERE, at(0))
    assert not may_tell(one, loitered=False)
    assert may_tell(one, loitered=True)
    one.stay.come()
    assert may_tell(one, loitered=False)
    one.stay.tell()
    assert not may_tell(one, loitered=True)


def test_a_parked_vehicle_may_be_told_of_again_when_it_drives_off() -> None:
    stay = begin(EventKind.VEHICLE, HERE, at(0))
    for second in range(40):
        stay.see(HERE, at(second))
    stay.tell()
    one = SceneObject((), stay=stay)
    assert not may_tell(one, loitered=False)
    stay.see(THERE, at(40))
    assert may_tell(one, loitered=False)


@pytest.mark.parametrize(
    ("since", "origin", "rests"),
    [(-4.0, HERE, True), (-3.0, HERE, True), (-2.9, HERE, False), (-4.0, THERE, False)],
    ids=["stirs for long", "just long enough", "only just stirs", "came from there"],
)
def test_where_somebody_is_first_seen_the_gate_saw_before(since: float, origin: Corners, *, rests: bool) -> None:
    one = SceneObject(())
    one.pair(SceneObject((), mover=Mover(1, True, at(since), (HERE,), origin)))
    first = first_of(one, HERE, at(0))
    assert (first.box, first.since, first.entry, first.rests) == (HERE, at(since), origin, rests)
    assert first.whose is None


def test_without_motion_of_its_own_somebody_is_first_seen_when_the_detector_does_and_rests_if_nothing_moves() -> None:
    alone, beside = SceneObject(()), SceneObject(())
    theirs = SceneObject((), mover=Mover(1, True, at(-1), (HERE,), THERE), born=NormalBox(*THERE))
    somebody = begin(EventKind.PERSON, THERE, at(-1))
    theirs.named_as = SceneObject((), stay=somebody)
    beside.pair(theirs)
    for one, rests, whose in ((alone, True, None), (beside, False, somebody)):
        first = first_of(one, HERE, at(0))
        assert (first.since, first.entry, first.rests, first.whose) == (at(0), None, rests, whose)
