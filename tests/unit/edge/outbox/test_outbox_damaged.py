"""A card that wears out: flipped bits, lost pages, cut and swapped files. All that can be read is sent as it was."""

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from smartcam.contract.errors import OutboxError
from smartcam.contract.event import Event
from smartcam.edge.outbox import database, salvage
from smartcam.edge.outbox.outbox import Outbox, OutboxLimits
from tests.fakes.clock import FakeClock
from tests.unit.edge.outbox.sample import accepted, episode, event, key, waiting

NAME = "outbox.sqlite"
ENDS = ("", "-wal", "-shm")
MEMORY = Path("/dev/shm")  # noqa: S108
Damage = Callable[[Path, random.Random], None]


def names(*events: Event) -> set[tuple[str, str]]:
    return {key(one) for one in events}


def filled(folder: Path, count: int, first: int = 0, *, crashed: bool = False) -> dict[tuple[str, str], bytes]:
    """An outbox with so many events in this folder; `crashed`: the newest of them lie in its log only."""
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / "work"
    box = Outbox(work / NAME, FakeClock())
    events = [event(number) for number in range(first, first + count)]
    for place, one in enumerate(events):
        if place == count // 2 and crashed:
            box.close()
        box.put(one, episode(place) if place % 7 == 0 else None)
    if not crashed:
        box.close()
    for end in ENDS:
        source = work / f"{NAME}{end}"
        if source.exists():
            shutil.copyfile(source, folder / f"{NAME}{end}")
    box.close()
    shutil.rmtree(work)
    return {key(one): one.to_json() for one in events}


def readable(folder: Path, count: int) -> dict[tuple[str, str], bytes]:
    """What SQLite still reads row by row, in a copy."""
    copy = folder.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    found = {}
    try:
        connection = sqlite3.connect(copy / NAME)
        for row in range(1, count + 1):
            try:
                cells = connection.execute("SELECT event_id, phase, payload FROM waiting WHERE row = ?", (row,))
                for event_id, phase, payload in cells.fetchall():
                    found[event_id, phase] = payload
            except (sqlite3.Error, UnicodeDecodeError):  # of a damaged name in SQLite's own message
                continue
        connection.close()
    except sqlite3.Error:
        pass
    return found


def everything(box: Outbox) -> dict[tuple[str, str], bytes]:
    """What would be sent, as it was when it was stored: with neither age nor doubt."""
    for _ in range(6):  # the call that meets the damage may fail, and what was set aside is taken in file by file
        try:
            box.retry_now()
            due = box.due(100_000)
        except Exception as error:  # noqa: BLE001  whatever it is, it must be the outbox's own error
            assert type(error).__name__ == "OutboxError", error  # noqa: PT017
            box.clock.advance(11)  # type: ignore[attr-defined]
    return {key(one.event): replace(one.event, age_ms=None, clock_synced=True).to_json() for one in due}


def check(folder: Path, stored: dict[tuple[str, str], bytes], *, told: bool = True) -> int:
    """Nothing that SQLite can read is lost, nothing is sent as something else; how many are lost."""
    there = readable(folder, len(stored))
    intact = {name for name, payload in there.items() if name in stored and stored[name] == payload}
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    box = Outbox(folder / NAME, FakeClock(), OutboxLimits(max_events=10**6))
    sent = everything(box)
    counts = box.counts()
    box.close()
    if (folder / f"{NAME}.v1").exists():  # three of the two million bits make it look like a newer release's
        assert (folder / NAME).read_bytes() == before[NAME]
        return 0
    assert {name: payload for name, payload in sent.items() if stored.get(name) != payload} == {}
    assert intact - set(sent) == set()
    assert counts.waiting == len(sent)
    lost = len(stored) - len(sent)
    # A log without its end, or whose end is damaged, looks like one that was never written further; nobody can count
    # what is missing.
    assert not lost or counts.unreadable > 0 or not told
    again = Outbox(folder / NAME, FakeClock(), OutboxLimits(max_events=10**6))
    assert everything(again) == sent
    again.close()
    return lost


def flip(path: Path, chance: random.Random, bits: int = 1) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(bits if content else 0):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def zero_pages(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(3):
        at = chance.randrange(max(1, len(content) // 4096)) * 4096
        content[at : at + 4096] = bytes(len(content[at : at + 4096]))
    path.write_bytes(content)


def cut(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content) + 1)])


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder in memory: durability is not tested here, and thousands of syncs take their time."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


