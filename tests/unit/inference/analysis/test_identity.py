"""Who is whom."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.identity import (
    goes_with,
    is_back,
    is_held,
    is_part_of_any,
    is_resumed,
    is_same_again,
    mover_of,
    sameness,
    sides,
    whole_of,
)
from smartcam.inference.analysis.places import corners, normal
from smartcam.inference.analysis.record import SceneObject
from smartcam.inference.analysis.stays import begin
from smartcam.inference.events import Trigger
from smartcam.vision.corners import Corners
from smartcam.vision.movers import Mover, Movers
from smartcam.vision.track import Track
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import maker

HERE: Corners = (0.4, 0.2, 0.6, 0.8)
EPISODE, _ = maker().raised(Trigger(EventKind.PERSON, 0.8, 0.6, NormalBox(*HERE)), SOME_DAY, MonotonicNs(0))


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round((100 + seconds) * NS_PER_S))


def shifted(box: Corners, right: float, down: float = 0.0) -> Corners:
    return box[0] + right, box[1] + down, box[2] + right, box[3] + down


def track(number: int, box: Corners, kind: EventKind = EventKind.PERSON, *, seen: bool = True) -> Track:
    return Track(number, box, 0.8, kind, str(kind), seen, not seen, 0.0, 1, 0.0, static=False)


def known(*, on: bool = True) -> SceneObject:
    return SceneObject((), episode=EPISODE if on else None)


def moving(box: Corners, *, seen: bool = True) -> SceneObject:
    return SceneObject((), mover=Mover(1, seen, at(0), (box,)), box=normal(box))


places = st.floats(0, 1)
boxes = st.tuples(places, places, st.floats(0.01, 0.5), st.floats(0.01, 0.5)).map(
    lambda found: (found[0], found[1], found[0] + found[2], found[1] + found[3])
)


@given(boxes, boxes)
def test_who_is_whom_does_not_depend_on_who_is_asked(box: Corners, other: Corners) -> None:
    for kind in (EventKind.PERSON, EventKind.VEHICLE):
        one, two = track(1, box), track(2, other, kind)
        assert sameness(one, two) == pytest.approx(sameness(two, one))
    mover, second = moving(box).mover, moving(other).mover
    assert mover is not None
    assert second is not None
    assert goes_with(mover, second) is goes_with(second, mover)


@given(boxes)
def test_everything_is_the_same_as_itself(box: Corners) -> None:
    assert sameness(track(1, box), track(1, box)) >= 1
    if box[2] <= 1 and box[3] <= 1:
        there = NormalBox(*box)
        assert is_part_of_any(there, [there])
        assert is_resumed(there, box)


def test_of_several_movers_an_object_is_the_one_that_fits_best() -> None:
    rough, best, same = moving(shifted(HERE, 0.05)), moving(HERE), moving(HERE)
    places = [(corners(one.box), one) for one in (rough, best, same) if one.box is not None]
    assert mover_of(HERE, places) is best
    assert mover_of(shifted(HERE, 0.5), places) is None
    assert mover_of(HERE, []) is None


def test_a_track_within_another_of_its_kind_is_a_part_of_it_and_beside_it_is_not() -> None:
    assert sameness(track(1, HERE), track(2, (0.45, 0.2, 0.55, 0.4))) >= 1
    assert sameness(track(1, HERE), track(2, shifted(HERE, 0.079))) >= 1
    assert sameness(track(1, HERE), track(2, shifted(HERE, 0.081))) < 1


def test_a_track_of_another_kind_is_a_twin_only_if_it_is_as_large() -> None:
    def car(box: Corners) -> Track:
        return track(2, box, EventKind.VEHICLE)

    assert sameness(track(1, HERE), car((0.45, 0.2, 0.55, 0.4))) < 1
    assert sameness(track(1, HERE), car(shifted(HERE, 0.049))) >= 1
    assert sameness(track(1, HERE), car(shifted(HERE, 0.051))) < 1


def seen_at(seconds: float, one: SceneObject) -> SceneObject:
    one.seen_at = at(seconds)
    return one


def test_the_whole_of_a_part_is_the_likeliest_that_has_an_episode() -> None:
    part, near, body = track(1, (0.45, 0.2, 0.55, 0.4)), seen_at(0, known()), seen_at(0, known())
    others = [
        (track(2, shifted(HERE, 0.03, 0.1)), near),
        (track(3, HERE), body),
        (track(4, HERE), seen_at(0, known())),
    ]

    def whole(others: Sequence[tuple[Track, SceneObject]]) -> SceneObject | None:
        return whole_of(part, known(on=False), others, at(0))

    assert whole(others) is body
    assert whole([(track(3, HERE), seen_at(0, known(on=False)))]) is None
    assert whole([(part, body)]) is None
    assert whole([(track(2, shifted(HERE, 0.5)), body)]) is None
    assert whole([(track(2, shifted(HERE, 0.1)), body)]) is None
    assert whole([]) is None


@pytest.mark.parametrize(("unseen_s", "is_whole"), [(0.2, True), (2.0, True), (2.1, False)])
def test_a_part_has_a_whole_that_was_seen_a_moment_ago_because_detectors_alternate(
    unseen_s: float, *, is_whole: bool
) -> None:
    body = seen_at(-unseen_s, known())
    found = whole_of(track(1, HERE), known(on=False), [(track(3, HERE, seen=False), body)], at(0))
    assert (found is body) is is_whole


@pytest.mark.parametrize(("origin", "is_part"), [((0.0, 0.2, 0.1, 0.8), False), (HERE, True)])
def test_whoever_comes_to_somebody_who_rests_is_no_part_of_them_and_what_stirs_there_is(
    origin: Corners, *, is_part: bool
) -> None:
    body, one = seen_at(0, known()), known(on=False)
    body.stay = begin(EventKind.PERSON, HERE, at(-60))
    body.stay.see(HERE, at(0), 3)
    one.pair(SceneObject((), mover=Mover(1, True, at(-1), (HERE,), origin)))
    assert (whole_of(track(1, HERE), one, [(track(3, HERE), body)], at(0)) is body) is is_part


def told_of(kind: EventKind, *, told: bool = True) -> SceneObject:
    one = seen_at(0, known(on=False))
    one.stay = begin(kind, HERE, at(-60))
    if told:
        one.stay.tell()
    return one


@pytest.mark.parametrize(
    ("earlier", "kind", "is_known"),
    [
        (told_of(EventKind.PERSON), EventKind.PERSON, True),
        (told_of(EventKind.PERSON), EventKind.ANIMAL, True),
        (told_of(EventKind.ANIMAL), EventKind.PERSON, False),
        (told_of(EventKind.PERSON, told=False), EventKind.PERSON, False),
    ],
    ids=["somebody", "their dog's label", "somebody by the label of a dog", "nobody was told of them"],
)
def test_an_event_that_is_over_tells_of_its_kind_and_of_lesser_ones_and_of_no_graver_one(
    earlier: SceneObject, kind: EventKind, *, is_known: bool
) -> None:
    found = whole_of(track(1, HERE, kind), known(on=False), [(track(3, HERE, kind), earlier)], at(0))
    assert (found is earlier) is is_known


def test_the_whole_is_found_behind_the_track_itself_and_behind_one_who_rests_elsewhere() -> None:
    one, sitter, walker = known(on=False), told_of(EventKind.PERSON), seen_at(0, known())
    assert sitter.stay is not None
    sitter.stay.see(HERE, at(0), 3)
    one.pair(SceneObject((), mover=Mover(1, True, at(-1), (HERE,), (0.0, 0.2, 0.1, 0.8))))
    part = track(1, HERE)
    assert whole_of(part, one, [(part, one), (track(3, HERE), sitter), (track(4, HERE), walker)], at(0)) is walker


def test_what_moves_is_a_part_if_half_of_it_lies_in_another() -> None:
    whole = NormalBox(*HERE)
    assert is_part_of_any(NormalBox(0.301, 0.3, 0.501, 0.4), [whole])
    assert not is_part_of_any(NormalBox(0.299, 0.3, 0.499, 0.4), [whole])
    assert is_part_of_any(NormalBox(0.301, 0.3, 0.501, 0.4), [NormalBox(0.9, 0.9, 1.0, 1.0), whole])
    assert not is_part_of_any(whole, [])


LEGS = [(0.1 + 0.03 * look, 0.5, 0.2 + 0.03 * look, 0.7) for look in range(6)]


def both(one: Sequence[Corners], other: Sequence[Corners]) -> tuple[Mover, Mover]:
    movers = Movers()
    for look, pair in enumerate(zip(one, other, strict=True)):
        found = movers.step(at(look / 5), pair)
    first, second = found
    return first, second


@pytest.mark.parametrize(
    ("other", "is_with"),
    [
        ([(0.1 + 0.03 * look, 0.2, 0.2 + 0.03 * look, 0.47) for look in range(6)], True),
        ([(0.25, 0.2, 0.35, 0.47)] * 6, True),
        ([(0.4 - 0.03 * look, 0.2, 0.5 - 0.03 * look, 0.47) for look in range(6)], False),
        ([(0.1 + 0.03 * look, 0.0, 0.2 + 0.03 * look, 0.3) for look in range(6)], False),
        ([(0.35 + 0.03 * look, 0.5, 0.45 + 0.03 * look, 0.7) for look in range(6)], False),
        ([(0.22 + 0.03 * look, 0.2, 0.3 + 0.03 * look, 0.48) for look in range(6)], False),
        ([(0.2 + 0.01 * look, 0.2, 0.3 + 0.01 * look, 0.47) for look in range(6)], True),
        ([(0.2 + 0.01 * look, 0.1 + 0.02 * look, 0.3 + 0.01 * look, 0.37 + 0.02 * look) for look in range(6)], False),
    ],
    ids=[
        "the coat above",
        "not yet on its way",
        "coming towards it",
        "far above",
        "far ahead",
        "past the corner",
        "slower",
        "across",
    ],
)
def test_what_moves_near_it_the_same_way_is_a_part_of_it(other: list[Corners], *, is_with: bool) -> None:
    legs, found = both(LEGS, other)
    assert goes_with(legs, found) is goes_with(found, legs) is is_with


@pytest.mark.parametrize(
    ("way", "is_with"), [((0.02, 0.03), True), ((0.02, -0.03), False)], ids=["with it", "up again"]
)
def test_who_goes_down_the_stairs_is_a_part_of_what_goes_down_there(way: tuple[float, float], *, is_with: bool) -> None:
    down = [shifted((0.1, 0.4, 0.2, 0.6), 0.02 * look, 0.03 * look) for look in range(6)]
    last = shifted(down[-1], 0.0, -0.21)
    beside = [shifted(last, way[0] * (look - 5), way[1] * (look - 5)) for look in range(6)]
    one, other = (Mover(number, True, at(0), tuple(path)) for number, path in enumerate((down, beside)))
    assert goes_with(one, other) is goes_with(other, one) is is_with


@pytest.mark.parametrize(("right", "is_with"), [(0.1, True), (0.24, False)])
def test_what_moves_above_another_thing_is_a_part_of_it_if_they_share_half_of_their_width(
    right: float, *, is_with: bool
) -> None:
    wide = [shifted((0.1, 0.4, 0.4, 0.5), 0.02 * look) for look in range(6)]
    above = [shifted(box, right, -0.11) for box in wide]
    one, other = (Mover(number, True, at(0), tuple(path)) for number, path in enumerate((wide, above)))
    assert goes_with(one, other) is goes_with(other, one) is is_with


def test_two_who_are_seen_in_one_look_are_two_and_who_was_never_seen_is_nobody_again() -> None:
    now = SceneObject((), since=at(12), born=NormalBox(*HERE))
    assert not is_same_again(now, SceneObject((), seen_at=at(12), box=NormalBox(*HERE)), at(12))
    assert not is_same_again(now, SceneObject((), seen_at=at(12.2)), at(13))


def test_an_object_that_was_lost_before_another_was_found_may_be_the_same_for_twenty_seconds() -> None:
    earlier = SceneObject((), seen_at=at(10), box=NormalBox(*HERE))
    now = SceneObject((), since=at(12), born=NormalBox(0.0, 0.0, 0.1, 0.1))
    assert is_same_again(now, earlier, at(12.6))
    assert is_same_again(now, earlier, at(30))
    assert not is_same_again(now, earlier, at(30.1))
    assert not is_same_again(SceneObject(()), earlier, at(12.6))


@pytest.mark.parametrize(
    ("earlier_until", "born", "same"),
    [
        (12.5, shifted(HERE, 0.1), True),
        (12.5, shifted(HERE, 0.13), False),
        (12.6, shifted(HERE, 0.1), False),
        (13.0, shifted(HERE, 0.1), False),
    ],
    ids=["twice for a moment", "beside each other", "together for long", "together still"],
)
def test_who_was_seen_with_another_is_the_same_only_if_a_detector_saw_one_twice(
    earlier_until: float, born: Corners, *, same: bool
) -> None:
    earlier = SceneObject((), seen_at=at(earlier_until), box=NormalBox(*HERE))
    now = SceneObject((), since=at(12), born=NormalBox(*born))
    assert is_same_again(now, earlier, at(13.0)) is same


def test_the_moment_of_seeing_one_twice_has_to_be_over() -> None:
    earlier = SceneObject((), seen_at=at(12.4), box=NormalBox(*HERE))
    now = SceneObject((), since=at(12), born=NormalBox(*HERE))
    assert not is_same_again(now, earlier, at(12.4))
    assert is_same_again(now, earlier, at(12.5))


def test_an_object_is_held_for_twenty_seconds_by_the_mover_that_it_was() -> None:
    gone = known()
    gone.seen_at = at(0)
    mover, other, still = moving(HERE), moving(HERE), moving(HERE, seen=False)
    mover.named_as = still.named_as = gone
    assert is_held(gone, [other, mover], at(20))
    assert not is_held(gone, [other, mover], at(20.1))
    assert not is_held(gone, [other, still], at(1))
    gone.episode = None
    assert not is_held(gone, [mover], at(1))


@pytest.mark.parametrize(
    ("here", "back"),
    [
        (shifted(HERE, 0.3), True),
        (shifted(HERE, 0.36), False),
        ((0.45, 0.35, 0.56, 0.65), True),
        ((0.45, 0.35, 0.54, 0.65), False),
    ],
    ids=["near", "far", "a little smaller", "less than half the side"],
)
def test_a_mover_is_back_within_its_own_size_of_where_it_vanished(here: Corners, *, back: bool) -> None:
    assert is_back(moving(HERE), moving(here)) is is_back(moving(here), moving(HERE)) is back


@pytest.mark.parametrize(("born", "back"), [((0.97, 0.4, 1.0, 0.6), False), ((0.6, 0.4, 0.7, 0.6), True)])
def test_who_comes_in_over_the_edge_is_not_who_vanished_there(born: Corners, *, back: bool) -> None:
    gone, come = moving((0.9, 0.4, 1.0, 0.6)), moving((0.85, 0.4, 0.98, 0.6))
    come.born = normal(born)
    assert is_back(gone, come) is back


def test_what_has_no_place_is_not_back() -> None:
    assert not is_back(SceneObject(()), moving(HERE))
    assert not is_back(moving(HERE), SceneObject(()))


def test_an_earlier_processs_object_is_resumed_by_what_overlaps_its_place() -> None:
    there = NormalBox(*HERE)
    assert is_resumed(there, shifted(HERE, 0.107))
    assert not is_resumed(there, shifted(HERE, 0.109))
    assert not is_resumed(None, HERE)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0.05, 0.3, 0.3, 0.7), {"left"}),
        ((0.7, 0.3, 0.95, 0.7), {"right"}),
        ((0.3, 0.05, 0.5, 0.4), {"top"}),
        ((0.3, 0.6, 0.5, 0.95), {"bottom"}),
        ((0.0, 0.6, 0.2, 1.0), {"left", "bottom"}),
        ((0.3, 0.05, 0.5, 0.95), set()),
        ((0.3, 0.3, 0.5, 0.45), set()),
        ((0.1, 0.1, 0.9, 0.9), set()),
    ],
    ids=["left", "right", "top", "bottom", "corner", "somebody tall", "inside", "large"],
)
def test_at_which_edges_something_is_does_not_depend_on_how_tall_it_is(box: Corners, expected: set[str]) -> None:
    assert sides(box) == expected
