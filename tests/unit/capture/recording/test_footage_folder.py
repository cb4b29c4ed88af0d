"""The folder of footage: names that say camera and begin, room, age, and clocks that are wrong."""

import logging
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.capture.recording.bounded_folder import FolderBounds
from smartcam.capture.recording.footage_folder import RESERVE_BYTES, FootageFolder
from smartcam.capture.recording.segment_name import SegmentName
from smartcam.capture.settings import FootageSettings
from smartcam.contract.ids import CameraId
from tests.fakes.clock import FakeClock
from tests.unit.capture.recording.test_clip_folder import MB, padded
from tests.unit.capture.recording.test_fragments import WHOLE

YARD, GATE = CameraId("yard"), CameraId("gate")
_DAY_S = 86_400


class Bench:
    """A folder on a disk with so many bytes free, besides what footage takes."""

    def __init__(self, path: Path, settings: FootageSettings | None = None) -> None:
        self.path = path / "footage"
        self.clock = FakeClock()
        self.free = 10 * RESERVE_BYTES
        self.settings = settings or FootageSettings()
        self.folder = self.again()

    def again(self) -> FootageFolder:
        """The folder of the next process."""
        self.folder = FootageFolder(self.path, self.clock, lambda _: self.free - self.taken)
        self.folder.configure(self.settings, [YARD])
        return self.folder

    @property
    def taken(self) -> int:
        return sum(each.lstat().st_size for each in self.path.iterdir()) if self.path.exists() else 0

    def name(self, camera: CameraId = YARD) -> SegmentName:
        return SegmentName.of(camera, self.clock.utc(), self.clock.monotonic(), self.clock)

    def keep(self, content: bytes = WHOLE, camera: CameraId = YARD, seconds: float = 600) -> SegmentName:
        """One segment; so much time goes by."""
        growing = self.folder.grow(self.name(camera))
        self.clock.advance(seconds)
        growing.write(content)
        growing.finish()
        at = self.clock.utc()
        os.utime(self.folder.path(growing.name), ns=(at, at))
        return growing.name


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_segments_name_says_its_camera_and_when_it_begins(bench: Bench) -> None:
    path = bench.folder.path(bench.keep())
    assert path.name == "yard.20260301T120000Z.001.mp4"
    assert (path.stat().st_mode & 0o777, bench.path.stat().st_mode & 0o777) == (0o600, 0o700)


def test_where_utc_may_be_wrong_it_says_the_boot_and_its_second(bench: Bench) -> None:
    bench.clock.is_synced = False
    first, second = bench.keep(), bench.keep()
    bench.clock.reboot()
    third = bench.keep()
    assert [str(name).split(".")[1][-10:] for name in (first, second, third)] == [
        "0000001000",
        "0000001600",
        "0000000001",
    ]
    assert first.up[:11] == second.up[:11] != third.up[:11]
    assert not first.utc


@pytest.mark.parametrize("step_s", [-3600, 3600, 0, -10 * _DAY_S])
def test_a_clock_that_jumps_costs_no_segment_and_writes_over_none(bench: Bench, step_s: int) -> None:
    kept = [bench.keep(seconds=0)]
    bench.clock.step_utc(step_s)
    kept.append(bench.keep(seconds=0))
    bench.clock.step_utc(-step_s)
    kept.append(bench.keep(seconds=0))
    assert len({str(name) for name in kept}) == 3
    assert set(bench.again().finished()) == set(kept)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from([YARD, GATE]), st.integers(1, 12), st.integers(-9000, 9000)), max_size=25))
def test_the_budget_holds_and_the_segments_that_ended_last_are_kept(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[CameraId, int, int]]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("device"), FootageSettings(most_mb=50))
    bench.folder.limit(FolderBounds("footage", 1, 7 * 24, 0))
    kept = []
    for camera, size, step_s in steps:
        bench.clock.step_utc(step_s)
        kept.append(bench.keep(padded(0, size * 30_000), camera))
        assert bench.taken <= MB
    left = bench.folder.finished()
    assert set(left) == set(kept[len(kept) - len(left) :])


def test_what_earlier_processes_left_goes_in_the_order_of_its_begin_whatever_its_camera(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FootageSettings(most_mb=50))
    kept = [bench.keep(padded(9), camera) for camera in (YARD, GATE, YARD, GATE, YARD)]
    bench.again()
    bench.keep(padded(20))
    assert bench.folder.finished()[:-1] == kept[2:]


