"""The journal on the disk, whatever happens to it."""

import hashlib
import os
import resource
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from smartcam.edge.journal.folder import JournalSettings, TrackJournal, read_journal
from smartcam.vision.journal import JournalRow
from tests.fakes.clock import SOME_DAY, FakeClock

DAY_S = 86_400


def a_row(number: int, second: int = 0) -> JournalRow:
    # Nothing in common with the row before it, so that it takes as much room as a row can.
    side = (number * 2654435761 % 2**16) / 2**17
    box = NormalBox(side, 0.5 - side, side + 0.4, 0.9 - side)
    return JournalRow(CameraId("yard"), second, number * 2654435761 % 2**40, EventKind.PERSON, "person", box, side)


def seconds(folder: Path) -> list[int]:
    return [row.second for row in read_journal(folder)]


class Desk:
    """A journal in a folder, with its clock."""

    def __init__(self, folder: Path, settings: JournalSettings | None = None) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.settings = settings or JournalSettings()
        self.begin()

    def begin(self) -> None:
        """Another process."""
        self.journal = TrackJournal(self.folder, self.clock)
        self.journal.configure(self.settings)

    def write(self, second: int, rows: int = 1) -> None:
        self.journal.add([a_row(number, second) for number in range(rows)])
        self.clock.advance(10)
        self.journal.store()

    def fill(self, second: int) -> None:
        """About 14 kB: labels that nothing can compress."""
        labels = [hashlib.sha512(f"{second} {number}".encode()).hexdigest() for number in range(180)]
        self.journal.add([replace(a_row(1, second), label=label) for label in labels])
        self.write(second, rows=0)

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.files())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "work" / "journal")


def test_rows_are_found_again_in_their_order_by_this_process_and_the_next(desk: Desk) -> None:
    for second in (3, 1, 2):
        desk.write(second)
    desk.begin()
    desk.write(4)
    assert seconds(desk.folder) == [3, 1, 2, 4]


def test_only_its_owner_may_read_the_journal(desk: Desk) -> None:
    before = os.umask(0)
    try:
        desk.write(1)
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (desk.folder, *desk.files())] == [0o700, 0o600]


def test_the_disk_is_touched_once_in_ten_seconds_and_at_the_end(desk: Desk) -> None:
    desk.write(0)
    sizes = []
    for second in range(1, 25):
        desk.journal.add([a_row(second, second)])
        desk.clock.advance(1)
        desk.journal.store()
        sizes.append(desk.size())
    assert len(set(sizes)) == 3
    desk.journal.store(at_once=True)
    assert seconds(desk.folder) == list(range(25))


def test_nothing_is_written_before_it_is_known_whether_it_is_wanted(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = TrackJournal(tmp_path / "journal", clock)
    journal.add([a_row(1, 5)])
    journal.store(at_once=True)
    assert not (tmp_path / "journal").exists()
    journal.configure(JournalSettings())
    journal.store(at_once=True)
    assert seconds(tmp_path / "journal") == [5]


def test_a_journal_that_is_not_wanted_any_more_is_deleted_and_nothing_is_added(desk: Desk) -> None:
    desk.write(1)
    (desk.folder / "notes.txt").write_text("mine")
    desk.journal.add([a_row(2, 2)])
    desk.journal.configure(JournalSettings(keep=False))
    desk.write(3)
    assert [path.name for path in desk.files()] == ["notes.txt"]
    desk.journal.configure(JournalSettings())
    desk.write(4)
    assert seconds(desk.folder) == [4]


def test_the_oldest_go_when_the_room_is_used_up_and_a_little_at_a_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path, JournalSettings(max_mb=1))
    sizes = []
    for second in range(85):
        desk.fill(second)
        sizes.append(desk.size())
    assert max(sizes) <= 1_000_000
    assert min(sizes[-10:]) > 900_000
    kept = sorted(set(seconds(desk.folder)))
    assert kept == list(range(kept[0], 85))


def test_less_room_than_before_holds_from_the_next_block_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path, JournalSettings(max_mb=2))
    for second in range(85):
        desk.fill(second)
    assert desk.size() > 1_000_000
    desk.journal.configure(JournalSettings(max_mb=1))
    desk.write(85)
    assert desk.size() <= 1_000_000
    assert seconds(desk.folder)[-1] == 85


def test_what_is_older_than_it_may_be_goes_though_nothing_comes_any_more(desk: Desk) -> None:
    for day in range(10):
        desk.write(day)
        desk.clock.advance(DAY_S)
    kept = seconds(desk.folder)
    assert kept == [3, 4, 5, 6, 7, 8, 9]
    for _ in range(7):
        desk.clock.advance(DAY_S)
        desk.journal.store()
    assert desk.files() == []


def test_a_day_is_kept_nearly_as_long_as_was_asked_for(desk: Desk) -> None:
    for quarter in range(7 * 96 + 1):
        desk.write(quarter * 900)
        desk.clock.advance(890)
    kept = seconds(desk.folder)
    assert kept[-1] - kept[0] > 6.7 * DAY_S
    assert len(desk.files()) < 40


@pytest.mark.parametrize("by_s", [-5 * 365 * DAY_S, -3600.0, 3600.0, 400 * DAY_S])
def test_a_clock_that_jumps_unsynchronised_costs_no_row(desk: Desk, by_s: float) -> None:
    desk.write(1)
    desk.clock.is_synced = False
    desk.clock.step_utc(by_s)
    desk.write(2)
    desk.clock.step_utc(-by_s)
    desk.clock.is_synced = True
    desk.write(3)
    assert seconds(desk.folder) == [1, 2, 3]


