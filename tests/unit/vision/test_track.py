import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import Corners
from smartcam.vision.passing import Course
from smartcam.vision.track import Sighting, Track, Tracker, TrackPolicy
from smartcam.vision.track_state import TrackState

STILL: list[Corners] = []
EVERYWHERE: list[Corners] = [(0, 0, 1, 1)]
HERE: Corners = (0.4, 0.4, 0.5, 0.7)


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round((1000 + seconds) * NS_PER_S))


def saw(*found: tuple[Corners, float], kind: EventKind = EventKind.PERSON) -> list[Sighting]:
    return [Sighting(box, score, kind, str(kind)) for box, score in found]


def ids(tracks: list[Track]) -> list[int]:
    return [track.id for track in tracks]


def moves(tracks: list[Track]) -> list[int]:
    return [track.moves for track in tracks]


def shifted(box: Corners, by: float) -> Corners:
    return box[0] + by, box[1], box[2] + by, box[3]


def follow(
    tracker: Tracker, box: Corners, seconds: float, start: float = 0.0, motion: list[Corners] = STILL
) -> list[Track]:
    """The same box five times a second."""
    tracks = tracker.step(at(start), saw((box, 0.7)), motion)
    for look in range(1, round(seconds * 5) + 1):
        tracks = tracker.step(at(start + look / 5), saw((box, 0.7)), motion)
    return tracks


def test_an_object_that_walks_keeps_its_id() -> None:
    tracker = Tracker()
    found = {
        track.id
        for look in range(20)
        for track in tracker.step(at(look / 5), saw((shifted(HERE, look * 0.02), 0.7)), STILL)
    }
    assert found == {1}


def test_two_objects_that_pass_each_other_keep_their_ids() -> None:
    tracker = Tracker()
    tracks = tracker.step(at(0), saw(((0.1, 0.3, 0.2, 0.6), 0.7), ((0.7, 0.35, 0.8, 0.65), 0.7)), STILL)
    for look in range(1, 21):
        right = (0.1 + look * 0.03, 0.3, 0.2 + look * 0.03, 0.6)
        left = (0.7 - look * 0.03, 0.35, 0.8 - look * 0.03, 0.65)
        tracks = tracker.step(at(look / 5), saw((right, 0.7), (left, 0.7)), STILL)
    assert ids(tracks) == [1, 2]
    assert tracks[0].box[0] == pytest.approx(0.7)
    assert tracks[1].box[0] == pytest.approx(0.1)


def test_a_fast_object_whose_boxes_do_not_overlap_is_followed() -> None:
    tracker = Tracker()
    for look in range(6):
        tracks = tracker.step(at(look / 5), saw((shifted((0.1, 0.5, 0.2, 0.6), look * 0.055), 0.7)), STILL)
    assert ids(tracks) == [1]


def test_an_object_out_of_sight_for_a_second_is_the_same_when_it_comes_back() -> None:
    tracker = Tracker()
    for look in range(6):
        tracker.step(at(look / 5), saw((shifted(HERE, look * 0.02), 0.7)), STILL)
    for look in range(6, 11):
        tracker.step(at(look / 5), saw(), STILL)
    tracks = tracker.step(at(2.2), saw((shifted(HERE, 0.22), 0.7)), STILL)
    assert ids(tracks) == [1]


def test_an_object_that_is_gone_for_longer_than_the_lost_buffer_is_another_one() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 1)
    assert len(tracker.step(at(4.5), saw(), STILL)) == 0
    assert ids(tracker.step(at(5), saw((HERE, 0.7)), STILL)) == [2]


def test_objects_of_different_groups_never_become_one_track() -> None:
    tracker = Tracker()
    tracker.step(at(0), saw((HERE, 0.7)), STILL)
    tracks = tracker.step(at(0.2), saw((HERE, 0.7), kind=EventKind.VEHICLE), STILL)
    assert ids(tracks) == [1, 2]
    assert [track.seen for track in tracks] == [False, True]


def test_a_weak_detection_continues_a_track_but_begins_none() -> None:
    tracker = Tracker()
    assert len(tracker.step(at(0), saw((HERE, 0.3)), STILL)) == 0
    tracker.step(at(0.2), saw((HERE, 0.7)), STILL)
    tracks = tracker.step(at(0.4), saw((HERE, 0.3)), STILL)
    assert ids(tracks) == [1]
    assert [track.seen for track in tracks] == [True]
    assert 0.3 < tracks[0].score < 0.7


def test_a_weak_detection_does_not_take_the_track_of_a_strong_one() -> None:
    tracker = Tracker()
    tracker.step(at(0), saw((HERE, 0.7)), STILL)
    tracks = tracker.step(at(0.2), saw((HERE, 0.3), (shifted(HERE, 0.02), 0.7)), STILL)
    assert tracks[0].box[0] == pytest.approx(0.42)


def test_the_score_of_a_track_goes_to_its_confidences_and_down_with_misses() -> None:
    tracker = Tracker()
    assert follow(tracker, HERE, 3)[0].score == pytest.approx(0.7, abs=0.01)
    first = tracker.step(at(3.2), saw(), STILL)[0].score
    second = tracker.step(at(3.4), saw(), STILL)[0].score
    assert second < first < 0.7


