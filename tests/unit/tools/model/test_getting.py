"""From a name to a bundle: right, or one error and nothing on disk."""

import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartcam.model.bundle import ModelBundle
from tests.fakes import models
from tests.fakes.file_server import FileServer, serving
from tests.fakes.model_catalogue import model_entry, write_catalogue
from tools.model.catalogue import CatalogueEntry, read_catalogue
from tools.model.errors import CatalogueError
from tools.model.getting import ModelOrder, Shelf, bundle_named, get, usual_shelf, worth
from tools.model.partial import PartialFile, part_of

MODEL = models.detector()
SCORE = {
    "expected": 3, "found": 2, "false": 1, "median_s": 0.5, "worst_s": 2.5, "clips": "two clips",
    "command": "smartcam score",
}  # fmt: skip


class Yard:
    """An empty folder, a server with a model, and a catalogue that names it."""

    def __init__(self, folder: Path, server: FileServer) -> None:
        self.folder, self.server = folder, server
        self.shelf = Shelf(folder / "cache/smartcam/models", folder / "bundles")
        self.said: list[str] = []
        server.files["/tiny.tflite"] = MODEL

    def entry(self, **more: object) -> CatalogueEntry:
        written = model_entry("tiny", self.server.address("/tiny.tflite"), MODEL, **more)
        return read_catalogue(write_catalogue(self.folder / "catalogue.json", written))["tiny"]

    def get(self, entry: CatalogueEntry | None = None, origin: str | None = None) -> Path:
        entry = entry or self.entry()
        return get(ModelOrder(entry, self.shelf.bundle(entry), origin), self.shelf, self.said.append)

    def there(self) -> list[str]:
        """All files but the catalogue."""
        files = (path for path in self.folder.rglob("*") if not path.is_dir())
        return sorted(path.name for path in files if path.name != "catalogue.json")


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    monkeypatch.setattr("time.sleep", lambda _: None)
    (tmp_path / "yard").mkdir()
    with serving(FileServer()) as server:
        yield Yard(tmp_path / "yard", server)


def test_a_model_becomes_a_bundle_that_says_where_it_comes_from(yard: Yard) -> None:
    out = yard.get()
    manifest = ModelBundle.open(out).manifest
    assert (manifest.name, manifest.labels, manifest.licence) == ("tiny", ("person", "car"), "CC0-1.0")
    assert yard.server.address("/tiny.tflite") in manifest.provenance.source
    assert yard.entry().file.sha256 in manifest.provenance.source


@pytest.mark.parametrize(
    "labels", [("person", "car, parked"), ("person", "2 cars"), ("2 people", "person"), ("Bär", "person")]
)
def test_labels_are_taken_as_the_catalogue_writes_them(yard: Yard, labels: tuple[str, str]) -> None:
    assert ModelBundle.open(yard.get(yard.entry(labels=labels))).manifest.labels == labels


