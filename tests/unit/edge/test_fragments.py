"""Fragmented MP4, read again by FFmpeg."""

import io
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.times import NS_PER_S, TICKS
from smartcam.edge.fragments import FragmentWriter
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket
from tests.encoded import encoded, played, video_packets

PARAMETERS = video_packets(encoded(1))[0].content.partition(b"\0\0\1\x65")[0]
START = b"\0\0\0\1"


def written(packets: list[VideoPacket]) -> bytes:
    """All fragments; the last picture waits for one after it."""
    writer = FragmentWriter(packets[0])
    return b"".join(writer.write(packet) for packet in packets[1:])


def read(content: bytes) -> list[tuple[int, int, bool, list[bytes]]]:
    """Of each packet: when it is decoded and shown, in ticks, whether it is a key frame, and its units."""
    with av.open(io.BytesIO(content), "r") as container:
        (stream,) = container.streams
        assert stream.time_base == Fraction(1, TICKS)
        found = []
        for packet in container.demux(stream):
            if packet.size:
                units, left = list[bytes](), bytes(packet)
                while left:
                    size = 4 + int.from_bytes(left[:4])
                    units, left = [*units, left[4:size]], left[size:]
                found.append((packet.dts or 0, packet.pts or 0, packet.is_keyframe, units))
        return found


@pytest.mark.parametrize("b_frames", [0, 2])
def test_what_a_camera_sends_is_played_picture_by_picture_at_its_times(b_frames: int) -> None:
    packets = video_packets(encoded(30, b_frames=b_frames))
    shown = played(written(packets))
    assert [is_key for _, _, is_key, _ in read(written(packets))] == [packet.is_key for packet in packets[:-1]]
    assert len(shown.numbers) == 29
    assert shown.numbers[:27] == [i % 24 for i in range(27)]
    assert all(abs(later - one - 0.1) < 1e-4 for one, later in pairwise(shown.times[:27]))


@given(
    st.lists(
        st.tuples(
            st.integers(-(-NS_PER_S // TICKS), 10**11), st.integers(0, 10**10), st.binary(min_size=1, max_size=40)
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 10**15),
)
def test_whatever_comes_after_the_first_picture_is_read_back_at_its_times(
    coming: list[tuple[int, int, bytes]], begin: int
) -> None:
    first = video_packets(encoded(1))[0]
    packets = [replace(first, decode_ns=begin, show_ns=begin)]
    for step, late, payload in coming:
        decode = packets[-1].decode_ns + step
        # No start code is in what follows one, and none of its units ends with zeros.
        unit = b"\x41" + payload.replace(b"\0", b"\1")
        packet = replace(first, content=START + unit, is_key=False, decode_ns=decode, show_ns=decode + late)
        packets.append(packet)
    found = read(written(packets))
    assert len(found) == len(coming)
    for packet, (dts, pts, _, units) in zip(packets, found, strict=False):
        assert [dts, pts] == [(at_ns - begin) * TICKS // NS_PER_S for at_ns in (packet.decode_ns, packet.show_ns)]
        if packet is not packets[0]:
            assert b"".join(START + unit for unit in units) == packet.content


def test_a_stream_says_its_codec_as_browsers_know_it_and_goes_on_over_key_frames_like_its_first() -> None:
    packets = video_packets(encoded(11))
    writer = FragmentWriter(packets[0])
    sequence = packets[0].content.partition(b"\0\0\1\x67")[2]
    assert writer.codec == f"avc1.{sequence[:3].hex()}"
    assert writer.fits(packets[10])
    assert not writer.fits(replace(packets[10], width=128))
    assert not writer.fits(video_packets(encoded(1, b_frames=2))[0])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        START,
        b"nonsense" * 20,
        b"\0\0\1\x67",
        b"\0\0\1\x67\0\0\1\x68",
        PARAMETERS,
        b"\0\0\1\x67" + b"x" * 70_000 + b"\0\0\1\x68x\0\0\1\x65x",
        PARAMETERS + b"\0\0\1\x67xxxx" * 32 + b"\0\0\1\x65x",
    ],
)
def test_no_stream_begins_without_a_whole_key_frame_and_one_that_comes_later_is_left_out(content: bytes) -> None:
    first, second, third = video_packets(encoded(3))
    with pytest.raises(ValueError, match=r"parameter sets"):
        FragmentWriter(replace(first, content=content))
    with pytest.raises(ValueError, match=r"key frame"):
        FragmentWriter(replace(first, is_key=False))
    with pytest.raises(ValueError, match=r"key frame"):
        FragmentWriter(replace(first, codec=VideoCodec.H265))
    if b"\x65" not in content:
        assert played(written([first, replace(second, content=content), third])).numbers == [0]


def test_what_is_shown_before_the_first_picture_is_left_out_and_stamps_beyond_all_bounds_cost_their_picture() -> None:
    packets = video_packets(encoded(5))
    writer = FragmentWriter(packets[0])
    assert writer.write(replace(packets[1], show_ns=packets[0].show_ns - 1)) == b""
    assert writer.write(replace(packets[1], show_ns=2**63 - 1))
    assert writer.write(packets[2]) == b""
    assert writer.write(packets[3])