def test_one_look_after_a_long_pause_does_not_outweigh_everything_before() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 2)
    tracks = tracker.step(at(4.5), saw((HERE, 0.1)), STILL)
    assert tracks[0].score > 0.35


def test_a_box_within_a_stronger_one_begins_no_track() -> None:
    tracks = Tracker().step(at(0), saw(((0.3, 0.2, 0.6, 0.9), 0.8), ((0.35, 0.3, 0.5, 0.7), 0.6)), STILL)
    assert ids(tracks) == [1]
    assert tracks[0].score == pytest.approx(0.8)


def test_of_two_boxes_of_one_object_the_surer_begins_the_track_in_whichever_order_they_come() -> None:
    outer, inner = ((0.3, 0.2, 0.6, 0.9), 0.8), ((0.35, 0.3, 0.5, 0.7), 0.6)
    for found in ((outer, inner), (inner, outer)):
        (track,) = Tracker().step(at(0), saw(*found), STILL)
        assert (track.box, track.score) == outer


def test_an_object_within_the_box_of_another_group_does_begin_a_track() -> None:
    found = saw(((0.3, 0.2, 0.6, 0.9), 0.8)) + saw(((0.35, 0.3, 0.5, 0.7), 0.6), kind=EventKind.VEHICLE)
    assert len(Tracker().step(at(0), found, STILL)) == 2


def test_where_nobody_looked_nothing_is_missed_or_forgotten() -> None:
    tracker = Tracker()
    before = follow(tracker, HERE, 1)[0].score
    for look in range(1, 40):
        tracks = tracker.step(at(1 + look / 5), saw(), STILL, [(0.0, 0.0, 0.2, 0.2)])
    assert ids(tracks) == [1]
    assert (tracks[0].score, tracks[0].unseen_s) == (before, 0)
    assert not tracks[0].seen
    assert not tracks[0].missed
    tracks = tracker.step(at(9), saw(), STILL, EVERYWHERE)
    assert tracks[0].missed


def test_what_has_always_stood_there_has_not_moved() -> None:
    tracker = Tracker()
    assert moves(follow(tracker, HERE, 3)) == [0]


def test_what_appears_where_something_moves_has_come() -> None:
    tracks = Tracker().step(at(0), saw((HERE, 0.7)), [HERE])
    assert moves(tracks) == [1]


@pytest.mark.parametrize(("seconds", "come"), [(0.2, 1), (1.0, 1), (1.2, 0)])
def test_what_stirs_within_a_second_of_being_found_has_come(seconds: float, come: int) -> None:
    tracker = Tracker()
    for look in range(8):
        tracker.step(at(look / 2 - 4), saw(), STILL)
    tracker.step(at(0), saw((HERE, 0.7)), STILL)
    assert moves(tracker.step(at(seconds), saw((HERE, 0.7)), EVERYWHERE)) == [come]
    assert moves(tracker.step(at(seconds + 0.1), saw((HERE, 0.7)), EVERYWHERE)) == [come]


def test_motion_elsewhere_does_not_count_as_coming() -> None:
    tracks = Tracker().step(at(0), saw((HERE, 0.7)), [(0, 0, 0.2, 0.2)])
    assert moves(tracks) == [0]


def test_motion_over_an_object_that_has_stood_there_for_long_does_not_count_as_coming() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 5)
    assert moves(follow(tracker, HERE, 1, start=5.2, motion=EVERYWHERE)) == [0]


@pytest.mark.parametrize(("seconds", "kind", "come"), [(2.4, "person", 1), (3.4, "person", 0), (2.4, "vehicle", 0)])
def test_who_is_there_when_the_looks_begin_has_come_if_they_stir_soon(seconds: float, kind: str, come: int) -> None:
    """A process that was killed has not seen them come in. No car stirs without going, and sleepers turn seldom."""
    tracker = Tracker()
    for look in range(round(seconds * 5)):
        tracker.step(at(look / 5), saw((HERE, 0.7), kind=EventKind(kind)), STILL, None, [])
    tracks = tracker.step(at(seconds), saw((HERE, 0.7), kind=EventKind(kind)), [HERE], None, [Course(HERE, HERE)])
    assert moves(tracks) == [come]


@pytest.mark.parametrize(("pause_s", "come"), [(1.0, 0), (2.2, 1)])
def test_who_is_there_after_a_pause_may_have_come_in_it(pause_s: float, come: int) -> None:
    tracker = Tracker()
    for look in range(25):
        tracker.step(at(look / 5), saw(), STILL)
    after = 4.8 + pause_s
    follow(tracker, HERE, 2, start=after)
    assert moves(tracker.step(at(after + 2.2), saw((HERE, 0.7)), [HERE])) == [come]


@pytest.mark.parametrize(
    ("pause_s", "later_s", "kind", "come"),
    [
        (2.2, 0.0, "person", 1),
        (2.2, 1.0, "person", 1),
        (2.2, 1.2, "person", 0),
        (1.0, 0.0, "person", 0),
        (2.2, 0.0, "vehicle", 0),
    ],
)
def test_who_is_found_as_soon_as_a_camera_is_back_has_come_meanwhile(
    pause_s: float, later_s: float, kind: str, come: int
) -> None:
    """They may stand still by then; whoever stood there before is known by their stay."""
    tracker = Tracker()
    for look in range(25):
        tracker.step(at(look / 5), saw(), STILL)
    back = 4.8 + pause_s
    for look in range(round(later_s * 5)):
        tracker.step(at(back + look / 5), saw(), STILL)
    found = saw((HERE, 0.7), kind=EventKind(kind))
    assert moves(tracker.step(at(back + later_s), found, STILL)) == [come]


