"""Clips of events out of the ring: where they begin, where they end, and what becomes of them in trouble."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.capture.recording import open_film
from smartcam.capture.recording.clip_folder import RESERVE_BYTES, ClipFolder
from smartcam.capture.recording.clip_recorder import ClipRecorder
from smartcam.capture.recording.kept_clips import KeptClips
from smartcam.capture.settings import ClipSettings
from smartcam.contract.clip import ClipHeard, ClipKept, ClipRequest, ClipWorth
from smartcam.contract.event import ClipPart, Event, Phase
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs, parse_utc
from smartcam.edge.clip_name import ClipName
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.ring.packet_ring import PacketRingReader, PacketRingWriter, VideoCodec, VideoPacket
from tests.clip_events import event_id, event_of
from tests.encoded import Played, encoded, played, video_packets
from tests.fakes.clock import FakeClock
from tests.unit.capture.recording.test_captions import parsed
from tests.unit.capture.recording.test_fragments import WHOLE

YARD = CameraId("yard")
BEGIN_S = 1000.0
KEPT = ClipSettings(keep=True, before_s=2, after_s=1)


class Yard:
    """A camera's ring and recorder on simulated time; seconds count from the first packet, ten packets a second."""

    def __init__(
        self,
        folder: Path,
        kept: ClipSettings = KEPT,
        packets: Sequence[VideoPacket] | None = None,
        capacity: int = 1_000_000,
    ) -> None:
        self.kept = kept
        self.clock = FakeClock(mono=round(BEGIN_S * NS_PER_S))
        self.free = 10 * RESERVE_BYTES
        self.shm = folder
        self.clips = ClipFolder(folder / "clips", self.clock, lambda _: self.free)
        self.clips.configure(kept)
        self.ring = PacketRingWriter(folder, YARD, capacity, 4096)
        self.said: list[ClipKept] = []
        self.recorder = self._recorder()
        self.packets = list(packets or video_packets(encoded(300), from_s=BEGIN_S))
        self.came = 0

    def _recorder(self) -> ClipRecorder:
        memory = MemoryFile(self.shm / "unheard")
        told = KeptClips(YARD, self.clips, self.said.append, self.clock, memory)
        return ClipRecorder(YARD, self.kept, PacketRingReader(self.shm, YARD), self.clips, self.clock, told)

    def restart(self) -> None:
        """kill -9 of capture, and its next process: the ring is lost, and what was written is not."""
        self.ring.close()
        self.ring = PacketRingWriter(self.shm, YARD, 1_000_000, 4096)
        self.clips = ClipFolder(self.shm / "clips", self.clock, lambda _: self.free)
        self.clips.configure(self.kept)
        self.recorder = self._recorder()

    def until(self, second: float, step_s: float = 0.25) -> None:
        """Packets come and the recorder looks, until then."""
        end = round((BEGIN_S + second) * NS_PER_S)
        while (now := self.clock.monotonic()) < end:
            self.clock.advance(min(step_s, (end - now) / NS_PER_S))
            while self.came < len(self.packets) and self.packets[self.came].captured_mono <= self.clock.monotonic():
                self.ring.write(self.packets[self.came])
                self.came += 1
            self.recorder.step()

    def want(self, from_s: float, to_s: float, number: int = 1, event: Event | None = None) -> None:
        mono = [MonotonicNs(round((BEGIN_S + each) * NS_PER_S)) for each in (from_s, to_s)]
        self.recorder.hear(ClipRequest(event or event_of(number), *mono))

    def files(self) -> list[str]:
        folder = self.shm / "clips"
        return sorted(path.name for path in folder.iterdir() if path.suffix != ".vtt") if folder.exists() else []

    def captions(self, name: ClipName) -> list[tuple[float, float, str]]:
        cues = parsed(self.clips.path(name).with_suffix(".vtt").read_bytes())
        return [(cue.begin_ns / NS_PER_S, cue.end_ns / NS_PER_S, cue.text) for cue in cues]

    def played(self, name: ClipName) -> Played:
        return played(self.clips.path(name).read_bytes())

    def seconds(self, name: ClipName) -> tuple[float, float]:
        """When the first and the last picture came; each picture differs from those near it."""
        shown = self.played(name)
        facts = json.loads(shown.comment)
        first = parse_utc(facts["begins_at"], "begins_at") / NS_PER_S - BEGIN_S
        return round(first, 3), round(first + shown.times[-1] - shown.times[0], 3)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    made = Yard(tmp_path)
    yield made
    made.recorder.close()
    made.ring.close()


