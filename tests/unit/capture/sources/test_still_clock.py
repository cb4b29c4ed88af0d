from smartcam.capture.sources.still_clock import StillClock


def test_the_same_time_stamp_for_three_seconds_is_a_clock_that_stands() -> None:
    clock = StillClock()
    assert [clock.stands(900, second / 2) for second in range(8)] == [False] * 6 + [True] * 2


def test_a_clock_that_goes_on_is_good_again() -> None:
    clock = StillClock()
    assert [clock.stands(stamp, second) for second, stamp in enumerate((5, 5, 6, 6, 7, 7, 7, 7))][:7] == [False] * 7


def test_a_clock_that_goes_or_jumps_back_is_not_one_that_stands() -> None:
    clock = StillClock()
    assert not any(clock.stands(10 * (second % 2), float(second)) for second in range(20))


def test_a_camera_without_time_stamps_is_not_judged() -> None:
    clock = StillClock()
    assert not any(clock.stands(None, float(second)) for second in range(20))
