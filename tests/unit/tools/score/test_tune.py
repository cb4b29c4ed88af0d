import json
from pathlib import Path

import pytest
import yaml

from smartcam.contract.event import EventKind
from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.inference.settings import InferenceSettings, read_settings
from smartcam.model.manifest import ModelKind
from tests.clips import still_scene, write_clip
from tests.unit.inference.stage import manifest
from tests.unit.tools.score.finder import Finder
from tools.score import tuning
from tools.score.measuring import ScorePlan
from tools.score.playback import CAMERA, Playback
from tools.score.targets import SeenEvent
from tools.score.tune import main

FRAMES = 40


@pytest.fixture(autouse=True)
def _small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Playing a clip gives an event in time if raise_at is low, and with min_frames of 1 a false one."""

    monkeypatch.setattr(
        "tools.score.measuring.open_model", lambda _: ObjectModel(manifest(ModelKind.DETECTOR), Finder())
    )
    monkeypatch.setattr("tools.score.measuring.play_clip", _played)
    (tmp_path / "bundle").mkdir()


def _played(plan: ScorePlan, *_: object) -> Playback:
    camera = plan.settings.camera(CAMERA)
    starts_s = tuple(frame / 10 for frame in range(FRAMES))
    person = EventKind.PERSON
    events = [SeenEvent(person, at, None, 0.7) for at in (0.5, 3.1) if (camera.raise_at or 0.6) <= 0.5]
    events += [SeenEvent(person, at, None, 0.7) for at in (1.7, 3.8) if camera.min_frames == 1]
    return Playback(FRAMES, starts_s, FRAMES / 10, tuple(events), (), {})


def call(folder: Path, clips: int, *more: str, spans: object = ([0, 9], [30, 34])) -> int:
    names = [f"{number}.mp4" for number in range(clips)]
    for name in names:
        write_clip(folder / name, still_scene(64, 48, FRAMES))
    labels = folder / "labels.json"
    labels.write_text(json.dumps({name: {"person": spans} for name in names}))
    videos = [part for name in names for part in ("--video", str(folder / name))]
    out = [] if "--out" in more else ["--out", str(folder / "camera.yaml")]
    return main([*videos, "--labels", str(labels), "--bundle", str(folder / "bundle"), *out, *more])


@pytest.mark.parametrize(("clips", "half"), [(1, "the first half of the clip"), (3, "2 of 3 clips")])
def test_the_proposal_is_tuned_on_one_half_told_on_the_other_and_written_as_settings(
    tmp_path: Path, clips: int, half: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, clips, "--camera", "yard") == 0
    said = capsys.readouterr().out
    expected = {1: (1, 1), 3: (4, 2)}[clips]
    assert f"tuned on {half}:\n  as it is  0 of {expected[0]} found" in said
    assert f"  proposed  {expected[0]} of {expected[0]} found, 0 twice, 0 false" in said
    assert f"on the other half, which had no part in it:\n  as it is  0 of {expected[1]} found" in said
    assert f"  proposed  {expected[1]} of {expected[1]} found, 0 twice, 0 false" in said
    out = tmp_path / "camera.yaml"
    document = yaml.safe_load(out.read_text())
    assert document == {"cameras": {"yard": {"raise_at": 0.4}}}
    read = read_settings(document)
    assert isinstance(read, InferenceSettings)
    assert "On the other half" in out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600


def test_the_table_shows_what_each_setting_gains_and_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(tmp_path, 1)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["as", "it", "is", "3", "0", "of", "1", "0", "0"] in rows
    assert ["*", "raise_at", "0.4", "0", "1", "of", "1", "0", "0", "0.50", "0.50"] in rows
    assert ["min_frames", "1,", "raise_at", "0.4", "1", "1", "of", "1", "1", "0", "0.50", "0.50"] in rows


def test_settings_that_cannot_be_bettered_stay_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"raise_at": 0.4}')
    assert call(tmp_path, 1, "--camera-settings", str(settings)) == 0
    assert "The settings can stay as they are" in capsys.readouterr().out
    assert not (tmp_path / "camera.yaml").exists()


def test_labels_that_expect_nothing_cannot_be_tuned_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path, 1, spans=[[30, 34]]) == 1
    assert "the half to tune on is labelled with nothing" in capsys.readouterr().err
    assert not (tmp_path / "camera.yaml").exists()


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path, 1, "--out", str(tmp_path)) == 1
    assert "is there already" in capsys.readouterr().err


def test_a_place_where_nothing_can_be_written_is_told_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.score.measuring.play_clip", lambda *_: pytest.fail("played"))
    assert call(tmp_path, 1, "--out", str(tmp_path / "none/camera.yaml")) == 1
    assert f"there is no folder {tmp_path / 'none'}; make it, or give another --out" in capsys.readouterr().err


def test_a_proposal_that_does_worse_on_the_other_half_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, 1, spans=[[0, 9]]) == 0
    # At 3.1 s of the second half nothing is labelled: there the proposal only adds a false event.
    assert "do not use it" in capsys.readouterr().err


def test_every_key_that_is_tuned_is_one_of_a_cameras_settings() -> None:
    for key, values in tuning.VALUES.items():
        for value in values:
            document = {"cameras": {"yard": {key: value}}}
            assert getattr(next(iter(read_settings(document).cameras.values())), key) == value
