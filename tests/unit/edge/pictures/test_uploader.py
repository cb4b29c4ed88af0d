"""Pictures on their way: off unless switched on, newest first, and never at the cost of an event."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smartcam.contract.errors import UploadFailed
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.snapshot import UploadKeys, snapshot_key
from smartcam.edge.pictures.uploader import SnapshotSettings, SnapshotUploader
from tests.fakes.clock import SOME_DAY
from tests.threads import in_a_thread

THING, GATE = ThingName("pi-1"), CameraId("gate")
ON = SnapshotSettings(enabled=True, bucket="pictures", max_files=5, max_mb=1)
JPEG = b"\xff\xd8 not quite a picture"


def event(number: int) -> EventId:
    return new_event_id(SOME_DAY, number.to_bytes(10))


def key(number: int) -> str:
    return snapshot_key(THING, GATE, event(number))


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
def cloud() -> FakeCloud:
    return FakeCloud()


@pytest.fixture
def uploader(tmp_path: Path, cloud: FakeCloud) -> SnapshotUploader:
    uploader = SnapshotUploader(tmp_path / "snapshots", THING, cloud, random=lambda: 1.0)
    uploader.configure(ON)
    return uploader


def test_pictures_are_off_until_somebody_switches_them_on(tmp_path: Path, cloud: FakeCloud) -> None:
    uploader = SnapshotUploader(tmp_path / "snapshots", THING, cloud, random=lambda: 1.0)
    uploader.keep(GATE, event(1), JPEG)
    assert uploader.keys_of(GATE, event(1)) == UploadKeys()
    assert not (tmp_path / "snapshots").exists()


def test_a_picture_reaches_the_cloud_under_the_key_that_its_event_names(
    uploader: SnapshotUploader, cloud: FakeCloud
) -> None:
    uploader.keep(GATE, event(1), JPEG)
    assert uploader.step() == 0
    assert cloud.objects == {uploader.keys_of(GATE, event(1)).picture: JPEG} == {key(1): JPEG}
    assert uploader.waiting() == []


def test_without_a_network_they_wait_through_a_restart_and_the_newest_goes_first(
    uploader: SnapshotUploader, cloud: FakeCloud, tmp_path: Path
) -> None:
    for number in range(3):
        uploader.keep(GATE, event(number), bytes([number + 1]))
    cloud.down = True
    assert uploader.step() == 5.0
    cloud.down = False
    again = SnapshotUploader(tmp_path / "snapshots", THING, cloud, random=lambda: 1.0)
    again.configure(ON)
    assert again.step() == 0
    assert list(cloud.objects) == [key(number) for number in (2, 1, 0)]


def test_the_waits_grow_and_begin_anew_after_a_success(uploader: SnapshotUploader, cloud: FakeCloud) -> None:
    cloud.down = True
    uploader.keep(GATE, event(1), JPEG)
    assert [uploader.step() for _ in range(3)] == [5.0, 10.0, 20.0]
    cloud.down = False
    assert uploader.step() == 0
    cloud.down = True
    uploader.keep(GATE, event(2), JPEG)
    assert uploader.step() == 5.0


def test_of_too_many_the_oldest_go(uploader: SnapshotUploader) -> None:
    for number in range(8):
        uploader.keep(GATE, event(number), JPEG)
    assert [picture.event for picture in uploader.waiting()] == [event(number) for number in (7, 6, 5, 4, 3)]


def test_other_files_stay_where_they_are(uploader: SnapshotUploader, cloud: FakeCloud, tmp_path: Path) -> None:
    uploader.keep(GATE, event(1), JPEG)
    (tmp_path / "snapshots/readme.txt").write_text("hello")
    (tmp_path / "snapshots" / f"{event(2)}.gate.jpg.part").write_bytes(b"half")
    uploader.step()
    assert len(cloud.objects) == 1
    assert (tmp_path / "snapshots/readme.txt").exists()


def test_who_switches_pictures_off_wants_none_to_leave(uploader: SnapshotUploader, cloud: FakeCloud) -> None:
    uploader.keep(GATE, event(1), JPEG)
    uploader.configure(SnapshotSettings())
    assert uploader.step() == 0
    assert (cloud.tries, uploader.waiting()) == (0, [])


def test_switched_off_in_the_middle_the_rest_stays_here(uploader: SnapshotUploader, cloud: FakeCloud) -> None:
    for number in range(3):
        uploader.keep(GATE, event(number), JPEG)
    cloud.on_put = lambda: uploader.configure(SnapshotSettings())
    uploader.step()
    assert cloud.tries == 1


def test_a_picture_that_vanishes_is_no_reason_to_spin(uploader: SnapshotUploader) -> None:
    uploader.keep(GATE, event(1), JPEG)
    [picture] = uploader.waiting()
    picture.path.unlink()
    picture.path.mkdir()  # it can be seen, and neither read nor deleted
    assert uploader.step() == 5.0


def test_a_running_uploader_is_woken_by_a_picture_and_stops_when_asked(
    uploader: SnapshotUploader, cloud: FakeCloud
) -> None:
    with in_a_thread(uploader.run) as stop:
        uploader.keep(GATE, event(1), JPEG)
        for _ in range(6000):
            if cloud.objects:
                break
            stop.wait(0.01)
    assert list(cloud.objects) == [key(1)]


def test_without_a_network_new_pictures_do_not_make_it_try_more_often(
    uploader: SnapshotUploader, cloud: FakeCloud
) -> None:
    cloud.down = True
    with in_a_thread(uploader.run) as stop:
        for number in range(5):
            uploader.keep(GATE, event(number), JPEG)
            stop.wait(0.05)
    assert cloud.tries <= 2
