"""From a source to a clip on the disk: packets as they came, and never what a mask hides."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.capture.main import build
from smartcam.capture.recording.camera_recording import CameraRecording, ring_size
from smartcam.capture.recording.clip_folder import ClipFolder
from smartcam.capture.recording.highlights import make_highlights
from smartcam.capture.settings import ClipSettings, SourceKind, SourceSettings
from smartcam.contract.clip import ClipRequest, encode_clip_message
from smartcam.contract.errors import FrameOverwritten, PacketOverwritten, RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice, StatusNotice, decode_notice
from smartcam.contract.times import NS_PER_S, MonotonicNs, parse_utc
from smartcam.contract.topics import clips_topic, frames_topic
from smartcam.edge.clip_name import ClipName
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.ring.frame_ring import RingReader
from smartcam.edge.ring.packet_ring import PacketRingReader, VideoPacket, packets_path
from smartcam.vision.turn import quarter_turn
from tests.clip_events import event_id, event_of
from tests.clips import picture_of, write_clip
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import SOME_DAY
from tests.fakes.live_cameras import Camera, pi_camera, v4l2_device

YARD = CameraId("yard")
WIDTH, HEIGHT = 320, 240
SECRET, PUBLIC, BLACK = 200, 110, 16
HIDDEN = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
"""The left half, which is bright in the clip."""
CAPTION = 24
"""Along the lower edge of highlights there is white writing, so many rows high."""


@dataclass
class Capture:
    """The component on real time, with one camera that plays a clip."""

    folder: Path
    camera: dict[str, object]
    clips: dict[str, object] = field(default_factory=lambda: {"keep": True, "before_s": 1, "after_s": 1})
    recording: dict[str, object] = field(default_factory=dict)
    footage: dict[str, object] = field(default_factory=dict)
    nucleus: FakeNucleus = field(default_factory=FakeNucleus)
    stop: StopToken = field(default_factory=StopToken)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        document = {"clips": self.clips, "recording": self.recording, "footage": self.footage}
        self.nucleus.configure("smartcam.Capture", {"cameras": {"yard": self.camera}, **document})
        (_, service), _ = build(self.nucleus.bus("smartcam.Capture"), self.folder, self.folder)
        self._thread = threading.Thread(target=service.run, args=(self.stop,))
        self._thread.start()

    def end(self) -> None:
        self.stop.set()
        if self._thread is not None:
            self._thread.join(60)

    def want(self, seconds: float) -> None:
        now = SystemClock().monotonic()
        request = ClipRequest(event_of(1), now, MonotonicNs(now + round(seconds * NS_PER_S)))
        self.nucleus.bus("smartcam.Inference").publish_local(clips_topic(YARD), encode_clip_message(request))

    def kept(self) -> list[Path]:
        return sorted((self.folder / "clips").glob("*.mp4"))

    def wait(self, ready: Callable[[], object]) -> None:
        until = time.monotonic() + 60
        while not ready():
            assert time.monotonic() < until
            time.sleep(0.05)

    def record(self, seconds: float = 0.5) -> Path:
        """One clip, of which packets came before it was asked for."""
        self.start()
        self.wait(lambda: packets_path(self.folder, YARD).exists() and self.packets())
        time.sleep(1)
        self.want(seconds)
        self.wait(self.kept)
        return self.kept()[0]

    def packets(self) -> list[VideoPacket]:
        try:
            reader = PacketRingReader(self.folder, YARD)
        except RingError:  # it is being made
            return []
        found = []
        with closing(reader):
            for seq in reader.numbers:
                with suppress(PacketOverwritten):  # the camera goes on meanwhile
                    found.append(reader.read(seq))
        return found


@pytest.fixture
def capture(tmp_path: Path) -> Iterator[Callable[..., Capture]]:
    made: list[Capture] = []

    def make(camera: dict[str, object], **more: object) -> Capture:
        one = Capture(tmp_path, camera, **more)  # type: ignore[arg-type]
        made.append(one)
        return one

    yield make
    for one in made:
        one.end()


def halves(number: int) -> NDArray[np.uint8]:
    """Left bright, right dark, both a little different in each picture."""
    grey = np.full((HEIGHT, WIDTH), PUBLIC + number % 8, np.uint8)
    grey[:, : WIDTH // 2] = SECRET + number % 8
    return grey


def clip(folder: Path, name: str = "a.mp4", *, degrees: int = 0) -> dict[str, object]:
    """A camera that plays 15 s of two halves."""
    turn = quarter_turn(degrees) if degrees else None
    pictures = [picture_of(halves(number)) for number in range(150)]
    path = write_clip(folder / name, pictures, crf=20, turn=turn)
    return {"source": "file", "path": str(path)}


def fragments(folder: Path) -> int:
    """How many there are in the films of a folder, half a second each."""
    return sum(path.read_bytes().count(b"moof") for path in folder.glob("*"))


def lumas(content: bytes | Path) -> list[NDArray[np.uint8]]:
    with av.open(str(content), "r") as container:
        return [np.asarray(frame.to_ndarray()[: frame.height], np.uint8) for frame in container.decode(video=0)]


def test_a_clip_holds_the_very_packets_of_the_source(tmp_path: Path, capture: Callable[..., Capture]) -> None:
    camera = clip(tmp_path)
    shown = lumas(capture(camera).record())
    source = lumas(Path(str(camera["path"])))
    begin = next(i for i, each in enumerate(source) if np.array_equal(each, shown[0]))
    assert all(np.array_equal(each, of) for each, of in zip(shown, source[begin:], strict=False))
    assert 15 <= len(shown) <= 60


def with_sound(path: Path, target: Path) -> Path:
    """The same film with a quarter of a minute of silence beside it."""
    with av.open(str(path)) as reading, av.open(str(target), "w") as writing:
        film = writing.add_stream_from_template(reading.streams.video[0])
        sound = writing.add_stream("aac", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 15 * 8000), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 8000
        writing.mux(sound.encode(silence))
        writing.mux(sound.encode(None))
        for packet in reading.demux(video=0):
            if packet.dts is not None:
                packet.stream = film
                writing.mux(packet)
    return target


def test_what_was_said_there_is_kept_by_nobody(tmp_path: Path, capture: Callable[..., Capture]) -> None:
    camera = clip(tmp_path)
    heard = with_sound(Path(str(camera["path"])), tmp_path / "heard.mp4")
    with av.open(str(heard)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
    kept = capture({**camera, "path": str(heard)}).record()
    with av.open(str(kept)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    source, shown = lumas(heard), lumas(kept)
    begin = next(i for i, each in enumerate(source) if np.array_equal(each, shown[0]))
    assert all(np.array_equal(each, of) for each, of in zip(shown, source[begin:], strict=False))


@pytest.mark.parametrize("way", ["file", "avi", "turned", "turned by the clip", "device", "pi camera"])
def test_of_a_masked_place_no_true_pixel_reaches_ring_or_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "device":
        camera = v4l2_device(monkeypatch, tmp_path, map(picture_of, map(halves, range(200))))
    elif way == "pi camera":
        camera = pi_camera(monkeypatch, map(picture_of, map(halves, count())))
    else:
        camera = clip(tmp_path, "a.avi" if way == "avi" else "a.mp4", degrees=180 if way == "turned by the clip" else 0)
    if way.startswith("turned"):
        # Turned by half, the bright half is the right one.
        camera |= {"rotate": 180} if way == "turned" else {}
        camera["masks"] = {"window": [[1 - x, 1 - y] for x, y in HIDDEN]}
    with keeping_all(tmp_path, camera) as bench:
        assert_nowhere(all_that_is_kept(bench))


@contextmanager
def keeping_all(folder: Path, camera: Camera) -> Iterator[Capture]:
    """Capture, which keeps everything that it can of this camera."""
    usual = {"masks": {"window": HIDDEN}, "collect_footage": True, "keep_alive_s": 0.2}
    made = Capture(folder, usual | camera, recording={"keep": True}, footage={"every_s": 0.2})
    try:
        made.record()
        made.wait(lambda: list((folder / "footage").iterdir()))
        yield made
    finally:
        made.end()


def all_that_is_kept(bench: Capture) -> Mapping[str, list[NDArray[np.uint8]]]:
    """The brightness of every picture, by where it was found."""
    made = {"frames": frames(bench), "packets": decoded(bench.packets())}
    bench.end()
    for name in ("clips", "recording", "footage"):
        made[name] = [luma for path in (bench.folder / name).glob("*.mp4") for luma in lumas(path)]
    day = datetime.fromtimestamp(SOME_DAY // NS_PER_S, UTC).date()
    (found,) = make_highlights(bench.folder / "clips", bench.folder / "highlights", day, UTC)
    assert found.film is not None
    made["highlights"] = [luma[:-CAPTION] for luma in lumas(found.film)]
    page = cv2.imread(str(found.film.with_suffix(".jpg")), cv2.IMREAD_GRAYSCALE)
    assert page is not None
    made["page"] = [np.asarray(page[: -2 * CAPTION], np.uint8)]
    return made


def frames(bench: Capture) -> list[NDArray[np.uint8]]:
    """What inference finds in the ring of frames."""
    notices = [decode_notice(each) for each in bench.nucleus.local_payloads(frames_topic(YARD))]
    reader = RingReader(bench.folder, YARD)
    found = []
    for notice in notices:
        with suppress(FrameOverwritten):
            if isinstance(notice, FrameNotice):
                found.append(np.array(reader.read(notice).picture.luma))
    reader.close()
    return found


def assert_nowhere(kept: Mapping[str, list[NDArray[np.uint8]]]) -> None:
    """The bright half is black wherever there is a picture, and the other half is there."""
    for name, shown in kept.items():
        assert shown, name
        for luma in shown:
            assert (luma < SECRET - 40).all(), name
            assert (luma < BLACK + 8).mean() > 0.45, name
            assert (abs(luma.astype(int) - PUBLIC) < 30).mean() > 0.4, name


def decoded(packets: list[VideoPacket]) -> list[NDArray[np.uint8]]:
    context = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in context.decode(av.Packet(packet.content))]
    assert frames
    return [np.asarray(frame.to_ndarray()[: frame.height], np.uint8) for frame in frames]


@pytest.mark.parametrize("way", ["rotate", "by the clip", "avi"])
def test_what_cannot_be_kept_as_it_came_is_encoded_as_it_is_to_be_seen(
    tmp_path: Path, capture: Callable[..., Capture], way: str
) -> None:
    camera = clip(tmp_path, "a.avi" if way == "avi" else "a.mp4", degrees=180 if way == "by the clip" else 0)
    if way == "rotate":
        camera["rotate"] = 180
    shown = lumas(capture(camera).record())
    bright = shown[-1] > (SECRET + PUBLIC) // 2
    left, right = bright[:, : WIDTH // 2].mean(), bright[:, WIDTH // 2 :].mean()
    assert (left, right) == pytest.approx((1, 0) if way == "avi" else (0, 1), abs=0.02)


PROCESS = """
import sys
from pathlib import Path
from smartcam.edge.muxing import ClipWriter
from tests.unit.capture.recording.test_camera_recording import Capture