@dataclass(frozen=True, repr=False)
class Sound:
    """A folder with an outbox that was closed, or whose process was killed; and what is in it."""

    folder: Path
    stored: dict[tuple[str, str], bytes]

    @classmethod
    def of(cls, folder: Path, count: int, *, crashed: bool) -> "Sound":
        return cls(folder, filled(folder, count, crashed=crashed))

    def damaged(self, how: Damage, chance: random.Random, folder: Path) -> Path:
        """A copy with damage in one of its files."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        how(chance.choice([folder / f"{NAME}{end}" for end in ENDS[:2] if (folder / f"{NAME}{end}").exists()]), chance)
        return folder


@pytest.fixture(scope="module")
def sound(memory: Path) -> tuple[Sound, Sound]:
    return Sound.of(memory / "closed", 60, crashed=False), Sound.of(memory / "killed", 60, crashed=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), how=st.sampled_from((flip, zero_pages, cut)), crashed=st.booleans())
@example(seed=679, how=flip, crashed=True)
@example(seed=31088132, how=cut, crashed=False)  # SQLite reads rows without a name there
def test_what_can_be_read_of_a_damaged_file_is_sent_as_it_was(
    memory: Path,
    sound: tuple[Sound, Sound],
    seed: int,
    how: Damage,
    crashed: bool,  # noqa: FBT001
) -> None:
    one = sound[crashed]
    folder = one.damaged(how, random.Random(seed), memory / "damaged")  # noqa: S311  it is no secret where
    check(folder, one.stored, told=not crashed)


@pytest.mark.soak
@pytest.mark.parametrize("crashed", [False, True])
def test_240_flipped_bits_cost_few_of_1000_events_and_change_none(memory: Path, *, crashed: bool) -> None:
    chance = random.Random(8)  # noqa: S311
    sound = Sound.of(memory / f"soak-{crashed}", 1000, crashed=crashed)
    lost = [check(sound.damaged(flip, chance, memory / "damaged"), sound.stored) for _ in range(240)]
    assert max(lost) <= 20
    assert sum(lost) <= 240 * 2
    folder = sound.damaged(partial(flip, bits=240), chance, memory / "damaged")
    assert check(folder, sound.stored) < 300


def written(path: Path, statement: str, *values: object) -> None:
    """What lies on the disk, changed behind the outbox's back."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(statement, values)
    connection.close()


def of_numbers(*numbers: int) -> list[tuple[str, str]]:
    return sorted(key(event(number)) for number in numbers)


@pytest.mark.parametrize("column", ["event_id", "phase", "boot_id"])
def test_a_text_that_is_no_utf_8_stops_nothing(opened: Callable[..., Outbox], path: Path, column: str) -> None:
    outbox = opened()
    for number in range(3):
        outbox.put(event(number))
    outbox.close()
    written(path, f"UPDATE waiting SET {column} = CAST(x'62ff6f' AS TEXT) WHERE row = 2")  # noqa: S608
    outbox = opened()
    assert sorted(everything(outbox)) == of_numbers(0, 1, 2)
    ages = {due.event.event_id: due.event.age_ms for due in outbox.due()}
    assert ages[event(1).event_id] == (None if column == "boot_id" else 0)
    assert outbox.acknowledge(accepted(event(1)))
    assert outbox.counts().waiting == 2


@pytest.mark.parametrize(
    ("column", "value"),
    [("mono_ns", -(2**62)), ("mono_ns", 1), ("utc_ns", 1), ("synced", 7), ("boot_id", "boot-0"), ("mono_ns", "x")],
)
def test_a_damaged_stamp_makes_no_event_old(
    opened: Callable[..., Outbox], path: Path, clock: FakeClock, column: str, value: object
) -> None:
    outbox = opened(OutboxLimits(max_age_s=500))
    outbox.put(event(1))
    outbox.put(event(2))
    for reopen in (True, False):
        written(path, f"UPDATE waiting SET {column} = ? WHERE event_id = ?", value, str(event(1).event_id))  # noqa: S608
        clock.advance(1)
        outbox = opened(OutboxLimits(max_age_s=500)) if reopen else outbox
        clock.advance(1)
        due = {one.event.event_id: one.event for one in outbox.due()}
        assert due[event(1).event_id].age_ms is None
        assert due[event(2).event_id].age_ms is not None
        assert outbox.counts().dropped_by_age == 0
        assert outbox.counts().oldest_ms is not None