def test_a_clip_begins_at_the_last_key_frame_before_what_is_wanted_and_ends_where_it_is_wanted(yard: Yard) -> None:
    yard.until(8.5)
    yard.want(8.5, 60)
    yard.until(12)
    yard.want(8.5, 11.5)
    yard.until(16)
    (name,) = yard.clips.finished()
    # Two seconds before 8.5 is 6.5, the key frame before it came at 6.0; one second after 11.5 is 12.5.
    assert yard.seconds(name) == (6.0, 12.5)
    assert yard.played(name).numbers == [seq % 24 for seq in range(60, 126)]
    assert json.loads(yard.played(name).comment) == {
        "part": 1,
        "begins_at": "1970-01-01T00:16:46.000Z",
        "shortened": False,
        "event": json.loads(event_of(1).to_json()),
    }


def test_it_begins_with_the_first_picture_where_there_was_none_before(yard: Yard) -> None:
    yard.until(1)
    yard.want(0.5, 2)
    yard.until(8)
    (name,) = yard.clips.finished()
    assert yard.seconds(name) == (0.0, 3.0)
    assert not json.loads(yard.played(name).comment)["shortened"]


def test_where_the_ring_holds_less_it_begins_with_the_next_key_frame_and_says_so(tmp_path: Path) -> None:
    yard = Yard(tmp_path, replace(KEPT, before_s=60), capacity=4096)
    yard.until(25)
    yard.want(25, 26)
    yard.until(29.9)
    (name,) = yard.clips.finished()
    first, last = yard.seconds(name)
    assert 5 < first <= 20
    assert last == 27.0
    assert json.loads(yard.played(name).comment)["shortened"]


def test_a_clip_is_playable_while_it_grows(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 60)
    yard.until(9)
    (growing,) = yard.files()
    assert growing.endswith(".part")
    shown = played((yard.shm / "clips" / growing).read_bytes())
    assert len(shown.numbers) >= 60 - 10


def test_a_long_event_is_kept_in_parts_that_leave_nothing_out(tmp_path: Path) -> None:
    yard = Yard(tmp_path, ClipSettings(keep=True, before_s=2, after_s=1, longest_s=3))
    yard.until(5)
    yard.want(5, 14)
    yard.until(20)
    names = yard.clips.finished()
    assert [name.part for name in names] == [1, 2, 3, 4, 5][: len(names)]
    assert len(names) >= 4
    shown = [number for name in names for number in yard.played(name).numbers]
    assert shown == [seq % 24 for seq in range(30, 151)]


@pytest.mark.parametrize("to_s", [5.0, 5.1, 5.2, 5.3])
@pytest.mark.parametrize("is_open", [False, True])
def test_a_clip_of_pictures_that_are_sent_out_of_order_has_no_hole_at_its_end(
    tmp_path: Path, to_s: float, *, is_open: bool
) -> None:
    packets = video_packets(encoded(100, b_frames=3, is_open=is_open), from_s=BEGIN_S)
    yard = Yard(tmp_path, KEPT, packets)
    yard.until(4)
    yard.want(3, to_s)
    yard.until(9)
    (name,) = yard.clips.finished()
    numbers = yard.played(name).numbers
    assert [later - one for one, later in pairwise(numbers)] == [1 if one < 23 else -23 for one in numbers[:-1]]
    begin, end = yard.seconds(name)
    assert 1 <= len(numbers) - 10 * (end - begin) <= 1.01
    yard.recorder.close()
    yard.ring.close()


def test_several_events_at_once_have_a_clip_each(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 9, 1)
    yard.until(6)
    yard.want(6, 8, 2)
    yard.until(14)
    assert [(name.event, yard.seconds(name)) for name in yard.clips.finished()] == [
        (event_id(1), (3.0, 10.0)),
        (event_id(2), (4.0, 9.0)),
    ]


def test_no_single_request_records_for_more_than_two_minutes(tmp_path: Path) -> None:
    yard = Yard(tmp_path, packets=video_packets(encoded(300), from_s=BEGIN_S, each_s=1))
    yard.until(20)
    yard.want(20, 2**32)
    yard.until(160, step_s=1)
    (name,) = yard.clips.finished()
    assert yard.seconds(name)[1] == pytest.approx(141, abs=1)


