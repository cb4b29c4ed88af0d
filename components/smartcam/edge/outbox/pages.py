"""Records out of the pages of a damaged SQLite file, without SQLite: it gives a file up that has one bad page.

Written after https://www.sqlite.org/fileformat2.html: a table's rows lie in its leaf pages, whatever has become of the
pages above them, of the schema and of the header. The newest version of a page may lie in the write-ahead log.
"""

import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Final

PAGE: Final = 4096
"""Bytes of a page: SQLite's default, and what we ask for."""
_WAL_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_FRAME: Final = _FRAME_HEADER + PAGE
_WAL_MAGIC: Final = {0x377F0682: "<", 0x377F0683: ">"}
"""The byte order in which the log's checksums read its words."""
_FILE_HEADER: Final = 100
_TABLE_LEAF: Final = 0x0D
_INNER: Final = 0x05
_OTHER_KINDS: Final = {_INNER, 0x02, 0x0A}
"""Inner pages, and leaves of an index."""
_LARGEST_RECORD: Final = 1 << 20
_FIRST_FRAMES: Final = 9
_OVERFLOW_HEAD: Final = 4
_MOST_MISSING: Final = 1 << 18
"""Pages that a number in a damaged place may call for: 1 GB."""
_MOST_LOCAL: Final = PAGE - 35
_LEAST_LOCAL: Final = (PAGE - 12) * 32 // 255 - 23
_INTEGER_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_REAL: Final = 7
_FIRST_BLOB: Final = 12
_HIGH: Final = 0x80
_VARINT_BYTES: Final = 9

Value = int | float | str | bytes | None
Read = Callable[[int], bytes | None]
"""The page of a number, counted from 1; None where there is none."""


class _UnreadableError(Exception):
    """A record contradicts itself."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One row of some table: what its columns hold, in their order.

    `end` are its last eight bytes as a number: where a column says a wrong length, the last one is still there.
    """

    row: int
    values: tuple[Value, ...]
    end: int = 0
    page: int = 0


@dataclass(slots=True)
class FoundRecords:
    """What a file still holds. `unreadable` counts records, and pages whose records nobody can count, as one each."""

    records: list[StoredRecord] = field(default_factory=list)
    unreadable: int = 0
    hurt: set[int] = field(default_factory=set)
    """Pages of which some record could not be read."""


@dataclass(frozen=True, slots=True)
class PageLog:
    """A write-ahead log: the newest version of each page in it, and how many pages its file has with it."""

    pages: Mapping[int, bytes] = field(default_factory=dict)
    count: int = 0
    is_whole: bool = True
    """False if frames that were written follow on one that is broken: SQLite would leave them out in silence."""
    older: Mapping[int, Sequence[bytes]] = field(default_factory=dict)
    """Other versions of the same pages: earlier ones, and those in frames that are damaged."""
    damaged: frozenset[int] | set[int] = frozenset()
    """The pages of which such a frame speaks."""
    lost: int = 0
    """Frames between the others that are not to be recognised any more."""


def read_log(path: Path) -> PageLog:
    """The log in a file; an empty one where there is no file. Raises OSError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return PageLog()
    return log_of(content)


def log_of(content: bytes) -> PageLog:
    """The log in these bytes, up to its last commit. Frames with other salts are of an earlier generation."""
    is_header, frames = _frames_of(content)
    if not frames:
        return PageLog()
    pages: dict[int, bytes] = {}
    older: dict[int, list[bytes]] = {}
    known = [frame for frame in frames if frame.is_known]
    for frame in known:
        page = frame.page
        if frame.is_good or frame.number not in pages:
            page, pages[frame.number] = pages.get(frame.number, b""), page
        if page:
            older.setdefault(frame.number, []).append(page)
    return PageLog(
        pages,
        count=frames[-1].count,
        is_whole=is_header and all(frame.is_good for frame in frames[:-1]),
        older=older,
        damaged={frame.number for frame in known if not frame.is_good},
        lost=len(frames) - len(known),
    )


@dataclass(frozen=True, slots=True)
class _LogFrame:
    """A version of a page in a log. `count`: how many pages the file has with it, if it ends a transaction, else 0."""

    number: int
    count: int
    page: bytes
    is_known: bool
    """Whether its salts are the log's, or were; of others nothing can be believed."""
    is_good: bool


