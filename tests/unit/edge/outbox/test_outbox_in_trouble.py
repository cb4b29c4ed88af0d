"""The outbox on a disk that cannot be written, is busy, was removed or is corrupt: what it keeps, and what it says."""

import errno
import logging
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from smartcam.contract.errors import ContractError, OutboxError
from smartcam.edge.outbox import asides, database, file, salvage
from smartcam.edge.outbox.outbox import Outbox
from tests.fakes.clock import FakeClock
from tests.unit.edge.outbox.sample import accepted, episode, event, key, waiting


class Disk:
    """The disk under the outbox: while `refusal` is set, no file can be opened for writing on it."""

    def __init__(self) -> None:
        self.refusal: int | None = None
        self.tries = 0
        self._open = os.open

    def open(self, path: Path, flags: int, mode: int = 0o777, **more: int) -> int:
        if flags & os.O_CREAT and "outbox" in str(path):
            self.tries += 1
            if self.refusal is not None:
                raise OSError(self.refusal, os.strerror(self.refusal), str(path))
        return self._open(path, flags, mode, **more)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    it = Disk()
    monkeypatch.setattr(os, "open", it.open)
    return it


def connection_of(outbox: Outbox) -> sqlite3.Connection:
    connection = outbox._database.connection
    assert connection is not None
    return connection


def fill(outbox: Outbox) -> None:
    for number in range(2, 100):
        outbox.put(event(number), episode(number, text="x" * 1000))


def logged(caplog: pytest.LogCaptureFixture, name: str) -> list[tuple[str, str]]:
    return [(record.levelname, record.message) for record in caplog.records if record.message.startswith(name)]