def test_an_object_that_leaves_its_place_has_moved() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 1)
    for look in range(1, 15):
        tracks = tracker.step(at(1 + look / 5), saw((shifted(HERE, look * 0.02), 0.7)), STILL)
    assert tracks[0].moves >= 1


def test_a_trembling_box_stands_still() -> None:
    tracker = Tracker()
    for look in range(200):
        tracks = tracker.step(at(look / 5), saw((shifted(HERE, 0.02 * (look % 2)), 0.7)), STILL)
    assert moves(tracks) == [0]
    assert [track.static for track in tracks] == [True]


def test_a_parked_car_is_remembered_behind_a_lorry() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 40)
    for look in range(1, 150):
        tracker.step(at(40 + look), saw(), STILL)
    tracks = tracker.step(at(200), saw((HERE, 0.7)), EVERYWHERE)
    assert ids(tracks) == [1]
    assert moves(tracks) == [0]


def test_a_parked_car_that_somebody_walks_by_has_not_moved() -> None:
    tracker = Tracker()
    car: Corners = (0.3, 0.5, 0.6, 0.7)
    follow(tracker, car, 40)
    for look in range(1, 8):
        tracks = tracker.step(at(40 + look / 5), saw(((0.3, 0.5, 0.42, 0.7), 0.6)), EVERYWHERE)
    tracks = follow(tracker, car, 2, start=42)
    assert ids(tracks) == [1]
    assert moves(tracks) == [0]


def test_somebody_who_stood_for_long_and_walked_off_is_not_expected_back() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 40)
    for look in range(1, 8):
        tracker.step(at(40 + look / 5), saw((shifted(HERE, 0.06 * look), 0.7)), STILL)
    tracks = tracker.step(at(60), saw(), STILL)
    assert len(tracks) == 0


def test_forgetting_never_gives_an_id_twice() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 1)
    tracker.forget()
    assert ids(tracker.step(at(2), saw((HERE, 0.7)), STILL)) == [2]


def test_there_is_a_limit_to_what_is_followed() -> None:
    tracker = Tracker(replace(TrackPolicy(), most_tracks=3))
    found = [((0.1 * place, 0.1, 0.1 * place + 0.05, 0.2), 0.7) for place in range(8)]
    assert len(tracker.step(at(0), saw(*found), STILL)) == 3


def test_a_look_at_the_same_time_is_harmless() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 1)
    tracks = tracker.step(at(1), saw((HERE, 0.2)), STILL)
    assert all(math.isfinite(side) for track in tracks for side in track.box)
    assert tracks[0].score == pytest.approx(0.7, abs=0.05)


unit = st.floats(0, 1)


@st.composite
def looks(draw: st.DrawFn) -> list[tuple[float, list[Sighting]]]:
    seconds, found = 0.0, []
    for _ in range(draw(st.integers(1, 12))):
        seconds += draw(st.floats(0.001, 5))
        rows = []
        for _ in range(draw(st.integers(0, 5))):
            x1, y1 = draw(st.floats(0, 0.8)), draw(st.floats(0, 0.8))
            rows.append(((x1, y1, x1 + draw(st.floats(0.01, 0.2)), y1 + draw(st.floats(0.01, 0.2))), draw(unit)))
        found.append((seconds, saw(*rows, kind=draw(st.sampled_from([EventKind.PERSON, EventKind.VEHICLE])))))
    return found


@settings(max_examples=60, deadline=None)
@given(looks())
def test_whatever_is_seen_tracks_stay_sane(found: list[tuple[float, list[Sighting]]]) -> None:
    tracker, known = Tracker(), 0
    before: set[int] = set()
    for seconds, look in found:
        tracks = tracker.step(at(seconds), look, STILL)
        assert len(set(ids(tracks))) == len(tracks)
        assert all(number > known for number in set(ids(tracks)) - before)
        before |= set(ids(tracks))
        known = max([known, *ids(tracks)])
        assert sum(track.seen for track in tracks) <= len(look)
        for track in tracks:
            assert all(math.isfinite(side) for side in track.box)
            assert 0 <= track.score <= 1
            assert not (track.seen and track.missed)
            assert track.unseen_s == 0 or not track.seen


@settings(max_examples=60, deadline=None)
@given(looks())
def test_the_same_looks_give_the_same_tracks(found: list[tuple[float, list[Sighting]]]) -> None:
    one, other = Tracker(), Tracker()
    for seconds, look in found:
        assert one.step(at(seconds), look, STILL) == other.step(at(seconds), look, STILL)


@given(st.lists(st.tuples(unit, unit), min_size=1, max_size=12))
def test_a_surer_detector_never_gives_a_lower_score(pairs: list[tuple[float, float]]) -> None:
    strong = replace(TrackPolicy(), begin_at=0.0)
    low, high = Tracker(strong), Tracker(strong)
    for look, (one, other) in enumerate(pairs):
        left = low.step(at(look / 5), saw((HERE, min(one, other))), STILL)
        right = high.step(at(look / 5), saw((HERE, max(one, other))), STILL)
        assert right[0].score >= left[0].score - 1e-9


