"""The outbox keeps what it took until the cloud has it, and says what it let go."""

import json
import logging
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError, OutboxError
from smartcam.contract.event import Event, Phase, Severity
from smartcam.edge.outbox.outbox import Episode, Outbox, OutboxLimits
from tests.fakes.clock import FakeClock
from tests.unit.edge.outbox.sample import YARD, accepted, episode, event, key, waiting


@pytest.fixture
def outbox(opened: Callable[..., Outbox]) -> Outbox:
    return opened()


def test_an_event_is_due_at_once_and_until_it_is_acknowledged(outbox: Outbox) -> None:
    outbox.put(event(1))
    (due,) = outbox.due()
    assert due.event == event(1, age_ms=0)
    assert Event.from_json(due.payload) == due.event
    assert outbox.acknowledge(accepted(event(1)))
    assert outbox.due() == []
    assert (outbox.counts().accepted, outbox.counts().waiting) == (1, 0)


def test_of_which_events_the_cloud_does_not_know_is_said_the_newest_first(outbox: Outbox) -> None:
    for number in range(5):
        outbox.put(event(number))
    outbox.put(event(9, Phase.CLEARED))
    outbox.acknowledge(accepted(event(3)))
    assert outbox.unacknowledged(3) == [event(number).event_id for number in (4, 2, 1)]
    assert len(outbox.unacknowledged(9)) == 4


def test_what_waits_is_sent_again_after_a_growing_pause(outbox: Outbox, clock: FakeClock) -> None:
    outbox.put(event(1))
    pauses = []
    for attempt in range(12):
        (due,) = outbox.due()
        assert due.attempts == attempt
        outbox.attempted(due)
        assert outbox.due() == []
        pause = outbox.next_due_s()
        assert pause is not None
        pauses.append(pause)
        clock.advance(pause)
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    assert outbox.counts().sent == 12


def test_pauses_are_shortened_at_random_by_up_to_a_half(path: Path, clock: FakeClock) -> None:
    outbox = Outbox(path, clock, random=lambda: 0.0)
    outbox.put(event(1))
    outbox.attempted(outbox.due()[0])
    assert outbox.next_due_s() == 2.5
    outbox.close()


def test_when_the_way_is_open_again_everything_is_due(outbox: Outbox) -> None:
    for number in range(3):
        outbox.put(event(number))
    for due in outbox.due():
        outbox.attempted(due)
    assert outbox.due() == []
    outbox.retry_now()
    assert len(outbox.due()) == 3


def test_an_empty_outbox_has_nothing_to_wait_for(outbox: Outbox) -> None:
    assert outbox.next_due_s() is None
    outbox.put(event(1))
    assert outbox.next_due_s() == 0


def test_a_late_note_of_an_attempt_does_not_bring_an_event_back(outbox: Outbox) -> None:
    outbox.put(event(1))
    (due,) = outbox.due()
    outbox.acknowledge(accepted(event(1)))
    outbox.attempted(due)
    outbox.put(event(2))
    assert [row.event.event_id for row in outbox.due()] == [event(2).event_id]


def test_raised_goes_before_cleared_and_critical_before_the_rest_and_new_before_old(outbox: Outbox) -> None:
    for number, severity in enumerate((Severity.INFO, Severity.CRITICAL, Severity.WARNING, Severity.WARNING)):
        outbox.put(event(number, severity=severity))
    outbox.put(event(1, Phase.CLEARED, Severity.CRITICAL))
    assert waiting(outbox) == [
        (event(number).event_id, phase)
        for number, phase in (
            (1, Phase.RAISED),
            (3, Phase.RAISED),
            (2, Phase.RAISED),
            (0, Phase.RAISED),
            (1, Phase.CLEARED),
        )
    ]


def test_both_phases_of_an_event_are_kept_and_acknowledged_apart(outbox: Outbox) -> None:
    outbox.put(event(1))
    outbox.put(event(1, Phase.CLEARED))
    outbox.acknowledge(accepted(event(1, Phase.CLEARED)))
    assert waiting(outbox) == [key(event(1))]


def test_the_same_event_put_again_replaces_what_waits_and_is_due_at_once(outbox: Outbox) -> None:
    outbox.put(event(1, severity=Severity.INFO))
    outbox.attempted(outbox.due()[0])
    outbox.put(event(1, severity=Severity.CRITICAL))
    (due,) = outbox.due()
    assert due.event.severity is Severity.CRITICAL
    assert due.attempts == 0
    assert outbox.counts().waiting == 1