@pytest.mark.parametrize("refusal", [errno.EROFS, errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_what_lies_on_a_disk_that_can_only_be_read_is_sent_from_memory(
    opened: Callable[[], Outbox], path: Path, disk: Disk, caplog: pytest.LogCaptureFixture, refusal: int
) -> None:
    opened().put(event(1), episode(1))
    disk.refusal = refusal
    outbox = opened()
    assert waiting(outbox) == [key(event(1))]
    assert [one.event_id for one in outbox.open_episodes()] == [event(1).event_id]
    assert outbox.counts().in_memory
    outbox.put(event(2))
    assert len(waiting(outbox)) == 2
    ((level, message),) = logged(caplog, "outbox_in_memory")
    assert level == "CRITICAL"
    assert message.startswith(f'outbox_in_memory path={path} reason="[Errno {refusal}] {os.strerror(refusal)}')


def test_what_another_process_has_not_yet_moved_from_its_log_is_read_too(
    opened: Callable[[], Outbox], path: Path, clock: FakeClock, disk: Disk
) -> None:
    killed = Outbox(path, clock)
    killed.put(event(1))  # and never closed: the event lies in the write-ahead log only
    disk.refusal = errno.EROFS
    assert waiting(opened()) == [key(event(1))]
    killed.close()


def test_disk_and_temporary_folder_may_both_be_full_at_the_start(
    opened: Callable[[], Outbox], tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened().put(event(1))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full, too"))

    def full(*_: object, **__: object) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfile", full)
    monkeypatch.setattr(os, "mkdir", full)
    disk.refusal = errno.ENOSPC
    outbox = opened()
    outbox.put(event(2))
    assert waiting(outbox) == [key(event(2)), key(event(1))]


def test_a_full_disk_that_cannot_be_read_any_more_is_an_error(
    opened: Callable[[], Outbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = opened()
    outbox.put(event(1))
    connection = connection_of(outbox)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")

    def refuse(_connection: sqlite3.Connection) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(database, "copy_to_memory", refuse)
        with pytest.raises(OutboxError, match="disk is full"):
            fill(outbox)
    assert key(event(1)) in waiting(outbox)
    assert not outbox.counts().in_memory


def test_a_first_start_on_a_disk_that_takes_nothing_begins_in_memory_and_leaves_no_file(
    opened: Callable[[], Outbox], tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    disk.refusal = errno.EROFS
    outbox = opened()
    outbox.put(event(1))
    assert waiting(outbox) == [key(event(1))]
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize("refusal", [errno.EROFS, errno.EACCES])
def test_a_disk_that_neither_writes_nor_reads_does_not_silence_the_camera(
    opened: Callable[[], Outbox],
    path: Path,
    clock: FakeClock,
    disk: Disk,
    monkeypatch: pytest.MonkeyPatch,
    refusal: int,
) -> None:
    opened().put(event(1))

    def refuse(_path: Path, _journal: object) -> object:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(salvage, "read_records", refuse)
        disk.refusal = refusal
        outbox = opened()
        outbox.put(event(2))
        assert waiting(outbox) == [key(event(2))]
    disk.refusal = None
    clock.advance(10)
    assert sorted(waiting(outbox)) == [key(event(1)), key(event(2))]
    assert not outbox.counts().in_memory
    assert sorted(waiting(opened())) == [key(event(1)), key(event(2))]
    assert [one.name for one in path.parent.iterdir() if "sqlite." in one.name] == []


def test_the_disk_is_tried_again_every_ten_seconds_and_takes_everything_back(
    opened: Callable[[], Outbox], path: Path, clock: FakeClock, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    disk.refusal = errno.EROFS
    outbox = opened()
    outbox.put(event(1), episode(1))
    tries = []
    for _ in range(4):
        clock.advance(5)
        outbox.put(event(1))
        tries.append(disk.tries)
    assert tries == [1, 2, 2, 3]
    assert outbox.counts().in_memory
    disk.refusal = None
    clock.advance(9.999)
    assert outbox.counts().in_memory
    clock.advance(0.001)
    assert outbox.counts().in_memory is False
    assert logged(caplog, "outbox_on_disk_again") == [("INFO", f"outbox_on_disk_again path={path}")]
    again = opened()
    assert waiting(again) == [key(event(1))]
    assert len(again.open_episodes()) == 1


def test_an_outbox_in_memory_serves_every_thread(opened: Callable[[], Outbox], disk: Disk) -> None:
    disk.refusal = errno.EROFS
    outbox = opened()
    outbox.put(event(1))
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.extend(waiting(outbox)))
    thread.start()
    thread.join()
    assert found == [key(event(1))]


def test_what_is_lost_because_the_disk_took_nothing_to_the_end_is_counted_in_the_log(
    opened: Callable[[], Outbox], path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.refusal = errno.EROFS
    outbox = opened()
    for number in range(3):
        outbox.put(event(number))
    outbox.close()
    assert logged(caplog, "outbox_not_written") == [("CRITICAL", f"outbox_not_written path={path} waiting=3")]
    disk.refusal = None
    outbox.put(event(9))
    assert not outbox.counts().in_memory


def test_while_somebody_else_writes_nothing_is_stored_and_nothing_else_changes(
    opened: Callable[[], Outbox], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_BUSY_S", 0.01)
    outbox = opened()
    outbox.put(event(1))
    outbox.attempted(outbox.due()[0])
    rival = sqlite3.connect(path, isolation_level=None)
    rival.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutboxError, match="database is locked"):
        outbox.put(event(2))
    rival.execute("COMMIT")
    rival.close()
    assert outbox.next_due_s() == 5  # the pauses live with the connection, which was kept
    assert not outbox.counts().in_memory
    assert waiting(outbox) == [key(event(1))]


def test_a_refused_event_changes_nothing_for_the_others(opened: Callable[[], Outbox]) -> None:
    outbox = opened()
    outbox.put(event(1))
    outbox.attempted(outbox.due()[0])
    with pytest.raises(ContractError):
        outbox.put(event(2), episode(2, text="x" * 5000))
    assert outbox.next_due_s() == 5
    assert waiting(outbox) == [key(event(1))]


def test_a_connection_that_no_longer_works_is_replaced(opened: Callable[[], Outbox]) -> None:
    outbox = opened()
    outbox.put(event(1))
    connection_of(outbox).close()
    with pytest.raises(OutboxError, match="Cannot operate on a closed database"):
        outbox.put(event(2))
    outbox.put(event(3))
    assert waiting(outbox) == [key(event(3)), key(event(1))]
    assert outbox.counts().set_aside == 0


def test_a_removed_file_is_named_and_one_that_is_closed_on_its_disk_says_nothing(
    opened: Callable[[], Outbox], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    outbox = opened()
    outbox.put(event(1))
    path.unlink()
    outbox.put(event(2))
    outbox.close()
    assert [record.message for record in caplog.records] == [f"outbox_file_removed path={path}"]


def test_a_rival_is_waited_for_two_seconds(opened: Callable[[], Outbox]) -> None:
    outbox = opened()
    outbox.put(event(1))
    assert connection_of(outbox).execute("PRAGMA busy_timeout").fetchone() == (2000,)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("temp_store", 2), ("trusted_schema", 0), ("user_version", 1)],
)
def test_a_new_file_is_durable_trusts_nobody_and_says_its_version(
    opened: Callable[[], Outbox], pragma: str, value: object
) -> None:
    for _ in range(2):
        outbox = opened()
        outbox.put(event(1))
        assert connection_of(outbox).execute(f"PRAGMA {pragma}").fetchone() == (value,)


def test_all_missing_folders_are_made(tmp_path: Path, clock: FakeClock) -> None:
    outbox = Outbox(tmp_path / "one/two/outbox.sqlite", clock)
    outbox.put(event(1))
    outbox.close()
    assert (tmp_path / "one/two/outbox.sqlite").is_file()


def test_the_file_is_for_its_owner_alone_from_the_first_moment(
    opened: Callable[[], Outbox], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int, _mode: int) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "fchmod", refuse)
    opened().put(event(1))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_corrupt_file_that_is_met_at_the_start_is_named(
    opened: Callable[[], Outbox], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"garbage" * 1000)
    outbox = opened()
    outbox.put(event(1))
    assert logged(caplog, "outbox_corrupt") == [("CRITICAL", f"outbox_corrupt path={path} kept_as={path}.corrupt-1")]
    assert outbox.counts().in_memory is False


def test_a_removed_file_that_cannot_be_written_again_goes_on_in_memory_until_it_can(
    opened: Callable[[], Outbox], path: Path, clock: FakeClock, disk: Disk
) -> None:
    outbox = opened()
    outbox.put(event(1))
    for one in path.parent.iterdir():
        one.unlink()
    disk.refusal = errno.EROFS
    outbox.put(event(2))
    assert outbox.counts().in_memory
    assert not path.exists()
    disk.refusal = None
    clock.advance(10)
    outbox.put(event(3))
    assert path.exists()
    assert sorted(waiting(opened())) == [key(event(number)) for number in (1, 2, 3)]


def corrupted(outbox: Outbox, path: Path) -> None:
    """Another file lies under the open connection, whose caches are empty."""
    connection = connection_of(outbox)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute("PRAGMA shrink_memory")
    with path.open("r+b") as there:
        there.seek(4096)
        there.write(b"\xa5" * (path.stat().st_size - 4096))


def test_every_corrupt_file_is_counted_and_named(
    opened: Callable[[], Outbox], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened()
    for turn in range(2):
        for number in range(40):
            outbox.put(event(number))
        corrupted(outbox, path)
        with pytest.raises(OutboxError, match="malformed"):
            outbox.due()
        assert outbox.counts().set_aside == turn + 1
    assert logged(caplog, "outbox_corrupt") == [
        ("CRITICAL", f"outbox_corrupt path={path} kept_as={path}.corrupt-1") for _ in range(2)
    ]


def test_a_corrupt_file_that_cannot_be_moved_aside_is_an_error(
    opened: Callable[[], Outbox], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = opened()
    for number in range(40):
        outbox.put(event(number))
    corrupted(outbox, path)

    def refuse(_path: Path, _target: Path) -> Path:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(OutboxError, match=r"is corrupt and cannot be moved aside \(.*Read-only"):
            outbox.due()
    outbox.put(event(99))
    assert waiting(outbox) == [key(event(99))]


def test_a_corrupt_file_takes_its_companions_along(opened: Callable[[], Outbox], path: Path) -> None:
    path.parent.mkdir()
    contents = {"": b"garbage" * 1000, "-wal": b"one", "-shm": b"two", "-journal": b"three"}
    for companion, content in contents.items():
        path.with_name(path.name + companion).write_bytes(content)
    assert asides.move_aside(path) == path.with_name("outbox.sqlite.corrupt-1")
    assert {one.name: one.read_bytes() for one in path.parent.iterdir()} == {
        f"outbox.sqlite.corrupt-1{companion}": content for companion, content in contents.items()
    }
    opened().put(event(1))


def test_the_oldest_files_that_nobody_can_read_are_forgotten_with_their_companions(path: Path) -> None:
    path.parent.mkdir()
    for number in (2, 3, 9, 10, 11):
        for companion in ("", "-wal"):
            path.with_name(f"{path.name}.unreadable-{number}{companion}").touch()
    path.with_name(f"{path.name}.unreadable-kept by hand").touch()
    path.with_name(f"{path.name}.corrupt-4").touch()
    asides.put_away(path.with_name(f"{path.name}.corrupt-4"), path, unreadable=1)
    names = {one.name.removeprefix("outbox.sqlite.unreadable-") for one in path.parent.iterdir()}
    assert names == {"3", "3-wal", "9", "9-wal", "10", "10-wal", "11", "11-wal", "12", "kept by hand"}


def test_files_that_nobody_can_read_are_bounded_in_bytes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asides, "KEPT_UNREADABLE_BYTES", 1000)
    path.parent.mkdir()
    for turn in range(4):
        path.write_bytes(bytes(400))
        asides.put_away(asides.move_aside(path), path, unreadable=1)
        assert path.with_name(f"{path.name}.unreadable-{turn + 1}").exists()
    assert {one.name for one in path.parent.iterdir()} == {f"{path.name}.unreadable-{number}" for number in (3, 4)}


def test_an_acknowledgement_that_came_while_the_disk_was_full_counts_when_it_is_back(
    opened: Callable[[], Outbox], clock: FakeClock, disk: Disk
) -> None:
    opened().put(event(1))
    disk.refusal = errno.ENOSPC
    outbox = opened()
    assert outbox.acknowledge(accepted(event(1)))
    disk.refusal = None
    clock.advance(10)
    assert waiting(outbox) == []
    assert waiting(opened()) == []


def test_what_was_set_aside_while_the_disk_is_full_is_sent_from_memory_and_stored_when_there_is_room(
    opened: Callable[[], Outbox], path: Path, clock: FakeClock, disk: Disk
) -> None:
    opened().put(event(1))
    opened().close()
    path.replace(path.with_name(f"{path.name}.corrupt-1"))
    disk.refusal = errno.ENOSPC
    outbox = opened()
    outbox.put(event(2))
    outbox.due()
    assert sorted(waiting(outbox)) == [key(event(1)), key(event(2))]
    assert path.with_name(f"{path.name}.corrupt-1").exists()
    disk.refusal = None
    clock.advance(10)
    for _ in range(2):
        assert sorted(waiting(outbox)) == [key(event(1)), key(event(2))]
    assert not path.with_name(f"{path.name}.corrupt-1").exists()
    assert sorted(waiting(opened())) == [key(event(1)), key(event(2))]
    assert outbox.counts().unreadable == 0


@pytest.mark.parametrize("was_there", [True, False])
def test_an_outbox_that_comes_into_the_files_place_while_the_disk_takes_nothing_is_not_written_over(
    opened: Callable[[], Outbox], path: Path, clock: FakeClock, disk: Disk, *, was_there: bool
) -> None:
    other = Outbox(path.with_name("other"), clock)
    for number in range(100, 103):
        other.put(event(number))
    other.close()
    if was_there:
        opened().put(event(1))
    disk.refusal = errno.EROFS
    outbox = opened()
    outbox.put(event(2))
    path.with_name("other").replace(path)  # as where the disk is mounted later, or a copy is played back
    disk.refusal = None
    clock.advance(10)
    outbox.due()
    assert sorted(waiting(outbox)) == sorted(key(event(number)) for number in (*[1] * was_there, 2, 100, 101, 102))
    assert outbox.counts().set_aside == 1
    assert len(waiting(opened())) == 4 + was_there


def test_a_newer_releases_file_is_kept_as_it_is_while_the_disk_takes_nothing_and_when_it_does(
    opened: Callable[[], Outbox], path: Path, clock: FakeClock, disk: Disk
) -> None:
    outbox = opened()
    outbox.put(event(1))
    outbox.close()
    newer = sqlite3.connect(path, isolation_level=None)
    newer.execute("ALTER TABLE waiting ADD COLUMN weight")
    newer.execute("PRAGMA user_version = 2")
    newer.close()
    before = path.read_bytes()
    disk.refusal = errno.ENOSPC
    outbox = opened()
    outbox.put(event(2))
    disk.refusal = None
    clock.advance(10)
    assert key(event(2)) in waiting(outbox)
    assert not outbox.counts().in_memory
    assert path.read_bytes() == before
    assert outbox.counts().set_aside == 0


def test_what_was_set_aside_and_has_no_room_on_the_disk_is_sent_from_memory(
    opened: Callable[[], Outbox], path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = opened()
    fill(outbox)
    outbox.close()
    path.rename(path.with_name(f"{path.name}.corrupt-1"))
    take_in, write_back = salvage.take_in, file.write_back

    def without_room(connection: sqlite3.Connection, found: salvage.Salvage) -> int:
        (*_, on_disk) = connection.execute("PRAGMA database_list").fetchone()
        if on_disk:
            connection.execute("PRAGMA max_page_count = 20")
        return take_in(connection, found)

    def few_only(memory: sqlite3.Connection, path: Path, covers: object) -> file.Opened:
        (count,) = memory.execute("SELECT count(*) FROM waiting").fetchone()
        if count > 20:
            raise sqlite3.OperationalError("database or disk is full")
        return write_back(memory, path, covers)

    with monkeypatch.context() as patch:
        patch.setattr(database, "take_in", without_room)
        patch.setattr(database, "write_back", few_only)
        outbox = opened()
        outbox.put(event(1))
        for _ in range(5):
            outbox.retry_now()
            clock.advance(11)
        assert len(outbox.due(1000)) == 99
        assert outbox.counts().in_memory
        assert path.with_name(f"{path.name}.corrupt-1").exists()
    clock.advance(11)
    assert len(waiting(outbox)) == 99
    assert not outbox.counts().in_memory
    assert len(waiting(opened())) == 99
    assert not path.with_name(f"{path.name}.corrupt-1").exists()
