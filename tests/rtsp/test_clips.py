"""Clips of a real RTSP camera: its own packets, before and after what was asked for."""

import json
from contextlib import closing
from pathlib import Path
from threading import Thread

import av
import pytest

from smartcam.capture.main import build
from smartcam.contract.clip import ClipRequest, encode_clip_message
from smartcam.contract.errors import RingError
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs, parse_utc
from smartcam.contract.topics import clips_topic
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.ring.packet_ring import PacketRingReader
from standins.rtsp import RtspServer
from tests.came import noting_packets
from tests.clip_events import event_of
from tests.fakes.bus import FakeNucleus
from tests.rtsp.camera import RtspCamera
from tests.waiting import PATIENCE_S, until

GATE = CameraId("gate")


class Recorded:
    """The component before one camera, and what it keeps."""

    def __init__(self, folder: Path, url: str) -> None:
        self.clock = SystemClock()
        self.work, self.folder = folder, folder / "clips"
        self.nucleus = FakeNucleus()
        camera = {"source": "rtsp", "url": url}
        clips = {"keep": True, "before_s": 2, "after_s": 1}
        self.nucleus.configure("smartcam.Capture", {"cameras": {"gate": camera}, "clips": clips})
        (_, service), _ = build(self.nucleus.bus("smartcam.Capture"), folder, folder)
        self.stop = StopToken()
        self.thread = Thread(target=service.run, args=(self.stop,))
        self.thread.start()

    def watches(self, seconds: float) -> None:
        """Until packets have come for so long."""
        until(lambda: self._held_s() >= seconds)

    def _held_s(self) -> float:
        try:
            return (self.came(-1) - self.came(0)) / NS_PER_S
        except (RingError, IndexError):  # it is being made, was written over, or is empty
            return 0

    def came(self, place: int) -> MonotonicNs:
        """When a packet of those that are held has come, the oldest at 0."""
        with closing(PacketRingReader(self.work, GATE)) as reader:
            return reader.read(reader.numbers[place]).captured_mono

    def want(self, seconds: float, begin: MonotonicNs | None = None) -> MonotonicNs:
        """Asks for a clip from then on, or from now; when that is."""
        begin = self.clock.monotonic() if begin is None else begin
        request = ClipRequest(event_of(1, GATE), begin, MonotonicNs(begin + round(seconds * NS_PER_S)))
        self.nucleus.bus("smartcam.Inference").publish_local(clips_topic(GATE), encode_clip_message(request))
        return begin

    def kept(self, count: int = 1) -> list[Path]:
        until(lambda: len(list(self.folder.glob("*.mp4"))) >= count)
        return sorted(self.folder.glob("*.mp4"))

    def close(self) -> None:
        self.stop.set()
        self.thread.join(PATIENCE_S)


def begins_at(path: Path) -> float:
    with av.open(str(path), "r") as container:
        return parse_utc(json.loads(container.metadata["comment"])["begins_at"], "begins_at") / NS_PER_S


def times(path: Path) -> list[float]:
    with av.open(str(path), "r") as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_clip_begins_before_it_was_asked_for_and_ends_where_it_should(
    server: RtspServer, clips: Path, tmp_path: Path, codec: str
) -> None:
    with RtspCamera(server) as camera, noting_packets() as came:
        camera.show(clips / f"small.{codec}", codec)
        site = Recorded(tmp_path, camera.url)
        try:
            site.watches(3)
            asked = site.want(2)
            (path,) = site.kept()
        finally:
            site.close()
    first = max(at for at, packet in enumerate(came) if packet.is_key and packet.captured_mono <= asked - 2 * NS_PER_S)
    assert begins_at(path) == pytest.approx(came[first].captured_at / NS_PER_S, abs=0.002)
    shown = times(path)
    assert shown == sorted(set(shown))
    wanted = sum(packet.captured_mono <= asked + 3 * NS_PER_S for packet in came[first:])
    assert wanted <= len(shown) < len(came) - first


def test_a_camera_that_changes_its_resolution_is_kept_in_parts_that_play(
    server: RtspServer, clips: Path, tmp_path: Path
) -> None:
    with RtspCamera(server) as camera:
        camera.show(clips / "small.h264")
        site = Recorded(tmp_path, camera.url)
        try:
            site.watches(2)
            site.want(4)
            camera.show(clips / "large.h264")
            paths = site.kept(2)
        finally:
            site.close()
    assert site.kept(2) == paths
    widths = []
    for path in paths:
        with av.open(str(path), "r") as container:
            widths.append({frame.width for frame in container.decode(video=0)})
    assert widths == [{320}, {640}]


def test_the_last_seconds_of_a_camera_that_is_lost_are_kept(server: RtspServer, clips: Path, tmp_path: Path) -> None:
    with RtspCamera(server) as camera, noting_packets() as came:
        camera.show(clips / "small.h264")
        site = Recorded(tmp_path, camera.url)
        try:
            site.watches(3)
            camera.kill()
            # Of what has come: a busy machine asks late.
            asked = site.want(0.5, site.came(-1))
            (path,) = site.kept()
        finally:
            site.close()
    first = max(at for at, packet in enumerate(came) if packet.is_key and packet.captured_mono <= asked - 2 * NS_PER_S)
    assert begins_at(path) == pytest.approx(came[first].captured_at / NS_PER_S, abs=0.002)
    assert len(times(path)) == len(came) - first
