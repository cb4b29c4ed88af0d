"""Packets that show at a glance whether they are whole."""

from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket


def plain_packet(seq: int, size: int = 100, *, is_key: bool | None = None, every: int = 5) -> VideoPacket:
    """All bytes, and all numbers besides, follow from `seq`; each `every`th is a key frame, ten a second."""
    at = (1000 + seq) * NS_PER_S // 10
    return VideoPacket(
        content=(b"%08d" % seq * (size // 8 + 1))[:size],
        codec=tuple(VideoCodec)[seq % 2],
        width=640 + seq % 7,
        height=480,
        is_key=seq % every == 0 if is_key is None else is_key,
        decode_ns=at,
        show_ns=at + 40,
        captured_at=UtcNs(at + 1),
        captured_mono=MonotonicNs(at + 2),
    )
