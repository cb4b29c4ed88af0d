from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.sources.stamps import PictureStamps

Packet = tuple[int | None, int | None]


def decoded(packets: Sequence[Packet], shown: Sequence[int], delay: int) -> list[int | None]:
    """What a decoder that holds back `delay` pictures gives; `shown` are the places of the packets in that order."""
    stamps, given_out = PictureStamps(), iter(shown)
    out = []
    for number, packet in enumerate(packets):
        stamps.packet(*packet)
        if number >= delay:
            out.append(stamps.picture(packets[next(given_out)][0]))
    return out + [stamps.picture(packets[place][0]) for place in given_out]


def test_stamps_that_know_when_pictures_are_shown_are_taken_as_they_are() -> None:
    packets = [(0, -20), (40, -10), (20, 0), (10, 10), (30, 20)]
    assert decoded(packets, [0, 3, 2, 4, 1], 2) == [0, 10, 20, 30, 40]


def test_stamps_in_the_order_of_the_file_go_to_the_pictures_in_their_own_order() -> None:
    packets = [(0, 0), (10, 10), (20, 20), (30, 30), (40, 40)]
    assert decoded(packets, [0, 3, 2, 4, 1], 2) == [0, 10, 20, 30, 40]


def test_a_container_that_states_only_when_to_decode_is_believed() -> None:
    packets = [(None, stamp) for stamp in (0, 10, 20, 30, 40)]
    assert decoded(packets, [0, 3, 2, 4, 1], 2) == [0, 10, 20, 30, 40]


def test_a_packet_that_gives_no_picture_takes_its_stamp_with_it() -> None:
    stamps = PictureStamps()
    out = []
    for number in range(8):
        stamps.packet(10 * number, 10 * number)
        if number not in {0, 4}:
            out.append(stamps.picture(10 * number))
    assert out == [10, 20, 30, 50, 60, 70]


def test_a_clock_that_is_set_back_is_no_b_frame() -> None:
    packets = [(100, 100), (110, 110), (20, 20), (30, 30), (40, 40)]
    assert decoded(packets, [0, 1, 4, 2, 3], 1) == [100, 110, 20, 30, 40]


def test_a_stream_whose_first_b_frame_comes_late_is_exact_before_and_after_it() -> None:
    packets = [(0, -10), (10, 0), (20, 10), (30, 20), (50, 30), (40, 40), (60, 50)]
    assert decoded(packets, [0, 1, 2, 3, 5, 4, 6], 1) == [0, 10, 20, 30, 40, 50, 60]


def test_more_pictures_than_packets_have_no_stamp() -> None:
    stamps = PictureStamps()
    stamps.packet(0, 0)
    assert [stamps.picture(0), stamps.picture(0)] == [0, None]
    assert PictureStamps().picture(None) is None


@given(st.lists(st.integers(1, 500), min_size=1, max_size=40), st.integers(0, 4), st.integers(0, 3))
def test_whatever_the_rate_and_the_delay_the_nth_picture_has_the_nth_stamp(
    steps: list[int], delay: int, group: int
) -> None:
    times = [sum(steps[:i]) for i in range(len(steps))]
    # After the key frame the last picture of each group comes first in the file: a P-frame before its B-frames.
    order = [0]
    for at in range(1, len(times), group + 1):
        places = list(range(at, min(at + group + 1, len(times))))
        order += [places[-1], *places[:-1]]
    in_file_order = [(time, time) for time in times]
    shown = [order.index(place) for place in range(len(times))]
    assert decoded(in_file_order, shown, min(delay, len(times) - 1)) == times
