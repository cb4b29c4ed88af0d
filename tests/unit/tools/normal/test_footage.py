"""Which clips are learned from, and which are tested."""

import json
from pathlib import Path

import pytest

from tests.clips import moving_square, still_scene, write_clip
from tests.unit.tools.normal.drawn_sets import draw_masks, draw_pictures
from tools.normal.footage import FootagePlan, SceneFilm, find_footage
from tools.score.intervals import ScoreError
from tools.train.films import PictureFilm


def names(films: tuple[SceneFilm, ...]) -> list[str]:
    return [film.name for film in films]


def labelled(path: Path, **clips: object) -> Path:
    path.write_text(json.dumps({name.replace("_", "."): said for name, said in clips.items()}))
    return path


def test_a_set_with_train_and_test_is_learned_and_tested_by_them(tmp_path: Path) -> None:
    for name in ("Train/Train002", "Train/Train001", "Test/Test001", "Test/Test002"):
        draw_pictures(tmp_path / name, 4)
    draw_masks(tmp_path / "Test/Test002_gt", 4, {1, 2})
    (tmp_path / "Test/set.m").write_text("TestVideoFile{end+1}.gt_frame = [];TestVideoFile{end+1}.gt_frame = [2:3];")
    by_list = find_footage(FootagePlan(tmp_path, labels=tmp_path / "Test/set.m"))
    assert names(by_list.learned) == ["Train001", "Train002"]
    assert names(by_list.tested) == ["Test001", "Test002"]
    assert [film.visits for film in by_list.tested] == [(), ((0.1, 0.2),)]
    told: list[str] = []
    by_mask = find_footage(FootagePlan(tmp_path, labels=tmp_path / "Test"), told.append)
    assert names(by_mask.tested) == ["Test002"]
    assert by_mask.tested[0].visits == by_list.tested[1].visits
    assert told == ["left out: Test001: has no labels"]
    assert names(find_footage(FootagePlan(tmp_path), told.append).learned) == ["Train001", "Train002"]
    assert told[-1] == "Test is neither learned nor tested: give --labels"


def test_pictures_follow_one_another_as_people_number_them(tmp_path: Path) -> None:
    draw_pictures(tmp_path / "one", 11, form="{}.png")
    (film,) = find_footage(FootagePlan(tmp_path, fps=2.0)).learned
    assert film.seconds == 5.5
    assert isinstance(film, PictureFilm)
    assert [path.name for path in film.paths] == [f"{number}.png" for number in range(1, 12)]


def test_clips_in_which_something_is_odd_are_tested_and_all_others_learned(tmp_path: Path) -> None:
    for name in ("a10.mp4", "a9.mp4", "b.mp4"):
        write_clip(tmp_path / name, still_scene(frames=4, width=64, height=48))
    labels = labelled(tmp_path / "labels.json", a9_mp4={"person": [[1, 2]]}, b_mp4={"person": []})
    found = find_footage(FootagePlan(tmp_path, labels=labels))
    assert (names(found.learned), names(found.tested)) == (["a10.mp4", "b.mp4"], ["a9.mp4"])


def test_what_cannot_be_played_is_named_and_left_out(tmp_path: Path) -> None:
    write_clip(tmp_path / "whole.mp4", moving_square(frames=4, width=64, height=48))
    (tmp_path / "broken.mp4").write_bytes(b"no clip at all")
    (tmp_path / "empty.mp4").write_bytes(b"")
    told: list[str] = []
    assert names(find_footage(FootagePlan(tmp_path), told.append).learned) == ["whole.mp4"]
    assert sorted(line.split(":")[1].strip() for line in told) == ["broken.mp4", "empty.mp4"]


def test_labels_of_another_clip_cost_that_clip_only(tmp_path: Path) -> None:
    draw_pictures(tmp_path / "set/good", 4)
    draw_pictures(tmp_path / "set/long", 4)
    draw_pictures(tmp_path / "set/more", 9)
    draw_masks(tmp_path / "masks/good_gt", 4, {1})
    draw_masks(tmp_path / "masks/more_gt", 4, {1})
    told: list[str] = []
    plan = FootagePlan(tmp_path / "set", labels=tmp_path / "masks")
    assert names(find_footage(plan, told.append).tested) == ["good"]
    assert told == ["left out: more: labels of more: they say 4 frames, the clip has 9; are they of this very file?"]


def test_nothing_to_learn_from_ends_in_one_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="there is no such file or folder"):
        find_footage(FootagePlan(tmp_path / "none"))
    with pytest.raises(ScoreError, match="/dev/null: is neither a file nor a folder"):
        find_footage(FootagePlan(Path("/dev/null")))
    with pytest.raises(ScoreError, match="holds nothing that can be learned from"):
        find_footage(FootagePlan(tmp_path))
    draw_pictures(tmp_path / "set/one", 4)
    labels = labelled(tmp_path / "labels.json", one={"person": [[1, 2]]})
    with pytest.raises(ScoreError, match="each clip has something odd: name these with --test"):
        find_footage(FootagePlan(tmp_path / "set", labels=labels))
    with pytest.raises(ScoreError, match=r"say of no clip in .* that anything is odd"):
        find_footage(FootagePlan(tmp_path / "set", labels=labels, odd=("cat",)))
    with pytest.raises(ScoreError, match="needs --labels"):
        find_footage(FootagePlan(tmp_path / "set", test=tmp_path / "set"))


def test_two_clips_of_one_name_cannot_be_told_apart_by_labels(tmp_path: Path) -> None:
    draw_pictures(tmp_path / "set/a/01", 4)
    draw_pictures(tmp_path / "set/b/01", 4)
    labels = labelled(tmp_path / "labels.json", **{"01": {"person": [[1, 2]]}})
    with pytest.raises(ScoreError, match="two clips are 01, by which labels know them"):
        find_footage(FootagePlan(tmp_path / "set", labels=labels))


def test_sets_that_number_their_clips_alike_are_not_mixed_up(tmp_path: Path) -> None:
    draw_pictures(tmp_path / "training/01", 4)
    draw_pictures(tmp_path / "testing/01", 4)
    labels = labelled(tmp_path / "labels.json", **{"01": {"person": [[1, 2]]}})
    found = find_footage(FootagePlan(tmp_path, labels=labels))
    assert [film.visits for film in (*found.learned, *found.tested)] == [(), ((0.1, 0.2),)]