@pytest.mark.parametrize(("name", "count"), [("coco-80", 80), ("coco-90", 90)])
def test_coco_is_built_in_whatever_lies_where_the_command_runs(
    yard: Yard, name: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(yard.folder)
    for each in ("coco", name):
        (yard.folder / each).mkdir()
    labels = yard.entry(labels=name).labels
    assert (len(labels), labels[0], labels[2]) == (count, "person", "car")
    assert ModelBundle.open(yard.get(yard.entry(labels=name))).manifest.labels[:3] == ("person", "bicycle", "car")


def test_the_licence_is_shown_before_the_first_byte_is_asked_for(yard: Yard) -> None:
    asked_then: list[int] = []

    def hear(line: str) -> None:
        if line.startswith("licence:   CC0-1.0 (https://example.org/cc0), as said by this test"):
            asked_then.append(len(yard.server.asked))

    entry = yard.entry()
    get(ModelOrder(entry, yard.shelf.bundle(entry)), yard.shelf, hear)
    assert asked_then == [0]


def test_downloads_are_for_their_user_alone(yard: Yard) -> None:
    yard.get()
    file = yard.shelf.file(yard.entry())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_second_get_finds_what_is_there(yard: Yard) -> None:
    out = yard.get()
    yard.server.asked.clear()
    assert yard.get() == out
    assert yard.server.asked == []
    assert yard.said[-1] == f"tiny is here already: {out}"


def test_a_second_bundle_needs_no_second_download(yard: Yard) -> None:
    yard.get()
    yard.server.asked.clear()
    entry = yard.entry()
    out = get(ModelOrder(entry, yard.folder / "other"), yard.shelf, yard.said.append)
    assert ModelBundle.open(out).manifest.name == "tiny"
    assert yard.server.asked == []


@pytest.mark.parametrize("damage", [MODEL[:-1], MODEL[:-1] + b"\x00\x00", MODEL[::-1], b""])
def test_a_file_that_was_damaged_here_is_fetched_again(yard: Yard, damage: bytes) -> None:
    entry = yard.entry()
    yard.shelf.downloads.mkdir(parents=True)
    yard.shelf.file(entry).write_bytes(damage)
    assert ModelBundle.open(yard.get()).manifest.name == "tiny"
    assert any("it is fetched again" in line for line in yard.said)


def test_a_file_that_is_exchanged_after_it_was_checked_makes_no_bundle(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user may write into a cache that all share."""
    yard.get()
    entry = yard.entry()

    def checked(file: Path, _: object) -> None:
        file.write_bytes(models.detector(kind="int8"))

    monkeypatch.setattr("tools.model.getting.fault_of", checked)
    with pytest.raises(CatalogueError, match=r"tiny: no bundle can be made of it: .* is not the file that is meant"):
        get(ModelOrder(entry, yard.folder / "other"), yard.shelf, yard.said.append)
    assert not (yard.folder / "other").exists()


def test_a_beginning_that_is_another_file_as_well_is_not_written_upon(yard: Yard) -> None:
    other = yard.folder / "other"
    other.write_bytes(b"kept")
    yard.shelf.downloads.mkdir(parents=True)
    part_of(yard.shelf.file(yard.entry())).hardlink_to(other)
    with pytest.raises(CatalogueError, match="no regular file of this user alone; remove it"):
        yard.get()
    assert other.read_bytes() == b"kept"


WRONG = {
    "other bytes": {"content": MODEL[::-1]},
    "a page": {"content": b"<html>sign in</html>"},
    "too short": {"content": MODEL[:-1]},
    "too long": {"content": MODEL + b"x"},
    "nothing": {"content": b""},
}


@pytest.mark.parametrize("size", [len(MODEL), None])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_wrong_bytes_end_in_one_error_and_nothing_on_disk(
    yard: Yard, wrong: dict[str, bytes], size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("bytes that nobody checked were interpreted")

    monkeypatch.setattr("tools.model.getting.make_bundle", never)
    yard.server.files["/tiny.tflite"] = wrong["content"]
    entry = yard.entry(size=size)
    with pytest.raises(CatalogueError, match=r"is not the file that is meant: .*expected .*Nothing of it is kept"):
        yard.get(entry)
    assert yard.there() == []
    elsewhere = yard.folder.parent / "brought.tflite"
    elsewhere.write_bytes(wrong["content"])
    with pytest.raises(CatalogueError, match=r"--from .*brought.tflite: is not the file that is meant: .*expected "):
        yard.get(entry, str(elsewhere))
    assert yard.there() == []


def test_a_file_that_was_brought_needs_no_network(yard: Yard) -> None:
    elsewhere = yard.folder.parent / "brought"
    elsewhere.write_bytes(MODEL)
    assert ModelBundle.open(yard.get(origin=str(elsewhere))).manifest.name == "tiny"
    assert yard.server.asked == []
    assert any(line.startswith("licence:") for line in yard.said)
    yard.server.files.clear()
    (yard.folder / "bundles/tiny").rename(yard.folder / "gone")
    assert ModelBundle.open(yard.get()).manifest.name == "tiny", "it was kept"


def test_a_mirror_may_be_named(yard: Yard) -> None:
    yard.server.files["/mirror/x"] = yard.server.files.pop("/tiny.tflite")
    yard.get(origin=yard.server.address("/mirror/x?key=hunter2".partition("?")[0]))
    assert yard.server.paths() == ["/mirror/x"]


def test_a_key_in_a_mirrors_address_is_not_said(yard: Yard) -> None:
    yard.server.files["/x?key=hunter2"] = MODEL
    manifest = ModelBundle.open(yard.get(origin=yard.server.address("/x?key=hunter2"))).manifest
    assert "hunter2" not in "".join(yard.said)
    assert "hunter2" not in manifest.to_json().decode()


def test_a_login_in_a_mirrors_address_is_neither_sent_nor_said(yard: Yard) -> None:
    with pytest.raises(CatalogueError, match="holds a login") as caught:
        yard.get(origin=f"http://viewer:hunter2@127.0.0.1:{yard.server.port}/tiny.tflite")
    assert "hunter2" not in "".join([*yard.said, str(caught.value)])
    assert yard.server.asked == []


def test_an_empty_place_is_not_the_publishers(yard: Yard) -> None:
    with pytest.raises(CatalogueError, match=r"--from .: cannot be read"):
        yard.get(origin="")
    assert yard.server.asked == []


def test_what_cannot_be_read_is_named(yard: Yard) -> None:
    pipe = yard.folder.parent / "pipe"
    os.mkfifo(pipe)
    for place, reason in (
        (yard.folder / "none", "No such file"),
        (yard.folder, "no regular file"),
        (pipe, "no regular file"),
        (Path("/dev/zero"), "no regular file"),
    ):
        with pytest.raises(CatalogueError, match=f"--from {place}: cannot be read .*{reason}"):
            yard.get(origin=str(place))


@pytest.mark.parametrize("status", [404, 500])
def test_without_the_server_the_error_says_how_to_bring_the_file(yard: Yard, status: int) -> None:
    yard.server.statuses["/tiny.tflite"] = [status] * 9
    with pytest.raises(CatalogueError) as caught:
        yard.get()
    assert f"/tiny.tflite: answers {status}" in str(caught.value)
    assert str(caught.value).endswith("the file on another way: smartcam model get tiny --from FILE")
    assert yard.there() == []


@pytest.mark.parametrize("brought", [True, False])
def test_a_full_disk_is_said_with_the_place(yard: Yard, monkeypatch: pytest.MonkeyPatch, *, brought: bool) -> None:
    def full(_part: PartialFile, _chunk: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PartialFile, "add", full)
    source = yard.folder.parent / "brought.tflite"
    source.write_bytes(MODEL)
    with pytest.raises(CatalogueError, match=r"models/tiny-.*: cannot be written \(No space left .*; make room"):
        yard.get(origin=str(source) if brought else None)
    assert [name for name in yard.there() if not name.endswith((".origin", ".part"))] == []


def test_a_folder_with_something_else_is_left_alone(yard: Yard) -> None:
    out = yard.shelf.bundle(yard.entry())
    out.mkdir(parents=True)
    (out / "mine").write_text("mine")
    with pytest.raises(CatalogueError, match=r"bundles/tiny: is there, and is no model bundle; remove the folder, or"):
        yard.get()
    assert yard.there() == ["mine"]
    assert yard.server.asked == []


def test_another_models_bundle_is_not_taken_for_this_one(yard: Yard) -> None:
    out = yard.get()
    yard.server.files["/tiny.tflite"] = models.classifier()
    with pytest.raises(CatalogueError, match=f"{out}: holds another model"):
        yard.get(yard.entry(size=None, sha256="0" * 64))


def test_a_damaged_bundle_is_named(yard: Yard) -> None:
    out = yard.get()
    (out / "model.tflite").write_bytes(b"damaged")
    with pytest.raises(CatalogueError, match=rf"{out}: is refused \(.*model.tflite"):
        yard.get()


def test_a_model_of_which_no_bundle_can_be_made_is_named(yard: Yard) -> None:
    with pytest.raises(CatalogueError, match="tiny: no bundle can be made of it: "):
        yard.get(yard.entry(labels=["left", "right"]))
    assert not yard.shelf.bundle(yard.entry()).exists()


def test_what_it_is_worth_is_said(yard: Yard) -> None:
    assert list(worth(yard.entry())) == [
        "published: mAP 12.5 on COCO (this test)",
        "here:      not run by us; measure it on clips of your own with `smartcam score`",
    ]
    lines = list(worth(yard.entry(score=SCORE, map=None)))
    assert lines[0] == "here:      2 of 3 events found, 1 false, median 0.5 s, worst 2.5 s"


def test_one_command_waits_for_the_other(yard: Yard) -> None:
    yard.shelf.downloads.mkdir(parents=True)
    lock = os.open(yard.shelf.downloads, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    waiting = threading.Event()
    entry = yard.entry()

    def hear(line: str) -> None:
        if "waiting" in line:
            waiting.set()

    thread = threading.Thread(target=get, args=(ModelOrder(entry, yard.shelf.bundle(entry)), yard.shelf, hear))
    thread.start()
    assert waiting.wait(60)
    assert yard.server.asked == []
    os.close(lock)
    thread.join(60)
    assert yard.shelf.bundle(entry).is_dir()


def test_two_commands_at_once_get_one_bundle(yard: Yard) -> None:
    yard.server.slow = (200, 0.02)
    entry, got = yard.entry(), []
    order = ModelOrder(entry, yard.shelf.bundle(entry))
    threads = [threading.Thread(target=lambda: got.append(get(order, yard.shelf, yard.said.append))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert got == [order.out] * 3
    assert len(yard.server.asked) == 1


def test_downloads_lie_in_the_users_cache() -> None:
    assert usual_shelf({"XDG_CACHE_HOME": "/c"}).downloads == Path("/c/smartcam/models")
    home = Path.home() / ".cache/smartcam/models"
    assert usual_shelf({}).downloads == usual_shelf({"XDG_CACHE_HOME": "relative"}).downloads == home


def test_without_a_home_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(CatalogueError, match="set XDG_CACHE_HOME"):
        usual_shelf({})


def test_other_commands_get_a_model_by_its_name(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    yard.entry()
    monkeypatch.setenv("SMARTCAM_CATALOGUE", str(yard.folder / "catalogue.json"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(yard.folder / "cache"))
    monkeypatch.setattr("tools.model.getting.BUNDLES", yard.folder / "bundles")
    out = bundle_named("tiny", yard.said.append)
    assert ModelBundle.open(out).manifest.name == "tiny"
    with pytest.raises(CatalogueError, match="'tinny' is not in the catalogue"):
        bundle_named("tinny", yard.said.append)
