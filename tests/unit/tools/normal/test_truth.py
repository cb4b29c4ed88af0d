"""What is odd in tested clips, in each of the forms in which people write it down."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tools.normal.drawn_sets import draw_masks
from tools.normal.truth import in_order, odd_time, runs_of, truth_of
from tools.score.intervals import ScoreError
from tools.score.labels import ClipLabels, read_labels
from training.footage.film import FilmUnusable


def frames(labels: ClipLabels | None) -> list[tuple[float, float]]:
    assert labels is not None
    return [(each.first, each.last) for each in labels.intervals]


def test_lists_of_frames_count_from_one_and_belong_to_the_clips_in_order(tmp_path: Path) -> None:
    lists = tmp_path / "set.m"
    lists.write_text(
        "TestVideoFile = {};  % gt_frame = [1:9] is how it is written\n"
        "TestVideoFile{end+1}.gt_frame = [61:180];\n"
        "TestVideoFile{end+1}.gt_frame = [5:90, 140:200];\r\n"
        "TestVideoFile{end+1}.gt_frame = [];\n"
        "TestVideoFile{end+1}.gt_frame = [ 7 9:12 ];\n"
    )
    truth = truth_of(lists, ["a", "b", "c", "d"])
    assert [frames(truth(name)) for name in "abcd"] == [
        [(60, 179)],
        [(4, 89), (139, 199)],
        [],
        [(6, 6), (8, 11)],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "0:5",
        "5 : 9",
        "9:5",
        "1:2:9",
        "a:b",
        "1;;x",
        "-3:4",
        "1.5:3",
        "99999999999:2",
        pytest.param("1" * 100_000 + "x", id="long"),
    ],
)
def test_a_list_that_is_none_is_shown(text: str, tmp_path: Path) -> None:
    lists = tmp_path / "set.m"
    lists.write_text(f"TestVideoFile{{end+1}}.gt_frame = [{text}];\n")
    with pytest.raises(ScoreError, match=r"set\.m: gt_frame = \["):
        truth_of(lists, ["a"])


def test_as_many_lists_as_clips_or_nothing_is_tested(tmp_path: Path) -> None:
    lists = tmp_path / "set.m"
    lists.write_text("TestVideoFile{end+1}.gt_frame = [1:2];\n")
    with pytest.raises(ScoreError, match="hold 1 lists of frames, for 2 clips"):
        truth_of(lists, ["a", "b"])
    lists.write_text("nothing of the kind")
    with pytest.raises(ScoreError, match="hold no `gt_frame"):
        truth_of(lists, ["a"])
    lists.write_bytes(b"\xff\xfe\x00gt_frame")
    with pytest.raises(ScoreError, match=r"set\.m"):
        truth_of(lists, ["a"])
    with pytest.raises(ScoreError, match="No such file"):
        truth_of(tmp_path / "none.m", ["a"])


def test_a_frame_is_odd_if_its_mask_has_any_pixel(tmp_path: Path) -> None:
    draw_masks(tmp_path / "Test003_gt", 12, {3, 4, 9})
    truth = truth_of(tmp_path, ["Test003"])
    labels = truth("Test003")
    assert frames(labels) == [(3, 4), (9, 9)]
    assert labels is not None
    assert labels.frames == 12
    assert truth("Test004") is None, "sets have masks for some of their clips only"


def test_a_damaged_mask_is_named(tmp_path: Path) -> None:
    draw_masks(tmp_path / "one_gt", 3, {1})
    (tmp_path / "one_gt/002.bmp").write_bytes(b"BM")
    with pytest.raises(FilmUnusable, match=r"its mask 002\.bmp is no picture"):
        truth_of(tmp_path, ["one"])("one")


def test_all_labels_are_odd_or_those_that_are_named(tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(
        '{"a.mp4": {"person": [[1, 2]], "cat": [[5, 6]], "vehicle": "some", "unsure": [[8, 9]],'
        ' "objects": [{"id": "x", "kind": "animal", "frames": [10, 12]},'
        ' {"id": "y", "kind": "animal", "frames": [20, 22], "raises": false,'
        ' "boxes": [[20, 0.1, 0.2, 0.3, 0.9]]}]}}'
    )
    clip = read_labels(labels)["a.mp4"]
    everything, cats = odd_time(clip, ()), odd_time(clip, ("cat",))
    assert sorted(each.first for each in everything.shown) == [1, 5, 10]
    assert everything.is_told_in_words
    assert [each.first for each in cats.shown] == [5]
    assert not cats.is_told_in_words
    assert [everything.judge(frame, 0.0) for frame in (1, 3, 8, 21)] == [True, None, None, None]
    assert [cats.judge(frame, 0.0) for frame in (1, 5, 8, 21)] == [False, True, None, False]


def test_names_sort_as_people_number_them() -> None:
    assert sorted(["10.jpg", "9.jpg", "b2", "b10", "a"], key=in_order) == ["9.jpg", "10.jpg", "a", "b2", "b10"]


@given(st.lists(st.text(max_size=8), max_size=6))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert sorted(sorted(names, key=in_order, reverse=True), key=in_order) == sorted(names, key=in_order)


@given(st.lists(st.booleans(), max_size=40))
def test_runs_hold_what_is_true_and_nothing_else(odd: list[bool]) -> None:
    inside = [any(first <= place <= last for first, last in runs_of(odd)) for place in range(len(odd))]
    assert inside == odd
    assert all(last + 1 < first for (_, last), (first, _) in zip(runs_of(odd), runs_of(odd)[1:], strict=False))
