import io
import json
from pathlib import Path

from smartcam.capture.commands.once import play_once
from smartcam.capture.main import build
from smartcam.contract.notice import FrameNotice, decode_notice
from smartcam.edge.bus.port import DeviceBus
from smartcam.edge.lifecycle import Service
from smartcam.edge.ring.frame_ring import RingReader
from tests.clips import still_scene, write_clip


class Builder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, bus: DeviceBus) -> list[tuple[str, Service]]:
        return build(bus, self.folder)


class Reader(io.StringIO):
    """Reads each announced frame before capture may go on, as inference does."""

    def __init__(self, folder: Path, notices: io.StringIO) -> None:
        super().__init__()
        self.seen: list[int] = []
        self._folder = folder
        self._notices = notices

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        del size
        notice = decode_notice(self._notices.getvalue().splitlines()[-1])
        assert isinstance(notice, FrameNotice)
        reader = RingReader(self._folder, notice.camera_id)
        self.seen.append(reader.read(notice).seq)
        reader.close()
        return "\n"


def test_frames_of_a_clip_are_announced_one_by_one_and_can_be_read(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", still_scene(frames=50))
    notices, errors = io.StringIO(), io.StringIO()
    reader = Reader(tmp_path, notices)
    assert play_once(clip, 2, Builder(tmp_path), notices, reader, errors) == 0
    assert [json.loads(line)["seq"] for line in notices.getvalue().splitlines()] == reader.seen == [1, 2]
    assert errors.getvalue() == ""


def test_who_stops_listening_gets_no_more(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", still_scene(frames=50))
    notices = io.StringIO()
    assert play_once(clip, 9, Builder(tmp_path), notices, io.StringIO(""), io.StringIO()) == 0
    assert len(notices.getvalue().splitlines()) == 1


class Left(io.StringIO):
    """A pipe whose reader goes away after the first line."""

    def write(self, text: str) -> int:
        if self.getvalue():
            raise BrokenPipeError
        return super().write(text)


def test_who_has_seen_enough_ends_it_without_a_word(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", still_scene(frames=50))
    notices, errors = Left(), io.StringIO()
    assert play_once(clip, 9, Builder(tmp_path), notices, io.StringIO("\n" * 9), errors) == 0
    assert len(notices.getvalue().splitlines()) == 1
    assert errors.getvalue() == ""


def test_a_clip_that_is_not_there_is_one_line_and_a_code(tmp_path: Path) -> None:
    errors = io.StringIO()
    assert play_once(tmp_path / "none.mp4", 1, Builder(tmp_path), io.StringIO(), io.StringIO(), errors) == 1
    [line] = errors.getvalue().splitlines()
    assert line == f"smartcam-capture: {tmp_path / 'none.mp4'}: No such file or directory"
