import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import Corners
from smartcam.vision.track import Sighting, Track, Tracker, TrackPolicy

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


def test_motion_elsewhere_does_not_count_as_coming() -> None:
    tracks = Tracker().step(at(0), saw((HERE, 0.7)), [(0, 0, 0.2, 0.2)])
    assert moves(tracks) == [0]


def test_motion_over_an_object_that_has_stood_there_for_long_does_not_count_as_coming() -> None:
    tracker = Tracker()
    follow(tracker, HERE, 5)
    assert moves(follow(tracker, HERE, 1, start=5.2, motion=EVERYWHERE)) == [0]


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
    found = tracker.step(at(3.2), saw((shifted(box, -0.3), 0.7)), STILL)
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