def test_who_vanishes_behind_a_tree_for_two_seconds_comes_out_as_the_same() -> None:
    tracker = Tracker()
    for look in range(6):
        tracker.step(at(look / 5), saw((shifted(HERE, look * 0.03), 0.7)), STILL)
    for look in range(6, 16):
        tracker.step(at(look / 5), saw(), STILL)
    tracks = tracker.step(at(3.2), saw((shifted(HERE, 0.42), 0.7)), STILL)
    assert ids(tracks) == [1]


def test_how_long_an_object_is_remembered_can_be_set() -> None:
    for remember_s, same in ((8.0, True), (2.0, False)):
        tracker = Tracker(replace(TrackPolicy(), lost_after_s=remember_s))
        follow(tracker, HERE, 1)
        for look in range(1, 25):
            tracker.step(at(1 + look / 5), saw(), STILL)
        assert (ids(tracker.step(at(6), saw((HERE, 0.7)), STILL)) == [1]) is same


def test_dropped_frames_do_not_make_another_object_of_somebody_who_walks_on() -> None:
    tracker = Tracker()
    for look in range(6):
        tracker.step(at(look / 5), saw((shifted(HERE, look * 0.02), 0.7)), STILL)
    assert ids(tracker.step(at(2.5), saw((shifted(HERE, 0.25), 0.7)), STILL)) == [1]


def test_who_left_at_the_edge_is_not_whoever_comes_in_there_next() -> None:
    tracker = Tracker()
    for look in range(10):
        tracker.step(at(look / 5), saw(((0.5 + 0.05 * look, 0.4, min(0.6 + 0.05 * look, 1.0), 0.7), 0.7)), STILL)
    for look in range(10, 20):
        tracker.step(at(look / 5), saw(), STILL)
    assert tracker.step(at(4.2), saw(((0.75, 0.1, 0.85, 0.4), 0.7)), STILL)[-1].id == 2


@pytest.mark.parametrize(("right", "same"), [(0.98, True), (0.995, False), (1.0, False)])
def test_who_vanished_inside_the_picture_may_have_gone_farther_than_who_left_at_its_edge(
    right: float, *, same: bool
) -> None:
    tracker, box = Tracker(), (right - 0.2, 0.4, right, 0.6)
    follow(tracker, box, 1)
    for look in range(1, 11):
        tracker.step(at(1 + look / 5), saw(), STILL)
    found = tracker.step(at(3.2), saw((shifted(box, -0.3), 0.7)), [shifted(box, -0.3)])
    assert (ids(found) == [1]) is same


def test_a_track_that_is_seen_again_is_expected_no_farther_away_than_usual() -> None:
    tracker, box = Tracker(), (0.6, 0.4, 0.8, 0.6)
    follow(tracker, box, 1)
    assert ids(tracker.step(at(1.2), saw((shifted(box, -0.3), 0.7)), STILL)) == [1, 2]


def test_a_track_is_missed_for_no_longer_than_it_is_remembered() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 1)
    assert ids(tracker.step(at(4), saw(), STILL)) == [1]
    assert ids(tracker.step(at(4.01), saw(), STILL)) == []


def test_a_parked_car_is_the_same_after_a_night_in_which_nobody_saw_it() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 40)
    for minute in range(1, 10 * 60):
        tracker.step(at(40 + 60 * minute), saw(), STILL)
    tracks = tracker.step(at(40 + 36_000), saw((HERE, 0.7)), EVERYWHERE)
    assert (ids(tracks), moves(tracks), [track.static for track in tracks]) == ([1], [0], [True])


def test_whoever_passes_the_place_of_a_car_that_is_not_seen_any_more_stays_who_they_are() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 40)
    for second in range(1, 10):
        tracker.step(at(40 + second), saw(), STILL)
    walkers = set()
    for look in range(20):
        tracks = tracker.step(at(60 + look / 5), saw((shifted(HERE, -0.3 + 0.03 * look), 0.7)), STILL)
        walkers |= {track.id for track in tracks if track.seen}
    assert walkers == {2}


@pytest.mark.parametrize(
    ("kind", "followed", "leaves"),
    [(EventKind.PERSON, True, True), (EventKind.PERSON, False, False), (EventKind.VEHICLE, True, False)],
    ids=["gets up and goes", "seen elsewhere", "a vehicle"],
)
def test_who_stood_for_long_has_left_at_once_if_they_were_followed_from_there(
    kind: EventKind, *, followed: bool, leaves: bool
) -> None:
    tracker = Tracker()
    for look in range(200):
        tracker.step(at(look / 5), saw((HERE, 0.7), kind=kind), STILL)
    for look in range(6):
        box = shifted(HERE, -0.03 * look)
        ways = [Course(box, HERE)] if followed else []
        tracks = tracker.step(at(40 + look / 5), saw((box, 0.7), kind=kind), [box], None, ways)
    assert (ids(tracks), moves(tracks)[0] > 0) == ([1], leaves)


PARKED: Corners = (0.4, 0.5, 0.6, 0.65)


