"""The history on the disk, whatever happens to it."""

import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.wanted import Verdict
from smartcam.edge.history.folder import EventHistory, HistorySettings
from smartcam.edge.history.reading import PastEvents
from tests.fakes.clock import FakeClock
from tests.unit.edge.history.sample import Shelf, cleared, raised, the_id
from tests.unit.edge.journal.test_folder import small_files

DAY_S = 86_400


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "work" / "history")


def test_events_are_found_again_after_a_restart(shelf: Shelf) -> None:
    shelf.write(raised(1))
    shelf.begin()
    shelf.write(raised(2))
    assert shelf.ids() == [the_id(2), the_id(1)] == shelf.ids(PastEvents(shelf.folder))


def test_only_its_owner_may_read_the_history(shelf: Shelf) -> None:
    before = os.umask(0)
    try:
        shelf.write(raised(1))
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (shelf.folder, *shelf.files())] == [0o700, 0o600]


def test_a_change_is_on_the_disk_once_it_is_stored_and_nothing_is_written_where_nothing_changes(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    monkeypatch.setattr(os, "fsync", synced.append)
    shelf.write(raised(1), raised(2))
    assert len(synced) == 2  # the file, and the folder that has got it
    shelf.write(cleared(raised(1)))
    assert len(synced) == 3
    (file,) = shelf.files()
    size = file.stat().st_size
    for _ in range(200):
        shelf.write()
    assert (len(synced), file.stat().st_size) == (3, size)


def test_nothing_is_written_before_it_is_known_whether_it_is_wanted(tmp_path: Path) -> None:
    history = EventHistory(tmp_path / "history", FakeClock())
    history.add(raised(1))
    history.store()
    assert not (tmp_path / "history").exists()
    history.configure(HistorySettings())
    history.store()
    reader = PastEvents(tmp_path / "history")
    reader.refresh()
    assert len(reader.page().events) == 1


def test_a_history_that_is_not_wanted_any_more_is_deleted_and_nothing_is_added(shelf: Shelf) -> None:
    shelf.write(raised(1))
    (shelf.folder / "notes.txt").write_text("mine")
    shelf.history.add(raised(2))
    shelf.history.configure(HistorySettings(keep=False))
    shelf.write(raised(3))
    assert [path.name for path in shelf.files()] == ["notes.txt"]
    shelf.history.configure(HistorySettings())
    shelf.write(raised(4))
    assert shelf.ids() == [the_id(4)]


def test_a_history_that_cannot_be_deleted_is_told_of_and_costs_nothing_else(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.write(raised(1))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "unlink", refuse)
    shelf.history.configure(HistorySettings(keep=False))
    assert caplog.text.count("history_not_deleted") == 1


def test_the_oldest_go_when_the_room_is_used_up(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, HistorySettings(max_mb=1))
    sizes = []
    for number in range(0, 4000, 50):
        shelf.write(*(raised(each) for each in range(number, number + 50)))
        sizes.append(sum(path.stat().st_size for path in shelf.files()))
    assert max(sizes) <= 1_000_000
    assert sizes[-1] > 900_000
    kept = shelf.ids()
    assert kept[0] == the_id(3999)
    assert kept == sorted(kept, reverse=True)


def test_what_is_older_than_it_may_be_goes_though_nothing_comes_any_more(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, HistorySettings(max_days=7))
    for day in range(10):
        shelf.write(raised(day))
        shelf.clock.advance(DAY_S)
    assert shelf.ids() == [the_id(day) for day in range(9, 2, -1)]
    for _ in range(8):
        shelf.clock.advance(DAY_S)
        shelf.history.store()
    assert shelf.files() == []


@pytest.mark.parametrize("by_s", [-5 * 365 * DAY_S, 400 * DAY_S])
def test_a_clock_that_jumps_unsynchronised_costs_no_event(shelf: Shelf, by_s: float) -> None:
    shelf.write(raised(1))
    shelf.clock.is_synced = False
    shelf.clock.step_utc(by_s)
    shelf.write(raised(2))
    shelf.clock.step_utc(-by_s)
    shelf.clock.is_synced = True
    shelf.history.configure(HistorySettings())
    shelf.write(raised(3))
    assert shelf.ids() == [the_id(3), the_id(2), the_id(1)]


def test_what_happened_before_a_clock_without_a_chip_was_set_is_kept_as_long_as_what_came_next(shelf: Shelf) -> None:
    shelf.write(raised(1))
    shelf.clock.is_synced = False
    shelf.clock.step_utc(-50 * 365 * DAY_S)
    shelf.begin()
    shelf.write(raised(2))
    shelf.write(raised(3))
    assert len(shelf.files()) == 2
    shelf.clock.step_utc(50 * 365 * DAY_S)
    shelf.clock.is_synced = True
    shelf.history.configure(HistorySettings())
    shelf.write()
    shelf.write(raised(4))
    assert set(shelf.ids()) == {the_id(number) for number in (1, 2, 3, 4)}
    shelf.clock.advance(31 * DAY_S)
    shelf.write(raised(5))
    assert shelf.ids() == [the_id(5)]


def test_what_a_disk_does_not_take_waits_in_its_order_is_told_of_once_and_asked_for_seldom(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    shelf.write(raised(1))
    shutil.rmtree(shelf.folder)
    shelf.folder.write_text("in the way")
    for number in range(2, 60):
        shelf.write(raised(number))
    assert caplog.text.count("history_not_kept") == 1
    shelf.folder.unlink()
    shelf.write(cleared(raised(59)))
    assert caplog.text.count("history_kept_again") == 1
    assert shelf.history.lost == 0
    assert shelf.ids() == [the_id(number) for number in range(59, 1, -1)]


def test_what_waits_for_a_disk_fills_no_memory_and_the_oldest_are_lost_and_counted(shelf: Shelf) -> None:
    shelf.folder.parent.mkdir()
    shelf.folder.write_text("in the way")
    for number in range(500):
        shelf.write(raised(number))
    shelf.folder.unlink()
    shelf.write()
    kept = shelf.ids()
    assert (len(kept), kept[0], shelf.history.lost) == (200, the_id(499), 300)


def test_the_disk_is_not_asked_at_each_look_while_it_takes_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def refuse(*_: object, **__: object) -> int:
        asked.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "open", refuse)
    shelf.history.add(raised(1))
    for _ in range(100):
        shelf.clock.advance(0.25)
        shelf.history.store()
    assert len(asked) == 3
    monkeypatch.undo()
    shelf.clock.advance(10)
    shelf.history.store()
    assert shelf.ids() == [the_id(1)]


def test_a_disk_that_fills_in_the_middle_of_a_block_costs_no_event(shelf: Shelf) -> None:
    with small_files():
        for number in range(30):
            shelf.write(raised(number))
    shelf.write(raised(30))
    assert shelf.ids() == [the_id(number) for number in range(30, -1, -1)]


def test_a_process_never_goes_on_with_the_file_of_an_earlier_one_whose_end_may_be_torn(shelf: Shelf) -> None:
    shelf.write(raised(1))
    (file,) = shelf.files()
    with file.open("ab") as torn:
        torn.write(file.read_bytes()[:100])
    shelf.begin()
    shelf.write(raised(2))
    assert shelf.ids() == [the_id(2), the_id(1)]
    assert len(shelf.files()) == 2


def test_what_the_cloud_repeats_is_not_written_again(shelf: Shelf) -> None:
    said = [Verdict(the_id(1), true=False)]
    shelf.history.take_verdicts(said)
    shelf.write(raised(1))
    (file,) = shelf.files()
    size = file.stat().st_size
    for _ in range(5):
        shelf.history.take_verdicts(said)
        shelf.write()
    assert file.stat().st_size == size
    shelf.history.take_verdicts([replace(said[0], true=True)])
    shelf.write()
    shelf.reader.refresh()
    assert [past.verdict for past in shelf.reader.page().events] == [True]


def test_what_is_said_here_stands_after_a_restart_though_the_cloud_says_its_own_again(shelf: Shelf) -> None:
    said = [Verdict(the_id(1), true=False)]
    shelf.history.take_verdicts(said)
    shelf.write(raised(1))
    shelf.history.judge(the_id(1), true=True)
    shelf.write()
    shelf.begin()
    shelf.history.take_verdicts(said)
    shelf.write()
    shelf.reader.refresh()
    assert [past.verdict for past in shelf.reader.page().events] == [True]


def test_an_event_that_nobody_could_send_either_is_left_out_and_told(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.write(replace(raised(1), label="x" * 5000), raised(2))
    assert shelf.ids() == [the_id(2)]
    assert "history_event_left_out" in caplog.text


def test_changes_may_come_from_any_thread_while_they_are_stored(shelf: Shelf) -> None:
    def say(first: int) -> None:
        for number in range(first, first + 50):
            shelf.history.add(raised(number))

    threads = [threading.Thread(target=say, args=(first,)) for first in (0, 50, 100)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        shelf.history.store()
    shelf.write()
    assert len(shelf.ids()) == 150


def test_a_change_costs_next_to_nothing(shelf: Shelf) -> None:
    began = time.process_time()
    for number in range(100):
        shelf.write(raised(number))
    assert (time.process_time() - began) / 100 < 0.05
