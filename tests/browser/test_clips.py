"""Clips in a browser: each shows every picture of its camera that it holds, in order, from the first to the last."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from smartcam.capture.main import build as build_capture
from smartcam.capture.recording.clip_folder import ClipFolder
from smartcam.contract.event import Event, Phase
from smartcam.edge.clip_name import ClipName
from smartcam.edge.clock import SystemClock
from smartcam.edge.muxing import ClipWriter
from tests.browser.coded import ALIKE, SIZE, assert_shows, coded, difference, film
from tests.clips import write_clip
from tests.encoded import encoded, video_packets
from tests.pipeline.site import Component, Site
from tests.pipeline.visitor import FPS, red_bundle, visits
from tests.unit.capture.recording.test_camera_recording import PROCESS
from tests.waiting import until

HIDDEN = [[0.0, 0.875], [0.25, 0.875], [0.25, 1.0], [0.0, 1.0]]
"""The lower left corner, as the mask of a camera and as a part of a small picture."""
CORNER = np.s_[SIZE[1] * 7 // 8 :, : SIZE[0] // 4]


class Run:
    """Two visitors before two cameras, one of which has a mask, and what was kept of them."""

    def __init__(self, folder: Path) -> None:
        # A machine that stands still for three seconds may take the two for one, or miss one, and never both.
        clip = write_clip(folder / "yard.mp4", coded(visits(20, 30, 30, count=2)), fps=FPS, crf=18)
        self.source = film(clip)
        site = Site(folder, red_bundle(folder / "bundle"), {"yard": clip})
        cameras = {"yard": {"path": str(clip), "analyse_fps": 20}}
        cameras["gate"] = {**cameras["yard"], "masks": {"window": HIDDEN}}
        clips = {"keep": True, "before_s": 1, "after_s": 1}
        site.nucleus.configure("smartcam.Capture", {"cameras": cameras, "clips": clips})
        site.start_inference()
        capture = Component(build_capture(site.nucleus.bus("smartcam.Capture"), site.shm, folder))
        try:
            until(site.has_ended)
            until(lambda: len(list((folder / "clips").glob("*.mp4"))) == len(self.raised(site)) >= len(cameras))
        finally:
            capture.stop()
            site.stop()
        self.events = self.raised(site)
        self.folder = folder / "clips"

    @staticmethod
    def raised(site: Site) -> Sequence[Event]:
        return [event for event in site.cloud.events if event.phase is Phase.RAISED]

    def clip_of(self, event: Event) -> Path:
        return self.folder / str(ClipName(event.event_id, event.camera_id, 1))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("camera", ["yard", "gate"])
def test_each_events_clip_plays_in_order_from_its_first_to_its_last_picture(
    run: Run, player: Page, tmp_path: Path, camera: str
) -> None:
    events = [event for event in run.events if event.camera_id == camera]
    assert events
    for event in events:
        shown = assert_shows(player, run.clip_of(event), tmp_path)
        numbers = [each.number for each in shown]
        assert numbers == sorted(set(numbers))
        for each in shown:
            source = run.source[each.number].grey.copy()
            if camera == "gate":
                assert each.grey[CORNER].max() < 2 * ALIKE
                source[CORNER] = each.grey[CORNER]
            else:
                assert numbers == list(range(numbers[0], numbers[-1] + 1))
            assert difference(each.grey, source) < ALIKE


def test_a_clip_that_kill_9_has_cut_short_plays_up_to_where_it_broke_off(player: Page, tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", coded(visits(80, 10, 10)), fps=10, crf=18)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    arguments = [sys.executable, "-c", PROCESS, str(tmp_path), str(source)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        until(lambda: moofs(tmp_path / "clips") > 4)
        process.kill()
    folder = ClipFolder(tmp_path / "clips", SystemClock())
    (name,) = folder.finished()
    numbers = [each.number for each in assert_shows(player, folder.path(name), tmp_path, rate=2)]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len(numbers) > 15


def moofs(folder: Path) -> int:
    """How many pieces of film lie in a folder, whose files may just be given their names."""
    count = 0
    for file in folder.glob("*"):
        with suppress(FileNotFoundError):
            count += file.read_bytes().count(b"moof")
    return count


@pytest.mark.parametrize("each_s", [0.1, 0.04])
@pytest.mark.parametrize("is_open", [False, True])
def test_pictures_that_a_camera_sends_out_of_order_are_shown_in_order(
    player: Page, tmp_path: Path, each_s: float, *, is_open: bool
) -> None:
    first, *others = video_packets(
        encoded(40, b_frames=3, is_open=is_open, size=(320, 240)), size=(320, 240), each_s=each_s
    )
    path = tmp_path / "sent" / "b.mp4"
    path.parent.mkdir()
    with path.open("wb", buffering=0) as file:
        writer = ClipWriter(file, first, "", "")
        for packet in others:
            writer.write(packet)
        writer.close()
    # Who goes to a picture that needs what came before its key frame is shown the key frame: it is only played.
    assert len(assert_shows(player, path, tmp_path, is_every=not is_open)) == 40


def test_a_picture_that_lasts_shorter_than_a_refresh_of_the_screen_is_there(player: Page, tmp_path: Path) -> None:
    """As where the machine stood still, and what the camera had taken meanwhile came at once."""
    path = tmp_path / "sent" / "c.mp4"
    path.parent.mkdir()
    stamps = [802 if number == 9 else 100 * number for number in range(20)]
    write_clip(path, islice(coded(visits(20, 0, 0)), len(stamps)), stamps=stamps)
    assert len(assert_shows(player, path, tmp_path)) == len(stamps)