def test_a_second_acknowledgement_is_no_fault(outbox: Outbox) -> None:
    outbox.put(event(1))
    assert outbox.acknowledge(accepted(event(1)))
    assert not outbox.acknowledge(accepted(event(1)))
    assert outbox.counts().accepted == 1


def test_a_better_name_waits_on_where_the_cloud_has_recorded_the_first(outbox: Outbox) -> None:
    outbox.put(event(1))
    outbox.put(replace(event(1), label="person", revision=1))
    assert not outbox.acknowledge(accepted(event(1)))
    assert waiting(outbox) == [key(event(1))]
    assert outbox.acknowledge(replace(accepted(event(1)), revision=1))
    assert waiting(outbox) == []


def test_a_better_name_waits_on_where_the_cloud_has_refused_the_first(outbox: Outbox) -> None:
    outbox.put(event(1))
    outbox.put(replace(event(1), label="person", revision=1))
    refusal = Acknowledgement(event(1).event_id, Phase.RAISED, AckStatus.REFUSED, "wrong thing", revision=0)
    assert not outbox.acknowledge(refusal)
    assert (waiting(outbox), outbox.refused()) == ([key(event(1))], [])
    assert outbox.acknowledge(replace(refusal, revision=1))
    assert (waiting(outbox), len(outbox.refused())) == ([], 1)


def test_a_cloud_that_knows_no_revisions_means_all_of_them(outbox: Outbox) -> None:
    outbox.put(replace(event(1), label="person", revision=1))
    assert outbox.acknowledge(replace(accepted(event(1)), revision=None))
    assert waiting(outbox) == []


def test_a_better_name_that_comes_while_the_first_is_sent_is_due_at_once(outbox: Outbox) -> None:
    outbox.put(event(1))
    (first,) = outbox.due()
    outbox.put(replace(event(1), label="person", revision=1))
    outbox.attempted(first)
    (better,) = outbox.due()
    assert better.event.revision == 1
    outbox.attempted(better)
    assert outbox.due() == []


