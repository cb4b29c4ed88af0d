from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.contract.event import EventKind, Phase, Severity
from smartcam.contract.notice import FrameNotice
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.inference.analysis.tamper import TamperAnalysis
from smartcam.inference.cameras import AnalysisContext, Cameras
from smartcam.inference.events import Change, OpenEpisode, restored
from smartcam.inference.settings import AnalysisSettings, InferenceSettings
from smartcam.vision.frame import Frame
from smartcam.vision.picture import Picture
from smartcam.vision.visibility import Visibility
from tests.fakes.clock import SOME_DAY, FakeClock
from tests.unit.inference.stage import THING, YARD, counted_ids, maker

Grey = NDArray[np.uint8]


def view(seed: int = 1) -> Grey:
    rng = np.random.default_rng(seed)
    return np.asarray(np.kron(rng.integers(40, 200, (12, 16)), np.ones((10, 10))), np.uint8)


COVER: Grey = np.full((120, 160), 90, np.uint8)


class Camera:
    """A camera that gives two pictures a second, with a little noise."""

    def __init__(self, analysis: TamperAnalysis | None = None) -> None:
        self.analysis = analysis or TamperAnalysis(maker(), AnalysisSettings())
        self.at_s = 1000.0
        self.visibility = Visibility.CLEAR

    def shows(self, grey: Grey, seconds: float) -> list[Change]:
        rng = np.random.default_rng(round(self.at_s))
        half = np.full((60, 80), 128, np.uint8)
        changes: list[Change] = []
        for _ in range(round(2 * seconds)):
            self.at_s += 0.5
            noisy = np.asarray(np.clip(grey + rng.standard_normal(grey.shape), 0, 255), np.uint8)
            at = round(self.at_s * NS_PER_S)
            frame = Frame(YARD, 1, UtcNs(SOME_DAY + at), MonotonicNs(at), 0, Picture(noisy, half, half), ())
            changes += self.analysis.update(frame)
            self.visibility = self.analysis.visibility
        return changes


def events(changes: list[Change]) -> list[tuple[EventKind, Phase, str | None]]:
    return [(each.event.kind, each.event.phase, each.event.cause) for each in changes if each.event is not None]


def covered_camera(memory: MemoryFile | None = None) -> tuple[Camera, OpenEpisode]:
    camera = Camera(TamperAnalysis(maker(), AnalysisSettings(), memory))
    camera.shows(view(), 20)
    (raised,) = camera.shows(COVER, 4)
    assert raised.episode is not None
    return camera, restored(replace(raised.episode, age_ms=5000))


def test_a_covered_lens_is_one_critical_event_that_ends_when_the_view_is_back() -> None:
    camera = Camera()
    assert camera.shows(view(), 20) == []
    (raised,) = camera.shows(COVER, 15)
    assert events([raised]) == [(EventKind.TAMPER, Phase.RAISED, "covered")]
    assert raised.event is not None
    assert raised.event.severity is Severity.CRITICAL
    assert raised.event.model_name is None
    assert raised.event.score >= raised.event.threshold
    assert raised.episode is not None
    (cleared,) = camera.shows(view(), 6)
    assert events([cleared]) == [(EventKind.TAMPER, Phase.CLEARED, "covered")]
    assert cleared.event is not None
    assert cleared.event.event_id == raised.event.event_id


def test_the_event_comes_with_what_the_camera_sees() -> None:
    camera = Camera()
    camera.shows(view(), 20)
    (raised,) = camera.shows(COVER, 4)
    assert raised.snapshot is not None
    assert raised.snapshot.jpeg.startswith(b"\xff\xd8")


def test_what_can_be_seen_is_told_with_every_frame() -> None:
    camera = Camera()
    camera.shows(view(), 20)
    told = [camera.visibility]
    camera.shows(COVER, 4)
    assert [*told, camera.visibility] == [Visibility.CLEAR, Visibility.BLIND]


def test_an_episode_that_lasts_is_stored_anew_now_and_then() -> None:
    camera, _ = covered_camera()
    later = camera.shows(COVER, 50)
    assert [change.event for change in later] == [None, None]
    assert all(change.episode is not None for change in later)


def test_a_restarted_process_goes_on_with_the_episode_and_raises_nothing_new(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "view")
    camera, episode = covered_camera(memory)
    camera.analysis.keep()
    later = TamperAnalysis(maker(), AnalysisSettings(), memory)
    later.resume([episode])
    restarted = Camera(later)
    assert events(restarted.shows(COVER, 15)) == []
    assert [each.event for each in later.episodes()] == [episode.event]
    assert events(restarted.shows(view(), 6)) == [(EventKind.TAMPER, Phase.CLEARED, "covered")]