def test_what_was_written_under_a_clock_years_ahead_does_not_stay_for_years(desk: Desk) -> None:
    desk.clock.step_utc(400 * DAY_S)
    desk.write(1)
    desk.clock.step_utc(-400 * DAY_S)
    desk.write(2)
    assert seconds(desk.folder) == [2]


def test_a_disk_that_takes_nothing_is_told_of_once_and_costs_only_its_time(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    desk.write(1)
    shutil.rmtree(desk.folder)
    desk.folder.write_text("in the way")
    for second in range(2, 200):
        desk.write(second)
    (told,) = [record.getMessage() for record in caplog.records if "journal_not_kept" in record.getMessage()]
    assert told.startswith(f"journal_not_kept folder={desk.folder} error=")
    assert "exists" in told
    assert told.endswith(" lost=1")
    assert desk.journal.lost == 198
    desk.folder.unlink()
    desk.write(200)
    desk.write(201)
    (told,) = [record.getMessage() for record in caplog.records if "journal_kept_again" in record.getMessage()]
    assert told == f"journal_kept_again folder={desk.folder} lost=198"
    assert seconds(desk.folder) == [200, 201]


@contextmanager
def small_files() -> Iterator[None]:
    """A disk on which no file can become larger than 4 kB: a write ends in the middle, as on one that is full.

    Only for as long as nobody else writes: what tells how the tests go may be a file too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_fills_in_the_middle_of_a_block_leaves_the_others_readable_and_no_rubbish(desk: Desk) -> None:
    desk.write(1)
    with small_files():
        for second in range(2, 50):
            desk.write(second, rows=400)
        desk.write(50)
    assert sorted(set(seconds(desk.folder))) == [1, 50]
    assert len(desk.files()) == 2


def test_damage_costs_what_was_hit_and_the_next_process_writes_somewhere_else(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for second in (1, 2, 3):
        desk.write(second)
    (file,) = desk.files()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    desk.begin()
    desk.write(4)
    assert seconds(desk.folder) == [1, 3, 4]
    (told,) = [record.getMessage() for record in caplog.records if "journal_damaged" in record.getMessage()]
    assert str(file) in told
    assert "places=1" in told
    assert file.read_bytes() == content


@pytest.mark.parametrize("thing", ["nothing", "noise", "link", "pipe", "folder"])
def test_whatever_lies_in_the_place_of_a_segment_the_journal_goes_on(desk: Desk, tmp_path: Path, thing: str) -> None:
    desk.write(1)
    (file,) = desk.files()
    file.unlink()
    secret = tmp_path / "secret"
    secret.write_text("theirs")
    if thing == "noise":
        file.write_bytes(os.urandom(5000))
    elif thing == "link":
        file.symlink_to(secret)
    elif thing == "pipe":
        os.mkfifo(file)
    elif thing == "folder":
        file.mkdir()
    for second in (2, 3, 4):
        desk.write(second)
    assert seconds(desk.folder)[-2:] == [3, 4]
    assert secret.read_text() == "theirs"


def test_a_reader_follows_no_link_waits_for_no_pipe_and_takes_neither_for_damage(
    desk: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk.write(1)
    theirs = Desk(tmp_path / "theirs")
    theirs.write(2)
    (desk.folder / "00000008-5.rows").symlink_to(theirs.files()[0])
    os.mkfifo(desk.folder / "00000009-5.rows")
    assert seconds(desk.folder) == [1]
    assert "journal_damaged" not in caplog.text


def test_rows_that_wait_for_a_configuration_fill_no_memory(tmp_path: Path) -> None:
    journal = TrackJournal(tmp_path, FakeClock())
    for start in range(0, 50_000, 1000):
        journal.add([a_row(number, number) for number in range(start, start + 1000)])
    journal.configure(JournalSettings())
    journal.store(at_once=True)
    assert seconds(tmp_path) == list(range(30_000, 50_000))
    assert journal.lost == 30_000


def test_a_folder_that_cannot_be_read_is_an_empty_journal_and_told(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(1)

    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert seconds(desk.folder) == []
    (told,) = [record.getMessage() for record in caplog.records if "journal_not_read" in record.getMessage()]
    assert str(desk.folder) in told
    assert "not yours" in told


def test_a_journal_that_cannot_be_deleted_is_told_of_and_costs_nothing_else(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(1)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "unlink", refuse)
    desk.journal.configure(JournalSettings(keep=False))
    (told,) = [record for record in caplog.records if "journal_not_deleted" in record.getMessage()]
    assert told.levelname == "WARNING"
    assert str(desk.folder) in told.getMessage()
    assert "not yours" in told.getMessage()
    assert seconds(desk.folder) == [1]


def test_only_the_rows_for_which_there_is_no_room_are_lost_and_they_are_the_first(tmp_path: Path) -> None:
    journal = TrackJournal(tmp_path, FakeClock())
    journal.add([a_row(1)] * 19_999)
    assert journal.lost == 0
    journal.add([a_row(1, second) for second in (1, 2, 3)])
    assert journal.lost == 2
    journal.configure(JournalSettings())
    journal.store(at_once=True)
    kept = seconds(tmp_path)
    assert (len(kept), kept[-3:]) == (20_000, [1, 2, 3])


def test_storing_takes_no_time_worth_mentioning(desk: Desk) -> None:
    began = time.process_time()
    for second in range(100):
        desk.write(second, rows=20)
    assert (time.process_time() - began) / 100 < 0.05


def test_the_fake_day_is_in_the_name_so_that_ages_need_no_reading(desk: Desk) -> None:
    desk.write(1)
    (file,) = desk.files()
    assert file.name == f"00000001-{SOME_DAY // NS_PER_S + 10}.rows"
