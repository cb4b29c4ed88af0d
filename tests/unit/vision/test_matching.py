"""Which sighting continues which track."""

from collections.abc import Sequence

import pytest

from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S
from smartcam.vision.corners import Corners
from smartcam.vision.matching import Matching
from smartcam.vision.passing import Course
from smartcam.vision.track_state import Sighting, TrackPolicy, TrackState

NOW = 100 * NS_PER_S
LOOK = NS_PER_S // 5
POLICY = TrackPolicy()


def box(x: float, y: float = 0.4, size: float = 0.1) -> Corners:
    return x, y, x + size, y + size


def track(
    place: Corners,
    *,
    speed: tuple[float, float] | None = (0.0, 0.0),
    stood_s: float = 0.4,
    kind: EventKind = EventKind.PERSON,
    unseen_s: float = 0.2,
) -> TrackState:
    """Seen last a look ago or longer; missed in the look before if it is longer. Without a speed it was seen once."""
    seen_at = NOW - round(unseen_s * NS_PER_S)
    return TrackState(
        id=1,
        box=place,
        score=0.8,
        kind=kind,
        label=str(kind),
        born_at=seen_at - LOOK,
        seen_at=seen_at,
        looked_at=NOW - LOOK,
        smooth=place,
        rest=place,
        rest_since=seen_at - round(stood_s * NS_PER_S),
        paced_from=place,
        moves=1,
        speed=speed,
        was_missed=unseen_s > 0.2,
    )


def seen(place: Corners, score: float = 0.8, kind: EventKind = EventKind.PERSON) -> Sighting:
    return Sighting(place, score, kind, str(kind))


def rows(
    tracks: Sequence[TrackState], found: Sequence[Sighting], *, stirs: bool = True, ways: Sequence[Course] = ()
) -> list[int]:
    motion = [sighting.box for sighting in found] if stirs else []
    return Matching(tracks, POLICY, NOW, motion, ways).rows(found)


def test_nothing_continues_nothing() -> None:
    assert rows([], [seen(box(0.1))]) == [-1]
    assert rows([track(box(0.1))], []) == []


def test_a_sighting_continues_what_it_overlaps_and_only_one_of_its_kind() -> None:
    tracks = [track(box(0.1)), track(box(0.5)), track(box(0.7), kind=EventKind.VEHICLE)]
    found = [seen(box(0.52)), seen(box(0.12)), seen(box(0.71))]
    assert rows(tracks, found) == [1, 0, -1]


def test_what_is_on_its_way_is_looked_for_where_its_speed_takes_it() -> None:
    walker = track(box(0.3), speed=(0.5, 0.0))
    assert rows([walker, track(box(0.6, 0.8))], [seen(box(0.4))], stirs=False) == [0]


def test_two_that_jump_at_once_both_go_on_each_as_the_nearer_one() -> None:
    tracks = [track(box(0.10)), track(box(0.23))]
    assert rows(tracks, [seen(box(0.29)), seen(box(0.16))], stirs=False) == [1, 0]
    near = [track(box(0.10)), track(box(0.18))]
    assert rows(near, [seen(box(0.142, 0.437))], stirs=False) == [1]


def test_two_that_jump_at_once_and_far_apart_both_go_on() -> None:
    tracks = [track(box(0.1)), track(box(0.5))]
    assert rows(tracks, [seen(box(0.142, 0.442)), seen(box(0.542, 0.442))], stirs=False) == [0, 1]


def test_two_that_were_seen_once_and_are_fast_both_go_on_each_as_the_nearer_one() -> None:
    tracks = [track(box(0.1, 0.2), speed=None), track(box(0.1, 0.7), speed=None)]
    assert rows(tracks, [seen(box(0.23, 0.7)), seen(box(0.23, 0.2))]) == [1, 0]
    near = [track(box(0.10), speed=None), track(box(0.40), speed=None)]
    assert rows(near, [seen(box(0.27))]) == [1]
    both = [track(box(0.12), speed=None), track(box(0.39), speed=None)]
    assert rows(both, [seen(box(0.26))]) == [1]


def test_what_is_fast_is_known_by_its_motion_and_by_that_it_is_new() -> None:
    far = [seen(box(0.23))]
    assert rows([track(box(0.1), speed=None)], far) == [0]
    assert rows([track(box(0.1), speed=None)], far, stirs=False) == [-1]
    assert rows([track(box(0.1))], far) == [-1]


def test_a_weak_sighting_that_overlaps_nothing_is_nobody() -> None:
    tracks = [track(box(0.1)), track(box(0.4), speed=None)]
    assert rows(tracks, [seen(box(0.155, 0.48), score=0.3), seen(box(0.53), score=0.3)]) == [-1, -1]


@pytest.mark.parametrize(
    ("unseen_s", "sizes", "reached"), [(0.2, 1.1, False), (0.9, 1.1, True), (0.9, 1.2, False), (1.4, 1.2, True)]
)
def test_who_was_lost_on_their_way_may_be_farther_away_the_longer_that_was(
    unseen_s: float, sizes: float, *, reached: bool
) -> None:
    """0.6 of their size at once, as much again for each second."""
    walker = track(box(0.4), unseen_s=unseen_s)
    assert (rows([walker], [seen(box(0.4 + 0.1 * sizes))]) == [0]) is reached


def test_who_shows_up_without_moving_was_there_all_the_time() -> None:
    walker = track(box(0.4), unseen_s=1.4)
    assert rows([walker], [seen(box(0.52))], stirs=False) == [-1]


def test_what_rests_is_not_continued_by_who_passes_in_front_of_it() -> None:
    parked = track(box(0.4), stood_s=5)
    passer = box(0.44)
    way = Course(passer, box(0.0))
    assert rows([parked], [seen(passer)], ways=[way]) == [-1]
    assert rows([parked], [seen(passer)]) == [0]
    assert rows([parked], [seen(box(0.405))], ways=[way]) == [0]
    assert rows([track(box(0.4), stood_s=1)], [seen(passer)], ways=[way]) == [0]
