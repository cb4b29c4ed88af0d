"""Clips of a real RTSP camera: its own packets, before and after what was asked for."""

import json
import time
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
from tests.clip_events import event_of
from tests.fakes.bus import FakeNucleus
from tests.rtsp.camera import RtspCamera

GATE = CameraId("gate")
PATIENCE_S = 60.0


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
        until = time.monotonic() + PATIENCE_S
        while self._held_s() < seconds:
            assert time.monotonic() < until
            time.sleep(0.1)

    def _held_s(self) -> float:
        try:
            return (self.came(-1) - self.came(0)) / NS_PER_S
        except (RingError, IndexError):  # it is being made, was written over, or is empty
            return 0

    def came(self, place: int) -> MonotonicNs:
        """When a packet of those that are held has come, the oldest at 0."""
        with closing(PacketRingReader(self.work, GATE)) as reader:
            return reader.read(reader.numbers[place]).captured_mono

    def want(self, seconds: float, begin: MonotonicNs | None = None) -> float:
        """Asks for a clip from then on, or from now; when that is, in UTC seconds."""
        now = self.clock.monotonic()
        begin = now if begin is None else begin
        request = ClipRequest(event_of(1, GATE), begin, MonotonicNs(begin + round(seconds * NS_PER_S)))
        self.nucleus.bus("smartcam.Inference").publish_local(clips_topic(GATE), encode_clip_message(request))
        return (self.clock.utc() - (now - begin)) / NS_PER_S

    def kept(self, count: int = 1) -> list[Path]:
        until = time.monotonic() + PATIENCE_S
        while len(found := sorted(self.folder.glob("*.mp4"))) < count:
            assert time.monotonic() < until
            time.sleep(0.1)
        return found

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
    with RtspCamera(server) as camera:
        camera.show(clips / f"small.{codec}", codec)
        site = Recorded(tmp_path, camera.url)
        try:
            site.watches(3)
            asked = site.want(2)
            (path,) = site.kept()
        finally:
            site.close()
    # Every tenth of twenty pictures a second is a key frame, which a busy machine may send half a second late.
    assert asked - 2 - 1.1 <= begins_at(path) <= asked - 2
    shown = times(path)
    assert shown == sorted(set(shown))
    assert shown[-1] - shown[0] == pytest.approx(5, abs=1)
    assert len(shown) == pytest.approx(20 * (shown[-1] - shown[0]), abs=8)


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
            time.sleep(1)
            assert site.kept(2) == paths
        finally:
            site.close()
    widths = []
    for path in paths:
        with av.open(str(path), "r") as container:
            widths.append({frame.width for frame in container.decode(video=0)})
    assert widths == [{320}, {640}]


def test_the_last_seconds_of_a_camera_that_is_lost_are_kept(server: RtspServer, clips: Path, tmp_path: Path) -> None:
    with RtspCamera(server) as camera:
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
    assert begins_at(path) <= asked - 1.5
    assert times(path)[-1] - times(path)[0] >= 1
