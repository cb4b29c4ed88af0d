"""The folder of clips: names, room, age, and what a dead process has left."""

import errno
import hashlib
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smartcam.capture.recording.bounded_folder import free_bytes_of
from smartcam.capture.recording.clip_folder import RESERVE_BYTES, ClipFolder
from smartcam.capture.recording.seal import LARGEST_SEAL_BYTES, ClipStatement, Sealer, check_seal
from smartcam.capture.settings import ClipSettings
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clip_name import ClipName
from tests.clip_events import event_id
from tests.fakes.clock import FakeClock
from tests.unit.capture.recording.test_fragments import WHOLE

YARD = CameraId("yard")
SEALER = Sealer(bytes(range(32)))
KEPT = ClipSettings(keep=True)
MB = 1_000_000


class Bench:
    """A folder on a disk with so many bytes free, besides what clips take."""

    def __init__(self, path: Path, settings: ClipSettings = KEPT) -> None:
        self.path = path / "clips"
        self.clock = FakeClock()
        self.free = 10 * RESERVE_BYTES
        self.folder = self.again(settings)

    def again(self, settings: ClipSettings = KEPT, sealer: Sealer | None = None) -> ClipFolder:
        """The folder of the next process."""
        self.folder = ClipFolder(self.path, self.clock, lambda _: self.free - self.taken, sealer, "porch")
        self.folder.configure(settings)
        return self.folder

    @property
    def taken(self) -> int:
        return sum(each.stat().st_size for each in self.path.iterdir()) if self.path.exists() else 0

    def keep(self, number: int, content: bytes = WHOLE) -> ClipName:
        clip = self.folder.begin(YARD, event_id(number))
        clip.write(content)
        clip.finish()
        return clip.name


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk that takes no more of any file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def padded(megabytes: int, more_bytes: int = 0) -> bytes:
    """A clip of this size that can be played: its last box is one that players skip."""
    more = megabytes * MB + more_bytes - len(WHOLE)
    head, last = WHOLE[: WHOLE.rindex(b"moof") - 4], WHOLE[WHOLE.rindex(b"moof") - 4 :]
    return head + more.to_bytes(4) + b"free" + b"\0" * (more - 8) + last


def test_a_clip_is_called_by_its_event_and_only_its_owner_can_read_it(bench: Bench) -> None:
    name = bench.keep(1)
    path = bench.folder.path(name)
    assert path.name == f"{event_id(1)}.yard.001.mp4"
    assert path.read_bytes() == WHOLE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(bench.path.stat().st_mode) == 0o700
    assert ClipName.read(path.name) == name


def test_it_has_its_name_only_when_it_is_finished(bench: Bench) -> None:
    clip = bench.folder.begin(YARD, event_id(1))
    clip.write(WHOLE)
    clip.sync()
    assert [path.name for path in bench.path.iterdir()] == [f"{event_id(1)}.yard.001.mp4.part"]
    assert bench.folder.finished() == []
    clip.finish()
    assert bench.folder.finished() == [clip.name]


def test_parts_are_counted_over_processes(bench: Bench) -> None:
    assert [bench.keep(1).part, bench.keep(1).part, bench.keep(2).part] == [1, 2, 1]
    bench.again()
    assert bench.keep(1).part == 3


def test_what_a_dead_process_left_is_finished_where_it_broke_off_and_nothing_half_done_stays(bench: Bench) -> None:
    bench.keep(1)
    broken, empty = bench.folder.begin(YARD, event_id(2)), bench.folder.begin(YARD, event_id(3))
    broken.write(WHOLE[:-300])
    empty.write(WHOLE[:40])
    folder = bench.again()
    assert [name.event for name in folder.finished()] == [event_id(1), event_id(2)]
    assert {path.suffix for path in bench.path.iterdir()} == {".mp4"}
    left = folder.path(broken.name).read_bytes()
    assert 0 < len(left) < len(WHOLE) - 300
    assert WHOLE.startswith(left)


