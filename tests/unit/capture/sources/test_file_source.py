from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from smartcam.capture.settings import Pacing, SourceSettings
from smartcam.capture.sources.clip import ClipPicture
from smartcam.capture.sources.file import FileSource, open_file
from smartcam.contract.errors import CameraEnded, CameraLost
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_MS, NS_PER_S
from smartcam.vision.picture import Picture
from tests.clips import moving_square, write_clip
from tests.fakes.clock import FakeClock
from tests.fakes.source import SimulatedStop

PICTURE = Picture.from_i420(np.zeros(48, np.uint8), 8, 4)


@dataclass
class SlowClip:
    """Each picture takes its time to decode, in seconds of the clock."""

    clock: FakeClock
    positions_ms: list[int]
    decode_s: list[float] = field(default_factory=list)
    frames_per_second: float = 10.0
    pictures_stated: int = 0
    is_closed: bool = False

    def next(self) -> ClipPicture:
        if not self.positions_ms:
            raise CameraEnded("over")
        if self.decode_s:
            self.clock.advance(self.decode_s.pop(0))
        return ClipPicture(PICTURE, self.positions_ms.pop(0) * NS_PER_MS)

    def close(self) -> None:
        self.is_closed = True


def taken_ms(source: FileSource, clock: FakeClock, count: int) -> list[int]:
    began = clock.monotonic()
    return [(source.read().captured_mono - began) // NS_PER_MS for _ in range(count)]


def test_pictures_come_at_their_positions_whatever_decoding_takes() -> None:
    clock = FakeClock()
    clip = SlowClip(clock, [0, 100, 200, 500], [0.03, 0.08, 0.01, 0.02])
    source = FileSource(clip, Pacing.REALTIME, clock, SimulatedStop(clock))
    assert taken_ms(source, clock, 4) == [30, 130, 230, 530]
    assert source.late == 0


def test_a_source_that_is_behind_does_not_wait_skips_nothing_and_counts_what_is_late() -> None:
    clock = FakeClock()
    clip = SlowClip(clock, [0, 100, 200, 300, 400], [0, 0.4, 0.01, 0.01, 0.01])
    source = FileSource(clip, Pacing.REALTIME, clock, SimulatedStop(clock))
    assert taken_ms(source, clock, 5) == [0, 400, 410, 420, 430]
    assert source.late == 3


def test_a_fast_source_never_waits() -> None:
    clock = FakeClock()
    stop = SimulatedStop(clock)
    source = FileSource(SlowClip(clock, [0, 100, 200]), Pacing.FAST, clock, stop)
    assert taken_ms(source, clock, 3) == [0, 0, 0]
    assert stop.waits == []


def test_a_picture_bears_its_position_and_both_clocks() -> None:
    clock = FakeClock()
    source = FileSource(SlowClip(clock, [0, 100]), Pacing.REALTIME, clock, SimulatedStop(clock))
    source.read()
    timed = source.read()
    assert (timed.position_ns, timed.timeline_ns) == (100 * NS_PER_MS, 100 * NS_PER_MS)
    assert (timed.captured_at, timed.captured_mono) == (clock.utc(), clock.monotonic())


def test_a_step_of_utc_changes_no_pace() -> None:
    clock = FakeClock()
    source = FileSource(SlowClip(clock, [0, 100, 200]), Pacing.REALTIME, clock, SimulatedStop(clock))
    source.read()
    clock.step_utc(-3600)
    assert taken_ms(source, clock, 2) == [100, 200]


def test_stopping_ends_the_wait_for_a_picture() -> None:
    clock = FakeClock()
    stop = SimulatedStop(clock)
    source = FileSource(SlowClip(clock, [0, 50_000]), Pacing.REALTIME, clock, stop)
    source.read()
    stop.set()
    assert source.read().position_ns == 50_000 * NS_PER_MS


def test_the_end_and_closing_reach_the_clip() -> None:
    clock = FakeClock()
    clip = SlowClip(clock, [])
    source = FileSource(clip, Pacing.FAST, clock, SimulatedStop(clock))
    with pytest.raises(CameraEnded):
        source.read()
    source.close()
    assert clip.is_closed


def test_a_real_clip_plays_in_real_time_on_a_simulated_clock(tmp_path: Path) -> None:
    clock = FakeClock()
    path = write_clip(tmp_path / "a.mp4", moving_square(frames=15), fps=7.5)
    source = open_file(SourceSettings(CameraId("yard"), path), clock, SimulatedStop(clock))
    began = clock.monotonic()
    last = [source.read() for _ in range(15)][-1]
    with pytest.raises(CameraEnded):
        source.read()
    source.close()
    assert source.frames_per_second == 7.5
    assert (last.captured_mono - began) / NS_PER_S == pytest.approx(14 / 7.5, abs=0.001)


def test_a_missing_clip_is_lost_when_opened(tmp_path: Path) -> None:
    clock = FakeClock()
    with pytest.raises(CameraLost, match=r"none\.mp4: No such file"):
        open_file(SourceSettings(CameraId("yard"), tmp_path / "none.mp4"), clock, SimulatedStop(clock))
