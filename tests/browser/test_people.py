"""What the demo and six real people leave behind: each event has a clip that begins and ends in time and can be seen.

The same film comes from a file and, at the same time, from a real RTSP server; a detector sees who is there.
`pytest -s` prints how close each clip came to what was wanted.
"""

import json
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from playwright.sync_api import Page

from measure.demo.plan import CLIP_FOLDER
from measure.demo.yard_clip import yard_clip
from smartcam.capture.main import build as build_capture
from smartcam.capture.recording.camera_recording import CameraRecording
from smartcam.contract.clip import ClipRequest, decode_clip_message
from smartcam.contract.event import Event, Phase
from smartcam.contract.notice import StatusNotice
from smartcam.contract.times import NS_PER_S, parse_utc
from smartcam.contract.topics import clips_topic
from smartcam.edge.clip_name import ClipName
from smartcam.edge.clock import SystemClock
from smartcam.edge.ring.packet_ring import VideoPacket
from smartcam.vision.picture import Picture
from standins.rtsp import setup_rtsp
from tests.browser.coded import assert_shows
from tests.pipeline.site import Component, Site
from tests.rtsp.camera import RtspCamera, record
from tests.system.footage import SIX_PEOPLE, VISITS, detector_bundle, needs_footage
from tests.waiting import until
from tools.build.suite import DEMO_BUNDLE

pytestmark = pytest.mark.soak
BEFORE_S, AFTER_S = 5.0, 5.0
KEY_EVERY = 10
"""Of the pictures that `tests.rtsp.camera.record` encodes, so many are a group."""
LATE_S = 0.5
"""A packet may be on its way for so long: two cores do the work of a camera, a server and a device."""
STILL_S = 15
"""The live camera goes on to show the last picture for so long, before it begins anew."""


class Film:
    """A film, and how what shows it sends it: the hash of each picture, and how long a group of pictures may be."""

    def __init__(self, fps: float, hashes: Sequence[int], group_s: float) -> None:
        self.fps, self.hashes, self.group_s = fps, hashes, group_s

    def places(self, shown: Sequence[int]) -> list[int]:
        """Which pictures of it these are; of those that look alike, the next ones."""
        found = [self.hashes.index(shown[0])]
        for one in shown[1:]:
            after = [(found[-1] + n) % len(self.hashes) for n in range(1, len(self.hashes) + 1)]
            found.append(next(at for at in after if self.hashes[at] == one))
        return found