def test_whenever_the_power_fails_what_is_on_the_disk_plays_up_to_a_second_before(
    yard: Yard, tmp_path_factory: pytest.TempPathFactory
) -> None:
    random = Random(5)  # noqa: S311  it only has to be the same each time
    yard.until(5)
    yard.want(5, 16, 1)
    yard.want(5, 12, 2)
    for moment in range(200):
        yard.until(5.1 + moment * 0.07, step_s=0.25)
        copy = tmp_path_factory.mktemp("copy") / "clips"
        shutil.copytree(yard.shm / "clips", copy)
        for growing in copy.glob("*.part"):
            # What was written after the last fdatasync may be there in part.
            torn = random.randrange(1, 400)
            with growing.open("ab") as file:
                file.write(b"\0\0\7\xd0moof"[:torn] + random.randbytes(torn))
        found = ClipFolder(copy, yard.clock)
        names = found.finished()
        assert {name.event for name in names} == {event_id(1), event_id(2)}
        assert {path.suffix for path in copy.iterdir()} == {".mp4", ".vtt"}
        for name in names:
            shown = played(found.path(name).read_bytes())
            last = 3 + shown.times[-1] - shown.times[0]
            assert last >= min(5.1 + moment * 0.07, 13 if name.event == event_id(2) else 17) - 1.1


def test_so_many_at_once_that_the_disk_would_be_swamped_are_refused(yard: Yard) -> None:
    yard.until(5)
    for number in range(40):
        yard.want(5, 6, number)
    yard.until(12)
    assert len(yard.clips.finished()) == 16


def test_a_request_that_is_repeated_when_the_clip_is_finished_makes_no_second_one(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 6)
    yard.until(12)
    yard.want(5, 6)
    yard.until(15)
    assert len(yard.files()) == 1


def test_an_event_that_goes_on_after_inference_was_away_has_a_second_part_with_the_rest(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 6)
    yard.until(12)
    yard.want(5, 13)
    yard.until(18)
    first, second = yard.clips.finished()
    assert yard.seconds(first) == (3.0, 7.0)
    assert yard.seconds(second) == (8.0, 14.0)


def test_capture_that_dies_goes_on_with_the_next_part(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 60)
    yard.until(9)
    yard.restart()
    yard.until(10.5)
    yard.want(5, 12)
    yard.until(16)
    first, second = yard.clips.finished()
    begin, end = yard.seconds(first)
    assert begin == 3.0
    assert 8.0 <= end <= 9.0, "at most a second is lost"
    assert yard.seconds(second) == (10.0, 13.0)


def test_a_clip_ends_when_its_camera_has_gone(tmp_path: Path) -> None:
    yard = Yard(tmp_path, packets=video_packets(encoded(60), from_s=BEGIN_S))
    yard.until(5)
    yard.want(5, 9)
    yard.until(13)
    (name,) = yard.clips.finished()
    assert yard.seconds(name) == (3.0, 5.9)


def test_an_event_of_which_nothing_is_left_has_no_clip_and_leaves_nothing(yard: Yard) -> None:
    yard.until(20)
    yard.restart()
    yard.want(5, 9)
    yard.until(25)
    assert yard.files() == []


@pytest.mark.parametrize("change", ["codec", "size"])
def test_a_camera_that_sends_otherwise_all_at_once_goes_on_in_the_next_part(tmp_path: Path, change: str) -> None:
    other = VideoCodec.H265 if change == "codec" else VideoCodec.H264
    size = (64, 48) if change == "codec" else (128, 96)
    after = video_packets(encoded(60, other, size=size), other, size=size, from_s=BEGIN_S + 6.3)
    yard = Yard(tmp_path, packets=[*video_packets(encoded(300), from_s=BEGIN_S)[:63], *after])
    yard.until(5)
    yard.want(5, 8)
    yard.until(14)
    first, second = yard.clips.finished()
    assert yard.seconds(first) == (3.0, 6.2)
    assert yard.seconds(second) == (6.3, 9.0)