def drive_by(
    tracker: Tracker, start: float, parked: float = 0.7, step: float = 0.05, passer: Corners = (0.0, 0.48, 0.2, 0.66)
) -> list[list[Track]]:
    """Somebody passes in front of `PARKED`, five looks a second; it is seen with a score of `parked`, or not at all."""
    seen_by_look = []
    for look in range(18):
        box = shifted(passer, step * look)
        found = saw((box, 0.7), *([(PARKED, parked)] if parked else []), kind=EventKind.VEHICLE)
        seen_by_look.append(tracker.step(at(start + look / 5), found, [box], None, [Course(box, passer)]))
    return seen_by_look


def park(tracker: Tracker, seconds: float = 40) -> None:
    for look in range(round(seconds * 5)):
        tracker.step(at(look / 5), saw((PARKED, 0.7), kind=EventKind.VEHICLE), STILL)


@pytest.mark.parametrize("parked", [0.7, 0.3, 0.0])
@pytest.mark.parametrize("step", [0.04, 0.05, 0.08])
def test_who_passes_a_parked_car_is_an_object_of_their_own_and_the_car_has_not_moved(
    parked: float, step: float
) -> None:
    tracker = Tracker()
    park(tracker)
    looks = drive_by(tracker, 40, parked, step)
    passers = {track.id for tracks in looks for track in tracks if track.seen and track.box != PARKED}
    assert len(passers - {1}) >= 1
    assert all(track.box == PARKED for tracks in looks for track in tracks if track.id == 1)
    (car,) = [track for track in follow_parked(tracker, 45) if track.id == 1]
    assert (car.moves, car.seen, car.static) == (0, True, True)


def follow_parked(tracker: Tracker, start: float) -> list[Track]:
    for look in range(10):
        tracks = tracker.step(at(start + look / 5), saw((PARKED, 0.7), kind=EventKind.VEHICLE), STILL)
    return tracks


def test_who_pauses_on_their_way_and_walks_on_in_the_same_motion_is_the_same() -> None:
    tracker, origin = Tracker(), (0.0, 0.3, 0.1, 0.8)
    steps = [0.03 * min(look, 10) for look in range(40)] + [0.3 + 0.03 * look for look in range(1, 15)]
    for look, step in enumerate(steps):
        box = shifted(origin, step)
        paused = 16 <= look < 40
        ways = [] if paused else [Course(box, origin, at(0), 7)]
        tracks = tracker.step(at(look / 5), saw((box, 0.7)), [box], None, ways)
    assert ids(tracks) == [1]


def test_a_car_that_somebody_else_passes_as_soon_as_it_rests_is_not_continued_by_them() -> None:
    tracker, origin = Tracker(), (0.0, 0.5, 0.2, 0.65)
    for look in range(24):
        box = shifted(origin, 0.05 * min(look, 8))
        ways = [Course(box, origin, at(0), 7)] if look < 12 else []
        tracker.step(at(look / 5), saw((box, 0.7), kind=EventKind.VEHICLE), [box] if ways else STILL, None, ways)
    passers = {track.id for tracks in drive_by(tracker, 5, parked=0.0) for track in tracks if track.seen}
    assert 1 not in passers


def test_a_parked_car_behind_somebody_who_passes_is_not_missed() -> None:
    tracker = Tracker()
    park(tracker)
    for tracks in drive_by(tracker, 40, parked=0.0):
        (car,) = [track for track in tracks if track.id == 1]
        (passer,) = [track for track in tracks if track.id != 1]
        if passer.box[2] > 0.47 and passer.box[0] < 0.53:
            assert not car.missed
    assert car.missed


def test_what_was_hidden_is_missed_once_nobody_is_in_front_of_it_and_lost_as_soon_as_others() -> None:
    tracker = Tracker()
    park(tracker, 5)
    (car, _) = drive_by(tracker, 5, parked=0.0)[7]
    assert (car.id, car.seen, car.missed) == (1, False, False)
    for look in range(20):
        tracks = tracker.step(at(8.6 + look / 5), [], STILL)
    assert 1 not in ids(tracks)


def test_who_walks_on_leaves_one_place_after_another() -> None:
    tracker, counts = Tracker(), []
    for look in range(24):
        box = shifted(HERE, -0.4 + 0.03 * look)
        [walker] = tracker.step(at(look / 5), saw((box, 0.7)), [box])
        counts.append(walker.moves)
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] >= 3


@pytest.mark.parametrize(("own", "moved"), [(True, True), (False, False)])
def test_who_has_stood_there_and_comes_nearer_has_moved_if_it_is_they_who_stir(*, own: bool, moved: bool) -> None:
    tracker = Tracker()
    before = follow(tracker, HERE, 5)
    for look in range(15):
        by = 0.02 * look
        box = HERE[0] - by, HERE[1] - by, HERE[2] + by, HERE[3] + by
        there = box if own else (0.9, 0.0, 1.0, 0.1)
        tracks = tracker.step(at(5 + look / 5), saw((box, 0.7)), [there], None, [Course(there, there)])
    assert ids(tracks) == ids(before)
    assert (tracks[0].moves > before[0].moves) is moved


