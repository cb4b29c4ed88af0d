import json
import os
from pathlib import Path
from typing import Any

import pytest

from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.model.manifest import ModelKind
from tests.clips import moving_square, write_clip
from tests.fakes.full_disk import on_a_full_disk
from tests.pipeline.visitor import red_bundle
from tests.unit.inference.stage import manifest
from tests.unit.tools.score.finder import Finder
from tools.score.command import main as score
from tools.score.labelling import main


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clip, and instead of a bundle's model one that finds somebody who walks."""
    sees = manifest(ModelKind.DETECTOR)
    (tmp_path / "bundle").mkdir()
    monkeypatch.setattr("tools.score.measuring.open_model", lambda _: ObjectModel(sees, Finder()))
    return write_clip(tmp_path / "v.mp4", moving_square(frames=30))


def entry_in(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text())
    assert list(document) == ["v.mp4"]
    entry: dict[str, Any] = document["v.mp4"]
    return entry


def test_a_proposal_is_what_score_takes_and_finds(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, bundle = tmp_path / "l.json", str(tmp_path / "bundle")
    assert main([str(clip), "--bundle", bundle, "--out", str(out)]) == 0
    entry = entry_in(out)
    assert (entry["fps"], entry["frames"]) == (10, 30)
    (person,) = entry["objects"]
    assert (person["id"], person["kind"]) == ("person-1", "person")
    assert len(person["boxes"]) >= 2
    assert out.stat().st_mode & 0o777 == 0o600
    assert "l.json: 1 object; correct it" in capsys.readouterr().out
    assert score(["--video", str(clip), "--labels", str(out), "--bundle", bundle, "--least-recall", "1"]) == 0


def test_labels_that_are_there_are_not_overwritten_and_nothing_is_played(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.score.labelling.play_and_keep", lambda *_: pytest.fail("played"))
    out = tmp_path / "l.json"
    out.write_text("hours of work")
    for there in (out, tmp_path / "link"):
        if there != out:
            there.symlink_to(tmp_path / "nothing")
        assert main([str(clip), "--bundle", str(tmp_path / "bundle"), "--out", str(there)]) == 1
        assert "is there already" in capsys.readouterr().err
    assert out.read_text() == "hours of work"


def test_a_place_where_nothing_can_be_written_is_told_before_anything_is_played(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.score.labelling.play_and_keep", lambda *_: pytest.fail("played"))
    out = tmp_path / "none/l.json"
    call = [str(clip), "--bundle", str(tmp_path / "bundle"), "--out", str(out)]
    assert main(call) == 1
    assert capsys.readouterr().err == (
        f"smartcam label: {out}: there is no folder {out.parent}; make it, or give another --out\n"
    )
    out.parent.mkdir()
    monkeypatch.setattr("os.access", lambda *_: False)  # as on a file system that is read-only
    assert main(call) == 1
    assert capsys.readouterr().err == (
        f"smartcam label: {out}: the folder {out.parent} cannot be written; give another --out\n"
    )


def test_on_a_full_disk_no_half_file_is_left_that_the_next_run_would_not_write_over(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "l.json"
    call = [str(clip), "--bundle", str(tmp_path / "bundle"), "--out", str(out)]
    with monkeypatch.context() as full:
        full.setattr("tools.score.files.os.fdopen", on_a_full_disk)
        assert main(call) == 1
    assert f"smartcam label: {out}: No space left on device\n" in capsys.readouterr().err
    assert main(call) == 0


def test_a_clips_name_stays_readable_and_the_next_command_can_be_copied(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yard = clip.rename(tmp_path / "Hof ä 1.mp4")
    out = tmp_path / "Hof ä 1.labels.json"
    assert main([str(yard), "--bundle", str(tmp_path / "bundle"), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").startswith('{"Hof ä 1.mp4": {')
    assert f"score with --labels '{out}'" in capsys.readouterr().out


def test_a_clip_whose_name_no_file_of_labels_can_hold_is_to_be_renamed(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = clip.rename(tmp_path / os.fsdecode(b"hof-\xe4.mp4"))
    out = tmp_path / "l.json"
    assert main([str(odd), "--bundle", str(tmp_path / "bundle"), "--out", str(out)]) == 1
    assert "is a name that labels cannot hold: it is not UTF-8; rename the clip" in capsys.readouterr().err
    assert not out.exists()


def test_labels_of_another_program_are_taken_over(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ground, out = tmp_path / "gt.txt", tmp_path / "l.json"
    ground.write_text("1,1,32,24,64,48,1,1,1\n2,1,64,24,64,48,1,1,1\n5,2,32,24,64,48,1,12,1\n")
    assert main([str(clip), "--from", str(ground), "--out", str(out)]) == 0
    assert entry_in(out)["objects"] == [
        {
            "id": "1",
            "kind": "person",
            "frames": [0, 1],
            "boxes": [[0, 0.1, 0.1, 0.3, 0.3], [1, 0.2, 0.1, 0.4, 0.3]],
        }
    ]
    assert "left out 1 boxes of 'reflection'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("31,1,32,24,64,48,1,1,1\n", "lies outside the clip, which has 30 frames"),
        ("1,1,32\n", "gt.txt: line 1: "),
    ],
)
def test_labels_that_do_not_fit_or_are_broken_leave_no_file(
    clip: Path, tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ground, out = tmp_path / "gt.txt", tmp_path / "l.json"
    ground.write_text(text)
    assert main([str(clip), "--from", str(ground), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_what_cannot_be_done_is_one_clear_line(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    red = red_bundle(tmp_path / "red")
    for arguments, said in (
        ([str(clip)], "give --bundle to propose labels, or --from"),
        ([str(clip), "--bundle", "b", "--from", "f"], "give --bundle to propose labels, or --from"),
        ([str(tmp_path / "none.mp4"), "--bundle", "b"], "none.mp4"),
        ([str(clip), "--bundle", str(tmp_path / "none")], "there is no such folder"),
        ([str(clip), "--bundle", str(red)], "is no detector"),
        ([str(clip), "--from", str(tmp_path / "none.txt")], "none.txt: No such file"),
    ):
        assert main([*arguments, "--out", str(tmp_path / "l.json")]) == 1
        error = capsys.readouterr().err.splitlines()
        assert said in error[-1], error
        assert error[-1].startswith("smartcam label: ")
    assert not (tmp_path / "l.json").exists()