class Watched:
    """A device before two cameras that show the same film: `file`, and `live` behind an RTSP server."""

    def __init__(self, folder: Path, film: Path, bundle: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "clips"
        self.clock = SystemClock()
        with av.open(f"file:{film}") as container:
            stream = container.streams.video[0]
            fps = float(stream.average_rate or 0)
            keys = [
                float(each.pts * each.time_base) for each in container.demux(stream) if each.pts and each.is_keyframe
            ]
        shown = list(pictures(film))
        self.length_s = len(shown) / fps
        units = record(folder / "live.h264", [*shown, *[shown[-1]] * round(STILL_S * fps)], fps=fps)
        longest_s = max(later - one for one, later in pairwise([0.0, *keys, self.length_s]))
        self.films = {
            "file": Film(fps, hashes(film), longest_s),
            "live": Film(fps, sent(units), KEY_EVERY / fps),
        }
        self.site = Site(folder, bundle, {"file": film})
        self.came: dict[str, list[float]] = {"file": [], "live": []}
        """When each packet of a camera came: UTC in seconds, to the millisecond as clips say it."""
        keep = CameraRecording._keep

        def keep_and_note(recording: CameraRecording, packet: VideoPacket) -> None:
            self.came[recording._camera].append(packet.captured_at // 1_000_000 / 1000)
            keep(recording, packet)

        patch.setattr(CameraRecording, "_keep", keep_and_note)
        with RtspCamera(setup_rtsp(say=lambda _: None)) as camera:
            camera.show(units, fps=fps)
            self._watch(folder, {"file": {"path": str(film)}, "live": {"source": "rtsp", "url": camera.url}})

    def _watch(self, folder: Path, cameras: object) -> None:
        """Until the film is over and every event has its clip."""
        clips = {"keep": True, "before_s": BEFORE_S, "after_s": AFTER_S}
        self.site.nucleus.configure("smartcam.Capture", {"cameras": cameras, "clips": clips})
        self.site.start_inference()
        capture = Component(build_capture(self.site.nucleus.bus("smartcam.Capture"), self.site.shm, folder))
        try:
            until(self.is_over, 2 * self.length_s)
            until(lambda: not list(self.folder.glob("*.part")))
        finally:
            capture.stop()
            self.site.stop()

    def is_over(self) -> bool:
        """Both cameras have shown the whole film, and nobody is taken to be there any more."""
        live, events = self.came["live"], self.site.cloud.events
        raised, cleared = ({e.event_id for e in events if e.phase is phase} for phase in (Phase.RAISED, Phase.CLEARED))
        is_shown = bool(live) and live[-1] - live[0] >= self.length_s and raised == cleared
        return is_shown and any(
            isinstance(each, StatusNotice) and each.state == "ended" for each in self.site.notices()
        )

    def events(self, camera: str) -> list[Event]:
        raised = (each for each in self.site.cloud.events if each.phase is Phase.RAISED)
        return [each for each in raised if each.camera_id == camera]

    def wanted(self, event: Event) -> tuple[float, float]:
        """From when to when there is to be a clip of an event: UTC in seconds, by what inference has asked for."""
        said = [decode_clip_message(each) for each in self.site.nucleus.local_payloads(clips_topic(event.camera_id))]
        asked = [each for each in said if isinstance(each, ClipRequest) and each.event.event_id == event.event_id]
        utc_s = (self.clock.utc() - self.clock.monotonic()) / NS_PER_S
        return asked[0].from_mono / NS_PER_S + utc_s - BEFORE_S, asked[-1].to_mono / NS_PER_S + utc_s + AFTER_S

    def clip_of(self, event: Event) -> Path:
        return self.folder / str(ClipName(event.event_id, event.camera_id, 1))


def pictures(film: Path) -> Iterator[Picture]:
    with av.open(f"file:{film}") as container:
        for frame in container.decode(video=0):
            flat = np.asarray(frame.reformat(format="yuv420p").to_ndarray(), np.uint8).reshape(-1)
            yield Picture.from_i420(flat, frame.width, frame.height)


def hashes(film: Path) -> list[int]:
    """What tells each picture of a film from the others."""
    with av.open(f"file:{film}") as container:
        return [hash_of(frame) for frame in container.decode(video=0)]


def sent(units: Path) -> list[int]:
    """The same of what an RTSP camera sends: pictures, each behind its length."""
    context, found, content, at = av.CodecContext.create("h264", "r"), [], units.read_bytes(), 0
    assert isinstance(context, VideoCodecContext)
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        found += [hash_of(frame) for frame in context.decode(av.Packet(content[at + 4 : at + 4 + size]))]
        at += 4 + size
    return found + [hash_of(frame) for frame in context.decode(None)]


def hash_of(frame: av.VideoFrame) -> int:
    return hash(np.ascontiguousarray(frame.to_ndarray()[: frame.height]).tobytes())


def facts_of(clip: Path) -> tuple[float, list[float], bool]:
    """When a clip begins, at which of its seconds it shows a picture, and whether it says that it is shortened."""
    with av.open(str(clip)) as container:
        said = json.loads(container.metadata["comment"])
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    return parse_utc(said["begins_at"], "begins_at") / NS_PER_S, times, said["shortened"]


def assert_in_time(watched: Watched, event: Event, camera: str) -> tuple[int, int]:
    """The clip of an event is what was wanted, picture by picture; with which pictures of the film the event began and
    ended."""
    clip, film = watched.clip_of(event), watched.films[camera]
    begin, times, is_shortened = facts_of(clip)
    wanted_from, wanted_to = watched.wanted(event)
    assert not is_shortened
    assert times == sorted(set(times))
    came = watched.came[camera]
    first = came.index(begin)
    assert begin <= max(wanted_from, came[0])
    assert wanted_from - begin <= film.group_s + LATE_S
    shown = hashes(clip)
    is_cut = camera == "file" and shown[-1] == film.hashes[-1]  # there was no more of it
    late_s = came[first + len(times) - 1] - wanted_to
    assert is_cut or abs(late_s) <= 1
    places = film.places(shown)
    assert places == [(places[0] + n) % len(film.hashes) for n in range(len(shown))]
    assert clip.with_suffix(".vtt").is_file()
    ends = "with the film" if is_cut else f"{late_s:+.2f} s from the wanted end"
    print(  # noqa: T201 - measured for the docs
        f"{camera}: {event.kind}: begins {wanted_from - begin:.2f} s early, ends {ends}, {len(times)} pictures"
    )
    began, ended = (bisect_left(came, at) for at in (event.started_at / NS_PER_S, wanted_to - AFTER_S))
    return places[0] - first + began, places[0] - first + ended


Visits = Sequence[tuple[int, int]]
"""From which to which picture of the film somebody is there, where that is known."""
FILMS: Mapping[str, tuple[Callable[[], Path], Callable[[Path], Path], Visits]] = {
    "demo": (lambda: yard_clip(CLIP_FOLDER, print), lambda _: DEMO_BUNDLE, ()),
    "six people": (lambda: SIX_PEOPLE, detector_bundle, VISITS),
}


@pytest.mark.parametrize("name", ["demo", pytest.param("six people", marks=needs_footage)])
def test_each_event_has_a_clip_from_before_it_until_after_it_that_plays_in_a_browser(
    tmp_path: Path, player: Page, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    film, bundle, visits = FILMS[name]
    (tmp_path / "device").mkdir()
    watched = Watched(tmp_path / "device", film(), bundle(tmp_path / "bundle"), monkeypatch)
    for camera in watched.films:
        events = watched.events(camera)
        assert events
        spans = []
        for event in events:
            spans.append(assert_in_time(watched, event, camera))
            assert_shows(player, watched.clip_of(event), tmp_path, rate=2, is_every=False)
        # A busy machine looks seldom, and may take one who comes soon after another for the same.
        seen = [any(began <= last and first <= ended for began, ended in spans) for first, last in visits]
        assert all(seen), (camera, spans)
