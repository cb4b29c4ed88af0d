import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.ids import CameraId, EventId, new_event_id
from smartcam.contract.snapshot import LARGEST_SNAPSHOT_BYTES
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.pictures.folder import PictureFolder, PictureSettings, has_picture, picture_path, read_picture
from tests.strategies import camera_ids, event_ids

YARD = CameraId("yard")


def event(second: int) -> EventId:
    return new_event_id(UtcNs((1_700_000_000 + second) * NS_PER_S), second.to_bytes(10))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "work" / "pictures"


def test_a_picture_is_found_again_by_its_event_also_by_the_next_process(folder: Path) -> None:
    assert PictureFolder(folder).keep(YARD, event(1), b"jpeg")
    (kept,) = PictureFolder(folder).pictures()
    assert (kept.camera, kept.event, kept.size) == (YARD, event(1), 4)
    assert kept.path.read_bytes() == b"jpeg"


def test_only_its_owner_may_read_a_picture(folder: Path) -> None:
    PictureFolder(folder).keep(YARD, event(1), b"jpeg")
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_better_picture_takes_the_place_of_the_first(folder: Path) -> None:
    pictures = PictureFolder(folder)
    pictures.keep(YARD, event(1), b"first")
    pictures.keep(YARD, event(1), b"better")
    (kept,) = pictures.pictures()
    assert kept.path.read_bytes() == b"better"


def test_the_oldest_make_room(folder: Path) -> None:
    pictures = PictureFolder(folder, PictureSettings(max_files=3))
    for second in (3, 1, 2, 5, 4):
        pictures.keep(YARD, event(second), b"jpeg")
    assert [picture.event for picture in pictures.pictures()] == [event(5), event(4), event(3)]


def test_they_never_take_more_than_their_share_of_the_disk(folder: Path) -> None:
    pictures = PictureFolder(folder, PictureSettings(max_mb=1))
    for second in range(5):
        pictures.keep(YARD, event(second), b"x" * 300_000)
    assert sum(picture.size for picture in pictures.pictures()) <= 1_000_000
    assert pictures.pictures()[0].event == event(4)


def test_a_picture_that_found_no_room_leaves_none_of_it_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert not PictureFolder(folder).keep(YARD, event(1), b"jpeg")
    assert list(folder.iterdir()) == []


def test_who_wants_none_kept_finds_none(folder: Path) -> None:
    pictures = PictureFolder(folder)
    pictures.keep(YARD, event(1), b"jpeg")
    pictures.configure(PictureSettings(keep=False))
    assert pictures.pictures() == []
    assert not pictures.keep(YARD, event(2), b"jpeg")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("jpeg", [b"", b"x" * (LARGEST_SNAPSHOT_BYTES + 1)])
def test_what_is_no_snapshot_is_not_kept(folder: Path, jpeg: bytes) -> None:
    assert not PictureFolder(folder).keep(YARD, event(1), jpeg)


def test_a_disk_that_refuses_costs_the_picture_and_nothing_else(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    pictures = PictureFolder(folder)
    assert not pictures.keep(YARD, event(1), b"jpeg")
    assert pictures.pictures() == []
    folder.unlink()
    assert pictures.keep(YARD, event(1), b"jpeg")


def test_a_link_in_the_way_is_replaced_and_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    target = tmp_path / "target"
    (folder / f"{event(1)}.{YARD}.jpg.part").symlink_to(target)
    assert PictureFolder(folder).keep(YARD, event(1), b"jpeg")
    assert not target.exists()


def test_other_files_in_the_folder_are_left_alone(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    pictures = PictureFolder(folder, PictureSettings(max_files=1))
    pictures.keep(YARD, event(1), b"jpeg")
    pictures.keep(YARD, event(2), b"jpeg")
    assert sorted(os.listdir(folder)) == sorted([f"{event(2)}.{YARD}.jpg", "notes.txt"])  # noqa: PTH208


@given(camera_ids, event_ids())
def test_every_camera_and_event_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, camera: CameraId, id_: EventId
) -> None:
    pictures = PictureFolder(tmp_path_factory.mktemp("p"))
    assert pictures.keep(camera, id_, b"jpeg")
    [picture] = pictures.pictures()
    assert (picture.camera, picture.event) == (camera, id_)


@given(st.binary(max_size=20))
def test_whatever_lies_in_the_folder_raises_nothing(tmp_path_factory: pytest.TempPathFactory, name: bytes) -> None:
    folder = tmp_path_factory.mktemp("p")
    try:
        (folder / name.hex()).write_bytes(b"x")
    except OSError:
        return
    assert PictureFolder(folder).pictures() == []


def test_a_disk_that_goes_on_refusing_is_reported_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    pictures = PictureFolder(folder, word="snapshot")
    with caplog.at_level(logging.WARNING):
        assert not pictures.keep(YARD, event(1), b"jpeg")
        assert not pictures.keep(YARD, event(2), b"jpeg")
    assert [record.getMessage().split()[0] for record in caplog.records] == ["snapshot_not_kept"]


def test_a_picture_that_makes_room_is_reported_where_that_is_a_loss(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pictures = PictureFolder(folder, PictureSettings(max_files=1), word="snapshot", drop_level=logging.WARNING)
    with caplog.at_level(logging.WARNING):
        pictures.keep(YARD, event(1), b"jpeg")
        pictures.keep(YARD, event(2), b"jpeg")
    [record] = caplog.records
    assert record.getMessage() == f"snapshot_dropped event_id={event(1)} dropped=1"


def test_a_picture_is_read_by_its_camera_and_event_and_no_link_pipe_or_giant_in_its_place(folder: Path) -> None:
    PictureFolder(folder).keep(YARD, event(1), b"jpeg")
    assert (has_picture(folder, YARD, event(1)), read_picture(folder, YARD, event(1))) == (True, b"jpeg")
    (folder / "secret").write_bytes(b"theirs")
    picture_path(folder, YARD, event(2)).symlink_to(folder / "secret")
    os.mkfifo(picture_path(folder, YARD, event(3)))
    picture_path(folder, YARD, event(4)).mkdir()
    assert not any(has_picture(folder, YARD, event(number)) for number in (2, 3, 4, 5))
    picture_path(folder, YARD, event(6)).write_bytes(bytes(LARGEST_SNAPSHOT_BYTES + 1))
    assert [read_picture(folder, YARD, event(number)) for number in (2, 3, 4, 5, 6)] == [None] * 5
