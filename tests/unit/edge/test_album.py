import os
from pathlib import Path

import pytest

from smartcam.contract.ids import CameraId, EventId, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.pictures.album import LARGEST_BYTES, Album, AlbumSettings

YARD = CameraId("yard")


def event(second: int) -> EventId:
    return new_event_id(UtcNs((1_700_000_000 + second) * NS_PER_S), second.to_bytes(10))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "work" / "pictures"


def test_a_picture_is_found_again_by_its_event_also_by_the_next_process(folder: Path) -> None:
    assert Album(folder).keep(YARD, event(1), b"jpeg")
    assert Album(folder).picture(event(1)) == b"jpeg"
    assert Album(folder).picture(event(2)) is None
    (kept,) = Album(folder).pictures()
    assert (kept.camera, kept.event, kept.size) == (YARD, event(1), 4)


def test_only_its_owner_may_read_a_picture(folder: Path) -> None:
    Album(folder).keep(YARD, event(1), b"jpeg")
    (path,) = folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_better_picture_takes_the_place_of_the_first(folder: Path) -> None:
    album = Album(folder)
    album.keep(YARD, event(1), b"first")
    album.keep(YARD, event(1), b"better")
    assert album.picture(event(1)) == b"better"
    assert len(album.pictures()) == 1


def test_the_oldest_make_room(folder: Path) -> None:
    album = Album(folder, AlbumSettings(max_files=3))
    for second in (3, 1, 2, 5, 4):
        album.keep(YARD, event(second), b"jpeg")
    assert [picture.event for picture in album.pictures()] == [event(5), event(4), event(3)]


def test_they_never_take_more_than_their_share_of_the_disk(folder: Path) -> None:
    album = Album(folder, AlbumSettings(max_mb=1))
    for second in range(5):
        album.keep(YARD, event(second), b"x" * 300_000)
    assert sum(picture.size for picture in album.pictures()) <= 1_000_000
    assert album.pictures()[0].event == event(4)


def test_a_picture_that_found_no_room_leaves_none_of_it_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert not Album(folder).keep(YARD, event(1), b"jpeg")
    assert list(folder.iterdir()) == []


def test_who_wants_none_kept_finds_none(folder: Path) -> None:
    album = Album(folder)
    album.keep(YARD, event(1), b"jpeg")
    album.configure(AlbumSettings(keep=False))
    assert album.pictures() == []
    assert not album.keep(YARD, event(2), b"jpeg")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("jpeg", [b"", b"x" * (LARGEST_BYTES + 1)])
def test_what_is_no_snapshot_is_not_kept(folder: Path, jpeg: bytes) -> None:
    assert not Album(folder).keep(YARD, event(1), jpeg)


def test_a_disk_that_refuses_costs_the_picture_and_nothing_else(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    album = Album(folder)
    assert not album.keep(YARD, event(1), b"jpeg")
    assert album.pictures() == []
    folder.unlink()
    assert album.keep(YARD, event(1), b"jpeg")


def test_a_link_that_lies_in_wait_is_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    target = tmp_path / "target"
    (folder / f"{event(1)}.{YARD}.part").symlink_to(target)
    assert not Album(folder).keep(YARD, event(1), b"jpeg")
    assert not target.exists()


def test_other_files_in_the_folder_are_left_alone(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    album = Album(folder, AlbumSettings(max_files=1))
    album.keep(YARD, event(1), b"jpeg")
    album.keep(YARD, event(2), b"jpeg")
    assert sorted(os.listdir(folder)) == sorted([f"{event(2)}.{YARD}.jpg", "notes.txt"])  # noqa: PTH208
