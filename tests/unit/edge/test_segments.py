"""Files that are only appended to. What else happens to them is tested with who uses them: journal and history."""

from pathlib import Path

import pytest

from smartcam.edge.segments import SegmentFolder, SegmentSettings, content_of, segments_in
from tests.fakes.clock import FakeClock

SMALL = SegmentSettings(keep=True, max_mb=1, max_days=1)


def test_a_segments_number_does_not_come_again_when_all_are_gone(tmp_path: Path) -> None:
    folder = SegmentFolder(tmp_path, FakeClock())
    folder.append(b"one", SMALL)
    folder.clear()
    folder.append(b"two", SMALL)
    assert [(one.number, one.size) for one in segments_in(tmp_path)] == [(2, 3)]


def test_what_is_appended_is_read_from_any_place_on(tmp_path: Path) -> None:
    folder = SegmentFolder(tmp_path, FakeClock())
    folder.append(b"one", SMALL)
    folder.append(b"two", SMALL)
    (segment,) = segments_in(tmp_path)
    assert [content_of(segment.path, begin) for begin in (0, 3, 6, 99)] == [b"onetwo", b"two", b"", b""]


def test_a_fault_is_raised_and_the_next_block_goes_into_a_new_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = SegmentFolder(tmp_path, FakeClock(), durable=True)
    folder.append(b"one", SMALL)

    def refuse(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", refuse)
        with pytest.raises(OSError, match="Input/output"):
            folder.append(b"lost", SMALL)
    folder.append(b"two", SMALL)
    assert content_of(segments_in(tmp_path)[-1].path) == b"two"
