import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.corners import Corners
from smartcam.vision.movers import Mover, Movers, PurposePolicy, straightness, travel


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round((50 + seconds) * NS_PER_S))


def follow(movers: Movers, *looks: Corners | None, start: int = 0) -> list[Mover]:
    """The movers after looks five times a second."""
    found: list[Mover] = []
    for look, box in enumerate(looks, start):
        found = movers.step(at(look / 5), [] if box is None else [box])
    return found


def across(looks: int, step: float = 0.04) -> list[Corners]:
    return [(0.1 + step * look, 0.3, 0.3 + step * look, 0.5) for look in range(looks)]


def test_what_crosses_the_picture_goes_somewhere() -> None:
    (mover,) = follow(Movers(), *across(6))
    assert mover.has_purpose(PurposePolicy())
    assert (mover.since, len(mover.boxes)) == (at(0), 6)
    assert mover.travel == pytest.approx(0.2)
    assert straightness(mover.boxes) == pytest.approx(1)


def test_what_leaps_is_something_else() -> None:
    """A hand that stays, and another one for which it is taken."""
    stays, elsewhere = (0.33, 0.0, 0.56, 0.4), (0.46, 0.1, 0.69, 0.5)
    (mover,) = follow(Movers(), *[stays] * 5, *[elsewhere] * 5)
    assert mover.travel > PurposePolicy().least_travel
    assert not mover.has_purpose(PurposePolicy())


def test_what_a_hand_sets_down_is_not_on_its_way() -> None:
    """As measured: it comes in from the edge, waits, and sets something down within three looks."""
    hand = [
        (0.299, 0.0, 0.583, 0.358),
        (0.34, 0.0, 0.569, 0.407),
        (0.354, 0.0, 0.562, 0.407),
        (0.347, 0.0, 0.562, 0.39),
    ]
    down = [(0.382, 0.0, 0.569, 0.506), (0.438, 0.074, 0.583, 0.679), (0.438, 0.272, 0.549, 0.926)]
    there = [(0.438, 0.519, 0.549, 0.926)] * 10
    movers, looks = Movers(), [*hand, *hand[-1:] * 2, *down, *there]
    for look in range(len(looks)):
        (mover,) = follow(movers, looks[look], start=look)
        assert not mover.has_purpose(PurposePolicy())
    assert mover.travel > PurposePolicy().least_travel


def test_what_stays_where_it_is_does_not() -> None:
    (mover,) = follow(Movers(), *across(1) * 20)
    assert (mover.travel, mover.has_purpose(PurposePolicy())) == (0, False)


def test_an_arm_that_reaches_in_from_the_edge_and_draws_back_does_not() -> None:
    movers = Movers()
    for look in range(16):
        length = 0.1 + 0.4 * math.sin(look / 16 * math.pi)
        (mover,) = movers.step(at(look / 5), [(0.4, 0.0, 0.6, length)])
        assert not mover.has_purpose(PurposePolicy())


def test_a_light_that_grows_on_the_spot_does_not() -> None:
    growing = [(0.5 - 0.03 * size, 0.5 - 0.03 * size, 0.5 + 0.03 * size, 0.5 + 0.03 * size) for size in range(3, 12)]
    movers = Movers()
    for look in range(9):
        (mover,) = movers.step(at(look / 5), [growing[look]])
        assert not mover.has_purpose(PurposePolicy())


def test_a_branch_that_swings_to_and_fro_does_not() -> None:
    movers = Movers()
    for look in range(60):
        x = 0.3 + 0.05 * math.sin(2 * math.pi * look / 9)
        (mover,) = movers.step(at(look / 5), [(x, 0.2, x + 0.4, 0.6)])
        assert not mover.has_purpose(PurposePolicy())


def test_what_is_small_does_not_matter_wherever_it_goes() -> None:
    (mover,) = follow(Movers(), *[(x, 0.3, x + 0.1, 0.45) for x, *_ in across(10)])
    assert mover.travel > 0.12
    assert not mover.has_purpose(PurposePolicy())
    assert mover.has_purpose(replace(PurposePolicy(), least_area=0.01))


