from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.schedule import RateLimit, Schedule
from smartcam.contract.times import NS_PER_S

steps_s = st.lists(st.tuples(st.floats(0.001, 3.0), st.booleans()), max_size=200)


def chosen(schedule: Schedule, rate: float, frames: int, *, moving: bool) -> list[int]:
    return [i for i in range(frames) if schedule.due(round(i * NS_PER_S / rate), moving=moving)]


def test_of_a_moving_clip_so_many_frames_a_second_are_announced_as_are_wanted() -> None:
    assert chosen(Schedule(5, 1), 10, 21, moving=True) == list(range(0, 21, 2))
    assert chosen(Schedule(5, 1), 30, 61, moving=True) == list(range(0, 61, 6))
    assert chosen(Schedule(15, 1), 29.97, 9, moving=True) == [0, 2, 4, 6, 8]


def test_of_a_still_clip_a_frame_a_second_is_announced() -> None:
    assert chosen(Schedule(5, 1), 10, 41, moving=False) == [0, 10, 20, 30, 40]


def test_a_slow_source_announces_every_frame() -> None:
    assert chosen(Schedule(5, 1), 0.5, 4, moving=False) == [0, 1, 2, 3]


def test_motion_is_announced_before_the_next_keep_alive() -> None:
    schedule = Schedule(5, 1)
    assert schedule.due(0, moving=False)
    assert not schedule.due(NS_PER_S // 10, moving=True)
    assert schedule.due(NS_PER_S // 4, moving=True)
    assert not schedule.due(NS_PER_S, moving=False)


@given(steps_s, st.floats(0.5, 30), st.floats(0.1, 10))
def test_announcements_are_never_closer_than_wanted_nor_further_apart_than_a_frame_allows(
    steps: list[tuple[float, bool]], analyse_fps: float, keep_alive_s: float
) -> None:
    schedule = Schedule(analyse_fps, keep_alive_s)
    at, last = 0, -(10**12)
    for step, moving in steps:
        at += round(step * NS_PER_S)
        since_s = (at - last) / NS_PER_S
        if schedule.due(at, moving=moving):
            assert since_s >= 1 / analyse_fps - 0.0011
            last = at
        else:
            assert since_s < max(keep_alive_s, 1 / analyse_fps)


@pytest.mark.parametrize(("camera_fps", "most", "expected"), [(25, 10, 10), (30, 15, 15), (20, 0, 20), (10, 30, 10)])
def test_a_limited_rate_is_kept_evenly(camera_fps: int, most: float, expected: int) -> None:
    limit = RateLimit(most)
    times = [round(i * NS_PER_S / camera_fps) for i in range(camera_fps * 10)]
    taken = [at for at in times if limit.takes(at)]
    assert len(taken) == pytest.approx(expected * 10, abs=1)
    gaps = [after - before for before, after in pairwise(taken)]
    assert max(gaps) <= NS_PER_S / expected + NS_PER_S / camera_fps


def test_after_a_gap_no_pictures_are_made_up_for() -> None:
    limit = RateLimit(10)
    assert limit.takes(0)
    later = 60 * NS_PER_S
    taken = [at for at in range(later, later + NS_PER_S, NS_PER_S // 100) if limit.takes(at)]
    assert len(taken) == 10


def test_a_timeline_that_begins_anew_is_taken_from() -> None:
    limit = RateLimit(1)
    assert limit.takes(100 * NS_PER_S)
    assert limit.takes(0)
    assert not limit.takes(NS_PER_S // 2)