def test_a_lens_that_was_covered_while_nobody_looked_is_noticed(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "view")
    camera = Camera(TamperAnalysis(maker(), AnalysisSettings(), memory))
    camera.shows(view(), 20)
    camera.analysis.keep()
    restarted = Camera(TamperAnalysis(maker(), AnalysisSettings(), memory))
    assert events(restarted.shows(COVER, 6)) == [(EventKind.TAMPER, Phase.RAISED, "covered")]


def test_an_episode_of_an_unknown_cause_ends_when_all_is_well() -> None:
    _, episode = covered_camera()
    later = TamperAnalysis(maker(), AnalysisSettings())
    later.resume([replace(episode, event=replace(episode.event, cause="bewitched"))])
    assert events(Camera(later).shows(view(), 2)) == [(EventKind.TAMPER, Phase.CLEARED, "bewitched")]


def test_of_several_episodes_the_newest_goes_on() -> None:
    _, episode = covered_camera()
    newer = replace(episode, event=replace(episode.event, event_id=maker().new_id(UtcNs(SOME_DAY + 10**15))))
    later = TamperAnalysis(maker(), AnalysisSettings())
    later.resume([episode, newer])
    cleared = Camera(later).shows(COVER, 0.5)
    assert [change.event.event_id for change in cleared if change.event is not None] == [episode.event.event_id]
    assert [each.event.event_id for each in later.episodes()] == [newer.event.event_id]


def test_a_camera_that_gives_no_more_pictures_ends_its_episode() -> None:
    camera, _ = covered_camera()
    ended = camera.analysis.end(UtcNs(SOME_DAY + 2000 * NS_PER_S))
    assert events(ended) == [(EventKind.TAMPER, Phase.CLEARED, "covered")]
    assert camera.analysis.episodes() == []
    assert camera.analysis.end(UtcNs(SOME_DAY)) == []


def test_where_it_is_switched_off_nothing_is_raised_and_what_is_on_ends() -> None:
    camera, _ = covered_camera()
    camera.analysis.configure(AnalysisSettings(tamper=False))
    assert events(camera.shows(COVER, 2)) == [(EventKind.TAMPER, Phase.CLEARED, "covered")]
    assert camera.shows(view(2), 20) == []
    assert camera.visibility is not Visibility.BLIND


def test_a_full_disk_costs_the_memory_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    camera = Camera(TamperAnalysis(maker(), AnalysisSettings(), MemoryFile(tmp_path / "gone" / "view")))
    camera.shows(view(), 20)
    camera.analysis.keep()
    assert "view_not_stored" in caplog.text
    assert events(camera.shows(COVER, 4)) == [(EventKind.TAMPER, Phase.RAISED, "covered")]


def test_the_view_is_kept_every_ten_minutes(tmp_path: Path) -> None:
    memory = MemoryFile(tmp_path / "view")
    camera = Camera(TamperAnalysis(maker(), AnalysisSettings(), memory))
    camera.shows(view(), 20)
    camera.at_s += 560
    assert memory.load() == b""
    camera.shows(view(), 30)
    assert memory.load() != b""


def announced(writer: RingWriter, clock: FakeClock, grey: Grey, seconds: float) -> Iterator[FrameNotice]:
    """Two frames a second through a real ring."""
    half = np.full((60, 80), 128, np.uint8)
    rng = np.random.default_rng(round(clock.monotonic() / NS_PER_S))
    for seq in range(round(2 * seconds)):
        clock.advance(0.5)
        noisy = np.asarray(np.clip(grey + rng.standard_normal(grey.shape), 0, 255), np.uint8)
        yield writer.write(Frame(YARD, seq, clock.utc(), clock.monotonic(), 0, Picture(noisy, half, half), ()))


def test_a_device_without_a_model_notices_tampering_all_the_same(tmp_path: Path) -> None:
    clock = FakeClock()
    context = AnalysisContext(THING, clock, counted_ids(), tmp_path, tmp_path)
    cameras = Cameras(context, InferenceSettings())
    writer = RingWriter(tmp_path, YARD)
    try:
        calm = [each for notice in announced(writer, clock, view(), 20) for each in cameras.frame(notice)]
        changes = [each for notice in announced(writer, clock, COVER, 4) for each in cameras.frame(notice)]
        cameras.close()
        restarted = Cameras(context, InferenceSettings(cameras={YARD: AnalysisSettings(tamper=False)}))
        restarted.resume([restored(each.episode) for each in changes if each.episode is not None])
        later = [each for notice in announced(writer, clock, COVER, 2) for each in restarted.frame(notice)]
        restarted.close()
    finally:
        writer.close()
    assert events(calm) == []
    assert events(changes) == [(EventKind.TAMPER, Phase.RAISED, "covered")]
    assert events(later) == [(EventKind.TAMPER, Phase.CLEARED, "covered")]
    assert (tmp_path / f"view-{YARD}").exists()
