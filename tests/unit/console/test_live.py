from pathlib import Path

import pytest

from smartcam.console.live import (
    LivePictures,
    LivePiece,
    NotForBrowsers,
    VideoBegins,
    VideoFollower,
    why_not_video,
)
from smartcam.contract.errors import FrameOverwritten, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.edge.ring.packet_ring import PacketRingReader, PacketRingWriter, VideoCodec, VideoPacket
from smartcam.vision.jpeg import jpeg_size
from tests.encoded import encoded, played, video_packets
from tests.fakes.clock import FakeClock
from tests.fakes.frames import plain_frame

YARD = CameraId("yard")


def writer(folder: Path, capacity: int = 1 << 20, entries: int = 200) -> PacketRingWriter:
    return PacketRingWriter(folder, YARD, capacity, entries)


def follower(folder: Path, clock: FakeClock | None = None) -> VideoFollower:
    return VideoFollower(lambda: PacketRingReader(folder, YARD), (clock or FakeClock()).monotonic)


def streams(got: list[LivePiece]) -> list[tuple[VideoBegins, bytes]]:
    found: list[tuple[VideoBegins, bytes]] = []
    for each in got:
        if isinstance(each, VideoBegins):
            found.append((each, b""))
        elif isinstance(each, bytes):
            found[-1] = found[-1][0], found[-1][1] + each
    return found


def test_what_a_viewer_gets_is_the_cameras_own_packets_picture_by_picture(tmp_path: Path) -> None:
    ring, packets = writer(tmp_path), video_packets(encoded(25))
    for packet in packets[:13]:
        ring.write(packet)
    viewer = follower(tmp_path)
    got = viewer.step()
    for packet in packets[13:]:
        ring.write(packet)
        fresh = viewer.step()
        assert len(fresh) == 1, "each picture comes as soon as the next one has"
        got += fresh
    assert viewer.step() == []
    [(begins, content)] = streams(got)
    shown = played(content)
    # From the newest key frame; the last picture waits for the one after it.
    assert shown.numbers == [i % 24 for i in range(10, 24)]
    assert (begins.width, begins.height) == (64, 48)
    assert begins.mime.startswith('video/mp4; codecs="avc1.')
    assert len(begins.mime) == len('video/mp4; codecs="avc1.64000a"')


def test_the_first_piece_begins_with_the_initialisation_and_each_other_one_with_a_fragment(tmp_path: Path) -> None:
    ring = writer(tmp_path)
    for packet in video_packets(encoded(25)):
        ring.write(packet)
    _, *pieces = follower(tmp_path).step()
    assert isinstance(pieces[0], bytes)
    assert pieces[0][4:8] == b"ftyp"
    assert [piece[4:8] for piece in pieces[1:] if isinstance(piece, bytes)] == [b"moof"] * 3


def test_a_moment_of_this_devices_clock_has_its_place_on_the_videos_time_line(tmp_path: Path) -> None:
    ring, packets = writer(tmp_path), video_packets(encoded(22, b_frames=2, key_every=12))
    for packet in packets:
        ring.write(packet)
    [(begins, content)] = streams(follower(tmp_path).step())
    first = next(packet for packet in reversed(packets) if packet.is_key)
    shown_at = begins.start_mono_ns + round(played(content).times[0] * NS_PER_S)
    assert abs(shown_at - first.captured_mono) < NS_PER_S // 1000


@pytest.mark.parametrize("behind", [12, 25, 150])
def test_a_slow_viewer_goes_on_with_the_newest_key_frame(tmp_path: Path, behind: int) -> None:
    ring, packets = writer(tmp_path, entries=60), video_packets(encoded(200))
    for packet in packets[:15]:
        ring.write(packet)
    viewer = follower(tmp_path)
    viewer.step()
    for packet in packets[15 : 15 + behind]:
        ring.write(packet)
    found = streams(viewer.step())
    newest_key = (14 + behind) // 10 * 10
    assert len(found) == 1
    assert played(found[0][1]).numbers[0] == newest_key % 24


def test_a_viewer_who_is_nearly_in_time_misses_nothing(tmp_path: Path) -> None:
    ring, packets = writer(tmp_path), video_packets(encoded(45))
    viewer = None
    got: list[LivePiece] = []
    for begin in range(0, 45, 9):
        for packet in packets[begin : begin + 9]:
            ring.write(packet)
        viewer = viewer or follower(tmp_path)
        got += viewer.step()
    assert [len(played(content).numbers) for _, content in streams(got)] == [44]


def test_a_long_group_of_pictures_is_shown_from_its_beginning_and_not_over_and_over(tmp_path: Path) -> None:
    ring, packets = writer(tmp_path), video_packets(encoded(60, key_every=60))
    for packet in packets[:50]:
        ring.write(packet)
    viewer = follower(tmp_path)
    assert len(streams(viewer.step())) == 1
    for packet in packets[50:]:
        ring.write(packet)
        assert not any(isinstance(each, VideoBegins) for each in viewer.step())


def test_another_size_begins_a_new_stream(tmp_path: Path) -> None:
    ring = writer(tmp_path)
    small = video_packets(encoded(15))
    large = video_packets(encoded(15, size=(96, 64)), size=(96, 64), from_s=1001.5)
    viewer = None
    got: list[LivePiece] = []
    for packet in [*small, *large]:
        ring.write(packet)
        viewer = viewer or follower(tmp_path)
        got += viewer.step()
    assert [(begins.width, begins.height) for begins, _ in streams(got)] == [(64, 48), (96, 64)]