@pytest.mark.parametrize(("told", "score"), [(1.000001, 1.0), (0.7, 0.7), (-0.000001, 0.0)])
def test_a_score_that_is_rounded_out_of_its_range_stays_in_it(told: float, score: float) -> None:
    tracker = Tracker(TrackPolicy(begin_at=-1.0))
    assert tracker.step(at(0), saw((HERE, told)), STILL)[0].score == score


def test_for_how_long_somebody_was_not_seen_is_told_until_they_are_seen_again() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 1)
    unseen = [tracker.step(at(1 + look / 5), [], STILL)[0].unseen_s for look in range(1, 4)]
    assert unseen == pytest.approx([0.2, 0.4, 0.6])
    assert tracker.step(at(1.8), saw((HERE, 0.7)), STILL)[0].unseen_s == 0


@pytest.mark.parametrize(("came_s", "same"), [(1.5, False), (0.0, True)])
def test_who_comes_in_where_somebody_has_just_left_is_not_they(came_s: float, *, same: bool) -> None:
    """`came_s`: when the gate first saw what moves there; from the beginning, it is the one that was lost."""
    tracker, leaving = Tracker(), (0.75, 0.4, 0.9, 0.6)
    for look in range(5):
        box = shifted(leaving, 0.05 * look)
        tracks = tracker.step(at(look / 5), saw(((box[0], box[1], min(box[2], 1.0), box[3]), 0.7)), [box])
    assert ids(tracks) == [1]
    for look in range(5, 9):
        tracker.step(at(look / 5), [], [])
    there, origin = (0.88, 0.4, 1.0, 0.6), (0.95, 0.4, 1.0, 0.6)
    way = Course(there, origin, at(came_s))
    tracks = tracker.step(at(1.8), saw((there, 0.7)), [there], None, [way])
    assert (ids([track for track in tracks if track.seen]) == [1]) is same


def test_a_car_that_is_first_recognised_while_somebody_passes_has_not_come() -> None:
    tracker = Tracker()
    passer, origin = (0.45, 0.4, 0.5, 0.68), (0.0, 0.4, 0.05, 0.68)
    for look in range(4):
        way = Course(shifted(passer, 0.02 * look), origin)
        tracks = tracker.step(at(look / 5), saw((PARKED, 0.6), kind=EventKind.VEHICLE), [way.box], None, [way])
    assert moves(tracks) == [0]


@pytest.mark.parametrize(("kind", "come"), [(EventKind.VEHICLE, 0), (EventKind.PERSON, 1)])
def test_a_car_that_is_first_recognised_while_somebody_appears_before_it_has_not_come(
    kind: EventKind, come: int
) -> None:
    """Nobody knows yet where they go: a person may move an arm, but a car does not stir without going."""
    tracker, shows_up = Tracker(), (0.56, 0.4, 0.66, 0.7)
    for look in range(4):
        box = shifted(shows_up, 0.004 * look)
        tracks = tracker.step(at(look / 5), saw((PARKED, 0.6), kind=kind), [box], None, [Course(box, shows_up)])
    assert moves(tracks) == [come]
    tracker.step(at(0.8), saw((PARKED, 0.6), kind=kind), [PARKED], None, [])
    assert moves(tracks) == [come]


@pytest.mark.parametrize("half", [(0.4, 0.5, 0.5, 0.65), (0.4, 0.59, 0.6, 0.65), (0.45, 0.5, 0.55, 0.58)])
@pytest.mark.parametrize("grows", [True, False])
def test_a_car_of_which_more_or_less_is_seen_has_not_moved(half: Corners, *, grows: bool) -> None:
    tracker, boxes = Tracker(), [half] * 4 + [PARKED] * 12
    for look, box in enumerate(boxes if grows else reversed(boxes)):
        leaf = (0.41, 0.5, 0.47, 0.6)
        found = saw((box, 0.7), kind=EventKind.VEHICLE)
        tracks = tracker.step(at(look / 5), found, [leaf], None, [Course(leaf, leaf)])
    assert (ids(tracks), moves(tracks)) == ([1], [0])


@pytest.mark.parametrize("kind", [EventKind.VEHICLE, EventKind.PERSON])
def test_what_is_seen_in_two_shapes_by_turns_has_not_moved_as_long_as_nothing_stirs(kind: EventKind) -> None:
    tracker, shape = Tracker(), (0.35, 0.43, 0.51, 0.68)
    for look in range(40):
        box = shape if look // 6 % 2 else PARKED
        far = (0.8, 0.1, 0.9, 0.2)
        tracks = tracker.step(at(look / 5), saw((box, 0.7), kind=kind), [far], None, [Course(far, far)])
    assert moves(tracks)[0] == 0


def test_a_car_that_comes_nearer_has_moved_though_it_only_grows() -> None:
    tracker, afar = Tracker(), (0.45, 0.5, 0.55, 0.57)
    for look in range(12):
        x1, y1, x2, y2 = (side * 0.02 * look for side in (-0.4, 0.0, 0.4, 0.9))
        box = afar[0] + x1, afar[1] + y1, afar[2] + x2, afar[3] + y2
        found = saw((box, 0.7), kind=EventKind.VEHICLE)
        tracks = tracker.step(at(look / 5), found, [box], None, [Course(box, afar)])
    assert (ids(tracks), moves(tracks) >= [1]) == ([1], True)


