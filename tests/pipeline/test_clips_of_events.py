"""An event that inference raises has a clip that capture keeps, from before it until after it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from smartcam.capture.main import build as build_capture
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, parse_utc
from smartcam.contract.topics import ack_topic, clips_topic
from smartcam.contract.wanted import NOTHING_WANTED
from smartcam.edge.ring.packet_ring import VideoPacket
from tests.came import noting_packets
from tests.clips import write_clip
from tests.pipeline.site import THING, Component, Site
from tests.pipeline.visitor import FPS, red_bundle, visits
from tests.waiting import until
from tools.clips.verify import verified

YARD = CameraId("yard")


class Kept:
    """A site whose capture keeps clips."""

    def __init__(self, folder: Path, came: Sequence[VideoPacket]) -> None:
        # Seven seconds: a machine that stands still for three must not miss the only visit.
        self.clip = write_clip(folder / "yard.mp4", visits(60, 140, 200), fps=FPS)
        self.site = Site(folder, red_bundle(folder / "bundle"), {"yard": self.clip})
        self.folder = folder / "clips"
        self.work = folder
        self.captures: list[Component] = []
        self.came = came
        self.camera: dict[str, object] = {"path": str(self.clip), "analyse_fps": 20}
        self.configure()

    def configure(self, **camera: object) -> None:
        clips = {"keep": True, "before_s": 1, "after_s": 1}
        self.site.nucleus.configure("smartcam.Capture", {"cameras": {"yard": self.camera | camera}, "clips": clips})

    def start_capture(self) -> None:
        bus = self.site.nucleus.bus("smartcam.Capture")
        self.captures.append(Component(build_capture(bus, self.site.shm, self.work)))

    def stop(self) -> None:
        for each in self.captures:
            each.stop()
        self.site.stop()

    def said(self) -> str:
        return " ".join(json.loads(each)["type"] for each in self.site.nucleus.local_payloads(clips_topic(YARD)))

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.mp4"))

    def has(self, phase: Phase) -> bool:
        return any(event.phase is phase for event in self.site.cloud.events)

    def event(self, phase: Phase) -> Event:
        return next(event for event in self.site.cloud.events if event.phase is phase)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with noting_packets() as came:
        made = Kept(tmp_path, came)
        yield made
        made.stop()


def span(path: Path) -> tuple[float, float]:
    """When a clip begins and ends: UTC in seconds."""
    with av.open(str(path), "r") as container:
        facts = json.loads(container.metadata["comment"])
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert times == sorted(set(times))
    begin = parse_utc(facts["begins_at"], "begins_at") / NS_PER_S
    return begin, begin + times[-1] - times[0]


def lumas(path: Path) -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    with av.open(str(path), "r") as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray()[: frame.height], np.uint8)


def test_an_event_has_a_clip_with_what_came_before_and_after_it_picture_by_picture(kept: Kept) -> None:
    kept.site.start_inference()
    kept.start_capture()
    until(kept.files)
    until(lambda: kept.has(Phase.CLEARED))
    raised, cleared = kept.event(Phase.RAISED), kept.event(Phase.CLEARED)
    (path,) = kept.files()
    assert path.name == f"{raised.event_id}.yard.001.mp4"
    begin, _ = span(path)
    assert begin <= raised.started_at / NS_PER_S - 1 + 0.1
    assert cleared.ended_at is not None
    # All that came until a second after the end; how much more depends on when capture hears of the end.
    wanted = sum(packet.captured_at <= cleared.ended_at + NS_PER_S for packet in kept.came)
    assert wanted <= len(list(lumas(path))) < len(kept.came)
    # The whole clip is one group of pictures, so that it begins with the first.
    assert all(np.array_equal(one, other) for one, other in zip(lumas(path), lumas(kept.clip), strict=False))


def test_a_cloud_that_takes_it_hears_which_clips_there_are_and_one_that_has_not_said_so_does_not(kept: Kept) -> None:
    kept.configure(at_end="reopen")
    kept.site.start_inference()
    kept.start_capture()
    until(kept.files)
    until(lambda: "heard" in kept.said() and kept.has(Phase.CLEARED))
    assert {event.phase for event in kept.site.cloud.events} == {Phase.RAISED, Phase.CLEARED}

    kept.site.nucleus.deliver(ack_topic(THING), replace(NOTHING_WANTED, takes=("recorded",)).to_json())
    until(lambda: kept.has(Phase.RECORDED))
    record = next(event for event in kept.site.cloud.events if event.phase is Phase.RECORDED)
    path = kept.folder / f"{record.event_id}.yard.{record.clips[-1].part:03d}.mp4"
    assert record.clips[-1].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert verified(path).seal.key == record.clip_key
    until(lambda: not kept.site.waiting())


def test_what_inference_asked_for_is_kept_when_it_is_gone_and_capture_goes_on_after_its_own_end(kept: Kept) -> None:
    kept.site.start_inference()
    kept.start_capture()
    until(lambda: kept.has(Phase.RAISED))
    kept.site.stop_inference()
    until(lambda: list(kept.folder.glob("*.part")))
    kept.captures.pop().stop()
    (first,) = kept.files()
    assert span(first)[0] <= kept.event(Phase.RAISED).started_at / NS_PER_S - 0.9
    kept.start_capture()
    kept.site.start_inference()
    until(lambda: kept.has(Phase.CLEARED))
    until(lambda: not list(kept.folder.glob("*.part")))
    assert all(span(each)[1] > span(each)[0] for each in kept.files())
