"""Clips on their way: off unless switched on, newest first, in pieces, and a restart goes on where it was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.errors import UploadFailed
from smartcam.contract.event import ClipPart, Event, Phase
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.snapshot import clip_object_key
from smartcam.edge.clip_name import ClipName
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.pictures.clip_uploader import ClipUploader
from smartcam.edge.pictures.s3 import UploadGone
from smartcam.edge.pictures.uploader import SnapshotSettings
from tests.clip_events import event_id, event_of

THING, GATE = ThingName("yard-1"), CameraId("gate")
ON = SnapshotSettings(enabled=True, bucket="pictures", clips=True)
PIECE_BYTES = 20
SMALL, LARGE = b"a short clip", b"a long clip" * 5


def key(number: int, part: int = 1) -> str:
    return clip_object_key(THING, GATE, event_id(number), part)


@dataclass
class Bucket:
    """Takes pieces; `fails` says before which of its calls the network goes away, and `then` what happens at a call."""

    fails: frozenset[int] = frozenset()
    then: Callable[[int], None] = lambda _: None
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, list[bytes]] = field(default_factory=dict)
    calls: int = 0
    largest: int = 0

    def _called(self, body: bytes = b"") -> None:
        self.calls += 1
        self.largest = max(self.largest, len(body))
        self.then(self.calls)
        if self.calls in self.fails:
            raise UploadFailed("no network")

    def put(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        self._called(body)
        assert (bucket, content_type) == ("pictures", "video/mp4")
        self.objects[key] = body

    def begin(self, bucket: str, key: str, content_type: str) -> str:
        self._called()
        assert (bucket, content_type) == ("pictures", "video/mp4")
        name = f"{key}#{self.calls}"
        self.uploads[name] = []
        return name

    def put_piece(self, bucket: str, key: str, upload: str, number: int, body: bytes) -> str:
        self._called(body)
        assert (bucket, upload.partition("#")[0]) == ("pictures", key)
        if upload not in self.uploads:
            raise UploadGone("NoSuchUpload")
        self.uploads[upload][number - 1 :] = [body]
        return f"tag-{number}"

    def finish(self, bucket: str, key: str, upload: str, tags: Sequence[str]) -> None:
        self._called()
        assert bucket == "pictures"
        pieces = self.uploads.pop(upload)
        assert list(tags) == [f"tag-{number}" for number in range(1, len(pieces) + 1)]
        self.objects[key] = b"".join(pieces)


@dataclass
class Device:
    """A folder of clips and what uploads them; `restart` is a new process."""

    folder: Path
    bucket: Bucket = field(default_factory=Bucket)

    def __post_init__(self) -> None:
        (self.folder / "clips").mkdir(exist_ok=True)
        self.restart()

    def restart(self, chosen: SnapshotSettings = ON) -> None:
        memory = MemoryFile(self.folder / "to-upload")
        self.uploader = ClipUploader(self.folder / "clips", THING, self.bucket, lambda: 1.0, memory, PIECE_BYTES)
        self.uploader.configure(chosen)

    def record(self, number: int, *parts: bytes, camera: CameraId = GATE) -> None:
        for part, content in enumerate(parts, start=1):
            (self.folder / "clips" / str(ClipName(event_id(number), camera, part))).write_bytes(content)
        clips = tuple(ClipPart(part, len(content), "0" * 64) for part, content in enumerate(parts, start=1))
        self.uploader.recorded(recorded(number, clips))


def recorded(number: int, clips: tuple[ClipPart, ...]) -> Event:
    return replace(event_of(number, GATE, THING), phase=Phase.RECORDED, clips=clips)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


@pytest.mark.parametrize("off", [SnapshotSettings(), SnapshotSettings(enabled=True, bucket="pictures")])
def test_no_clip_leaves_the_device_unless_that_is_switched_on(device: Device, off: SnapshotSettings) -> None:
    device.restart(off)
    device.record(1, SMALL)
    assert device.uploader.step() == 0
    assert (device.bucket.calls, device.uploader.waiting()) == (0, 0)


def test_what_waits_when_it_is_switched_off_never_leaves(device: Device) -> None:
    device.record(1, SMALL)
    device.uploader.configure(SnapshotSettings())
    device.restart(ON)
    device.uploader.step()
    assert device.bucket.calls == 0


def test_each_part_lies_where_the_event_says_the_newest_event_first(device: Device) -> None:
    device.record(1, SMALL, b"goes on")
    device.record(2, SMALL + b"2")
    device.uploader.step()
    assert list(device.bucket.objects.items()) == [(key(2), SMALL + b"2"), (key(1, 2), b"goes on"), (key(1), SMALL)]
    assert device.uploader.waiting() == 0


def test_a_record_that_comes_again_is_uploaded_once(device: Device) -> None:
    device.record(1, SMALL)
    device.record(1, SMALL)
    device.uploader.step()
    assert device.bucket.calls == 1


def test_a_large_clip_goes_in_pieces_and_never_lies_in_memory_as_a_whole(device: Device) -> None:
    device.record(1, LARGE)
    device.uploader.step()
    assert device.bucket.objects == {key(1): LARGE}
    assert device.bucket.largest == PIECE_BYTES
    assert device.bucket.calls == 1 + 3 + 1


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(1, 8)), st.sampled_from([Device.restart, lambda _: None]))
def test_whenever_the_network_or_the_process_goes_away_each_piece_is_sent_once_more_at_most(
    tmp_path_factory: pytest.TempPathFactory, fails: set[int], after: Callable[[Device], None]
) -> None:
    device = Device(tmp_path_factory.mktemp("device"), Bucket(frozenset(fails)))
    device.record(1, LARGE)
    while device.uploader.step() > 0:
        after(device)
    assert device.bucket.objects == {key(1): LARGE}
    assert device.bucket.calls == 5 + len([call for call in fails if call <= device.bucket.calls])


def test_an_upload_that_the_store_has_forgotten_begins_anew(device: Device) -> None:
    device.bucket.then = lambda call: device.bucket.uploads.clear() if call == 3 else None
    device.record(1, LARGE)
    assert device.uploader.step() == 0
    assert device.bucket.objects == {key(1): LARGE}


def test_a_new_event_does_not_wait_for_a_long_clip_of_another(device: Device) -> None:
    device.bucket.then = lambda call: device.record(2, SMALL) if call == 2 else None
    device.record(1, LARGE)
    device.uploader.step()
    assert list(device.bucket.objects) == [key(2), key(1)]


def test_a_clip_that_has_made_room_or_is_another_one_now_is_left_out_and_the_others_go(
    device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    device.record(1, SMALL)
    device.record(2, SMALL)
    device.record(3, SMALL)
    (device.folder / "clips" / str(ClipName(event_id(3), GATE, 1))).unlink()
    (device.folder / "clips" / str(ClipName(event_id(2), GATE, 1))).write_bytes(b"cut")
    assert device.uploader.step() == 0
    assert device.bucket.objects == {key(1): SMALL}
    assert caplog.text.count("not there any more") == 2


def test_a_week_without_network_is_bounded_and_the_newest_wait(device: Device) -> None:
    for number in range(600):
        device.uploader.recorded(recorded(number, (ClipPart(1, 5, "0" * 64),)))
    assert device.uploader.waiting() == 500
    device.restart()
    assert device.uploader.waiting() == 500


@pytest.mark.parametrize("content", [b"{}", b"[1]", b'[{"event": "x"}]', b"not json", b"[" * 99_999])
def test_a_memory_that_cannot_be_read_costs_what_waited_and_nothing_else(tmp_path: Path, content: bytes) -> None:
    MemoryFile(tmp_path / "to-upload").store(content)
    device = Device(tmp_path)
    device.record(1, SMALL)
    device.uploader.step()
    assert device.bucket.objects == {key(1): SMALL}


def test_a_full_disk_delays_no_upload(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MemoryFile, "store", full)
    device.record(1, LARGE)
    device.uploader.step()
    assert device.bucket.objects == {key(1): LARGE}


def test_a_stop_is_heard_between_two_pieces(device: Device) -> None:
    stop = StopToken()
    device.bucket.then = lambda call: stop.set() if call == 2 else None
    device.record(1, LARGE)
    device.uploader.step(stop)
    assert device.bucket.calls == 2