def test_a_row_that_is_another_than_was_stored_is_put_aside_counted_and_reported(
    opened: Callable[..., Outbox], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = opened()
    for number in range(3):
        outbox.put(event(number))
    changed = event(1).to_json().replace(b'"yard"', b'"gate"')
    for reopen in (True, False):
        written(path, "UPDATE waiting SET payload = ?, seal = seal + 0.0 WHERE row = 2", changed)
        written(path, "UPDATE waiting SET seal = (SELECT seal FROM waiting WHERE row = 1) WHERE row = 2")
        outbox = opened() if reopen else outbox
        assert sorted(everything(outbox)) == of_numbers(0, 2)
        assert [one.event_id for one in outbox.refused()][-1] == event(1).event_id
        assert outbox.counts().unreadable == (1 if reopen else 2)
        outbox.put(event(1))
        written(path, "UPDATE waiting SET row = 2 WHERE event_id = ?", str(event(1).event_id))
    assert "outbox_unreadable" in caplog.text


@pytest.mark.parametrize("place", [-2, -3])
def test_a_bit_that_flips_in_the_type_of_seal_or_stamp_costs_no_event(
    opened: Callable[..., Outbox], path: Path, place: int
) -> None:
    outbox = opened()
    for number in range(20):
        outbox.put(event(number))
    outbox.close()
    content = bytearray(path.read_bytes())
    at = content.index(str(event(7).event_id).encode() + b"raised{") + place + 1
    content[at] ^= 1
    path.write_bytes(content)
    assert sorted(everything(opened())) == of_numbers(*range(20))


@pytest.mark.parametrize(
    ("was", "is_now"), [("mono_ns", "mono_nr"), ("waiting", "waitinf"), ("CREATE", "CREAUE"), ("UNIQUE", "UNIQUD")]
)
def test_a_bit_that_flips_in_the_schema_costs_nothing(
    opened: Callable[..., Outbox], path: Path, was: str, is_now: str
) -> None:
    outbox = opened()
    for number in range(30):
        outbox.put(event(number))
    outbox.close()
    content = path.read_bytes()
    place = content.index(b"CREATE TABLE waiting") + content[content.index(b"CREATE TABLE waiting") :].index(
        was.encode()
    )
    path.write_bytes(content[:place] + is_now.encode() + content[place + len(was) :])
    outbox = opened()
    assert sorted(everything(outbox)) == of_numbers(*range(30))
    assert (outbox.counts().set_aside, outbox.counts().unreadable) == (1, 0)
    assert [one.name for one in path.parent.iterdir() if "sqlite." in one.name] == []


def test_a_schema_that_breaks_under_the_open_outbox_is_damage_too(opened: Callable[..., Outbox], path: Path) -> None:
    outbox = opened()
    for number in range(30):
        outbox.put(event(number))
    written(path, "UPDATE sqlite_master SET sql = replace(sql, 'mono_ns', 'mono_nr')")
    written(path, "PRAGMA schema_version = 99")
    assert sorted(everything(outbox)) == of_numbers(*range(30))


@pytest.mark.parametrize(("was", "is_now"), [(b"\x08", b"\x09"), (b"raised\x08", b"saised\x08")])
def test_an_index_that_leads_to_another_row_or_to_none_lets_no_other_event_go(
    opened: Callable[..., Outbox], path: Path, was: bytes, is_now: bytes
) -> None:
    outbox = opened()
    for number in range(30):
        outbox.put(event(number))
    connection = outbox._database.connection
    assert connection is not None
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute("PRAGMA shrink_memory")
    content = path.read_bytes()
    entry = str(event(7).event_id).encode() + b"raised\x08"
    assert content.count(entry) == 1
    path.write_bytes(content.replace(entry, entry.removesuffix(was) + is_now))
    with pytest.raises(OutboxError, match="index"):
        outbox.acknowledge(accepted(event(7)))
    assert sorted(everything(outbox)) == of_numbers(*range(30))
    assert outbox.acknowledge(accepted(event(7)))
    assert sorted(everything(outbox)) == of_numbers(*(number for number in range(30) if number != 7))


@pytest.mark.parametrize("gone", [("",), ("", "-shm"), ("-wal",), ("-shm",), ("", "-wal", "-shm"), ("-wal", "-shm")])
def test_files_that_are_removed_under_the_open_outbox_cost_nothing(
    opened: Callable[..., Outbox], path: Path, gone: tuple[str, ...]
) -> None:
    outbox = opened()
    for number in range(40):
        outbox.put(event(number), episode(number))
    for end in gone:
        path.with_name(f"{NAME}{end}").unlink()
    outbox.put(event(40))
    assert sorted(everything(outbox)) == of_numbers(*range(41))
    outbox = opened()
    assert sorted(everything(outbox)) == of_numbers(*range(41))
    assert len(outbox.open_episodes()) == 40


def test_a_file_that_is_removed_while_nobody_runs_leaves_what_its_log_holds(
    opened: Callable[..., Outbox], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(Sound.of(path.parent.with_name("killed"), 60, crashed=True).folder, path.parent)
    path.unlink()
    outbox = opened()
    outbox.put(event(99))
    there = everything(outbox)
    assert {key(event(number)) for number in (30, 59, 99)} <= set(there)
    assert len(there) == 31
    assert outbox.counts().unreadable > 0
    assert "outbox_corrupt" in caplog.text


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("ends", [("",), ENDS])
def test_a_file_that_is_replaced_by_another_outboxs_costs_neither_anything(
    opened: Callable[..., Outbox], path: Path, ends: tuple[str, ...], *, running: bool
) -> None:
    other = path.parent.with_name("other")
    filled(other, 60, first=100, crashed=len(ends) > 1)
    outbox = opened()
    for number in range(40):
        outbox.put(event(number))
    if not running:  # killed: its log is left behind
        kept = {end: path.with_name(f"{NAME}{end}").read_bytes() for end in ENDS}
        outbox.close()
        for end, content in kept.items():
            path.with_name(f"{NAME}{end}").write_bytes(content)
    for end in ends:
        (other / f"{NAME}{end}").replace(path.with_name(f"{NAME}{end}"))
    if not running:
        outbox = opened()
    outbox.put(event(99))
    theirs = range(100, 160)
    ours = range(40) if running or len(ends) == 1 else ()
    assert sorted(everything(outbox)) == of_numbers(*ours, 99, *theirs)
    assert sorted(everything(opened())) == of_numbers(*ours, 99, *theirs)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("what", ["folder", "link"])
def test_what_is_put_in_the_files_place_is_moved_aside(
    opened: Callable[..., Outbox], path: Path, what: str, *, running: bool
) -> None:
    outbox = opened()
    for number in range(40):
        outbox.put(event(number))
    if not running:
        outbox.close()
    moved = path.with_name("moved")
    path.rename(moved)
    path.mkdir() if what == "folder" else path.symlink_to(moved)
    outbox = outbox if running else opened()
    outbox.put(event(40))
    assert sorted(everything(outbox)) == of_numbers(*range(40 if running else 0), 40) or not running
    assert key(event(40)) in everything(opened())
    assert path.is_file()
    assert not path.is_symlink()
    assert moved.is_file()


def test_files_that_earlier_releases_set_aside_are_sent_and_the_rest_is_counted(
    opened: Callable[..., Outbox], path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    for number in range(1, 15):
        filled(tmp_path / "one", 50, first=100 * number)
        target = path.with_name(f"{NAME}.corrupt-{number}")
        (tmp_path / "one" / NAME).replace(target)
    content = bytearray(target.read_bytes())
    place = content.index(event(1403).to_json())
    content[place + 100] ^= 4
    target.write_bytes(content)
    outbox = opened(OutboxLimits(max_events=150))
    sent: dict[tuple[str, str], bytes] = {}
    for _ in range(60):
        for due in outbox.due(1000):
            assert key(due.event) not in sent
            sent[key(due.event)] = due.payload
            outbox.acknowledge(accepted(due.event))
        clock = outbox.clock
        assert isinstance(clock, FakeClock)
        clock.advance(11)
    expected = {key(event(100 * file + place)) for file in range(1, 15) for place in range(50)}
    assert expected - set(sent) == {key(event(1403))}
    assert set(sent) - expected == set()
    assert outbox.counts().dropped_by_size == 0
    assert outbox.counts().unreadable == 1
    assert caplog.text.count("outbox_salvaged") == 14
    assert [one.name for one in path.parent.iterdir() if "sqlite." in one.name] == [f"{NAME}.unreadable-1"]
    assert everything(opened()) == {}


def test_the_same_event_salvaged_twice_is_sent_once_and_in_its_latest_revision(
    opened: Callable[..., Outbox], path: Path, tmp_path: Path
) -> None:
    path.parent.mkdir()
    better = replace(event(3), label="person", revision=2)
    for number, first in ((1, event(3)), (2, better), (3, replace(event(3), label="cat", revision=1))):
        box = Outbox(tmp_path / "one" / NAME, FakeClock())
        box.put(first)
        box.close()
        (tmp_path / "one" / NAME).replace(path.with_name(f"{NAME}.corrupt-{number}"))
    outbox = opened()
    outbox.put(event(4))
    assert everything(outbox) == {key(event(4)): event(4).to_json(), key(better): better.to_json()}


def test_what_was_salvaged_goes_behind_what_is_new(opened: Callable[..., Outbox], path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    filled(tmp_path / "one", 3)
    (tmp_path / "one" / NAME).replace(path.with_name(f"{NAME}.corrupt-1"))
    outbox = opened()
    outbox.put(event(50))
    outbox.due()
    assert waiting(outbox) == [key(event(number)) for number in (50, 2, 1, 0)]


@pytest.mark.parametrize("version", [2, 7, 1000])
def test_a_file_of_a_newer_release_is_kept_as_it_is_and_a_second_one_begun(
    opened: Callable[..., Outbox], path: Path, caplog: pytest.LogCaptureFixture, version: int
) -> None:
    outbox = opened()
    outbox.put(event(1))
    outbox.close()
    written(path, f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    outbox = opened()
    outbox.put(event(2))
    assert waiting(outbox) == [key(event(2))]
    outbox = opened()
    assert waiting(outbox) == [key(event(2))]
    assert (outbox.counts().set_aside, outbox.counts().unreadable) == (0, 0)
    assert path.read_bytes() == before
    assert f"outbox_of_newer_version kept={path} goes_on_in={path}.v1" in caplog.text
    outbox.close()
    written(path, "PRAGMA user_version = 1")
    assert sorted(everything(opened())) == of_numbers(1, 2)
    assert not path.with_name(f"{NAME}.v1").exists()


def test_a_version_that_no_release_will_have_is_damage(opened: Callable[..., Outbox], path: Path) -> None:
    opened().put(event(1))
    opened().close()
    written(path, "PRAGMA user_version = 1073741825")
    outbox = opened()
    assert sorted(everything(outbox)) == of_numbers(1)
    assert outbox.counts().set_aside == 1


def test_a_file_of_the_first_release_which_knew_no_seals_is_taken_as_it_is(
    opened: Callable[..., Outbox], path: Path
) -> None:
    outbox = opened()
    for number in range(3):
        outbox.put(event(number), episode(number))
    outbox.close()
    for statement in ("DROP TRIGGER unsealed", "ALTER TABLE waiting DROP COLUMN seal"):
        written(path, statement)
    written(path, "UPDATE episodes SET state = '{}'")
    outbox = opened()
    assert sorted(everything(outbox)) == of_numbers(0, 1, 2)
    assert len(outbox.open_episodes()) == 3
    assert outbox.counts().set_aside == 0


def test_what_the_first_release_changes_in_our_file_is_taken_back(opened: Callable[..., Outbox], path: Path) -> None:
    opened().put(event(1))
    opened().close()
    better = replace(event(1), label="person", revision=1)
    written(path, "UPDATE waiting SET payload = ? WHERE row = 1", better.to_json())
    assert list(everything(opened()).values()) == [better.to_json()]


def test_a_file_that_the_first_release_set_aside_is_salvaged_without_seals(
    opened: Callable[..., Outbox], path: Path
) -> None:
    outbox = opened()
    for number in range(5):
        outbox.put(event(number))
    outbox.close()
    for statement in ("DROP TRIGGER unsealed", "ALTER TABLE waiting DROP COLUMN seal"):
        written(path, statement)
    content = path.read_bytes().replace(event(2).to_json(), event(2).to_json().replace(b'"schema"', b'"scheme"'))
    path.with_name(f"{NAME}.corrupt-1").write_bytes(content)
    path.unlink()
    outbox = opened()
    assert sorted(everything(outbox)) == of_numbers(0, 1, 3, 4)
    assert outbox.counts().unreadable == 1


def test_a_file_that_takes_long_to_read_is_taken_in_and_counted_once(
    opened: Callable[..., Outbox], path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = filled(path.parent, 60)
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(b'"camera_id"')] ^= 1
    path.unlink()
    path.with_name(f"{NAME}.corrupt-1").write_bytes(damaged)
    read: list[Path] = []

    def slowly(file: Path) -> salvage.Salvage:
        read.append(file)
        clock.advance(60)
        return salvage.salvage(file)

    monkeypatch.setattr(database, "salvage", slowly)
    outbox = opened()
    for _ in range(3):
        outbox.put(event(99))
    assert len(read) == 1
    assert outbox.counts().unreadable == 1
    assert len(everything(outbox)) == len(stored)
