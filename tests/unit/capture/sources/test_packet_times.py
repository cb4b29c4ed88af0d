"""Times of packets, whatever the camera stamps."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.sources.packet_times import PacketTimes
from smartcam.contract.times import NS_PER_MS, NS_PER_S

FRAME = 40 * NS_PER_MS
STAMPS = st.one_of(st.none(), st.integers(-(2**50), 2**50), st.integers(0, 5 * NS_PER_S))


def placed(
    stamps: Sequence[tuple[int | None, int | None]], *, arrive_ns: int = FRAME, delay: int = 0
) -> list[tuple[int, int]]:
    """Times since the first packet came."""
    times = PacketTimes()
    times.begin(FRAME, delay)
    begin = 1000 * NS_PER_S
    found = [times.place(*each, begin + i * arrive_ns) for i, each in enumerate(stamps)]
    return [(decode - begin, show - begin) for decode, show in found]


@given(st.lists(st.tuples(STAMPS, STAMPS, st.integers(0, 10 * NS_PER_S)), min_size=1, max_size=60), st.integers(0, 4))
def test_decoding_goes_on_showing_is_never_before_it_and_no_two_are_shown_at_once(
    stamps: list[tuple[int | None, int | None, int]], delay: int
) -> None:
    times, arrived, found = PacketTimes(), 0, []
    times.begin(FRAME, delay)
    for decode, show, waited in stamps:
        arrived += waited
        found.append(times.place(decode, show, arrived))
    assert all(before[0] < after[0] for before, after in pairwise(found))
    assert all(decode <= show for decode, show in found)
    shown = [show for _, show in found]
    assert len(set(shown)) == len(shown)


@given(st.lists(st.integers(2 * NS_PER_MS, 2 * NS_PER_S), min_size=1, max_size=50), st.integers(-(2**40), 2**40))
def test_a_sound_stream_keeps_its_own_differences(steps: list[int], begin: int) -> None:
    stamps = [begin + sum(steps[:i]) for i in range(len(steps) + 1)]
    found = placed([(stamp, stamp + 2 * NS_PER_MS) for stamp in stamps])
    assert [decode for decode, _ in found] == [stamp - begin for stamp in stamps]
    assert [show for _, show in found] == [stamp - begin + 2 * NS_PER_MS for stamp in stamps]


@pytest.mark.parametrize("jump_s", [-(2**33) / 90_000, -5.0, -0.5, 30.0, 90_000.0])
def test_a_clock_that_is_set_or_wraps_costs_the_time_that_has_passed(jump_s: float) -> None:
    jump = round(jump_s * NS_PER_S)
    before = [(i * FRAME, i * FRAME) for i in range(5)]
    after = [(jump + i * FRAME, jump + i * FRAME) for i in range(5, 10)]
    assert placed(before + after) == before + [(i * FRAME, i * FRAME) for i in range(5, 10)]


def test_a_gap_in_which_nothing_came_is_as_long_as_it_was() -> None:
    times = PacketTimes()
    times.begin(FRAME, 0)
    assert times.place(0, 0, 0) == (0, 0)
    assert times.place(20 * NS_PER_S, 20 * NS_PER_S, 20 * NS_PER_S) == (20 * NS_PER_S, 20 * NS_PER_S)
    assert times.place(5, 5, 50 * NS_PER_S) == (50 * NS_PER_S, 50 * NS_PER_S)


def test_times_of_decoding_that_a_live_stream_does_not_say_at_first_are_reckoned_back() -> None:
    # I P B B: shown as 0 3 1 2, and what has to be decoded first is only known once two have come.
    stamps = [(None, 0), (None, 3 * FRAME), (0, FRAME), (FRAME, 2 * FRAME)]
    assert placed(stamps, delay=2) == [
        (0, 2 * FRAME),
        (FRAME, 5 * FRAME),
        (2 * FRAME, 3 * FRAME),
        (3 * FRAME, 4 * FRAME),
    ]


def test_a_stream_that_is_opened_again_goes_on_when_its_first_packet_comes_and_never_earlier() -> None:
    times = PacketTimes()
    times.begin(FRAME, 0)
    assert times.place(0, 3 * FRAME, 0) == (0, 3 * FRAME)
    times.begin(FRAME, 0)
    assert times.place(77, 77, NS_PER_S) == (NS_PER_S, NS_PER_S)
    times.begin(FRAME, 0)
    assert times.place(5, 5, NS_PER_S) == (NS_PER_S + NS_PER_MS, NS_PER_S + NS_PER_MS)


def test_untidy_stamps_move_nothing_for_good() -> None:
    found = placed([(0, 0), (FRAME, FRAME), (FRAME, FRAME), (3 * FRAME, 3 * FRAME)])
    assert found == [(0, 0), (FRAME, FRAME), (FRAME + NS_PER_MS, FRAME + NS_PER_MS), (3 * FRAME, 3 * FRAME)]


def test_without_stamps_packets_are_the_usual_time_apart() -> None:
    assert placed([(None, None)] * 3) == [(0, 0), (FRAME, FRAME), (2 * FRAME, 2 * FRAME)]