@pytest.mark.parametrize(
    "what",
    [b"", b"\0", b"\xff" * 50, b"\0\0\1", b"\0\0\1\x67\x64" * 9, b"\0\0\0\1\x65" + b"\x88" * 400],
    ids=["nothing", "zero", "junk", "start", "parameters", "slice"],
)
@pytest.mark.parametrize("codec", VideoCodec)
@pytest.mark.parametrize("key_too", [False, True])
def test_packets_that_are_none_cost_themselves_and_at_most_their_group(
    tmp_path: Path,
    what: bytes,
    codec: VideoCodec,
    key_too: bool,  # noqa: FBT001
) -> None:
    packets = video_packets(encoded(300, codec), codec, from_s=BEGIN_S)
    bad = range(30 if key_too else 31, 58, 3)
    yard = Yard(tmp_path, packets=[replace(each, content=what) if i in bad else each for i, each in enumerate(packets)])
    yard.until(5)
    yard.want(5, 9)
    yard.until(14)
    assert yard.recorder.fault == ""
    shown = [played(yard.clips.path(name).read_bytes(), is_damaged=True) for name in yard.clips.finished()]
    assert sum(len(each.stamps) for each in shown) >= 40
    assert shown[-1].numbers[-30:] == [seq % 24 for seq in range(71, 101)]
    assert all(path.endswith(".mp4") for path in yard.files())


def test_a_disk_that_is_full_is_reported_and_when_it_has_room_the_event_goes_on(yard: Yard) -> None:
    yard.until(5)
    yard.free = RESERVE_BYTES
    yard.want(5, 22)
    yard.until(6)
    assert yard.recorder.fault.startswith("clips are not kept: the disk has less than 200 MB left")
    assert yard.files() == []
    yard.free *= 2
    yard.until(26)
    assert yard.recorder.fault == ""
    (name,) = yard.clips.finished()
    assert yard.seconds(name)[1] == 23.0


def test_a_disk_that_becomes_full_keeps_what_it_has(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 9)
    yard.until(7)
    yard.free = 0
    yard.until(14)
    assert [name.part for name in yard.clips.finished()] == [1]
    assert len(yard.files()) == 1
    assert yard.seconds(yard.clips.finished()[0])[1] >= 6.0


@pytest.mark.parametrize("call", ["open", "write", "fdatasync", "fsync", "rename"])
@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
def test_whatever_the_disk_refuses_the_recorder_goes_on_and_recovers(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    yard.until(5)
    with monkeypatch.context() as patch:

        def refused(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        patch.setattr(os, call, refused)
        yard.want(5, 7)
        yard.until(10)
        if call not in {"fsync", "rename"}:  # of the end of a clip: the next process does it
            assert yard.recorder.fault == f"clips are not kept: {os.strerror(number)}"
    yard.want(18, 20, 2)
    yard.until(27)
    assert event_id(2) in {name.event for name in yard.clips.finished()}
    assert yard.recorder.fault == ""


@given(
    key_every=st.integers(1, 40),
    b_frames=st.sampled_from([0, 2]),
    is_open=st.booleans(),
    before_s=st.integers(0, 6),
    wanted=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 80)), min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=25)
def test_each_clip_begins_at_most_a_group_too_early_and_never_too_late_and_ends_within_a_second(
    tmp_path_factory: pytest.TempPathFactory,
    key_every: int,
    b_frames: int,
    is_open: bool,  # noqa: FBT001
    before_s: int,
    wanted: list[tuple[int, int]],
) -> None:
    stream = encoded(300, key_every=key_every, b_frames=b_frames, is_open=is_open)
    packets = video_packets(stream, from_s=BEGIN_S)
    yard = Yard(tmp_path_factory.mktemp("yard"), ClipSettings(keep=True, before_s=before_s, after_s=1), packets)
    for number, (at, long) in sorted(enumerate(wanted), key=lambda each: each[1]):
        yard.until(at / 10)
        yard.want(at / 10, (at + long) / 10, number)
    yard.until(40)
    found = {name.event: name for name in yard.clips.finished()}
    for number, (at, long) in enumerate(wanted):
        name = found[event_id(number)]
        begin = round(max(at / 10 - before_s, 0), 3)
        first, last = yard.seconds(name)
        assert round(begin - key_every / 10, 3) <= first <= begin
        assert abs(last - min(at / 10 + long / 10 + 1, 29.9)) <= 1
        shown = yard.played(name)
        assert all(before < after for before, after in pairwise(shown.times))
        assert all((after - before) % 24 == 1 for before, after in pairwise(shown.numbers[:-3]))
    yard.recorder.close()
    yard.ring.close()