def test_a_car_that_is_first_recognised_on_its_way_has_come_at_once() -> None:
    tracker = Tracker()
    way = Course(PARKED, shifted(PARKED, -0.2))
    assert moves(tracker.step(at(0), saw((PARKED, 0.6), kind=EventKind.VEHICLE), [PARKED], None, [way])) == [1]


def test_what_sets_off_from_its_place_is_still_itself() -> None:
    tracker = Tracker()
    park(tracker)
    for look in range(20):
        box = shifted(PARKED, 0.02 * look)
        tracks = tracker.step(
            at(40 + look / 5), saw((box, 0.7), kind=EventKind.VEHICLE), [box], None, [Course(box, PARKED)]
        )
    assert ids(tracks) == [1]
    assert tracks[0].moves >= 1


@pytest.mark.parametrize("step", [0.1, 0.2, 0.25])
def test_something_fast_is_followed_from_its_second_look_though_nothing_overlaps(step: float) -> None:
    tracker, first = Tracker(), (0.0, 0.4, 0.2, 0.6)
    for look in range(4):
        box = shifted(first, step * look)
        tracks = tracker.step(at(look / 5), saw((box, 0.7), kind=EventKind.VEHICLE), [box])
    assert ids(tracks) == [1]
    assert tracks[0].stride == pytest.approx(min(step / 0.1, 1.0))


def test_who_is_not_seen_in_a_look_takes_no_stride_in_it() -> None:
    tracker = Tracker()
    for look in range(3):
        box = shifted((0.0, 0.4, 0.2, 0.6), 0.2 * look)
        [seen] = tracker.step(at(look / 5), saw((box, 0.7), kind=EventKind.VEHICLE), [box])
    [missed] = tracker.step(at(0.6), saw(), STILL)
    assert (seen.stride, missed.seen, missed.stride) == (1.0, False, 0.0)


def test_something_is_expected_where_its_speed_takes_it_and_never_back_along_its_way() -> None:
    tracker = Tracker()
    for look in range(3):
        tracker.step(at(look / 5), saw((shifted(HERE, 0.02 * look), 0.7)), STILL)
    assert tracker.expected(at(0.6)) == {1: pytest.approx(shifted(HERE, 0.06))}
    assert tracker.expected(at(0)) == {1: shifted(HERE, 0.04)}


def test_whoever_comes_down_the_picture_strides_travels_and_is_expected_farther_down() -> None:
    tracker, steps = Tracker(), [(0.4, 0.05 + 0.06 * look, 0.5, 0.25 + 0.06 * look) for look in range(11)]
    for look, box in enumerate(steps[:-1]):
        [walker] = tracker.step(at(look / 5), saw((box, 0.7)), [box])
    assert (walker.id, walker.travelled) == (1, 1.0)
    assert walker.stride == pytest.approx(0.06 / (0.5 * math.sqrt(0.02)))
    assert tracker.expected(at(2)) == {1: pytest.approx(steps[-1])}


def test_there_are_never_more_tracks_than_are_allowed_and_the_surest_are_kept() -> None:
    tracker, places = Tracker(TrackPolicy(most_tracks=3)), [(0.2 * n, 0.1, 0.2 * n + 0.1, 0.3) for n in range(5)]
    tracker.step(at(0), saw((places[0], 0.7), (places[1], 0.7)), STILL)
    for look in (1, 2):
        found = saw(*[(place, 0.6 + 0.05 * number) for number, place in enumerate(places)])
        tracks = tracker.step(at(look / 5), found, STILL)
        assert [track.box for track in tracks] == [places[0], places[1], places[4]]


def test_who_is_missed_for_a_moment_is_a_little_less_sure() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 2)
    [missed] = tracker.step(at(2.1), [], STILL)
    assert missed.score == pytest.approx(0.7 * math.exp(-0.1 / 0.4))


def test_what_appears_far_away_without_motion_is_something_else() -> None:
    tracker, first = Tracker(), (0.0, 0.4, 0.2, 0.6)
    tracker.step(at(0), saw((first, 0.7)), STILL)
    assert ids(tracker.step(at(0.2), saw((shifted(first, 0.25), 0.7)), STILL)) == [1, 2]


@pytest.mark.parametrize(("moves_there", "stride"), [(True, 1.0), (False, 0.0)])
def test_what_goes_where_nothing_stirs_has_no_stride(stride: float, *, moves_there: bool) -> None:
    tracker = Tracker()
    for look in range(5):
        box = shifted((0.0, 0.4, 0.1, 0.6), 0.08 * look)
        [track] = tracker.step(at(look / 5), saw((box, 0.7)), [box if moves_there else (0.8, 0.8, 0.9, 0.9)])
    assert (track.id, track.stride) == (1, stride)


def test_a_box_that_trembles_or_turns_back_has_no_stride() -> None:
    tracker = Tracker()
    for look in range(6):
        box = shifted(HERE, 0.04 * (look % 2))
        tracks = tracker.step(at(look / 5), saw((box, 0.7)), [box])
        assert look < 2 or tracks[0].stride == 0


def test_the_first_half_of_an_object_weighs_no_more_than_the_rest() -> None:
    tracker = Tracker()
    for look, score in enumerate((0.3, 0.7, 0.8)):
        tracks = tracker.step(at(look / 10), saw((HERE, max(score, 0.45))), STILL)
    assert tracks[0].score == pytest.approx((0.45 + 0.7 + 0.8) / 3)


