from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.sources.beginning import PATIENCE_S, Beginning, CatchUp


def test_packets_without_a_key_frame_are_waited_through_as_long_as_they_come() -> None:
    beginning = Beginning(0)
    assert not beginning.waits_for_key(1)
    told = [beginning.packet(float(second), is_key=False) for second in range(60)]
    assert told == [True] + 59 * [False]
    assert beginning.waits_for_key(60)
    assert not beginning.gives_nothing(60)
    assert not beginning.waits_for_key(100)
    assert beginning.gives_nothing(100)


def test_a_key_frame_that_gives_no_picture_is_no_wait_for_one() -> None:
    beginning = Beginning(0)
    beginning.packet(20, is_key=False)
    beginning.packet(21, is_key=True)
    assert not beginning.waits_for_key(22)
    assert not beginning.gives_nothing(21 + PATIENCE_S / 2)
    for second in range(22, 40):
        assert not beginning.packet(second, is_key=True)
    assert beginning.gives_nothing(21 + PATIENCE_S)


def test_a_stream_that_sends_nothing_is_given_up_after_its_time() -> None:
    beginning = Beginning(100)
    assert not beginning.gives_nothing(100 + PATIENCE_S / 2)
    assert beginning.gives_nothing(100 + PATIENCE_S)


def test_a_single_picture_is_no_stream_that_moves() -> None:
    beginning = Beginning(0)
    beginning.packet(0, is_key=False)
    beginning.picture(3)
    assert not beginning.waits_for_key(3)
    assert not beginning.gives_nothing(3 + PATIENCE_S / 2)
    assert beginning.gives_nothing(3 + PATIENCE_S)


def test_a_stream_that_moves_may_pause() -> None:
    beginning = Beginning(0)
    beginning.picture(1)
    beginning.picture(2)
    assert not beginning.waits_for_key(3)
    assert not beginning.gives_nothing(1000)


def old(stamps_s: list[float], times_s: list[float], opened_s: float) -> list[bool]:
    catch_up = CatchUp(opened_s)
    return [catch_up.is_old(stamp, now) for stamp, now in zip(stamps_s, times_s, strict=True)]


def test_the_first_picture_of_a_backlog_is_given_and_the_next_one_is_of_now() -> None:
    backlog = [i / 20 for i in range(40)]
    coming = [2 + i / 20 for i in range(40)]
    arrivals = [10 + i / 1000 for i in range(40)] + [10.05 + i / 20 for i in range(40)]
    assert old(backlog + coming, arrivals, 1.97) == [False] + 39 * [True] + 40 * [False]


def test_pictures_that_come_in_time_are_all_given() -> None:
    times = [i / 20 for i in range(100)]
    assert not any(old(times, times, 5.0))


def test_what_comes_faster_than_in_time_but_did_not_wait_for_the_opening_is_given() -> None:
    """A network that stumbles, a camera whose clock runs fast, a file."""
    stamps = [i / 10 for i in range(100)]
    fast = [i / 1000 for i in range(100)]
    assert not any(old(stamps, fast, 0.0))
    assert sum(old(stamps, fast, 1.0)) == 10


def test_a_picture_that_no_other_follows_soon_is_given() -> None:
    assert not any(old([0, 1, 2, 3], [5, 5.01, 5.02, 5.03], 4.0))


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=30), st.floats(0, 10))
def test_no_more_is_dropped_than_the_opening_took(stamps: list[float | None], opened_s: float) -> None:
    catch_up = CatchUp(opened_s)
    dropped = [stamp for stamp in stamps if catch_up.is_old(stamp, 7.0) and stamp is not None]
    known = [stamp for stamp in stamps if stamp is not None]
    assert all(0 <= stamp - known[0] <= opened_s for stamp in dropped)


@given(st.integers(1, 60), st.floats(0.1, 3), st.floats(0, 0.04))
def test_the_last_picture_of_a_backlog_is_followed_within_half_a_second(
    fps: int, opened_s: float, decode_s: float
) -> None:
    """Whatever the rate: what is dropped last is never the newest for long."""
    stamps = [i / fps for i in range(int(opened_s * fps) + 40)]
    catch_up, now_s, given_at = CatchUp(opened_s), opened_s, []
    for stamp in stamps:
        now_s = max(now_s + decode_s, stamp)
        if not catch_up.is_old(stamp, now_s):
            given_at.append(now_s)
    assert given_at[0] <= opened_s + decode_s
    assert all(b - a <= max(1 / fps, 0.5, len(stamps) * decode_s) + 0.5 for a, b in pairwise(given_at))