def test_which_clips_there_are_is_said_with_their_hashes_until_it_is_heard(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 6)
    yard.until(10)
    (name,) = yard.clips.finished()
    content = yard.clips.path(name).read_bytes()
    part = ClipPart(1, len(content), hashlib.sha256(content).hexdigest())
    record = replace(event_of(1), phase=Phase.RECORDED, revision=1, clips=(part,))
    assert yard.said == [ClipKept(record)]
    yard.until(31)
    assert yard.said == [ClipKept(record)] * 2
    yard.recorder.hear(ClipHeard(YARD, event_id(1), 1))
    yard.until(80)
    assert len(yard.said) == 2


def test_a_record_names_all_parts_and_hearing_an_older_one_is_not_enough(tmp_path: Path) -> None:
    yard = Yard(tmp_path, ClipSettings(keep=True, before_s=2, after_s=1, longest_s=3))
    yard.until(5)
    yard.want(5, 14)
    yard.until(9)
    yard.recorder.hear(ClipHeard(YARD, event_id(1), 1))
    yard.until(20)
    assert [one.part for one in yard.said[-1].event.clips] == [name.part for name in yard.clips.finished()]
    assert yard.said[-1].event.revision == len(yard.clips.finished())
    yard.recorder.hear(ClipHeard(YARD, event_id(1), yard.said[-1].event.revision - 1))
    count = len(yard.said)
    yard.until(60)
    assert len(yard.said) > count


def test_what_was_not_heard_before_capture_died_is_said_by_the_next_process(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 60)
    yard.until(9)
    assert yard.said == []
    yard.restart()
    yard.until(9.5)
    (name,) = yard.clips.finished()
    assert [(one.event.event_id, one.event.clips[0].size) for one in yard.said] == [
        (event_id(1), yard.clips.path(name).stat().st_size)
    ]


def test_what_inference_says_of_the_worth_of_clips_reaches_their_folder(yard: Yard) -> None:
    weighed: list[tuple[object, object]] = []
    yard.clips.weigh = lambda false, waiting: weighed.append((false, waiting))  # type: ignore[method-assign]
    yard.recorder.hear(ClipWorth(YARD, (event_id(1),), (event_id(2),)))
    yard.until(1)
    assert weighed == [((event_id(1),), (event_id(2),))]


def test_a_clip_that_has_made_room_is_not_spoken_of(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 6)
    yard.until(10)
    yard.clips.configure(ClipSettings(keep=False))
    said = len(yard.said)
    yard.restart()
    yard.clips.configure(ClipSettings(keep=False))
    yard.until(60)
    assert len(yard.said) == said


@pytest.mark.parametrize("stored", [b"", b"{}", b"[1]", b"[{}]", b"nonsense", b"\xff", b"[" * 99_999])
def test_a_memory_that_cannot_be_read_forgets_and_stops_nothing(tmp_path: Path, stored: bytes) -> None:
    MemoryFile(tmp_path / "unheard").store(stored)
    yard = Yard(tmp_path)
    yard.until(5)
    yard.want(5, 6)
    yard.until(10)
    assert len(yard.said) == 1


def test_a_record_that_would_be_too_large_names_fewer_parts(tmp_path: Path) -> None:
    clips = ClipFolder(tmp_path / "clips", FakeClock())
    clips.configure(KEPT)
    for _ in range(20):
        clip = clips.begin(YARD, event_id(1))
        clip.write(WHOLE)
        clip.finish()
    said: list[ClipKept] = []
    kept = KeptClips(YARD, clips, said.append, FakeClock())
    wordy = replace(event_of(1), more={"NOTE": "x" * 2500})
    for event in (event_of(1), wordy):
        kept.finished(event)
        kept.step()
        said[-1].event.to_json()
    assert [[one.part for one in each.event.clips] for each in said] == [list(range(5, 21)), list(range(17, 21))]
    assert {each.event.revision for each in said} == {20}