@pytest.mark.parametrize(("seconds", "moves_there", "same"), [(1, True, True), (3, True, False), (1, False, False)])
def test_what_rests_does_not_roam_and_what_shows_up_without_moving_was_there_all_the_time(
    seconds: float, *, moves_there: bool, same: bool
) -> None:
    tracker, beside = Tracker(), shifted(PARKED, 0.21)
    park(tracker, seconds)
    for look in range(1, 9):
        tracker.step(at(seconds + look / 5), saw(), STILL)
    found = saw((beside, 0.7), kind=EventKind.VEHICLE)
    tracks = tracker.step(at(seconds + 2), found, [beside] if moves_there else STILL)
    assert (ids(tracks) == [1]) is same


def test_who_goes_twice_their_size_one_way_has_travelled_however_slowly() -> None:
    for step in (0.005, 0.02, 0.05):
        tracker, size = Tracker(), 0.1732
        for look in range(round(2.2 * size / step)):
            box = shifted((0.1, 0.4, 0.2, 0.7), step * look)
            tracks = tracker.step(at(look / 5), saw((box, 0.7)), [box])
            assert tracks[0].travelled <= step * look / (2 * size) + 0.01
        assert tracks[0].travelled >= 0.75


def test_who_goes_eight_times_their_size_one_way_has_travelled_twice_as_convincingly() -> None:
    tracker, far = Tracker(), {}
    for look in range(180):
        box = shifted((0.02, 0.4, 0.06, 0.5), 0.005 * look)
        tracks = tracker.step(at(look / 5), saw((box, 0.5)), [box])
        far[look] = tracks[0].travelled
    gone = {look: 0.005 * look / 0.0632 for look in far}
    assert all(0.5 <= far[look] <= 1.0 for look in far if 1.6 <= gone[look] <= 2.0)
    assert all(1.0 <= far[look] < 2.0 for look in far if 2.6 <= gone[look] < 8.0)
    assert max(far.values()) == far[179] == 2.0


def test_a_moment_in_which_the_gate_sees_nothing_move_takes_nothing_back() -> None:
    tracker = Tracker()
    for look in range(50):
        box = shifted((0.1, 0.4, 0.14, 0.5), 0.02 * look if look < 40 else 0.8)
        tracks = tracker.step(at(look / 5), saw((box, 0.5)), [box] if look % 8 else STILL)
    assert tracks[0].travelled >= 1.5


def test_who_turns_back_or_is_moved_by_nothing_has_not_travelled() -> None:
    tracker = Tracker()
    for look in range(60):
        box = shifted((0.3, 0.4, 0.4, 0.7), 0.1 * (1 if look // 6 % 2 else 0))
        tracks = tracker.step(at(look / 5), saw((box, 0.7)), [box])
        assert tracks[0].travelled <= 0.25
    tracker = Tracker()
    for look in range(20):
        tracks = tracker.step(at(look / 5), saw((shifted((0.1, 0.4, 0.2, 0.7), 0.03 * look), 0.7)), STILL)
    assert tracks[0].travelled == 0


def state(stood_s: float) -> TrackState:
    """A track that was seen at its place for so long."""
    now = at(stood_s)
    return TrackState(1, HERE, 0.7, EventKind.PERSON, "person", at(0), now, now, HERE, HERE, at(0), HERE, 0)


@pytest.mark.parametrize(("stood_s", "brought_by"), [(1.9, 7), (2.0, None)])
def test_a_track_came_in_the_motion_in_which_it_was_before_it_rested_and_in_none_that_passes(
    stood_s: float, brought_by: int | None
) -> None:
    one, policy = state(stood_s), TrackPolicy()
    theirs, other = Course(HERE, (0.0, 0.4, 0.1, 0.7), id=7), Course((0.7, 0.4, 0.8, 0.7), (0.9, 0.4, 1.0, 0.7), id=8)
    one.follow(policy, [other, theirs])
    assert one.brought_by == brought_by
    one.follow(policy, [other])
    one.follow(policy, [])
    assert one.brought_by == brought_by
    assert one.others([other, theirs]) == ([other, theirs] if brought_by is None else [other])


def test_a_box_of_which_only_one_end_moves_has_neither_stride_nor_pace() -> None:
    one, longer = state(0), (0.2, 0.4, 0.5, 0.7)
    assert one.stride_to(longer, (-0.5, 0.0)) == 0.0
    one.pace(longer, lambda: True)
    assert (one.paces, one.paced_from) == (0, HERE)
    assert one.stride_to(shifted(HERE, -0.2), (-0.5, 0.0)) == 1.0
    one.pace(shifted(HERE, -0.2), lambda: True)
    assert (one.paces, one.paced_from) == (1, shifted(HERE, -0.2))


def test_a_look_from_the_past_or_at_the_same_time_weighs_nothing_and_a_late_one_no_more_than_a_quarter_second() -> None:
    policy = TrackPolicy()
    assert policy.weight(-NS_PER_S) == policy.weight(0) == 0.0
    assert policy.weight(NS_PER_S // 4) == policy.weight(60 * NS_PER_S) == pytest.approx(1 - math.exp(-0.625))
