"""Packets in shared memory: what is kept, what makes room, and what a reader notices."""

import os
import stat
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.errors import PacketOverwritten, RingError
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.edge.ring.packet_ring import PacketRingReader, PacketRingWriter, packets_path
from tests.fakes.frames import YARD
from tests.fakes.packets import plain_packet

PAGE = 4096


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[PacketRingWriter]:
    ring = PacketRingWriter(tmp_path, YARD, PAGE, 16)
    yield ring
    ring.close()


@pytest.fixture
def reader(tmp_path: Path, writer: PacketRingWriter) -> Iterator[PacketRingReader]:
    del writer
    ring = PacketRingReader(tmp_path, YARD)
    yield ring
    ring.close()


def test_a_packet_comes_out_as_it_went_in(writer: PacketRingWriter, reader: PacketRingReader) -> None:
    assert [writer.write(plain_packet(seq)) for seq in range(12)] == [True] * 12
    assert [reader.read(seq) for seq in reader.numbers] == [plain_packet(seq) for seq in range(12)]


def test_an_empty_ring_has_no_packets(reader: PacketRingReader) -> None:
    assert list(reader.numbers) == []
    with pytest.raises(PacketOverwritten, match="packet 0 of yard"):
        reader.read(0)


@given(st.lists(st.integers(1, PAGE), min_size=1, max_size=60), st.integers(1, 20))
@settings(deadline=None, max_examples=60)
def test_the_newest_are_kept_in_order_and_never_more_bytes_than_there_are(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], entries: int
) -> None:
    folder = tmp_path_factory.mktemp("ring")
    writer = PacketRingWriter(folder, YARD, PAGE, entries)
    reader = PacketRingReader(folder, YARD)
    written: deque[int] = deque()
    for seq, size in enumerate(sizes):
        assert writer.write(plain_packet(seq, size))
        written.append(size)
        kept = reader.numbers
        assert kept.stop == seq + 1
        assert 1 <= len(kept) <= entries
        assert [reader.read(each) for each in kept] == [plain_packet(each, sizes[each]) for each in kept]
        assert sum(sizes[each] for each in kept) <= PAGE
        # No packet is given up that has room; bytes are lost only at the end, where one would not fit in one piece.
        if kept.start and len(kept) < entries:
            assert sum(sizes[kept.start - 1 : seq + 1]) + max(sizes) > PAGE
    reader.close()
    writer.close()


def test_what_is_larger_than_the_ring_is_left_out_with_all_that_needs_it(
    writer: PacketRingWriter, reader: PacketRingReader
) -> None:
    sizes = [100, 100, PAGE + 1, 100, 100, 100, 100]
    kept = [writer.write(plain_packet(seq, size)) for seq, size in enumerate(sizes)]
    assert kept == [True, True, False, False, False, True, True]
    assert [reader.read(seq) for seq in reader.numbers] == [plain_packet(seq) for seq in (0, 1, 5, 6)]


def test_what_comes_before_the_first_key_frame_is_not_kept(writer: PacketRingWriter, reader: PacketRingReader) -> None:
    assert not writer.write(plain_packet(3))
    assert writer.write(plain_packet(5))
    assert len(reader.numbers) == 1


def test_a_packet_that_is_written_over_while_it_is_read_is_noticed(
    writer: PacketRingWriter, reader: PacketRingReader
) -> None:
    writer.write(plain_packet(0, 2000))
    fence, calls = reader._fence, iter(range(3))

    def overtaken() -> None:
        fence()
        if next(calls) == 1:
            writer.write(plain_packet(1, 2000))
            writer.write(plain_packet(2, 2000))

    reader._fence = overtaken  # type: ignore[assignment]
    with pytest.raises(PacketOverwritten):
        reader.read(0)


@pytest.mark.parametrize("moment", range(1, 3))
def test_a_packet_of_a_writer_that_died_within_it_is_never_read(
    tmp_path: Path, writer: PacketRingWriter, reader: PacketRingReader, moment: int
) -> None:
    for seq in range(8):
        writer.write(plain_packet(seq, 500))
    calls, fence = iter(range(9)), writer._fence

    def die() -> None:
        fence()
        if next(calls) == moment:
            raise InterruptedError

    writer._fence = die  # type: ignore[assignment]
    with pytest.raises(InterruptedError):
        writer.write(plain_packet(8, 1500))
    assert [reader.read(seq) for seq in reader.numbers] == [plain_packet(seq, 500) for seq in reader.numbers]
    for seq in (*range(reader.numbers.start), 8):
        with pytest.raises(PacketOverwritten):
            reader.read(seq)
    del tmp_path


