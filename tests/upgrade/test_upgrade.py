"""What devices of released versions hold must be taken by this one: a folder for each version, never changed."""

import contextlib
import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from smartcam.capture.settings import CaptureSettings
from smartcam.capture.settings import read_settings as read_capture
from smartcam.console.settings import read_settings as read_console
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId
from smartcam.edge.outbox.outbox import Outbox
from smartcam.homeassistant.settings import read_settings as read_home_assistant
from smartcam.inference.settings import InferenceSettings
from smartcam.inference.settings import read_settings as read_inference
from tests.fakes.clock import FakeClock

RELEASES = sorted(path for path in Path(__file__).parent.iterdir() if (path / "smartcam.Capture.json").is_file())
READERS: Mapping[str, Callable[[Mapping[str, object]], CaptureSettings | InferenceSettings]] = {
    "smartcam.Capture": read_capture,
    "smartcam.Inference": read_inference,
}


def stored(release: Path, component: str) -> dict[str, object]:
    document = json.loads((release / f"{component}.json").read_text())
    assert isinstance(document, dict)
    return document


def test_the_first_release_is_kept() -> None:
    assert RELEASES[0].name == "0.1.0"


@pytest.mark.parametrize("component", READERS)
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_a_configuration_of_an_earlier_release_is_taken(release: Path, component: str) -> None:
    assert READERS[component](stored(release, component)).cameras


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_a_configuration_of_an_earlier_console_is_taken(release: Path) -> None:
    assert read_console(stored(release, "smartcam.Console")).names


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_a_configuration_of_an_earlier_component_for_home_assistant_is_taken(release: Path) -> None:
    assert read_home_assistant(stored(release, "smartcam.HomeAssistant")).host


def keys(document: object) -> set[str]:
    """Every key at any depth."""
    if isinstance(document, list):
        return set().union(*map(keys, document))
    return {*document, *set().union(*map(keys, document.values()))} if isinstance(document, dict) else set()


def test_every_key_that_is_documented_stands_in_a_stored_configuration() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    cells = re.findall(r"^\| ((?:`[\w.]+`(?:, )?)+) \|", documented, re.MULTILINE)
    known = {key for cell in cells for path in re.findall(r"`([\w.]+)`", cell) for key in path.split(".")}
    files = [file for release in RELEASES for file in release.glob("smartcam.*.json")]
    held = set().union(*(keys(json.loads(file.read_text())) for file in files))
    # A key that is in no released version yet belongs into the folder of the one that brings it.
    assert len(known) > 40
    assert known - held == {"python"}, "of smartcam.Runtime, whose script reads it, all others are to be held"


def test_its_values_mean_what_they_meant() -> None:
    cameras = {each.camera: each for each in read_capture(stored(RELEASES[0], "smartcam.Capture")).cameras}
    camera = cameras[CameraId("yard")]
    assert (cameras[CameraId("gate")].max_fps, cameras[CameraId("hall")].device) == (10.0, "/dev/video0")
    assert (camera.camera, camera.analyse_fps, camera.keep_alive_s) == ("yard", 5.0, 1.0)
    settings = read_inference(stored(RELEASES[0], "smartcam.Inference"))
    [yard] = settings.cameras.values()
    assert (yard.labels, yard.raise_at, yard.clear_at, yard.min_frames) == (("person",), 0.6, 0.4, 3)
    assert settings.outbox.max_age_s == 168 * 3600
    assert [(rule.name, rule.loiter_s, rule.line and rule.line.name) for rule in yard.rules] == [
        ("at the gate", 5.0, None),
        ("over the fence", 0.0, "fence"),
    ]
    assert not settings.snapshots.enabled


@pytest.mark.parametrize("component", READERS)
def test_what_no_release_knows_is_refused_with_its_key(component: str) -> None:
    document = stored(RELEASES[0], component) | {"camera": {}}
    with pytest.raises(SettingsError) as refused:
        READERS[component](document)
    assert refused.value.key == "camera"
    assert "cameras" in str(refused.value)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_events_that_waited_for_the_cloud_are_sent_by_the_new_version(release: Path, tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite3"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript((release / "outbox.sql").read_text())
    outbox = Outbox(file, FakeClock())
    try:
        assert outbox.counts().waiting == 1
        [episode] = outbox.open_episodes()
        assert (episode.key, episode.camera_id, episode.state) == ("track-1", "yard", {"score": 0.9})
        [due] = outbox.due()
        assert due.event.event_id == episode.event_id
    finally:
        outbox.close()
