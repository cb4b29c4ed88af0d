"""Packets on their way to the decoder."""

from collections.abc import Sequence
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.capture.sources.packets import PacketTap
from smartcam.edge.ring.packet_ring import VideoPacket
from tests.clips import moving_square, write_clip
from tests.fakes.clock import FakeClock


def tapped(path: Path, damage: Sequence[tuple[int, int, int]] = ()) -> tuple[PacketTap, list[VideoPacket]]:
    """All packets of a clip; of packet `i`, the byte at a place is changed."""
    kept: list[VideoPacket] = []
    clock = FakeClock()
    tap = PacketTap(kept.append, clock)
    with av.open(str(path), "r") as container:
        stream = container.streams.video[0]
        tap.begin(container, stream)
        for i, packet in enumerate(container.demux(stream)):
            clock.advance(0.1)
            tap.take(_damaged(packet, [(at, value) for which, at, value in damage if which == i]))
    return tap, kept


def _damaged(packet: "av.Packet[VideoStream]", changes: Sequence[tuple[int, int]]) -> "av.Packet[VideoStream]":
    if not changes or not packet.size:
        return packet
    content = bytearray(bytes(packet))
    for at, value in changes:
        content[at % len(content)] = value
    made = av.Packet(bytes(content))
    made.pts, made.dts, made.time_base, made.is_keyframe = packet.pts, packet.dts, packet.time_base, packet.is_keyframe
    return made  # type: ignore[return-value]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "a.mp4", moving_square(64, 48, 30))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_whatever_the_container_packets_have_one_form_and_key_frames_bring_their_parameter_sets(
    tmp_path: Path, name: str
) -> None:
    tap, kept = tapped(write_clip(tmp_path / name, moving_square(64, 48, 30)))
    assert tap.refused == ""
    assert len(kept) == 30
    assert kept[0].is_key
    assert all(packet.content.startswith((b"\0\0\0\1", b"\0\0\1")) for packet in kept)
    assert b"\0\0\1\x67" in kept[0].content
    assert [round((each.decode_ns - kept[0].decode_ns) / 1e8) for each in kept] == list(range(30))
    assert {(each.width, each.height) for each in kept} == {(64, 48)}


def test_a_container_that_does_not_say_when_pictures_are_shown_is_refused(tmp_path: Path) -> None:
    tap, kept = tapped(write_clip(tmp_path / "a.avi", moving_square(64, 48, 5)))
    assert tap.refused == "the source does not say when pictures are shown"
    assert kept == []


def test_a_codec_that_no_clip_is_made_of_is_refused(tmp_path: Path) -> None:
    tap, kept = tapped(write_clip(tmp_path / "a.mp4", moving_square(64, 48, 5), codec="mpeg4"))
    assert tap.refused == "the source sends mpeg4"
    assert kept == []


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 2000), st.integers(0, 255)), max_size=20))
@settings(deadline=None, max_examples=40)
def test_damaged_packets_stop_nothing(path: Path, damage: list[tuple[int, int, int]]) -> None:
    _, kept = tapped(path, damage)
    hit = len({which for which, _, _ in damage})
    assert len(kept) >= 30 - hit