@pytest.mark.parametrize("word", range(4))
@pytest.mark.parametrize("value", [0, 1, 2**63, 2**64 - 1])
def test_no_number_in_the_table_leads_a_reader_out_of_the_ring(
    writer: PacketRingWriter, reader: PacketRingReader, word: int, value: int
) -> None:
    writer.write(plain_packet(0))
    entry = writer._ring.entry(0)
    assert writer._ring.words[entry + word] != value or word in (1, 2)
    writer._ring.words[entry + word] = value
    with suppress(PacketOverwritten):
        assert len(reader.read(0).content) <= PAGE


@pytest.mark.parametrize(("first", "end"), [(0, 2**64 - 1), (2**63, 2**64 - 1), (2**64 - 1, 0)])
def test_a_foreign_writers_counters_make_no_more_packets_than_the_ring_has_entries(
    writer: PacketRingWriter, reader: PacketRingReader, first: int, end: int
) -> None:
    writer._ring.first, writer._ring.end = first, end
    assert len(reader.numbers) <= 16
    for seq in reader.numbers:
        with pytest.raises(PacketOverwritten):
            reader.read(seq)


@pytest.mark.parametrize("word", range(5, 9))
def test_a_packet_with_a_time_that_no_clock_has_is_not_read(
    writer: PacketRingWriter, reader: PacketRingReader, word: int
) -> None:
    writer.write(plain_packet(0))
    writer._ring.words[writer._ring.entry(0) + word] = 2**63
    with pytest.raises(PacketOverwritten):
        reader.read(0)


def test_only_its_owner_can_open_it_and_it_goes_when_it_is_closed(tmp_path: Path) -> None:
    ring = PacketRingWriter(tmp_path, YARD, PAGE, 16)
    path = packets_path(tmp_path, YARD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ring.close()
    assert not path.exists()
    with pytest.raises(RingError, match="is not there"):
        PacketRingReader(tmp_path, YARD)


def test_a_link_is_not_followed_and_a_ring_of_pictures_stands_beside_it(
    tmp_path: Path, writer: PacketRingWriter
) -> None:
    pictures = RingWriter(tmp_path, YARD)
    pictures.close()
    packets_path(tmp_path, YARD).rename(tmp_path / "smartcam-other")
    packets_path(tmp_path, YARD).symlink_to(tmp_path / "smartcam-other")
    with pytest.raises(RingError, match="symbolic link"):
        PacketRingReader(tmp_path, YARD)
    del writer


@pytest.mark.parametrize("numbers", [(0, 5), (PAGE, 0), (2**40, 5), (PAGE, 2**20)])
def test_a_size_that_no_ring_has_is_refused(tmp_path: Path, numbers: tuple[int, int]) -> None:
    with pytest.raises(RingError, match="no ring of packets has"):
        PacketRingWriter(tmp_path, YARD, *numbers)


WRITER = """
import sys
from pathlib import Path
from smartcam.edge.ring.packet_ring import PacketRingWriter
from tests.fakes.frames import YARD
from tests.fakes.packets import plain_packet

ring = PacketRingWriter(Path(sys.argv[1]), YARD, 20000, 32)
seq = 0
while True:
    ring.write(plain_packet(seq, 100 + seq % 900))
    seq += 1
    if seq == 100:
        print("begun", flush=True)
"""


@pytest.fixture
def rival(tmp_path: Path) -> Iterator[Callable[[], None]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    process.stdout.readline()

    def kill() -> None:
        process.kill()
        process.wait()

    yield kill
    kill()
    process.stdout.close()


def test_a_reader_beside_a_writer_as_fast_as_it_can_gets_whole_packets_or_none(
    tmp_path: Path, rival: Callable[[], None]
) -> None:
    reader = PacketRingReader(tmp_path, YARD)
    whole = 0
    for _ in range(2000):
        seq = reader.numbers[-1]
        try:
            packet = reader.read(seq)
        except PacketOverwritten:
            continue
        assert packet == plain_packet(seq, 100 + seq % 900)
        whole += 1
    assert whole > 20
    rival()
    for seq in reader.numbers:
        assert reader.read(seq) == plain_packet(seq, 100 + seq % 900)
    reader.close()


def test_a_dead_writers_ring_makes_way_and_a_live_ones_does_not(tmp_path: Path, rival: Callable[[], None]) -> None:
    with pytest.raises(RingError, match="is being written already"):
        PacketRingWriter(tmp_path, YARD, PAGE, 16)
    rival()
    PacketRingWriter(tmp_path, YARD, PAGE, 16).close()
