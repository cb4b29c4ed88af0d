"""Pictures on their way: off unless switched on, bounded on disk, newest first, and never at the cost of an event."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import UploadFailed
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.snapshot import LARGEST_SNAPSHOT_BYTES, snapshot_key
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.pictures.snapshots import NoSnapshots, SnapshotSettings, SnapshotStore, SnapshotUploader
from tests.fakes.clock import SOME_DAY
from tests.strategies import camera_ids, event_ids

THING, GATE = ThingName("pi-1"), CameraId("gate")
ON = SnapshotSettings(enabled=True, bucket="pictures", max_files=5, max_mb=1)
JPEG = b"\xff\xd8 not quite a picture"


def event(number: int) -> EventId:
    return new_event_id(SOME_DAY, number.to_bytes(10))


@dataclass
class FakeCloud:
    """A bucket; while `down` it takes nothing."""

    down: bool = False
    on_put: Callable[[], None] = lambda: None
    objects: dict[str, bytes] = field(default_factory=dict)
    tries: int = 0

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        self.tries += 1
        self.on_put()
        if self.down:
            raise UploadFailed("no network")
        assert (bucket, content_type) == ("pictures", "image/jpeg")
        self.objects[key] = body


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    store = SnapshotStore(tmp_path / "snapshots", THING)
    store.configure(ON)
    return store


def uploader(store: SnapshotStore, cloud: FakeCloud) -> SnapshotUploader:
    return SnapshotUploader(store, cloud, random=lambda: 1.0)


def test_pictures_are_off_until_somebody_switches_them_on(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "snapshots", THING)
    assert store.keep(GATE, event(1), JPEG) is None
    assert store.key_of(GATE, event(1)) is None
    assert NoSnapshots().keep(GATE, event(1), JPEG) is None
    assert not (tmp_path / "snapshots").exists()


def test_a_kept_picture_tells_its_key_and_reaches_the_cloud_under_it(store: SnapshotStore) -> None:
    cloud = FakeCloud()
    key = store.keep(GATE, event(1), JPEG)
    assert key == snapshot_key(THING, GATE, event(1))
    assert uploader(store, cloud).step() == 0
    assert cloud.objects == {key: JPEG}
    assert store.waiting() == []


@given(camera_ids, event_ids())
def test_every_camera_and_event_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, camera: CameraId, id_: EventId
) -> None:
    store = SnapshotStore(tmp_path_factory.mktemp("s"), THING)
    store.configure(ON)
    key = store.keep(camera, id_, JPEG)
    [snapshot] = store.waiting()
    assert (snapshot.camera, snapshot.event, store.key_of(camera, id_)) == (camera, id_, key)


def test_without_a_network_they_wait_through_a_restart_and_the_newest_goes_first(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, THING)
    store.configure(ON)
    for number in range(3):
        store.keep(GATE, event(number), bytes([number + 1]))
    assert uploader(store, FakeCloud(down=True)).step() == 5.0
    again, cloud = SnapshotStore(tmp_path, THING), FakeCloud()
    again.configure(ON)
    assert uploader(again, cloud).step() == 0
    assert list(cloud.objects) == [snapshot_key(THING, GATE, event(number)) for number in (2, 1, 0)]


def test_the_waits_grow_and_begin_anew_after_a_success(store: SnapshotStore) -> None:
    cloud = FakeCloud(down=True)
    up = uploader(store, cloud)
    store.keep(GATE, event(1), JPEG)
    assert [up.step() for _ in range(3)] == [5.0, 10.0, 20.0]
    cloud.down = False
    assert up.step() == 0
    cloud.down = True
    store.keep(GATE, event(2), JPEG)
    assert up.step() == 5.0


def test_of_too_many_the_oldest_go(store: SnapshotStore) -> None:
    for number in range(8):
        store.keep(GATE, event(number), JPEG)
    assert [snapshot.event for snapshot in store.waiting()] == [event(number) for number in (7, 6, 5, 4, 3)]
    assert store.dropped == 3


def test_of_too_large_ones_the_oldest_go(store: SnapshotStore) -> None:
    for number in range(3):
        store.keep(GATE, event(number), bytes(400_000))
    assert [snapshot.event for snapshot in store.waiting()] == [event(2), event(1)]


@pytest.mark.parametrize("jpeg", [b"", bytes(LARGEST_SNAPSHOT_BYTES + 1)])
def test_what_is_no_picture_of_a_sensible_size_is_not_kept(store: SnapshotStore, jpeg: bytes) -> None:
    assert store.keep(GATE, event(1), jpeg) is None
    assert store.waiting() == []


def test_a_disk_that_takes_nothing_costs_the_picture_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    store = SnapshotStore(blocked / "snapshots", THING)
    store.configure(ON)
    with caplog.at_level(logging.WARNING):
        assert store.keep(GATE, event(1), JPEG) is None
    assert "snapshot_not_kept" in caplog.text
    assert store.waiting() == []


def test_pictures_are_for_their_owner_only(store: SnapshotStore) -> None:
    store.keep(GATE, event(1), JPEG)
    [snapshot] = store.waiting()
    assert snapshot.path.stat().st_mode & 0o777 == 0o600
    assert snapshot.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_link_in_the_way_is_not_followed(store: SnapshotStore, tmp_path: Path) -> None:
    folder, target = tmp_path / "snapshots", tmp_path / "target"
    folder.mkdir(exist_ok=True)
    (folder / f"{event(1)}.gate.part").symlink_to(target)
    assert store.keep(GATE, event(1), JPEG) is None
    assert not target.exists()


def test_strange_files_are_left_alone(store: SnapshotStore, tmp_path: Path) -> None:
    store.keep(GATE, event(1), JPEG)
    (tmp_path / "snapshots/readme.txt").write_text("hello")
    (tmp_path / "snapshots" / f"{event(2)}.gate.part").write_bytes(b"half")
    cloud = FakeCloud()
    uploader(store, cloud).step()
    assert len(cloud.objects) == 1
    assert (tmp_path / "snapshots/readme.txt").exists()


def test_who_switches_pictures_off_wants_none_to_leave(store: SnapshotStore) -> None:
    store.keep(GATE, event(1), JPEG)
    store.configure(SnapshotSettings())
    cloud = FakeCloud()
    assert uploader(store, cloud).step() == 0
    assert (cloud.tries, store.waiting()) == (0, [])


def test_switched_off_in_the_middle_the_rest_stays_here(store: SnapshotStore) -> None:
    for number in range(3):
        store.keep(GATE, event(number), JPEG)
    cloud = FakeCloud(on_put=lambda: store.configure(SnapshotSettings()))
    uploader(store, cloud).step()
    assert cloud.tries == 1


def test_a_picture_that_vanishes_is_no_reason_to_spin(store: SnapshotStore) -> None:
    store.keep(GATE, event(1), JPEG)
    [snapshot] = store.waiting()
    snapshot.path.unlink()
    snapshot.path.mkdir()  # it can be seen, and neither read nor deleted
    assert uploader(store, FakeCloud()).step() == 5.0


def test_a_running_uploader_is_woken_by_a_picture_and_stops_when_asked(store: SnapshotStore) -> None:
    cloud, stop = FakeCloud(), StopToken()
    up = uploader(store, cloud)
    store.on_kept(up.wake)
    thread = Thread(target=up.run, args=(stop,))
    thread.start()
    store.keep(GATE, event(1), JPEG)
    for _ in range(6000):
        if cloud.objects:
            break
        stop.wait(0.01)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert (up.uploaded, len(cloud.objects)) == (1, 1)


def test_without_a_network_new_pictures_do_not_make_it_try_more_often(store: SnapshotStore) -> None:
    cloud, stop = FakeCloud(down=True), StopToken()
    up = uploader(store, cloud)
    store.on_kept(up.wake)
    thread = Thread(target=up.run, args=(stop,))
    thread.start()
    for number in range(5):
        store.keep(GATE, event(number), JPEG)
        stop.wait(0.05)
    stop.set()
    thread.join(60)
    assert cloud.tries <= 2


@given(st.binary(max_size=20))
def test_whatever_lies_in_the_folder_waiting_raises_nothing(
    tmp_path_factory: pytest.TempPathFactory, name: bytes
) -> None:
    folder = tmp_path_factory.mktemp("s")
    try:
        (folder / name.hex()).write_bytes(b"x")
    except OSError:
        return
    assert SnapshotStore(folder, THING).waiting() == []