def test_what_creeps_as_clouds_do_does_not() -> None:
    (mover,) = follow(Movers(), *across(40, 0.005))
    assert not mover.has_purpose(PurposePolicy())


def test_two_things_that_become_one_and_part_again_have_not_travelled() -> None:
    bottle, hand_and_bottle, hand = (0.1, 0.3, 0.2, 0.9), (0.1, 0.0, 0.25, 0.9), (0.0, 0.0, 0.22, 0.5)
    movers = Movers()
    for look, box in enumerate([bottle] * 5 + [hand_and_bottle] * 5 + [hand] * 5):
        for mover in movers.step(at(look / 5), [box]):
            assert not mover.has_purpose(PurposePolicy())


@pytest.mark.parametrize(("times", "looks"), [(1.65, 6), (1.75, 1), (1 / 1.65, 6), (1 / 1.75, 1)])
def test_what_was_before_two_things_became_one_or_parted_no_longer_counts(times: float, looks: int) -> None:
    x1, y1, x2, y2 = across(6)[-1]
    grown = x1, y1, x2, y1 + times * (y2 - y1)
    (mover,) = follow(Movers(), *across(5), grown)
    assert (mover.since, len(mover.boxes)) == (at(0), looks)


def test_only_the_last_three_seconds_of_a_path_count() -> None:
    (mover,) = follow(Movers(), *across(30, 0.01))
    assert len(mover.boxes) == 16
    assert mover.travel == pytest.approx(0.15)


def test_a_mover_that_is_gone_is_no_part_of_the_next_one() -> None:
    movers = Movers()
    first, second = across(3), [(0.6, 0.6, 0.9, 0.9)] * 3
    for look in range(3):
        both = movers.step(at(look / 5), [first[look], second[look]])
    assert [mover.id for mover in both] == [1, 2]
    both = movers.step(at(2), [second[0]])
    assert [(mover.id, mover.since) for mover in both] == [(2, at(0))]


def test_what_stops_has_arrived_somewhere_and_is_not_on_its_way_any_more() -> None:
    (mover,) = follow(Movers(), *across(8), *across(8)[-1:] * 20)
    assert not mover.has_purpose(PurposePolicy())


def test_out_of_sight_for_a_moment_is_the_same_mover_and_longer_another() -> None:
    movers = Movers()
    follow(movers, *across(6))
    (mover,) = follow(movers, None, None, across(9)[-1], start=6)
    assert (mover.id, mover.seen) == (1, True)
    follow(movers, *[None] * 8, start=9)
    (mover,) = follow(movers, across(9)[-1], start=17)
    assert (mover.id, len(mover.boxes)) == (2, 1)


def test_forgotten_movers_begin_anew() -> None:
    movers = Movers()
    follow(movers, *across(6))
    movers.forget()
    (mover,) = follow(movers, across(7)[-1], start=6)
    assert (mover.id, mover.travel) == (2, 0)


def test_travel_needs_both_ends_to_go_the_same_way() -> None:
    assert travel([(0.1, 0.1, 0.2, 0.2), (0.4, 0.1, 0.5, 0.2)]) == pytest.approx(0.3)
    assert travel([(0.1, 0.1, 0.2, 0.2), (0.1, 0.1, 0.5, 0.2)]) == 0
    assert travel([(0.1, 0.1, 0.2, 0.2), (0.05, 0.1, 0.5, 0.2)]) == 0
    assert travel([(0.1, 0.1, 0.2, 0.2)]) == 0


sides = st.floats(0, 0.8)
boxes = st.tuples(sides, sides, st.floats(0.01, 0.2), st.floats(0.01, 0.2)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@given(st.lists(boxes, min_size=1, max_size=12))
def test_straightness_is_a_share_and_travel_never_exceeds_the_picture(path: list[Corners]) -> None:
    assert 0 <= straightness(path) <= 1
    assert 0 <= travel(path) <= math.sqrt(2)


@given(st.lists(boxes, min_size=2, max_size=12))
def test_the_way_back_is_as_long_as_the_way_there(path: list[Corners]) -> None:
    assert straightness(path) == pytest.approx(straightness(path[::-1]))
