import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.haste import MOST_FPS, Haste
from smartcam.capture.schedule import Schedule
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S

SIZE = 1280 * 720


def box(x: int, y: int = 300, wide: int = 200, high: int = 100) -> PixelBox:
    return PixelBox(x, y, x + wide, y + high)


def at(seconds: float) -> int:
    return round(seconds * NS_PER_S)


def test_what_is_new_or_has_gone_far_is_looked_at_closely_for_half_a_second() -> None:
    haste = Haste(5)
    haste.watch(at(0), [box(100)], SIZE)
    assert haste.is_on(at(0.4))
    assert not haste.is_on(at(0.6))
    haste.watch(at(1), [box(140)], SIZE)
    assert not haste.is_on(at(1.1))
    haste.watch(at(1.2), [box(280)], SIZE)
    assert haste.is_on(at(1.3))


def test_what_is_small_gives_no_haste() -> None:
    haste = Haste(5)
    haste.watch(at(0), [box(100, wide=60, high=60)], SIZE)
    assert not haste.is_on(at(0))


@pytest.mark.parametrize(("usual", "hasty"), [(1, 2), (5, 10), (8, 10), (10, 10), (15, 15)])
def test_twice_as_many_looks_are_taken_up_to_ten_a_second(usual: float, hasty: float) -> None:
    assert Haste(usual).fps == hasty
    assert MOST_FPS == 10


def test_a_storm_costs_a_tenth_more_in_the_long_run() -> None:
    schedule, looks = Schedule(5, 1), 0
    for frame in range(25 * 600):
        if schedule.may_announce(at(frame / 25)):
            schedule.haste.watch(at(frame / 25), [box(100 if looks % 2 else 600)], SIZE)
            looks += schedule.due(at(frame / 25), moving=True)
    assert looks <= 600 * 5 * 1.1 + 31


@given(st.lists(st.tuples(st.floats(0.001, 3.0), st.integers(0, 1000), st.booleans()), max_size=100))
def test_announcements_are_never_closer_than_haste_allows(steps: list[tuple[float, int, bool]]) -> None:
    schedule, now, last = Schedule(5, 1), 0.0, -1.0
    for step, x, moving in steps:
        now += step
        if schedule.may_announce(at(now)):
            schedule.haste.watch(at(now), [box(x)] if moving else [], SIZE)
        if schedule.due(at(now), moving=moving):
            assert now - last >= 1 / MOST_FPS - 0.0011
            last = now


def test_a_timeline_that_begins_anew_is_not_in_haste_for_ever() -> None:
    haste = Haste(5)
    haste.watch(at(1000), [box(100)], SIZE)
    assert not haste.is_on(at(1))
