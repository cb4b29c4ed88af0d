"""`smartcam normal`: what a person types, reads and gets."""

import contextlib
import io
import json
import stat
from pathlib import Path

import numpy as np
import pytest

from smartcam.capture.settings import SourceSettings
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.learned import LearnedScene
from smartcam.model.encoder import open_place_encoder
from smartcam.model.looks import Eye
from smartcam.vision.normal import usual
from smartcam.vision.normal.learner import LearningPlan
from tests.clips import picture_of, write_clip
from tests.unit.tools.normal.drawn_sets import draw_masks, draw_pictures, shown
from tools.normal.command import learned_and_tested, main
from tools.normal.footage import FootagePlan, find_footage
from tools.normal.page import PAGE
from tools.normal.playing import ScenePlayer
from tools.normal.writing import MEMORY
from tools.score.intervals import ScoreError
from tools.score.playback import CAMERA

ODD = range(40, 60)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands for the learner's half hours, so that short footage is not rehearsed for long."""
    monkeypatch.setattr(usual, "SPAN_S", 30.0)
    monkeypatch.setattr("tools.normal.playing.SPAN_S", 30.0)


@pytest.fixture(scope="module")
def drawn_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of the form of UCSD's: a picture a second; something odd stands there for a while."""
    root = tmp_path_factory.mktemp("set")
    draw_pictures(root / "Train/Train001", 70)
    draw_pictures(root / "Train/Train002", 70)
    draw_pictures(root / "Test/Test001", 80, ODD)
    draw_masks(root / "Test/Test001_gt", 80, ODD)
    return root


def player() -> ScenePlayer:
    return ScenePlayer(LearningPlan(), SourceSettings(CAMERA), None)


