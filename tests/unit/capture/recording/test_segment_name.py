"""Names of segments: written and read back, and nothing else is read as one."""

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.capture.recording.segment_name import SegmentName
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from tests.fakes.clock import FakeClock

CAMERAS = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True).map(CameraId)


@settings(max_examples=40)
@given(
    camera=CAMERAS,
    at=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  given beside it
    mono=st.integers(0, 10**18),
    part=st.integers(1, 999_999),
    is_synced=st.booleans(),
)
def test_every_name_is_read_back_as_it_was_written(
    camera: CameraId, at: datetime, mono: int, part: int, *, is_synced: bool
) -> None:
    name = SegmentName.of(camera, UtcNs(int(at.timestamp()) * NS_PER_S), MonotonicNs(mono), FakeClock(synced=is_synced))
    name = SegmentName(name.utc, name.up, name.camera, part)
    assert SegmentName.read(str(name)) == name
    assert "/" not in str(name)


@given(st.text(max_size=80) | st.from_regex(r"[a-z./]{1,9}\.20260301T12000[0-9]Z\.001\.mp4[\n]?", fullmatch=True))
def test_what_is_no_segments_name_is_not_read_as_one(text: str) -> None:
    name = SegmentName.read(text)
    assert name is None or str(name) == text
    assert name is None or Path(text).name == text