def _frames_of(content: bytes) -> tuple[bool, list[_LogFrame]]:
    """Whether the log's header is good, and its frames up to the last commit.

    Behind the last commit lie frames of transactions that were never ended. A shorter one that came later may have
    overwritten the first of them, which is no damage.
    """
    starts = range(_WAL_HEADER, len(content) - _FRAME + 1, _FRAME)
    if not starts:
        return False, []
    order = _WAL_MAGIC.get(int.from_bytes(content[:4], "big"))
    is_header = order is not None and _checksum(content[:24], order, (0, 0)) == _pair(content, 24)
    salts = content[16:24] if is_header else _usual_salts(content, starts)
    seed = _pair(content, 24)
    frames, ended = [], 0
    for at in starts:
        frame, seed = _frame_at(content, at, salts, order or "<", seed)
        frames.append(frame)
        if frame.is_known and frame.count:
            ended = len(frames)
    return is_header, frames[:ended]


def _frame_at(
    content: bytes, at: int, salts: bytes, order: str, seed: tuple[int, int]
) -> tuple[_LogFrame, tuple[int, int]]:
    """The frame that begins at `at`, and the seed of the next one.

    Each frame's checksum goes on from the one before, so that one can be checked behind another that is broken.
    """
    head, page = content[at : at + _FRAME_HEADER], content[at + _FRAME_HEADER : at + _FRAME]
    number, count = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    if _differing(head[8:16], salts) > 1:
        return _LogFrame(number, count, page, is_known=False, is_good=False), seed
    said = _pair(head, 16)
    is_good = head[8:16] == salts and _frame_sum(head, page, order, seed) == said
    return _LogFrame(number, count, page, is_known=True, is_good=is_good), said


def _frame_sum(head: bytes, page: bytes, order: str, seed: tuple[int, int]) -> tuple[int, int]:
    return _checksum(page, order, _checksum(head[:8], order, seed))


def _differing(one: bytes, other: bytes) -> int:
    """In how many bits."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def _usual_salts(content: bytes, frames: range) -> bytes:
    """Those of the log's first frames, whose header does not say them any more."""
    first = Counter(content[at + 8 : at + 16] for at in frames[:_FIRST_FRAMES])
    return first.most_common(1)[0][0]


def read_records(main: Path, journal: PageLog) -> FoundRecords:
    """Every record of every table in a file and its log; the file may be missing. Raises OSError."""
    with _reading(main, journal.pages) as (read, there):
        # A cut file has lost pages that its header still names; a header that has been hit may name any number.
        said = journal.count or int.from_bytes((read(1) or b"")[28:32], "big")
        return _records(read, said if there < said < there + _MOST_MISSING else there, journal)


def read_others(main: Path, journal: PageLog, numbers: set[int]) -> list[StoredRecord]:
    """What other versions of these pages hold, the log's and the file's own. Raises OSError."""
    found = FoundRecords()
    with _reading(main, {}) as (read_main, _), _reading(main, journal.pages) as (read, _):
        for number in numbers & (journal.pages.keys() | journal.older.keys()):
            versions = [read_main(number), *journal.older.get(number, ())]
            for page in versions:
                if page is not None and page[_FILE_HEADER if number == 1 else 0] == _TABLE_LEAF:
                    _read_leaf(found, number, page, read, set())
    return found.records