def test_the_budget_is_never_exceeded_and_the_newest_are_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ClipSettings(keep=True, most_mb=50))
    most = 0
    for number in range(30):
        clip = bench.folder.begin(YARD, event_id(number))
        content = padded(1 + number % 7)
        for at in range(0, len(content), MB // 2):
            clip.write(content[at : at + MB // 2])
            most = max(most, bench.taken)
        clip.finish()
    assert 40 * MB < most <= 50 * MB
    numbers = [name.event for name in bench.folder.finished()]
    assert numbers == [event_id(number) for number in range(30)][-len(numbers) :]


def test_an_event_that_goes_on_for_hours_costs_neither_the_others_nor_its_own_beginning(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ClipSettings(keep=True, most_mb=50))
    first = [bench.keep(number, padded(5)) for number in range(4)]
    parts = [bench.keep(9, padded(5)) for _ in range(20)]
    assert bench.folder.finished() == [*first, parts[0], *parts[-5:]]
    last = bench.keep(10, padded(5))
    assert set(bench.folder.finished()) == {*first, parts[0], *parts[-4:], last}


def test_clips_of_false_events_go_first_and_those_of_which_the_cloud_does_not_know_last(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ClipSettings(keep=True, most_mb=50))
    names = [bench.keep(number, padded(9)) for number in range(5)]
    bench.folder.weigh(false=[event_id(3), event_id(99)], waiting=[event_id(0), event_id(1)])
    left = []
    for number in range(10, 14):
        bench.keep(number, padded(9))
        left.append([name for name in names if name in bench.folder.finished()])
    assert left == [[names[0], names[1], names[2], names[4]], [names[0], names[1], names[4]], names[:2], names[:2]]
    bench.folder.weigh(false=[], waiting=[])
    bench.keep(20, padded(9))
    assert names[0] not in bench.folder.finished()


def test_a_budget_that_only_unacknowledged_events_fill_still_takes_the_newest(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ClipSettings(keep=True, most_mb=50))
    bench.folder.weigh(false=[], waiting=[event_id(number) for number in range(9)])
    names = [bench.keep(number, padded(9)) for number in range(9)]
    assert bench.folder.finished() == names[-5:]


def test_what_was_said_false_is_the_first_to_go_though_the_cloud_still_waits_for_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ClipSettings(keep=True, most_mb=50))
    names = [bench.keep(number, padded(9)) for number in range(5)]
    bench.folder.weigh(false=[event_id(4)], waiting=[event_id(4)])
    bench.keep(10, padded(9))
    assert names[4] not in bench.folder.finished()
    assert set(names[:4]) < set(bench.folder.finished())


def test_a_clock_that_is_behind_after_a_power_cut_does_not_make_the_newest_clip_the_first_to_go(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ClipSettings(keep=True, most_mb=50))
    for number in range(100, 105):
        bench.keep(number, padded(9))
    bench.again(ClipSettings(keep=True, most_mb=50))
    newest = [bench.keep(number, padded(9)) for number in range(3)]
    assert set(newest) < set(bench.folder.finished())


def test_clips_are_kept_off_the_last_free_bytes_of_the_disk(bench: Bench) -> None:
    bench.keep(1, padded(2))
    bench.keep(2, padded(2))
    bench.free = RESERVE_BYTES + 5 * MB
    bench.keep(3, padded(2))
    assert [name.event for name in bench.folder.finished()] == [event_id(2), event_id(3)]
    clip = bench.folder.begin(YARD, event_id(4))
    bench.free = RESERVE_BYTES
    with pytest.raises(OSError, match="the disk has less than 200 MB left") as caught:
        clip.write(WHOLE)
    assert caught.value.errno == errno.ENOSPC
    clip.finish()
    assert list(bench.path.iterdir()) == []


def test_a_clip_that_grows_beyond_the_budget_is_refused_more_and_plays(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ClipSettings(keep=True, most_mb=50))
    clip = bench.folder.begin(YARD, event_id(1))
    clip.write(WHOLE)
    for _ in range(49):
        clip.write(MB.to_bytes(4) + b"free" + b"\0" * (MB - 8))
    with pytest.raises(OSError, match=r"clips may take 50 MB \(clips.most_mb\)"):
        clip.write(b"\0" * MB)
    clip.finish()
    assert bench.folder.path(clip.name).read_bytes() == WHOLE


def test_clips_are_deleted_when_they_are_too_old_but_not_by_a_clock_that_may_be_wrong(bench: Bench) -> None:
    old, new = bench.keep(1), bench.keep(2)
    for name, days in ((old, 8), (new, 6)):
        at = bench.clock.utc() - days * 86_400 * NS_PER_S
        os.utime(bench.folder.path(name), ns=(at, at))
    bench.clock.is_synced = False
    bench.folder.expire()
    assert bench.folder.finished() == [old, new]
    bench.clock.is_synced = True
    bench.folder.expire()
    assert bench.folder.finished() == [new]
    bench.clock.advance(86_400 * 2)
    bench.folder.expire()
    assert bench.folder.finished() == []


def test_where_clips_are_no_longer_wanted_all_of_them_go_and_nothing_else(bench: Bench) -> None:
    bench.keep(1)
    bench.folder.begin(YARD, event_id(2)).write(WHOLE)
    (bench.path / "notes.txt").write_text("mine")
    bench.again(ClipSettings(keep=False))
    assert [path.name for path in bench.path.iterdir()] == ["notes.txt"]


def test_where_the_disk_cannot_be_written_the_clip_waits_for_the_next_process(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = bench.folder.begin(YARD, event_id(1))
    clip.write(WHOLE)

    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refused)
        with pytest.raises(OSError, match="Read-only"):
            clip.finish()
        later = bench.folder.begin(YARD, event_id(1))
    later.write(WHOLE)
    later.finish()
    assert later.name.part == 2
    assert [name.part for name in bench.again().finished()] == [1, 2]


def test_a_folder_that_is_a_file_is_named_once_and_stops_nothing(bench: Bench) -> None:
    bench.path.write_text("not a folder")
    folder = bench.again()
    assert folder.finished() == []
    with pytest.raises(OSError, match=r"exists|directory"):
        folder.begin(YARD, event_id(1))


def test_no_name_leads_out_of_the_folder() -> None:
    for name in (
        "../x.yard.001.mp4",
        f"{event_id(1)}.../yard.001.mp4",
        f"{event_id(1)}.yard.001.mp4.part",
        "a.mp4",
        "",
    ):
        assert ClipName.read(name) is None


def test_the_disk_is_asked_how_much_is_free(tmp_path: Path) -> None:
    assert 0 < free_bytes_of(tmp_path) < 2**60


def test_only_plain_files_are_clips_and_nothing_else_is_in_their_way(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ClipSettings(keep=True, most_mb=50))
    bench.path.mkdir()
    names = [str(ClipName(event_id(number), YARD, 1)) for number in range(4)]
    (bench.path / names[0] / "inner").mkdir(parents=True)
    outside = tmp_path / "outside.mp4"
    outside.write_bytes(padded(45))
    (bench.path / names[1]).symlink_to(outside)
    os.mkfifo(bench.path / names[2])
    (bench.path / f"{names[3]}.part").mkdir()
    folder = bench.again(ClipSettings(keep=True, most_mb=50))
    assert folder.finished() == []
    bench.keep(5, padded(30))
    newest = bench.keep(6, padded(30))
    assert folder.finished() == [newest]
    assert outside.exists()


def test_what_stands_where_a_clip_would_go_is_not_written_over(bench: Bench) -> None:
    bench.path.mkdir()
    name = ClipName(event_id(1), YARD, 1)
    (bench.path / str(name)).mkdir()
    kept = bench.keep(1)
    assert kept.part == 2
    assert bench.folder.path(kept).read_bytes() == WHOLE


@pytest.mark.parametrize("keep", [True, False])
def test_a_folder_that_cannot_be_read_is_told_of_and_stops_no_camera(
    bench: Bench, *, keep: bool, caplog: pytest.LogCaptureFixture
) -> None:
    bench.path.symlink_to(bench.path)
    folder = bench.again(ClipSettings(keep=keep))
    assert folder.finished() == []
    assert "clips_not_read" in caplog.text


def test_the_hash_is_that_of_what_is_on_the_disk_also_where_the_end_was_cut_off(bench: Bench) -> None:
    for number, content in enumerate((WHOLE, WHOLE[:-300], WHOLE + b"\0\0\0\x10mdat")):
        name = bench.keep(number, content)
        (part,) = bench.folder.parts(YARD, event_id(number))
        stored = bench.folder.path(name).read_bytes()
        assert (part.size, part.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())


def test_a_finished_clip_is_sealed_and_its_hash_is_that_of_the_whole_file(bench: Bench) -> None:
    bench.again(sealer=SEALER)
    name = bench.keep(1)
    path = bench.folder.path(name)
    with path.open("rb") as file:
        seal = check_seal(file)
    assert path.read_bytes()[: seal.statement.size] == WHOLE
    assert (seal.statement.clip, seal.statement.thing, seal.key) == (str(name), "porch", bench.folder.key)
    assert seal.statement.finished_at is not None
    (part,) = bench.folder.parts(YARD, name.event)
    assert (part.size, part.sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


def test_a_clock_that_is_not_trusted_stands_in_no_seal(bench: Bench) -> None:
    bench.again(sealer=SEALER)
    bench.clock.is_synced = False
    with bench.folder.path(bench.keep(1)).open("rb") as file:
        assert check_seal(file).statement.finished_at is None


@pytest.mark.parametrize("torn", [b"", b"\0\0", SEALER.seal(ClipStatement("x", None, 1, "y"))[:-1], b"torn moof"])
def test_what_a_dead_process_left_is_sealed_by_the_next_one(torn: bytes, bench: Bench) -> None:
    clip = bench.folder.begin(YARD, event_id(1))
    clip.write(WHOLE + torn)
    assert bench.again(sealer=SEALER).finished() == [clip.name]
    with bench.folder.path(clip.name).open("rb") as file:
        assert check_seal(file).statement.size == len(WHOLE)


def test_clips_with_their_seals_take_no_more_than_they_may(bench: Bench) -> None:
    settings = ClipSettings(keep=True, most_mb=50)
    bench.again(settings, SEALER)
    for number in range(60):
        bench.keep(number, padded(1))
        assert bench.taken <= 50 * MB


def test_where_there_is_no_room_for_the_seal_the_clip_is_kept_without_one(
    bench: Bench,
) -> None:
    bench.again(sealer=SEALER)
    clip = bench.folder.begin(YARD, event_id(1))
    clip.write(WHOLE)
    with files_of_at_most(len(WHOLE) + 10):
        clip.finish()
    path = bench.folder.path(clip.name)
    assert path.read_bytes() == WHOLE
    (part,) = bench.folder.parts(YARD, clip.name.event)
    assert part.sha256 == hashlib.sha256(WHOLE).hexdigest()


def captions(bench: Bench, name: ClipName) -> Path:
    return bench.folder.path(name).with_suffix(".vtt")


def captioned(bench: Bench, number: int, text: bytes, content: bytes = WHOLE) -> ClipName:
    clip = bench.folder.begin(YARD, event_id(number))
    clip.write(content)
    bench.folder.put_beside(clip.name, b"WEBVTT\n")
    bench.folder.put_beside(clip.name, text)
    clip.finish()
    return clip.name


def test_captions_lie_beside_their_clip_and_only_its_owner_can_read_them(bench: Bench) -> None:
    name = captioned(bench, 1, b"WEBVTT\n\n")
    assert captions(bench, name).name == f"{event_id(1)}.yard.001.vtt"
    assert captions(bench, name).read_bytes() == b"WEBVTT\n\n"
    assert stat.S_IMODE(captions(bench, name).stat().st_mode) == 0o600
    assert bench.folder.finished() == [name]
    (part,) = bench.folder.parts(YARD, event_id(1))
    assert part.size == len(WHOLE)


@pytest.mark.parametrize("sealer", [None, SEALER])
def test_captions_count_and_go_with_their_clip(tmp_path: Path, sealer: Sealer | None) -> None:
    bench = Bench(tmp_path)
    bench.again(ClipSettings(keep=True, most_mb=1), sealer)
    for number in range(12):
        captioned(bench, number, b"x" * 60_000, padded(0, 150_000))
        assert bench.taken <= MB
        assert sum(bench.folder.known().values()) == bench.taken
    names = bench.folder.finished()
    assert {path.stem for path in bench.path.iterdir()} == {str(name).removesuffix(".mp4") for name in names}
    assert len(list(bench.path.iterdir())) == 2 * len(names)
    again = bench.again(ClipSettings(keep=True, most_mb=1), sealer)
    assert sum(again.known().values()) == bench.taken
    bench.again(ClipSettings(keep=False))
    assert list(bench.path.iterdir()) == []


def test_the_next_process_takes_up_captions_with_their_clip_and_removes_what_lies_beside_none(bench: Bench) -> None:
    kept, fetched = captioned(bench, 1, b"one"), captioned(bench, 2, b"two")
    broken, empty = bench.folder.begin(YARD, event_id(3)), bench.folder.begin(YARD, event_id(4))
    broken.write(WHOLE[:-300])
    empty.write(WHOLE[:40])
    for clip in (broken, empty):
        bench.folder.put_beside(clip.name, b"WEBVTT\n")
    bench.folder.path(fetched).unlink()
    (bench.path / f"{captions(bench, kept).name}.part").write_bytes(b"half")
    (bench.path / "notes.vtt").write_text("mine")
    assert bench.again().finished() == [kept, broken.name]
    names = {kept, broken.name}
    expected = {path for name in names for path in (str(name), captions(bench, name).name)}
    assert {path.name for path in bench.path.iterdir()} == {*expected, "notes.vtt"}
    assert sum(bench.folder.known().values()) == bench.taken - len("mine")


def test_captions_of_a_clip_that_somebody_has_removed_go_when_that_is_noticed(bench: Bench) -> None:
    name = captioned(bench, 1, b"one")
    bench.folder.path(name).unlink()
    assert bench.folder.parts(YARD, event_id(1)) == []
    assert list(bench.path.iterdir()) == []


def test_captions_that_find_no_room_leave_those_before_and_what_is_counted_as_it_was(bench: Bench) -> None:
    clip = bench.folder.begin(YARD, event_id(1))
    clip.write(WHOLE)
    bench.folder.put_beside(clip.name, b"before")
    bench.free = RESERVE_BYTES
    with pytest.raises(OSError, match="200 MB"):
        bench.folder.put_beside(clip.name, b"after")
    bench.free *= 10
    with files_of_at_most(2), pytest.raises(OSError, match="large"):
        bench.folder.put_beside(clip.name, b"after")
    assert captions(bench, clip.name).read_bytes() == b"before"
    clip.finish()
    assert sum(bench.folder.known().values()) == bench.taken


def test_what_stands_where_captions_would_go_is_not_touched(bench: Bench) -> None:
    clip = bench.folder.begin(YARD, event_id(1))
    clip.write(WHOLE)
    (captions(bench, clip.name) / "inner").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        bench.folder.put_beside(clip.name, b"text")
    clip.finish()
    assert sum(bench.folder.known().values()) == len(WHOLE)
    bench.again(ClipSettings(keep=False))
    assert [path.name for path in bench.path.iterdir()] == [captions(bench, clip.name).name]


def what_the_policy_keeps(
    sizes: list[int], parts: list[bool], false: set[int], waiting: set[int], most: int
) -> set[int]:
    """By its words: false ones go first, those that wait last; of equals what only goes on, and then the oldest."""
    kept: list[int] = []
    for number, size in enumerate(sizes):
        while sum(sizes[each] for each in kept) + size > most:
            kept.remove(min(kept, key=lambda each: (each not in false, each in waiting, not parts[each], each)))
        kept.append(number)
    return set(kept)


def keep_200_events(bench: Bench, unit: int, most_mb: int) -> None:
    """Each event has a clip; each fifth goes on in a second one, each seventh is false, each ninth not acknowledged."""
    bench.again(ClipSettings(keep=True, most_mb=most_mb), SEALER)
    false, waiting = {each for each in range(240) if each % 7 == 3}, {each for each in range(240) if each % 9 == 4}
    owners = [event for event in range(200) for _ in range(2 if event % 5 == 0 else 1)]
    parts = [at > 0 and owners[at - 1] == event for at, event in enumerate(owners)]
    sizes: list[int] = []
    names = []
    bench.folder.weigh([event_id(each) for each in false], [event_id(each) for each in waiting])
    for at, event in enumerate(owners):
        names.append(bench.keep(event, padded(0, unit * (2 + at * 5 % 13))))
        sizes.append(bench.folder.path(names[-1]).stat().st_size)
        assert bench.taken <= most_mb * MB
    of_false, of_waiting = ({at for at, event in enumerate(owners) if event in each} for each in (false, waiting))
    kept = what_the_policy_keeps(sizes, parts, of_false, of_waiting, most_mb * MB - LARGEST_SEAL_BYTES)
    assert bench.folder.finished() == sorted(names[at] for at in kept)
    assert bench.taken > 0.9 * most_mb * MB


def test_of_200_events_on_a_small_budget_what_is_kept_is_what_the_policy_says(tmp_path: Path) -> None:
    keep_200_events(Bench(tmp_path), 2_000, 1)


@pytest.mark.soak
def test_of_200_events_on_a_gigabyte_what_is_kept_is_what_the_policy_says(tmp_path: Path) -> None:
    keep_200_events(Bench(tmp_path), 800_000, 1000)