@pytest.fixture(scope="module")
def outcome(drawn_set: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Where the command put what it made of the set, what it printed, and its exit code."""
    folder = tmp_path_factory.mktemp("made")
    printed = io.StringIO()
    words = ["--clips", str(drawn_set), "--labels", str(drawn_set / "Test"), "--fps", "1", "--budget", "10"]
    words += ["--out", str(folder / "scene"), "--json", str(folder / "a/b.json"), "--report", str(folder / "page")]
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(usual, "SPAN_S", 30.0)
        code = main(words)
    return folder, printed.getvalue(), str(code)


def test_a_set_of_numbered_pictures_is_learned_and_what_is_odd_in_it_is_told(outcome: tuple[Path, str, str]) -> None:
    folder, printed, code = outcome
    assert code == "0"
    told = json.loads((folder / "a/b.json").read_text())
    assert (folder / "a/b.json").stat().st_mode & 0o777 == 0o600
    assert [clip["name"] for clip in told["learned"]["clips"]] == ["Train001", "Train002"]
    tested = told["tested"]
    assert tested["frame_auc"] > 0.9
    assert (tested["odd"], tested["found"], tested["false"]) == (1, 1, 0)
    assert 0 < tested["seconds_to_alert"][0] < 15
    assert tested["clips"][0]["alerts"][0]["reason"] in {"looks", "nowhere", "fast"}
    assert told["rehearsed"] > 0
    assert "rehearsed" in printed
    assert "1 of 1 odd times found" in printed


def test_too_little_footage_promises_nothing_and_says_how_much_more_it_takes(outcome: tuple[Path, str, str]) -> None:
    folder, printed, _ = outcome
    learned = json.loads((folder / "a/b.json").read_text())["learned"]
    assert learned["stage"] == "learning"
    assert learned["promise"] is None
    assert 5.5 < learned["hours_to_promise"] < 11
    assert "more are needed to promise at most 10 a day" in printed


def test_the_bundle_holds_the_memory_of_a_camera_that_has_watched_the_clips_once(
    outcome: tuple[Path, str, str],
) -> None:
    folder = outcome[0] / "scene"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["kind"] == "scene-memory"
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    eye = Eye(open_place_encoder())
    assert manifest["numbers_a_place"] == eye.width
    device = LearnedScene(CAMERA, LearningPlan(10.0), eye, MemoryFile(folder / MEMORY))
    assert device.health.hours == pytest.approx(manifest["hours"], abs=0.001)
    assert 120 <= device.health.hours * 3600 <= 140, "no second counts twice, however often it was rehearsed"
    assert device.health.raised == 0


def test_what_is_watched_again_and_again_is_as_many_hours_and_is_judged(drawn_set: Path) -> None:
    player = ScenePlayer(LearningPlan(memory_s=60.0), SourceSettings(CAMERA), None)
    with pytest.raises(ScoreError, match="0 looks are too few"):
        player.watch_again(1.0)
    for film in find_footage(FootagePlan(drawn_set / "Train", fps=1.0)).learned:
        player.play(film)
    hours = list[float]()
    player.watch_again(0.2, hours.append)
    assert hours == sorted(hours)
    assert hours[-1] == player.scene.progress.hours >= 0.2
    assert player.scene.judges
    assert player.scene.promised is not None


def test_the_report_is_one_page_that_loads_nothing_and_shows_what_is_odd(outcome: tuple[Path, str, str]) -> None:
    page = outcome[0] / "page" / PAGE
    text = page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "<script" not in text
    assert "http://" not in text
    assert "https://" not in text
    assert text.count("<svg") == 3
    assert 'src="data:image/jpeg;base64,' in text
    assert "Test001 at 4" in text or "Test001 at 5" in text


def test_footage_of_two_cameras_is_refused_naming_both(tmp_path: Path) -> None:
    draw_pictures(tmp_path / "a", 3)
    write_clip(tmp_path / "b.mp4", (picture_of(shown(1)[:, :64].copy()) for _ in range(3)))
    with pytest.raises(ScoreError, match=r"clip b\.mp4: has pictures of 64x64, and a has 128x64"):
        learned_and_tested(player(), find_footage(FootagePlan(tmp_path)), None)


def test_what_is_labelled_as_odd_is_never_learned(tmp_path: Path) -> None:
    draw_pictures(tmp_path / "plain/one", 60)
    draw_pictures(tmp_path / "both/one", 60)
    draw_pictures(tmp_path / "both/two", 40, range(40))
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"two": {"person": [[0, 39]]}, "three": {"person": [[0, 1]]}}))
    draw_pictures(tmp_path / "test/three", 3, {0, 1})
    plan = FootagePlan(tmp_path / "both", tmp_path / "test", labels, fps=1.0)
    footage = find_footage(plan)
    with_odd, without = player(), player()
    for film in footage.learned:
        with_odd.play(film)
    for film in find_footage(FootagePlan(tmp_path / "plain", fps=1.0)).learned:
        without.play(film)
    learnt = [each.scene._learner.known for each in (with_odd, without)]
    for regime, known in learnt[0].items():
        assert known.memory.looks == learnt[1][regime].memory.looks
        assert np.array_equal(known.memory.mean, learnt[1][regime].memory.mean)


def test_a_place_that_holds_something_else_is_refused_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_pictures(tmp_path / "set", 3)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    assert main(["--clips", str(tmp_path / "set"), "--out", str(tmp_path / "mine")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("mine: is there, and is no learned scene (holds thesis.txt)")
    assert (tmp_path / "mine/thesis.txt").read_text() == "years of work"


def test_a_run_that_is_ended_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_pictures(tmp_path / "set", 4)
    out = tmp_path / "scene"
    assert main(["--clips", str(tmp_path / "set"), "--out", str(out)]) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def ended(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.normal.writing.replace_file", ended)
    with pytest.raises(KeyboardInterrupt):
        main(["--clips", str(tmp_path / "set"), "--out", str(out)])
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scene", "set"]
    assert "learned    1 clip, " in capsys.readouterr().out


def test_without_a_place_or_labels_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--clips", "somewhere"])
    assert ended.value.code == 2
    assert "give --out" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["--clips", "--labels", "--test"])
def test_what_is_missing_is_named_in_one_line(missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw_pictures(tmp_path / "set", 2)
    (tmp_path / "labels.json").write_text("{}")
    given = {"--clips": "set", "--labels": "labels.json", "--test": "set"} | {missing: "nowhere"}
    assert main([word for name, place in given.items() for word in (name, str(tmp_path / place))]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "nowhere" in line


def test_what_is_wrong_with_the_footage_is_said_before_any_model_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime has a line of its own to say when a model is opened."""
    monkeypatch.setattr("tools.normal.command.open_place_encoder", lambda: pytest.fail("opened"))
    draw_pictures(tmp_path / "a", 3)
    for wrong in (["--clips", str(tmp_path / "none")], ["--clips", str(tmp_path), "--test", str(tmp_path)]):
        assert main([*wrong, "--out", str(tmp_path / "scene")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_one_clip_is_one_clip_and_what_has_no_unusual_picture_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_pictures(tmp_path / "a", 3)
    words = ["--clips", str(tmp_path), "--fps", "1", "--out", str(tmp_path / "scene"), "--report", str(tmp_path / "p")]
    assert main(words) == 0
    assert "learned    1 clip, 0.00 h; 0 alerts while learning" in capsys.readouterr().out
    text = (tmp_path / "p" / PAGE).read_text()
    assert "<h2>Most unusual</h2>\n<p>No picture of this footage has a score above 0.</p>" in text
    assert "<ul>" not in text