@contextmanager
def _reading(main: Path, pages: Mapping[int, bytes]) -> Iterator[tuple[Read, int]]:
    """How to read a page, and how many the file has, 0 where there is none."""
    with main.open("rb") if main.exists() else BytesIO() as file:
        there = -(-file.seek(0, 2) // PAGE)

        def read(number: int) -> bytes | None:
            if number in pages:
                return pages[number]
            file.seek((number - 1) * PAGE)
            page = file.read(PAGE)
            return page.ljust(PAGE, b"\0") if page else None  # SQLite too reads the rest of a cut page as zeros

        yield read, there


def identity(page: bytes | None) -> int:
    """What tells a file from another outbox's: SQLite's application id in its first page, 0 if that is unknown."""
    return int.from_bytes((page or b"")[68:72], "big")


def _records(read: Read, count: int, journal: PageLog) -> FoundRecords:
    found = FoundRecords(unreadable=journal.lost)
    passed = _free_pages(read, count)
    unknown: set[int] = set()
    for number in sorted({*range(1, count + 1), *journal.pages} - passed):
        page = read(number)
        start = _FILE_HEADER if number == 1 else 0
        kind = page[start] if page is not None else None
        if page is not None and kind == _TABLE_LEAF:
            _read_leaf(found, number, page, read, passed)
        elif kind not in _OTHER_KINDS:
            unknown.add(number)
    found.unreadable += len(unknown - passed)
    return found


def _read_leaf(found: FoundRecords, number: int, page: bytes, read: Read, passed: set[int]) -> None:
    for cell in _cells(page, _FILE_HEADER if number == 1 else 0):
        try:
            found.records.append(replace(_record(page, cell, read, passed), page=number))
        except (_UnreadableError, IndexError, struct.error):
            found.unreadable += 1
            found.hurt.add(number)


def _free_pages(read: Read, count: int) -> set[int]:
    """The numbers of pages that hold nothing any more, though their old content may still be there."""
    free: set[int] = set()
    trunk = int.from_bytes((read(1) or b"")[32:36], "big")
    while 0 < trunk <= count and trunk not in free:
        page = read(trunk)
        if page is None or page[0] == _TABLE_LEAF:
            break
        free.add(trunk)
        trunk, leaves = struct.unpack_from(">II", page)
        if leaves > PAGE // 4 - 2:
            break
        free.update(struct.unpack_from(f">{leaves}I", page, 8))
    # A bit that has flipped in the list itself must not hide rows that are there.
    return free - _in_use(read, count, free) if free else free


def _in_use(read: Read, count: int, free: set[int]) -> set[int]:
    """The pages that the schema or an inner page of a table points to."""
    used: set[int] = {1}
    for number in range(2, count + 1):
        page = None if number in free else read(number)
        if page is not None and page[0] == _INNER:
            used.update(int.from_bytes(page[at : at + 4], "big") for at in _cells(page, 0, 12))
            used.add(int.from_bytes(page[8:12], "big"))
    first = read(1)
    for cell in _cells(first, _FILE_HEADER) if first is not None else ():
        with suppress(_UnreadableError, IndexError, struct.error):
            used.update(value for value in _record(first or b"", cell, read, set()).values if isinstance(value, int))
    return used


def _cells(page: bytes, start: int, header: int = 8) -> Iterator[int]:
    """Where the cells of a page begin whose header of so many bytes begins at `start`."""
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    first = start + header
    for at in range(first, min(first + 2 * count, PAGE - 1), 2):
        yield int.from_bytes(page[at : at + 2], "big")


def _record(page: bytes, at: int, read: Read, passed: set[int]) -> StoredRecord:
    """Raises _UnreadableError, IndexError or struct.error. Numbers of overflow pages are added to `passed`."""
    size, at = _varint(page, at)
    row, at = _varint(page, at)
    # What its columns need is read, whatever the record says of its size, as SQLite does.
    body = page[at:]
    if _MOST_LOCAL < size <= _LARGEST_RECORD:
        body = _overflowing(body, size, read, passed) or body
    end = int.from_bytes(body[max(size - 8, 0) : size], "big", signed=True)
    return StoredRecord(row - (1 << 64) if row >= 1 << 63 else row, tuple(_values(body)), end)


def _overflowing(body: bytes, size: int, read: Read, passed: set[int]) -> bytes | None:
    """A record of which the most lies in pages of its own; None where the chain of these is broken."""
    local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % (PAGE - _OVERFLOW_HEAD)
    local = local if local <= _MOST_LOCAL else _LEAST_LOCAL
    following = int.from_bytes(body[local : local + _OVERFLOW_HEAD], "big")
    whole = body[:local]
    seen: set[int] = set()
    while len(whole) < size:
        page = read(following) if 0 < following < _MOST_MISSING and following not in seen else None
        if page is None:
            return None
        seen.add(following)
        following = int.from_bytes(page[:_OVERFLOW_HEAD], "big")
        whole += page[_OVERFLOW_HEAD:]
    passed |= seen
    return whole


def _values(body: bytes) -> Iterator[Value]:
    end, at = _varint(body, 0)
    if not at <= end <= len(body):
        raise _UnreadableError
    kinds = []
    while at < end:
        kind, at = _varint(body, at)
        kinds.append(kind)
    for kind in kinds:
        size = _INTEGER_BYTES.get(kind, 8 if kind == _REAL else max(kind - _FIRST_BLOB, 0) // 2)
        piece = body[at : at + size]
        at += size
        yield _value(kind, piece) if len(piece) == size else None


def _value(kind: int, piece: bytes) -> Value:
    if kind >= _FIRST_BLOB:
        # A byte that is no UTF-8 does not make the rest of the row unreadable.
        return piece if kind % 2 == 0 else piece.decode(errors="replace")
    if kind == _REAL:
        return float(struct.unpack(">d", piece)[0])
    if kind not in _INTEGER_BYTES:
        return {8: 0, 9: 1}.get(kind)
    return int.from_bytes(piece, "big", signed=True)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next begins."""
    value = 0
    for place in range(_VARINT_BYTES):
        byte = content[at + place]
        if place == _VARINT_BYTES - 1:
            return value << 8 | byte, at + place + 1
        value = value << 7 | byte & 0x7F
        if not byte & _HIGH:
            return value, at + place + 1
    raise _UnreadableError


def _checksum(content: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    one, two = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return one, two


def _pair(content: bytes, at: int) -> tuple[int, int]:
    one, two = struct.unpack_from(">II", content, at)
    return one, two
