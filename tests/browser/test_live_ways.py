"""The ways in which a browser gets the live picture: how late each is, who hears it, and what it costs capture."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect

from smartcam.capture.main import build as build_capture
from smartcam.console.main import build as build_console
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice
from smartcam.contract.topics import views_topic
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.edge.ring.packet_ring import PacketRingWriter, VideoPacket
from smartcam.vision.frame import Frame
from standins.rtsp import RtspServer, setup_rtsp
from tests.browser.stamped import HEIGHT, WIDTH, Seen, StampedCamera, seen
from tests.fakes.bus import FakeNucleus, topic_matches
from tests.pipeline.site import Component
from tests.ports import reserved_port
from tests.waiting import until
from tools.setup import ToolsError

PATIENCE_MS = 60_000
PICTURE_BYTES = WIDTH * HEIGHT * 3 // 2
expect.set_options(timeout=PATIENCE_MS)
CONNECTIONS = """
window.connections = [];
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
    constructor(...given) { super(...given); window.connections.push(this); }
};
"""


class Copies:
    """What capture copies into its two rings."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pictures: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def count(self, kind: str, size: int) -> None:
        with self.lock:
            self.pictures[kind] += 1
            self.bytes[kind] += size


class Watched:
    """A camera that stamps its pictures, capture and a console."""

    def __init__(self, folder: Path, camera: StampedCamera, copies: Copies) -> None:
        nucleus = FakeNucleus()
        self.nucleus, self.copies = nucleus, copies
        shm, work = folder / "shm", folder / "work"
        for path in (shm, work / "smartcam.Capture", work / "smartcam.Console"):
            path.mkdir(parents=True)
        yard = {"source": "rtsp", "url": camera.url, "analyse_fps": 5}
        nucleus.configure("smartcam.Capture", {"cameras": {"yard": yard}, "clips": {"keep": True}})
        self._ports = ExitStack()
        port = self._ports.enter_context(reserved_port())
        nucleus.configure("smartcam.Console", {"port": port})
        self.address = f"http://127.0.0.1:{port}/"
        self._running = [
            Component(build_capture(nucleus.bus("smartcam.Capture"), shm, work / "smartcam.Capture")),
            Component(build_console(nucleus.bus("smartcam.Console"), shm, work / "smartcam.Console")),
        ]

    def close(self) -> None:
        for component in reversed(self._running):
            component.stop()
        self._ports.close()


@pytest.fixture(scope="module")
def server() -> RtspServer:
    try:
        return setup_rtsp(say=lambda _: None)
    except ToolsError as error:
        pytest.skip(f"no RTSP server: {error}")


@pytest.fixture(scope="module")
def copies() -> Iterator[Copies]:
    made = Copies()
    with pytest.MonkeyPatch.context() as patch:
        write_packet, write_frame = PacketRingWriter.write, RingWriter.write

        def counted_packet(self: PacketRingWriter, packet: VideoPacket) -> bool:
            made.count("packets", len(packet.content))
            return write_packet(self, packet)

        def counted_frame(self: RingWriter, frame: Frame) -> FrameNotice:
            made.count("frames", frame.picture.nbytes)
            return write_frame(self, frame)

        patch.setattr(PacketRingWriter, "write", counted_packet)
        patch.setattr(RingWriter, "write", counted_frame)
        yield made


@pytest.fixture(scope="module")
def site(
    console_page: Path, server: RtspServer, copies: Copies, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    assert console_page
    folder = tmp_path_factory.mktemp("watched")
    with StampedCamera(server, folder) as camera:
        made = Watched(folder, camera, copies)
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, site: Watched) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1000, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(CONNECTIONS)
    made = context.new_page()
    made.goto(site.address)
    yield made
    context.close()


def playing(page: Page, way: str) -> Locator:
    """The live picture, once it has come in this way and moves."""
    expect(page.get_by_role("article", name="yard").locator(".note")).to_contain_text(f"· {way} {WIDTH}")
    video = page.locator("article video")
    page.wait_for_function("video => video.getVideoPlaybackQuality().totalVideoFrames > 5", arg=video.element_handle())
    return video


def by_webrtc(page: Page) -> Locator:
    page.get_by_label("Less delay (WebRTC)").check()
    return playing(page, "video by WebRTC")