write = ClipWriter.write

def write_and_say(writer, packet):
    written = write(writer, packet)
    print(packet.captured_at, flush=True)
    return written

ClipWriter.write = write_and_say
capture = Capture(Path(sys.argv[1]), {"source": "file", "path": sys.argv[2]})
capture.start()
capture.wait(capture.packets)
capture.want(60)
print("asked", flush=True)
"""


def test_kill_9_costs_a_clip_a_second_at_most_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    camera = clip(tmp_path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    arguments = [sys.executable, "-c", PROCESS, str(tmp_path), str(camera["path"])]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        # When what went into the film was captured: how far the process had come, however slow the machine is.
        said = (int(line) for line in process.stdout if line.endswith(b"\n") and line != b"asked\n")
        first = next(said)
        written = next(at for at in said if at >= first + 3 * NS_PER_S)
        process.kill()
        written = max([written, *said])
    folder = ClipFolder(tmp_path / "clips", SystemClock())
    (name,) = folder.finished()
    assert sorted(path.name for path in (tmp_path / "clips").iterdir()) == [
        str(name),
        str(name).replace(".mp4", ".vtt"),
    ]
    with av.open(str(folder.path(name)), "r") as container:
        begin = parse_utc(json.loads(container.metadata["comment"])["begins_at"], "begins_at")
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert begin / NS_PER_S + times[-1] >= written / NS_PER_S - 1


def test_without_the_setting_nothing_is_kept_and_no_memory_taken(
    tmp_path: Path, capture: Callable[..., Capture]
) -> None:
    (tmp_path / "clips").mkdir()
    old = tmp_path / "clips" / str(ClipName(event_id(7), YARD, 1))
    old.write_bytes(b"old")
    bench = capture(clip(tmp_path), clips={"before_s": 5})
    bench.start()
    bench.wait(lambda: bench.nucleus.local_payloads(frames_topic(YARD)))
    bench.want(0.1)
    assert not packets_path(tmp_path, YARD).exists()
    assert not old.exists()


def test_clips_that_cannot_be_kept_are_a_remark_and_the_camera_runs(
    tmp_path: Path, capture: Callable[..., Capture]
) -> None:
    (tmp_path / "clips").write_text("no folder")
    bench = capture(clip(tmp_path))
    bench.start()
    bench.wait(lambda: packets_path(tmp_path, YARD).exists() and bench.packets())
    bench.want(5)

    def reasons() -> set[str]:
        told = [decode_notice(each) for each in bench.nucleus.local_payloads(frames_topic(YARD))]
        return {f"{each.state}: {each.reason}" for each in told if isinstance(each, StatusNotice)}

    bench.wait(lambda: any(each.startswith("running: clips are not kept: ") for each in reasons()))
    assert not any(each.startswith("lost") for each in reasons())


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", encode_clip_message(ClipRequest(event_of(1, CameraId("gate")), MonotonicNs(1), MonotonicNs(2)))],
)
def test_a_wrong_request_is_refused(tmp_path: Path, payload: bytes) -> None:
    nucleus, clock = FakeNucleus(), SystemClock()
    settings = SourceSettings(YARD, clips=ClipSettings(keep=True))
    folder = ClipFolder(tmp_path / "clips", clock)
    recording = CameraRecording(settings, tmp_path, folder, nucleus.bus("smartcam.Capture"), clock)
    stop = StopToken()
    with recording.running(stop):
        nucleus.bus("smartcam.Inference").publish_local(clips_topic(YARD), payload)
        deadline = time.monotonic() + 60
        while [pulse.name for pulse in stop.loops.pulses()] != ["films-yard"]:
            assert time.monotonic() < deadline
            time.sleep(0.002)
    assert recording.fault == ""
    assert not (tmp_path / "clips").exists()


@pytest.mark.parametrize(
    ("settings", "has_tap"),
    [
        (SourceSettings(YARD), True),
        (SourceSettings(YARD, source=SourceKind.RTSP), True),
        (SourceSettings(YARD, source=SourceKind.V4L2), False),
        (SourceSettings(YARD, source=SourceKind.PICAMERA), False),
        (SourceSettings(YARD, rotate=90), False),
        (SourceSettings(YARD, mirror=True), False),
    ],
)
def test_only_packets_that_show_what_is_to_be_seen_are_kept(
    tmp_path: Path,
    settings: SourceSettings,
    has_tap: bool,  # noqa: FBT001
) -> None:
    clock = SystemClock()
    made = replace(settings, clips=ClipSettings(keep=True))
    recording = CameraRecording(made, tmp_path, ClipFolder(tmp_path, clock), FakeNucleus().bus("x"), clock)
    assert (recording.tap is not None) is has_tap


def test_what_waits_encoded_takes_at_most_eight_megabytes_a_camera() -> None:
    for before_s in (0, 5, 60):
        size, entries = ring_size(ClipSettings(keep=True, before_s=before_s), is_encoded=True)
        assert size + entries * 72 < 8_000_000
    assert ring_size(ClipSettings(keep=True), is_encoded=False)[0] == 7_500_000


@pytest.mark.parametrize("keeps_clips", [True, False])
def test_what_is_recorded_all_the_time_are_the_very_packets_of_the_source(
    tmp_path: Path, capture: Callable[..., Capture], *, keeps_clips: bool
) -> None:
    camera = clip(tmp_path)
    bench = capture(camera, recording={"keep": True}, clips={"keep": keeps_clips, "before_s": 1, "after_s": 1})
    bench.start()
    bench.wait(lambda: list((tmp_path / "recording").glob("*.part")))
    if keeps_clips:
        bench.want(0.5)
        bench.wait(bench.kept)
    bench.wait(lambda: fragments(tmp_path / "recording") > 3)
    bench.end()
    (path,) = (tmp_path / "recording").iterdir()
    shown, source = lumas(path), lumas(Path(str(camera["path"])))
    assert len(shown) >= 10
    assert all(np.array_equal(one, other) for one, other in zip(shown, source, strict=False))
    assert (tmp_path / "clips").exists() is keeps_clips


def test_what_is_recorded_all_the_time_of_a_masked_place_shows_no_true_pixel(
    tmp_path: Path, capture: Callable[..., Capture]
) -> None:
    bench = capture(clip(tmp_path) | {"masks": {"window": HIDDEN}}, recording={"keep": True}, clips={})
    bench.start()
    bench.wait(lambda: fragments(tmp_path / "recording") > 3)
    bench.end()
    (path,) = (tmp_path / "recording").iterdir()
    shown = lumas(path)
    assert shown
    assert all((luma < SECRET - 40).all() for luma in shown)
