from pathlib import Path

import pytest

from smartcam.capture.settings import AtEnd, Pacing, SourceSettings
from smartcam.capture.sources.elapsed import ElapsedFile
from smartcam.capture.sources.file import FileSource, open_file
from smartcam.contract.errors import CameraEnded
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_MS, NS_PER_S, MonotonicNs
from tests.clips import moving_square, write_clip
from tests.fakes.clock import FakeClock
from tests.fakes.source import SimulatedStop

YARD = CameraId("yard")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 10 frames a second."""
    return write_clip(tmp_path_factory.mktemp("clips") / "square.mp4", moving_square(64, 48))


def opened(
    clip: Path, clock: FakeClock, memory: Path, pacing: Pacing = Pacing.REALTIME, at_end: AtEnd = AtEnd.STOP
) -> FileSource:
    settings = SourceSettings(YARD, clip, pacing=pacing, at_end=at_end)
    return open_file(settings, clock, SimulatedStop(clock), memory)


def position_ms(source: FileSource) -> int:
    return source.read().position_ns // NS_PER_MS


def test_a_restarted_clip_goes_on_where_it_would_be_by_now(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    first = opened(clip, clock, tmp_path)
    assert [position_ms(first) for _ in range(3)] == [0, 100, 200]
    clock.advance(0.72)
    again = opened(clip, clock, tmp_path)
    assert position_ms(again) == 1000
    assert position_ms(again) == 1100
    assert again.late == 0


def test_its_pace_stays_that_of_its_first_beginning_however_often_it_is_restarted(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    began = clock.monotonic()
    for _ in range(5):
        source = opened(clip, clock, tmp_path)
        taken = source.read()
        assert taken.captured_mono - began == taken.position_ns
        clock.advance(0.13)


def test_a_clip_that_is_over_stays_over_after_a_restart(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    opened(clip, clock, tmp_path).read()
    clock.advance(60)
    for _ in range(2):
        with pytest.raises(CameraEnded):
            opened(clip, clock, tmp_path).read()


def test_a_clip_that_is_to_be_opened_again_begins_anew_after_its_end(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    source = opened(clip, clock, tmp_path, at_end=AtEnd.REOPEN)
    assert [position_ms(source) for _ in range(20)][-1] == 1900
    with pytest.raises(CameraEnded):
        source.read()
    assert position_ms(opened(clip, clock, tmp_path, at_end=AtEnd.REOPEN)) == 0


def test_another_clip_or_a_changed_one_begins_at_its_beginning(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    opened(clip, clock, tmp_path).read()
    clock.advance(1)
    assert position_ms(opened(copy, clock, tmp_path)) == 0
    copy.write_bytes(clip.read_bytes())
    clock.advance(1)
    assert position_ms(opened(copy, clock, tmp_path)) == 0


def test_a_clip_begins_anew_after_a_reboot(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    opened(clip, clock, tmp_path).read()
    clock.reboot()
    clock.advance(100)
    assert position_ms(opened(clip, clock, tmp_path)) == 0


def test_a_step_of_utc_moves_nothing(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    opened(clip, clock, tmp_path).read()
    clock.advance(0.5)
    clock.step_utc(-7200)
    assert position_ms(opened(clip, clock, tmp_path)) == 500


def test_a_clip_that_is_played_fast_keeps_no_time(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    opened(clip, clock, tmp_path, Pacing.FAST).read()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"began_mono_ns": "soon"}', b"\xff\xfe", b"9" * 100_000]
)
def test_a_damaged_record_costs_the_memory_and_not_the_camera(content: bytes, clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    (tmp_path / "clip-yard.json").write_bytes(content)
    assert position_ms(opened(clip, clock, tmp_path)) == 0
    clock.advance(0.3)
    assert position_ms(opened(clip, clock, tmp_path)) == 300


def test_a_folder_that_cannot_be_written_costs_the_memory_and_not_the_camera(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    source = opened(clip, clock, tmp_path / "missing")
    assert [position_ms(source) for _ in range(3)] == [0, 100, 200]


def test_a_beginning_in_the_future_is_not_believed(clip: Path, tmp_path: Path) -> None:
    clock = FakeClock()
    ElapsedFile(tmp_path, YARD, clip, clock).begin(MonotonicNs(clock.monotonic() + 5 * NS_PER_S))
    assert position_ms(opened(clip, clock, tmp_path)) == 0