def test_what_the_cloud_refuses_is_kept_apart_and_reported(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    outbox.put(event(1))
    outbox.acknowledge(Acknowledgement(event(1).event_id, Phase.RAISED, AckStatus.REFUSED, "wrong thing"))
    assert outbox.due() == []
    (refused,) = outbox.refused()
    assert (refused.event_id, refused.phase, refused.reason) == (event(1).event_id, Phase.RAISED, "wrong thing")
    assert outbox.counts().refused == 1
    assert "event_refused" in caplog.text
    assert "wrong thing" in caplog.text


def test_refused_events_are_bounded_and_the_oldest_are_forgotten(opened: Callable[..., Outbox]) -> None:
    outbox = opened(OutboxLimits(max_refused=2))
    for number in range(5):
        outbox.put(event(number))
        outbox.acknowledge(Acknowledgement(event(number).event_id, Phase.RAISED, AckStatus.REFUSED, f"no {number}"))
    assert [refused.reason for refused in outbox.refused()] == ["no 3", "no 4"]
    assert outbox.counts().refused_forgotten == 3


def test_an_episode_opens_with_its_event_and_closes_with_its_end(opened: Callable[..., Outbox]) -> None:
    opened().put(event(1), episode(1, label="person"))
    outbox = opened()
    assert outbox.open_episodes() == [Episode("track-1", YARD, event(1).event_id, {"label": "person"}, age_ms=0)]
    outbox.put(event(1, Phase.CLEARED))
    assert opened().open_episodes() == []


def test_an_acknowledged_event_leaves_its_episode_open(outbox: Outbox) -> None:
    outbox.put(event(1), episode(1))
    outbox.acknowledge(accepted(event(1)))
    assert [kept.event_id for kept in outbox.open_episodes()] == [event(1).event_id]


def test_an_episodes_state_changes_without_an_event(outbox: Outbox, clock: FakeClock) -> None:
    outbox.put(event(1), episode(1, seen=1))
    clock.advance(5)
    outbox.put_episode(episode(1, seen=2))
    clock.advance(2)
    (kept,) = outbox.open_episodes()
    assert (kept.state, kept.age_ms) == ({"seen": 2}, 2000)
    outbox.close_episode(event(1).event_id)
    assert outbox.open_episodes() == []
    assert outbox.counts().waiting == 1


def test_an_episode_beside_a_cleared_event_is_a_mistake(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="brings none"):
        outbox.put(event(1, Phase.CLEARED), episode(1))
    assert outbox.due() == []


def test_a_state_that_is_too_large_stores_neither_episode_nor_event(outbox: Outbox) -> None:
    with pytest.raises(ContractError, match="state"):
        outbox.put(event(1), episode(1, text="x" * 5000))
    assert outbox.counts().waiting == outbox.counts().episodes == 0


def test_an_event_that_would_not_fit_with_its_age_is_refused_before_it_is_stored(outbox: Outbox) -> None:
    spare = 4096 - len(event(1).to_json()) - len(',"note":""')
    with pytest.raises(ContractError, match="at most 4096"):
        outbox.put(replace(event(1), more={"note": "x" * spare}))
    assert outbox.counts().waiting == 0


def test_age_grows_while_an_event_waits_and_a_clock_step_changes_nothing(outbox: Outbox, clock: FakeClock) -> None:
    outbox.put(event(1, age_ms=120))
    clock.advance(2.5)
    clock.step_utc(-86_400)
    assert outbox.due()[0].event.age_ms == 2620
    assert outbox.counts().oldest_ms == 2500


def test_the_state_of_the_clock_is_that_of_the_sending(outbox: Outbox, clock: FakeClock) -> None:
    outbox.put(event(1))
    clock.is_synced = False
    assert outbox.due()[0].event.clock_synced is False


def test_across_a_reboot_the_age_is_known_where_both_clocks_were_right(
    opened: Callable[..., Outbox], clock: FakeClock
) -> None:
    opened().put(event(1), episode(1))
    clock.advance(10)
    clock.reboot()
    outbox = opened()
    assert outbox.due()[0].event.age_ms == 10_000
    assert outbox.open_episodes()[0].age_ms == 10_000
    assert outbox.counts().oldest_ms == 10_000


@pytest.mark.parametrize("wrong", ["before", "after"])
def test_across_a_reboot_an_untrusted_clock_makes_the_age_unknown(
    opened: Callable[..., Outbox], clock: FakeClock, wrong: str
) -> None:
    clock.is_synced = wrong != "before"
    opened().put(event(1), episode(1))
    clock.reboot(utc_error_s=-7200)
    clock.is_synced = wrong != "after"
    outbox = opened()
    assert outbox.due()[0].event.age_ms is None
    assert outbox.open_episodes()[0].age_ms is None
    assert outbox.counts().oldest_ms is None


def test_a_clock_that_came_right_before_the_reboot_dates_what_was_stored_before(
    opened: Callable[..., Outbox], clock: FakeClock
) -> None:
    clock.is_synced = False
    clock.step_utc(-7200)
    outbox = opened()
    outbox.put(event(1))
    clock.advance(5)
    clock.step_utc(7200)
    clock.is_synced = True
    outbox.due()
    clock.advance(5)
    clock.reboot()
    assert opened().due()[0].event.age_ms == 10_000


def test_a_clock_that_went_back_over_a_reboot_makes_the_age_unknown(
    opened: Callable[..., Outbox], clock: FakeClock
) -> None:
    opened().put(event(1))
    clock.reboot(utc_error_s=-3600)
    assert opened().due()[0].event.age_ms is None


def test_a_full_outbox_lets_go_of_ends_first_then_of_the_least_severe_then_of_the_oldest(
    opened: Callable[..., Outbox], caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened(OutboxLimits(max_events=3))
    outbox.put(event(1, severity=Severity.CRITICAL))
    outbox.put(event(1, Phase.CLEARED, Severity.CRITICAL))
    outbox.put(event(2, severity=Severity.INFO))
    outbox.put(event(3))
    assert key(event(1, Phase.CLEARED)) not in waiting(outbox)
    outbox.put(event(4))
    assert key(event(2)) not in waiting(outbox)
    outbox.put(event(5))
    assert sorted(waiting(outbox)) == sorted(key(event(number)) for number in (1, 4, 5))
    assert outbox.counts().dropped_by_size == 3
    assert f"outbox_dropped reason=size count=1 events={event(3).event_id}/raised" in caplog.text


def test_an_end_that_finds_the_outbox_full_of_alarms_is_let_go_itself(opened: Callable[..., Outbox]) -> None:
    outbox = opened(OutboxLimits(max_events=1))
    outbox.put(event(1), episode(1))
    outbox.put(event(1, Phase.CLEARED))
    assert waiting(outbox) == [key(event(1))]
    assert outbox.open_episodes() == []
    assert outbox.counts().dropped_by_size == 1


def test_what_is_too_old_is_let_go_and_counted(
    opened: Callable[..., Outbox], clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened(OutboxLimits(max_age_s=100))
    outbox.put(event(1))
    clock.advance(60)
    outbox.put(event(2))
    clock.advance(41)
    assert waiting(outbox) == [key(event(2))]
    clock.advance(30)
    clock.reboot()
    assert waiting(opened(OutboxLimits(max_age_s=100))) == [key(event(2))]
    clock.advance(40)
    outbox = opened(OutboxLimits(max_age_s=100))
    assert waiting(outbox) == []
    assert outbox.counts().dropped_by_age == 1
    assert "outbox_dropped reason=age" in caplog.text


def test_what_has_no_known_age_is_never_too_old(opened: Callable[..., Outbox], clock: FakeClock) -> None:
    clock.is_synced = False
    opened(OutboxLimits(max_age_s=100)).put(event(1))
    clock.reboot(utc_error_s=10**7)
    clock.is_synced = True
    assert waiting(opened(OutboxLimits(max_age_s=100))) == [key(event(1))]


def test_the_file_is_for_its_owner_only(outbox: Outbox, path: Path) -> None:
    outbox.put(event(1))
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_the_disk_is_asked_for_durability(outbox: Outbox) -> None:
    outbox.put(event(1))
    assert outbox._database.connection is not None
    (journal,) = outbox._database.connection.execute("PRAGMA journal_mode").fetchone()
    (synchronous,) = outbox._database.connection.execute("PRAGMA synchronous").fetchone()
    assert (journal, synchronous) == ("wal", 2)


def test_a_full_disk_is_told_once_and_then_events_go_on_in_memory(
    outbox: Outbox, path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.put(event(0))
    leave_no_room(outbox)
    stored = fill(outbox)
    assert sorted(waiting(outbox)) == sorted(key(event(number)) for number in range(stored + 1))
    assert len(outbox.open_episodes()) == stored
    assert outbox.counts().in_memory
    assert [record.levelno for record in caplog.records if "outbox_in_memory" in record.message] == [logging.CRITICAL]
    outbox.put(event(1000), episode(1000))
    assert outbox.acknowledge(accepted(event(0)))
    there = set(waiting(outbox))
    assert key(event(1000)) in there
    assert key(event(0)) not in there
    assert key(event(1000)) not in waiting(Outbox(copied(path), clock))
    clock.advance(11)
    assert set(waiting(outbox)) == there
    assert not outbox.counts().in_memory
    assert set(waiting(Outbox(copied(path), clock))) == there


def test_what_has_come_while_the_disk_was_full_is_written_when_the_outbox_is_closed(
    opened: Callable[..., Outbox],
) -> None:
    outbox = opened()
    outbox.put(event(0))
    leave_no_room(outbox)
    stored = fill(outbox)
    outbox.put(event(1000), episode(1000))
    outbox.close()
    again = opened()
    assert len(waiting(again)) == stored + 2
    assert not again.counts().in_memory


def leave_no_room(outbox: Outbox) -> None:
    assert outbox._database.connection is not None
    (pages,) = outbox._database.connection.execute("PRAGMA page_count").fetchone()
    outbox._database.connection.execute(f"PRAGMA max_page_count = {pages + 2}")


def copied(path: Path) -> Path:
    """The database as the next process would find it after a power cut."""
    folder = path.parent.with_name("after-the-power-cut")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(path.parent, folder)
    return folder / path.name


def fill(outbox: Outbox) -> int:
    """Puts events and episodes until the disk refuses; how many went in."""
    for number in range(1, 1000):
        try:
            outbox.put(event(number), episode(number, text="x" * 1000))
        except OutboxError:
            return number - 1
    pytest.fail("the disk never was full")


def test_what_is_in_the_files_place_is_moved_aside_neither_followed_nor_deleted(
    tmp_path: Path, clock: FakeClock
) -> None:
    (tmp_path / "folder/inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("folder", "link"):
        outbox = Outbox(tmp_path / name, clock)
        outbox.put(event(1))
        assert not outbox.counts().in_memory
        outbox.close()
        assert (tmp_path / name).is_file()
    assert (tmp_path / "folder.corrupt-1/inside").is_dir()
    assert (tmp_path / "link.corrupt-1").is_symlink()
    assert not (tmp_path / "elsewhere").exists()


def test_where_there_can_be_no_file_events_go_on_in_memory(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    outbox = Outbox(tmp_path / "file/below", clock)
    outbox.put(event(1))
    assert waiting(outbox) == [key(event(1))]
    assert outbox.counts().in_memory
    assert "outbox_in_memory" in caplog.text


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + bytes(5000)])
def test_a_corrupt_file_is_kept_aside_and_a_new_one_begun(
    outbox: Outbox, path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    outbox.put(event(1))
    assert waiting(outbox) == [key(event(1))]
    assert path.with_name("outbox.sqlite.unreadable-1").read_bytes() == content
    assert outbox.counts().set_aside == 1
    assert outbox.counts().unreadable > 0
    assert [record.levelno for record in caplog.records if "outbox_corrupt" in record.message] == [logging.CRITICAL]


def test_a_damaged_file_is_noticed_when_it_is_opened(opened: Callable[..., Outbox], path: Path) -> None:
    outbox = opened()
    for number in range(40):
        outbox.put(event(number))
    outbox.close()
    damage(path)
    outbox = opened()
    assert outbox.due() == []
    assert outbox.counts().set_aside == 1


def test_damage_under_an_open_outbox_is_told_once_and_then_it_works_again(outbox: Outbox, path: Path) -> None:
    for number in range(40):
        outbox.put(event(number))
    assert outbox._database.connection is not None
    outbox._database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    outbox._database.connection.execute("PRAGMA shrink_memory")
    damage(path)
    with pytest.raises(OutboxError):
        outbox.due()
    outbox.put(event(99))
    assert waiting(outbox) == [key(event(99))]
    assert outbox.counts().set_aside == 1


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


def test_only_the_newest_few_files_that_nobody_can_read_are_kept(opened: Callable[..., Outbox], path: Path) -> None:
    for turn in range(8):
        opened().close()
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"garbage {turn} ".encode() * 500)
        opened().put(event(turn))
    names = {file.name for file in path.parent.iterdir() if "sqlite." in file.name}
    assert names == {f"outbox.sqlite.unreadable-{number}" for number in range(4, 9)}


def test_a_file_removed_under_an_open_outbox_is_written_again(
    opened: Callable[..., Outbox], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened()
    outbox.put(event(1), episode(1))
    for file in path.parent.iterdir():
        file.unlink()
    outbox.put(event(2))
    assert "outbox_file_removed" in caplog.text
    again = opened()
    assert sorted(waiting(again)) == [key(event(1)), key(event(2))]
    assert len(again.open_episodes()) == 1


def test_an_event_that_can_no_longer_be_read_does_not_stop_the_others(outbox: Outbox) -> None:
    for number in range(3):
        outbox.put(event(number))
    assert outbox._database.connection is not None
    outbox._database.connection.execute("UPDATE waiting SET payload = '{\"schema\":9}' WHERE row = 2")
    assert len(outbox.due()) == 2
    assert "cannot be read: schema" in outbox.refused()[0].reason
    assert outbox.counts().unreadable == 1


def test_an_episode_that_can_no_longer_be_read_does_not_stop_the_others(outbox: Outbox) -> None:
    for number in range(2):
        outbox.put(event(number), episode(number))
    assert outbox._database.connection is not None
    outbox._database.connection.execute("UPDATE episodes SET state = '[' WHERE key = 'track-0'")
    assert [kept.key for kept in outbox.open_episodes()] == ["track-1"]


def test_two_processes_at_the_same_file_wait_for_one_another(path: Path, clock: FakeClock) -> None:
    one, two = Outbox(path, clock), Outbox(path, clock)
    one.put(event(1))
    two.put(event(2))
    assert len(one.due()) == len(two.due()) == 2
    one.close()
    two.close()


def test_threads_may_use_it_at_once(outbox: Outbox) -> None:
    def work(offset: int) -> None:
        for number in range(offset, offset + 20):
            outbox.put(event(number), episode(number))
            for due in outbox.due(most=2):
                outbox.attempted(due)
            outbox.acknowledge(accepted(event(number)))

    threads = [threading.Thread(target=work, args=(offset,)) for offset in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = outbox.counts()
    assert (counts.put, counts.accepted, counts.waiting, counts.episodes) == (60, 60, 0, 60)


def test_what_is_sent_carries_every_field_of_the_event(outbox: Outbox) -> None:
    rich = replace(event(1), zone="gate", label="person", suppressed=3, more={"note": "new"})
    outbox.put(rich)
    document = json.loads(outbox.due()[0].payload)
    assert (document["zone"], document["label"], document["suppressed"], document["note"]) == (
        "gate",
        "person",
        3,
        "new",
    )