def test_whatever_keeps_a_part_from_beginning_leaves_no_file_behind(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OverflowError("a time that nobody can write")

    yard.until(5)
    yard.want(5, 8)
    with monkeypatch.context() as patch:
        patch.setattr(open_film, "format_utc", fails)
        with pytest.raises(OverflowError):
            yard.until(6)
    assert yard.files() == []
    yard.until(15)
    (name,) = yard.clips.finished()
    assert yard.played(name).numbers


def test_a_part_that_somebody_deletes_is_spoken_of_no_more_and_the_others_are(tmp_path: Path) -> None:
    yard = Yard(tmp_path, replace(KEPT, longest_s=4))
    yard.until(5)
    yard.want(5, 14)
    yard.until(11)
    first, *_ = yard.clips.finished()
    yard.clips.path(first).unlink()
    yard.until(20)
    assert [part.part for part in yard.said[-1].event.clips] == [name.part for name in yard.clips.finished()]
    assert first not in yard.clips.finished()
    yard.recorder.close()
    yard.ring.close()


def test_a_clip_that_was_written_here_is_not_read_again_for_its_hash(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> None:
        raise AssertionError("a file of gigabytes is read while another clip waits for its packets")

    monkeypatch.setattr(hashlib, "file_digest", slow)
    yard.until(5)
    yard.want(5, 8)
    yard.until(15)
    (part,) = yard.said[-1].event.clips
    (name,) = yard.clips.finished()
    assert part.sha256 == hashlib.sha256(yard.clips.path(name).read_bytes()).hexdigest()


def test_beside_each_clip_it_says_which_events_were_on_at_which_second(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 60)
    yard.until(7)
    yard.want(7, 9, event=replace(event_of(2), label="a --> b", rule="gate"))
    yard.until(8)
    yard.want(5, 60, event=replace(event_of(1), score=0.91, revision=1))
    yard.until(10)
    yard.want(5, 10, event=replace(event_of(1), phase=Phase.CLEARED, ended_at=event_of(1).started_at, score=0.95))
    yard.until(14)
    first, second = yard.clips.finished()
    assert yard.seconds(first) == (3.0, 11.0)
    assert yard.captions(first) == [
        (2, 5.25, "person 0.80"),
        (4, 6, "a --> b 0.80, rule gate"),
        (5.25, 7, "person 0.91"),
    ]
    assert yard.seconds(second)[0] == 5.0
    assert [cue[:2] for cue in yard.captions(second)] == [(0, 3.25), (2, 4), (3.25, 5)]


def test_captions_are_there_while_the_clip_grows_and_end_where_it_ends(tmp_path: Path) -> None:
    yard = Yard(tmp_path)
    yard.until(5)
    yard.want(5, 60)
    yard.until(6)
    (growing,) = yard.files()
    name = ClipName.read(growing.removesuffix(".part"))
    assert name is not None
    assert yard.captions(name) == [(2, 57, "person 0.80")]
    yard.recorder.close()
    ((begin, end, text),) = yard.captions(name)
    assert (begin, text) == (2, "person 0.80")
    assert end == pytest.approx(3, abs=0.1)


def test_captions_survive_capture_and_those_of_the_next_part_begin_with_it(yard: Yard) -> None:
    yard.until(5)
    yard.want(5, 60)
    yard.until(9)
    yard.restart()
    yard.until(10.5)
    yard.want(5, 12)
    yard.until(16)
    first, second = yard.clips.finished()
    assert yard.captions(first) == [(2, 57, "person 0.80")]
    assert yard.captions(second) == [(0, 2, "person 0.80")]


def test_a_long_event_is_captioned_in_each_of_its_parts(tmp_path: Path) -> None:
    yard = Yard(tmp_path, ClipSettings(keep=True, before_s=2, after_s=1, longest_s=3))
    yard.until(5)
    yard.want(5, 14)
    yard.until(20)
    for name in yard.clips.finished():
        begin, end = yard.seconds(name)
        at = pytest.approx((max(5 - begin, 0), min(14, end) - begin), abs=0.01)
        assert [cue[:2] for cue in yard.captions(name)] == ([at] if begin < 14 else [])


def test_a_clip_whose_captions_find_no_room_goes_on_without_them(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    yard.clips.put_beside = no_room  # type: ignore[method-assign]
    yard.until(5)
    yard.want(5, 9)
    yard.until(14)
    (name,) = yard.clips.finished()
    assert yard.seconds(name) == (3.0, 10.0)
    assert yard.recorder.fault == ""
    assert "clip_without_captions" in caplog.text
