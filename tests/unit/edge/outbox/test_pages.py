"""Pages read without SQLite: the same records as SQLite's, from the file and from its log."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartcam.edge.outbox.pages import PAGE, Value, log_of, read_log, read_records

MEMORY = Path("/dev/shm")  # noqa: S108  durability is not tested here
values = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300),
    st.binary(max_size=12_000),
    st.none() | st.floats(allow_nan=False),
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    it = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    yield it
    shutil.rmtree(it)


def table(path: Path) -> sqlite3.Connection:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA page_size={PAGE}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (row INTEGER PRIMARY KEY, a, b TEXT, c BLOB, d)")
    return connection


def found(path: Path) -> dict[int, tuple[Value, ...]]:
    read = read_records(path, read_log(path.with_name(f"{path.name}-wal")))
    assert read.unreadable == 0
    return {one.row: one.values[1:] for one in read.records if one.values[0] is None}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(values, max_size=30),
    removed=st.sets(st.integers(1, 30)),
    checkpoint=st.sampled_from(("none", "half")),
)
def test_what_sqlite_reads_is_what_stands_in_the_pages(
    folder: Path, rows: list[tuple[Value, ...]], removed: set[int], checkpoint: str
) -> None:
    path = folder / "t.sqlite"
    connection = table(path)
    for place, row in enumerate(rows):
        connection.execute("INSERT INTO t (a, b, c, d) VALUES (?, ?, ?, ?)", row)
        if checkpoint == "half" and place == len(rows) // 2:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    for row_number in removed:
        connection.execute("DELETE FROM t WHERE row = ?", (row_number,))
    expected = {row[0]: row[1:] for row in connection.execute("SELECT * FROM t").fetchall()}
    assert found(path) == expected
    connection.close()
    assert found(path) == expected


def test_what_was_deleted_does_not_come_back_from_free_pages(folder: Path) -> None:
    path = folder / "free.sqlite"
    connection = table(path)
    for _ in range(200):
        connection.execute("INSERT INTO t (c) VALUES (?)", (bytes(3000),))
    connection.execute("DELETE FROM t WHERE row < 190")
    connection.close()
    assert sorted(found(path)) == list(range(190, 201))


@given(st.binary(max_size=40) | st.integers(0, 3 * PAGE).map(bytes))
def test_what_is_no_log_holds_no_page_or_an_empty_one(content: bytes) -> None:
    assert not any(map(any, log_of(content).pages.values()))


@given(st.binary(max_size=3 * PAGE))
def test_no_garbage_ends_in_an_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        path = Path(folder) / "garbage"
        path.write_bytes(b"\x0d" + content)
        read_records(path, log_of(content))


def test_a_log_that_is_broken_in_the_middle_is_not_whole_and_one_without_its_end_is(folder: Path) -> None:
    path = folder / "log.sqlite"
    connection = table(path)
    for _ in range(20):
        connection.execute("INSERT INTO t (c) VALUES (?)", (bytes(100),))
    content = path.with_name("log.sqlite-wal").read_bytes()
    connection.close()
    assert log_of(content).is_whole
    assert log_of(content[:-1000]).is_whole
    for place in (0, 20, 40, 32 + 5 * (PAGE + 24) + 100):
        broken = bytearray(content)
        broken[place] ^= 1
        assert not log_of(bytes(broken)).is_whole
        assert log_of(bytes(broken)).pages.keys() == log_of(content).pages.keys()


def test_what_was_never_committed_is_neither_in_the_log_nor_damage(folder: Path) -> None:
    path, copy = folder / "cut_off.sqlite", folder / "goes_on.sqlite"
    connection = table(path)
    for number in range(30):
        connection.execute("INSERT INTO t (a, c) VALUES (?, ?)", (number, bytes(1000)))
    connection.execute("PRAGMA cache_size=2")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO t (a, c) VALUES (?, ?)", [(100, bytes(1000))] * 30)
    connection.execute("UPDATE t SET a = a + 1000")
    for end in ("", "-wal"):  # the power goes while a large transaction is in the log already
        shutil.copyfile(f"{path}{end}", f"{copy}{end}")
    connection.close()
    for numbers in (range(30), range(31)):
        log = read_log(folder / "goes_on.sqlite-wal")
        assert (log.is_whole, log.damaged, log.lost) == (True, set(), 0)
        assert {values[0] for values in found(copy).values()} == set(numbers)
        connection = sqlite3.connect(copy, isolation_level=None)
        connection.execute("INSERT INTO t (a, c) VALUES (30, ?)", (bytes(10),))  # over the first of these frames
        log_of_both = (folder / "goes_on.sqlite-wal").read_bytes(), copy.read_bytes()
        connection.close()
        for end, content in zip(("-wal", ""), log_of_both, strict=True):
            Path(f"{copy}{end}").write_bytes(content)
