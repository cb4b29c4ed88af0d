import json
from pathlib import Path

import pytest

from devkit.score.labels import ClipLabels, Interval, ScoreError, read_labels


def written(folder: Path, document: object) -> Path:
    path = folder / "labels.json"
    path.write_text(json.dumps(document))
    return path


def test_intervals_are_found_under_the_clips_file_name(tmp_path: Path) -> None:
    entry = {"fps": 10, "frames": 100, "vehicle": [[50, 60]], "person": [[0, 9], [20, 29]]}
    labels = read_labels(written(tmp_path, {"how": "by eye", "video/a.mp4": entry}))
    intervals = (Interval("person", 0, 9), Interval("person", 20, 29), Interval("vehicle", 50, 60))
    assert labels == {"a.mp4": ClipLabels("video/a.mp4", 10.0, intervals)}


def test_notes_and_words_instead_of_intervals_are_left_alone(tmp_path: Path) -> None:
    entry = {"person": "only at the edge, not labelled exactly", "note": "grey", "vehicle": [], "frames": 23}
    assert read_labels(written(tmp_path, {"a.mp4": entry}))["a.mp4"] == ClipLabels("a.mp4", None, ())


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"person": [[5, 3]]}, "ends before it begins"),
        ({"person": [[-1, 3]]}, "begins below 0"),
        ({"person": [[1, 2, 3]]}, "no \\[first frame, last frame\\]"),
        ({"person": [[1, 2.5]]}, "no \\[first frame, last frame\\]"),
        ({"person": [7]}, "no \\[first frame, last frame\\]"),
        ({"fps": 0, "person": []}, "fps = 0"),
        ({"fps": "ten", "person": []}, "fps = 'ten'"),
        ({"frames": 100, "person": [[90, 100]]}, "\\[90, 100\\] of person lies outside the clip, which has 100 frames"),
    ],
)
def test_what_is_no_interval_is_refused_by_clip_and_place(
    tmp_path: Path, entry: dict[str, object], message: str
) -> None:
    with pytest.raises(ScoreError, match=f"a.mp4.*{message}"):
        read_labels(written(tmp_path, {"video/a.mp4": entry}))


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"none\.json: No such file"):
        read_labels(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ScoreError, match=r"bad\.json: is not JSON"):
        read_labels(tmp_path / "bad.json")
    with pytest.raises(ScoreError, match="must be an object"):
        read_labels(written(tmp_path, [1]))


def test_an_interval_outside_of_the_clip_that_was_played_is_refused() -> None:
    labels = ClipLabels("a.mp4", 10, (Interval("person", 0, 49),))
    labels.check(50)
    with pytest.raises(ScoreError, match="outside the clip, which has 49 frames"):
        labels.check(49)
