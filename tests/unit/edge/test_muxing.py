"""Clips from packets: they open, hold what they should, and play while they grow."""

from dataclasses import replace
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.times import NS_PER_MS, NS_PER_S
from smartcam.edge.muxing import ClipWriter
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket
from tests.encoded import encoded, played, video_packets


class Written:
    """A file in memory that can only grow."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, content: bytes) -> int:
        self.content += bytes(content)
        return len(content)


def clip_of(packets: list[VideoPacket]) -> bytes:
    file = Written()
    writer = ClipWriter(file, packets[0], "person", "a comment")
    for packet in packets[1:]:
        writer.write(packet)
    writer.close()
    return file.content


@pytest.mark.parametrize("codec", VideoCodec)
@pytest.mark.parametrize("b_frames", [0, 3])
def test_a_clip_shows_every_picture_in_order_at_its_time(codec: VideoCodec, b_frames: int) -> None:
    packets = video_packets(encoded(24, codec, b_frames=b_frames), codec)
    clip = played(clip_of(packets))
    assert clip.numbers == list(range(24))
    assert [round(after - before, 4) for before, after in pairwise(clip.times)] == [0.1] * 23
    assert clip.comment == "a comment"


@pytest.mark.parametrize("codec", VideoCodec)
def test_pictures_that_need_what_came_before_the_clip_are_left_out(codec: VideoCodec) -> None:
    stream = encoded(24, codec, b_frames=3, is_open=True)
    packets = video_packets(stream, codec)
    second = [i for i, each in enumerate(stream) if each.is_key][1]
    assert any(each.show < stream[second].show for each in stream[second + 1 :]), "the stream has open groups"
    clip = played(clip_of(packets[second:]))
    assert clip.numbers == list(range(stream[second].show, 24))


def test_it_begins_with_a_key_frame_or_not_at_all() -> None:
    packets = video_packets(encoded(20))
    with pytest.raises(ValueError, match="key frame"):
        ClipWriter(Written(), packets[1], "", "")


@pytest.mark.parametrize("codec", VideoCodec)
def test_it_does_not_begin_with_a_key_frame_that_lacks_its_parameter_sets(codec: VideoCodec) -> None:
    first = video_packets(encoded(20, codec), codec)[0]
    slices = first.content[first.content.rindex(b"\0\0\1") :]
    with pytest.raises(ValueError, match="parameter sets"):
        ClipWriter(Written(), replace(first, content=slices), "", "")


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff" * 50, b"\0\0\1", b"\0\0\0\1\0\0\0\1\0"])
def test_a_packet_without_a_picture_is_refused_and_the_clip_goes_on(content: bytes) -> None:
    packets = video_packets(encoded(20))
    file = Written()
    writer = ClipWriter(file, packets[0], "", "")
    for i, packet in enumerate(packets[1:], 1):
        if i == 12:
            with pytest.raises(ValueError, match="empty"):
                writer.write(replace(packet, content=content))
        else:
            writer.write(packet)
    writer.close()
    assert len(played(file.content).stamps) == 19


def test_a_growing_clip_lacks_half_a_second_at_most() -> None:
    packets = video_packets(encoded(40, key_every=40), each_s=0.1)
    file = Written()
    writer = ClipWriter(file, packets[0], "", "")
    for count, packet in enumerate(packets[1:], 2):
        writer.write(packet)
        if count > 6:
            assert len(played(file.content).stamps) >= count - 6
    writer.close()


def test_what_the_file_raises_comes_through() -> None:
    class Full(Written):
        def write(self, content: bytes) -> int:
            if len(self.content) > 2000:
                raise OSError(28, "no space")
            return super().write(content)

    packets = video_packets(encoded(40))
    writer = ClipWriter(Full(), packets[0], "", "")

    def go_on() -> None:
        for packet in packets[1:]:
            writer.write(packet)
        writer.close()

    with pytest.raises(OSError, match="no space"):
        go_on()


def test_packets_of_another_kind_do_not_fit() -> None:
    first, second, *_ = video_packets(encoded(20))
    writer = ClipWriter(Written(), first, "", "")
    assert writer.fits(second)
    assert not writer.fits(replace(second, codec=VideoCodec.H265))
    assert not writer.fits(replace(second, width=128))
    writer.close()


def test_the_parameter_sets_of_a_changed_size_are_taken_along() -> None:
    small, large = encoded(10), encoded(10, size=(128, 96))
    packets = video_packets([*small, *large])
    moved = [replace(each, decode_ns=each.decode_ns + NS_PER_S, show_ns=each.show_ns + NS_PER_S) for each in packets]
    clip = played(clip_of(packets[:10] + moved[10:]))
    assert clip.numbers == [*range(10), *range(10)]


@given(
    codec=st.sampled_from(VideoCodec),
    b_frames=st.sampled_from([0, 2]),
    is_open=st.booleans(),
    key_every=st.sampled_from([5, 12]),
    lost=st.sets(st.integers(0, 39), max_size=12),
    gaps=st.lists(st.integers(NS_PER_MS, 3 * NS_PER_S), min_size=44, max_size=44),
)
@settings(deadline=None, max_examples=30)
def test_whatever_is_lost_the_clip_opens_holds_the_rest_and_goes_on_in_time(
    codec: VideoCodec,
    b_frames: int,
    is_open: bool,  # noqa: FBT001
    key_every: int,
    lost: set[int],
    gaps: list[int],
) -> None:
    stream = encoded(40, codec, b_frames=b_frames, is_open=is_open, key_every=key_every)
    at = list(accumulate(gaps))
    packets = [
        replace(packet, decode_ns=at[each.decode + 4], show_ns=at[each.show + 4])
        for each, packet in zip(stream, video_packets(stream, codec), strict=True)
    ]
    kept = [packet for i, packet in enumerate(packets) if i not in lost]
    while kept and not kept[0].is_key:
        kept.pop(0)
    if not kept:
        return
    wanted = sum(packet.show_ns >= kept[0].show_ns for packet in kept)
    clip = played(clip_of(kept))
    assert len(clip.stamps) == wanted
    assert all(before[0] < after[0] for before, after in pairwise(clip.stamps))
    assert len({show for _, show in clip.stamps}) == wanted
    # A decoder that lacks a key frame gives what it makes of the rest in an order of its own.
    if not b_frames or not any(stream[i].is_key for i in lost):
        assert all(before < after for before, after in pairwise(clip.times))


@pytest.mark.parametrize("decode_ns", [2**64 - 1, 5 * NS_PER_S])
def test_a_time_that_no_file_can_hold_costs_its_packet_alone(decode_ns: int) -> None:
    packets = video_packets(encoded(20))
    file = Written()
    writer = ClipWriter(file, packets[0], "", "")
    for i, packet in enumerate(packets[1:], 1):
        if i == 12:
            with pytest.raises(ValueError, match="cannot be muxed"):
                writer.write(replace(packet, decode_ns=decode_ns, show_ns=2**64 - 1))
        writer.write(packet)
    writer.close()
    assert played(file.content).numbers == list(range(20))