def test_other_parameters_of_the_same_size_begin_a_new_stream(tmp_path: Path) -> None:
    ring = writer(tmp_path)
    plain, reordered = video_packets(encoded(10)), video_packets(encoded(20, b_frames=2), from_s=1001)
    viewer = None
    got: list[LivePiece] = []
    for packet in [*plain, *reordered]:
        ring.write(packet)
        viewer = viewer or follower(tmp_path)
        got += viewer.step()
    contents = [content for _, content in streams(got)]
    assert len(contents) == 2
    assert len(played(contents[1]).numbers) > 10


def test_capture_that_has_started_anew_is_followed(tmp_path: Path) -> None:
    clock = FakeClock()
    ring, packets = writer(tmp_path), video_packets(encoded(15))
    for packet in packets:
        ring.write(packet)
    viewer = follower(tmp_path, clock)
    assert viewer.step()
    ring.close()
    clock.advance(3)
    with pytest.raises(RingError):
        viewer.step()
    ring = writer(tmp_path)
    clock.advance(3)
    assert viewer.step() == []
    for packet in packets:
        ring.write(packet)
    assert len(streams(viewer.step())) == 1


def test_a_camera_that_pauses_is_gone_on_with(tmp_path: Path) -> None:
    clock = FakeClock()
    ring, packets = writer(tmp_path), video_packets(encoded(15))
    for packet in packets[:12]:
        ring.write(packet)
    viewer = follower(tmp_path, clock)
    assert viewer.step()
    clock.advance(5)
    assert viewer.step() == []
    ring.write(packets[12])
    assert [type(each) for each in viewer.step()] == [bytes]


def test_a_stream_that_no_browser_plays_says_so(tmp_path: Path) -> None:
    ring = writer(tmp_path)
    for packet in video_packets(encoded(12, VideoCodec.H265), VideoCodec.H265):
        ring.write(packet)
    with pytest.raises(NotForBrowsers, match="hevc"):
        follower(tmp_path).step()
    assert "hevc" in why_not_video(lambda: PacketRingReader(tmp_path, YARD))


@pytest.mark.parametrize("content", [b"", b"\0\0\0\1", b"nonsense" * 20, b"\0\0\1\x67", b"\0\0\1\x67\0\0\1\x68"])
def test_packets_that_are_damaged_cost_nothing_but_themselves(tmp_path: Path, content: bytes) -> None:
    ring, packets = writer(tmp_path), video_packets(encoded(35))
    damaged = packets[20].__class__(
        content, VideoCodec.H264, 64, 48, True, *(packets[20].decode_ns, packets[20].show_ns),
        packets[20].captured_at, packets[20].captured_mono,
    )  # fmt: skip
    viewer = None
    got: list[LivePiece] = []
    for packet in [*packets[:20], damaged, *packets[21:]]:
        ring.write(packet)
        viewer = viewer or follower(tmp_path)
        got += viewer.step()
    assert played(streams(got)[-1][1], is_damaged=True).numbers[-1] in {33 % 24, 32 % 24}


def test_why_there_is_no_video_is_said_with_the_setting_that_turns_it_on(tmp_path: Path) -> None:
    def opened() -> PacketRingReader:
        return PacketRingReader(tmp_path, YARD)

    assert "clips.keep" in why_not_video(opened)
    ring = writer(tmp_path)
    assert "has not begun" in why_not_video(opened)
    ring.write(video_packets(encoded(1))[0])
    assert why_not_video(opened) == ""


def test_a_frame_is_encoded_once_however_many_look_at_it(tmp_path: Path) -> None:
    ring = RingWriter(tmp_path, YARD)
    notice = ring.write(plain_frame(1, 1920, 1080))
    pictures = LivePictures(tmp_path, YARD)
    picture = pictures.picture(notice)
    assert jpeg_size(picture.jpeg) == (picture.width, picture.height) == (1280, 720)
    assert pictures.picture(notice) is picture
    assert picture.captured_mono == notice.captured_mono
    for seq in range(2, 6):
        ring.write(plain_frame(seq, 1920, 1080))
    assert pictures.picture(notice) is picture
    with pytest.raises(FrameOverwritten):
        LivePictures(tmp_path, YARD).picture(notice)


def test_moments_are_nanoseconds_of_the_monotonic_clock(tmp_path: Path) -> None:
    ring = writer(tmp_path)
    packet = video_packets(encoded(1))[0]
    ring.write(packet)
    [begins] = follower(tmp_path).step()
    assert isinstance(begins, VideoBegins)
    assert begins.start_mono_ns == MonotonicNs(packet.captured_mono)


def test_a_ring_without_a_key_frame_is_looked_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring, packets = writer(tmp_path, entries=30), video_packets(encoded(100, key_every=80))
    for packet in packets[:70]:
        ring.write(packet)
    reads: list[int] = []
    read = PacketRingReader.read

    def counted(reader: PacketRingReader, seq: int) -> VideoPacket:
        reads.append(seq)
        return read(reader, seq)

    monkeypatch.setattr(PacketRingReader, "read", counted)
    viewer = follower(tmp_path)
    for _ in range(50):
        assert viewer.step() == []
    assert len(reads) <= 30
    for packet in packets[70:]:
        ring.write(packet)
        viewer.step()
    assert len(reads) < 150
    assert viewer.step() == []
    ring.write(packets[99])
    assert all(isinstance(piece, bytes) for piece in viewer.step())


def test_a_viewer_who_is_behind_in_a_long_group_of_pictures_goes_on_with_his_own(tmp_path: Path) -> None:
    ring, packets = writer(tmp_path, entries=40), video_packets(encoded(100, key_every=100))
    for packet in packets[:5]:
        ring.write(packet)
    viewer = follower(tmp_path)
    got = viewer.step()
    for begin in range(5, 95, 30):
        for packet in packets[begin : begin + 30]:
            ring.write(packet)
        got += viewer.step()
    assert len(played(streams(got)[0][1]).numbers) == 94