def test_a_device_that_never_knows_the_time_loses_the_oldest_boots_first_over_processes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, FootageSettings(most_mb=50))
    bench.clock.is_synced = False
    kept = []
    for _ in range(5):
        bench.clock.reboot()
        kept.append(bench.keep(padded(9)))
    bench.again()
    last = bench.keep(padded(20))
    assert set(bench.folder.finished()) == {*kept[2:], last}


def test_footage_leaves_more_of_the_disk_free_than_clips_do(bench: Bench) -> None:
    bench.free = RESERVE_BYTES + MB
    bench.keep()
    growing = bench.folder.grow(bench.name())
    bench.free = RESERVE_BYTES
    with pytest.raises(OSError, match="less than 500 MB left, which footage must leave free"):
        growing.write(WHOLE)
    growing.finish()
    assert bench.taken == 0


def test_it_is_kept_for_so_many_days_also_where_nothing_is_collected_any_more(bench: Bench) -> None:
    name = bench.keep()
    bench.folder.configure(FootageSettings(days=2), [])
    bench.clock.advance(1.9 * _DAY_S)
    bench.folder.tend()
    assert bench.folder.finished() == [name]
    bench.clock.advance(0.2 * _DAY_S)
    bench.folder.tend()
    assert bench.folder.finished() == []


@pytest.mark.parametrize("is_of_this_boot", [True, False])
def test_a_process_that_starts_before_the_clock_is_right_does_not_take_this_boots_footage_for_old(
    *, is_of_this_boot: bool, bench: Bench
) -> None:
    bench.clock.is_synced = False
    bench.clock.step_utc(-400 * _DAY_S)
    name = bench.keep()
    if not is_of_this_boot:
        bench.clock.advance(60)
        bench.clock.reboot()
    bench.again().tend()
    bench.clock.step_utc(400 * _DAY_S)
    bench.clock.is_synced = True
    bench.folder.tend()
    assert bench.folder.finished() == [name] * is_of_this_boot
    bench.clock.advance(8 * _DAY_S)
    bench.folder.tend()
    assert bench.folder.finished() == []


def test_the_age_of_what_was_collected_under_a_wrong_clock_counts_from_when_it_is_right(bench: Bench) -> None:
    bench.clock.is_synced = False
    bench.clock.step_utc(-400 * _DAY_S)
    name = bench.keep()
    bench.clock.step_utc(400 * _DAY_S)
    bench.clock.is_synced = True
    bench.folder.tend()
    assert bench.folder.finished() == [name]
    bench.clock.advance(8 * _DAY_S)
    bench.folder.tend()
    assert bench.folder.finished() == []


def test_what_somebody_has_fetched_and_removed_is_counted_no_more(bench: Bench) -> None:
    fetched, kept = bench.keep(), bench.keep()
    bench.folder.path(fetched).unlink()
    bench.folder.tend()
    assert bench.folder.finished() == [kept]


def test_the_log_says_what_is_collected_at_first_and_once_a_day(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    bench.keep()
    for _ in range(25):
        bench.folder.tend()
        bench.clock.advance(3600)
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith("footage ")]
    assert len(said) == 2
    assert "collecting=yard" in said[0]
    assert f"bytes={len(WHOLE)}" in said[0]


def test_where_nothing_is_collected_and_nothing_kept_nothing_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = FootageFolder(tmp_path / "footage", FakeClock())
    folder.configure(FootageSettings(), [])
    folder.tend()
    assert not caplog.records
    assert not (tmp_path / "footage").exists()


def test_links_and_pipes_in_the_folder_are_neither_counted_nor_followed_nor_written_over(bench: Bench) -> None:
    bench.path.mkdir()
    outside = bench.path.parent / "outside"
    outside.write_bytes(b"not ours")
    name = str(bench.name())
    (bench.path / name).symlink_to(outside)
    (bench.path / f"{bench.name().next_part()}.part").symlink_to(outside)
    os.mkfifo(bench.path / name.replace("yard", "gate"))
    bench.again()
    bench.folder.tend()
    assert bench.folder.finished() == []
    kept = bench.keep()
    assert kept.part == 3
    bench.clock.advance(30 * _DAY_S)
    bench.folder.tend()
    assert outside.read_bytes() == b"not ours"


def test_a_segment_that_a_dead_process_left_is_finished_also_where_nothing_is_collected(bench: Bench) -> None:
    bench.folder.grow(bench.name()).write(WHOLE[:-300])
    bench.again()
    bench.folder.configure(FootageSettings(), [])
    bench.folder.tend()
    assert [path.suffix for path in bench.path.iterdir()] == [".mp4"]
