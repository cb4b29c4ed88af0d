"""Two hundred events of a camera that sends 6 Mbit/s, on a gigabyte: its real packets, through ring and recorder."""

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from smartcam.capture.settings import ClipSettings
from smartcam.contract.clip import ClipWorth
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.clip_name import ClipName
from smartcam.edge.ring.packet_ring import VideoCodec, VideoPacket
from tests.clip_events import event_id
from tests.encoded import played
from tests.unit.capture.recording.test_clip_recorder import BEGIN_S, YARD, Yard

pytestmark = pytest.mark.soak
MB = 1_000_000
EVENTS = 200
FPS = 10
SIZE = 1280, 720
BUDGET = ClipSettings(keep=True, before_s=2, after_s=1, most_mb=1000, longest_s=10)
FALSE = {number for number in range(EVENTS) if number % 7 == 3}
WAITING = {number for number in range(EVENTS) if number % 9 == 4}
NUMBERS = {event_id(number): number for number in range(EVENTS)}


def lasts_s(number: int) -> int:
    return 1 + number * 5 % 13


def noise() -> Iterator[VideoFrame]:
    """Two groups of pictures that no encoder can make small."""
    random = np.random.default_rng(1)
    width, height = SIZE
    for number in range(2 * FPS):
        luma = random.integers(60, 190, (height // 4, width // 4), np.uint8).repeat(4, 0).repeat(4, 1)
        frame = VideoFrame.from_ndarray(np.vstack([luma, np.full((height // 2, width), 128, np.uint8)]), "yuv420p")
        frame.pts = number
        yield frame


def sent(seconds: int) -> list[VideoPacket]:
    """What the camera sends in so many seconds: the same two groups over and over, each picture at its time."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = SIZE
    context.pix_fmt = "yuv420p"
    context.time_base, context.framerate = Fraction(1, FPS), Fraction(FPS)
    context.gop_size, context.max_b_frames, context.bit_rate = FPS, 0, 6_000_000
    rate = "repeat-headers=1:scenecut=0:nal-hrd=cbr:vbv-maxrate=6000:vbv-bufsize=1200:log-level=none"
    context.options = {"preset": "ultrafast", "x264-params": rate}
    encoded = [packet for frame in noise() for packet in context.encode(frame)] + context.encode(None)
    contents = [(bytes(each), each.is_keyframe) for each in encoded]
    made = []
    for number in range(seconds * FPS):
        at = round(BEGIN_S * NS_PER_S) + number * NS_PER_S // FPS
        content, is_key = contents[number % len(contents)]
        made.append(VideoPacket(content, VideoCodec.H264, *SIZE, is_key, at, at, UtcNs(at), MonotonicNs(at)))
    return made


class Watched(Yard):
    """Notes what is deleted to make room, and whether it was its turn."""

    def __init__(self, folder: Path, packets: Sequence[VideoPacket]) -> None:
        super().__init__(folder, BUDGET, packets, capacity=20 * MB)
        self.deleted: list[ClipName] = []
        self.most = 0
        self._order: dict[ClipName, int] = {}
        self._delete = self.clips.delete
        self.clips.delete = self._deleting  # type: ignore[method-assign]

    def until(self, second: float, step_s: float = 0.25) -> None:
        end = (self.clock.monotonic() / NS_PER_S) - BEGIN_S
        while end < second:
            end = min(end + step_s, second)
            super().until(end, step_s)
            self.most = max(self.most, self.taken())
            for name in self.clips.finished():
                self._order.setdefault(name, len(self._order))

    def taken(self) -> int:
        """What everything in the folder takes on the disk."""
        folder = self.shm / "clips"
        return sum(entry.stat().st_size for entry in os.scandir(folder)) if folder.exists() else 0

    def _deleting(self, name: ClipName, reason: str) -> bool:
        assert reason == "room"
        assert self.taken() > (BUDGET.most_mb - 2) * MB, "there was room"
        assert name == min(self.clips.finished(), key=self._turn)
        self.deleted.append(name)
        return self._delete(name, reason)

    def _turn(self, name: ClipName) -> tuple[bool, bool, bool, int]:
        """By the policy's words: false ones first, unacknowledged ones last, beginnings after the rest, the oldest."""
        number = NUMBERS[name.event]
        return number not in FALSE, number in WAITING, name.part == 1, self._order[name]


def test_of_200_events_on_a_gigabyte_it_is_never_exceeded_and_what_is_kept_is_what_the_policy_says(
    tmp_path: Path,
) -> None:
    length = sum(lasts_s(number) + 4 for number in range(EVENTS)) + 10
    yard = Watched(tmp_path, sent(length))
    false, waiting = (tuple(event_id(each) for each in numbers) for numbers in (FALSE, WAITING))
    yard.recorder.hear(ClipWorth(YARD, false, waiting))
    begin = 4.0
    for number in range(EVENTS):
        yard.until(begin)
        yard.want(begin, begin + lasts_s(number), number)
        begin += lasts_s(number) + 4
    yard.until(length)
    kept = yard.clips.finished()
    yard.recorder.close()
    yard.ring.close()

    assert yard.most <= BUDGET.most_mb * MB
    assert yard.taken() > 0.97 * BUDGET.most_mb * MB
    assert len(yard.deleted) > EVENTS // 4
    assert not set(yard.deleted) & set(kept)
    assert {name.event for name in (*kept, *yard.deleted)} == set(NUMBERS)
    # No false one is left while a true one has gone, and nothing that the cloud does not know has gone at all.
    assert not {NUMBERS[name.event] for name in yard.deleted} & WAITING - FALSE
    for name in kept:
        times = played(yard.clips.path(name).read_bytes()).times
        assert times == tuple(sorted(set(times)))
    print(f"{len(kept)} clips kept, {len(yard.deleted)} deleted, {yard.most / MB:.1f} MB at most")  # noqa: T201 - measured for the docs