def settled(video: Locator) -> list[Seen]:
    """Pictures of a player that has had time to come to the live edge."""
    seen(video, 30)
    return list(seen(video, 40))


@pytest.mark.parametrize("way", ["mse", "webrtc"])
def test_how_late_a_picture_is_from_the_camera_to_the_screen(
    page: Page, way: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    found = settled(by_webrtc(page) if way == "webrtc" else playing(page, "video"))
    late_ms = median(each.late_ms for each in found)
    record_testsuite_property(f"camera_to_screen_{way}_median_ms", round(late_ms))
    # How late it may be depends on what else the machine does; that it is a time since the picture was taken does not.
    assert 0 < late_ms < 30_000
    assert len({each.taken_ms for each in found}) > len(found) // 2


def test_by_webrtc_the_console_is_heard_at_the_chosen_address_only_and_says_the_time_of_each_picture(
    page: Page, site: Watched
) -> None:
    stamps: set[int] = set()

    def heard(payload: str | bytes) -> None:
        said = json.loads(payload) if isinstance(payload, str) else {}
        if said.get("type") == "rtp":
            stamps.add(said["stamp"])

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", heard)

    page.on("websocket", opened)
    video = by_webrtc(page)
    found = seen(video, 20)

    def are_all_said() -> bool:
        page.wait_for_timeout(50)  # what is said of a picture may come after it, and is heard while we wait
        return {each.rtp_stamp for each in found} <= stamps

    until(are_all_said)
    offer = page.evaluate("connections.at(-1).remoteDescription.sdp")
    assert re.findall(r"a=candidate:\S+ \d udp \d+ (\S+) \d+ typ (\S+)", offer) == [("127.0.0.1", "host")]
    assert offer.count("a=candidate:") == 1
    ours = page.evaluate("connections.at(-1).getConfiguration().iceServers")
    assert ours == []
    assert site.address.startswith("http://127.0.0.1:")


def test_who_takes_the_choice_back_sees_the_same_without_webrtc(page: Page) -> None:
    by_webrtc(page)
    page.reload()
    playing(page, "video by WebRTC")
    page.get_by_label("Less delay (WebRTC)").uncheck()
    playing(page, "video")
    page.wait_for_function("connections.every((each) => each.connectionState === 'closed')")


def test_a_browser_that_finds_no_way_sees_video_and_says_why(page: Page) -> None:
    page.evaluate("() => { RTCPeerConnection.prototype.setLocalDescription = async () => { throw new Error('no'); }; }")
    page.get_by_label("Less delay (WebRTC)").check()
    playing(page, "video")
    expect(page.get_by_role("article", name="yard").locator(".note")).to_contain_text("no WebRTC: this browser")


def test_capture_copies_the_same_whether_nobody_looks_or_two_do(browser: Browser, site: Watched) -> None:
    copies = site.copies

    def of_the_next(count: int) -> tuple[float, float]:
        """For each packet of the camera: how often something is copied into a ring, and how many pictures' bytes."""
        with copies.lock:
            pictures, size = Counter(copies.pictures), Counter(copies.bytes)
        until(lambda: copies.pictures["packets"] >= pictures["packets"] + count)
        with copies.lock:
            packets, frames = (copies.pictures[kind] - pictures[kind] for kind in ("packets", "frames"))
            copied = copies.bytes.total() - size.total()
        return (packets + frames) / packets, copied / packets / PICTURE_BYTES

    nobody = of_the_next(40)
    pages = [browser.new_page(), browser.new_page()]
    for each in pages:
        each.set_default_timeout(PATIENCE_MS)
        each.goto(site.address)
    playing(pages[0], "video")
    by_webrtc(pages[1])
    two = of_the_next(40)
    for each in pages:
        each.close()
    # A packet once, and a picture at most once, when it is announced: whoever looks reads these by himself.
    assert max(nobody[0], two[0]) <= 2
    assert max(nobody[1], two[1]) < 2
    heard = {each.topic for each in site.nucleus._subscriptions if each.bus._component == "smartcam.Capture"}
    assert not [topic for topic in heard if topic_matches(topic, views_topic(CameraId("yard")))]
