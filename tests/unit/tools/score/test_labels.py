import json
from dataclasses import replace
from pathlib import Path

import pytest

from tools.score.intervals import Interval, ScoreError, Unit
from tools.score.labels import ClipLabels, read_all_labels, read_labels


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
        ({"person": [[1, 2, 3]]}, "not \\[first frame, last frame\\]; in seconds: "),
        ({"person": [[1, 2.5]]}, "not \\[first frame, last frame\\]; in seconds: "),
        ({"person": [7]}, "not \\[first frame, last frame\\]; in seconds: "),
        ({"fps": 0, "person": []}, "fps = 0"),
        ({"fps": "ten", "person": []}, "fps = 'ten'"),
        ({"frames": "many", "person": []}, "frames = 'many' must be a whole number above 0"),
        ({"frames": 0, "person": []}, "frames = 0 must be"),
        ({"person": 7}, "person = 7 is not a list of \\[first frame, last frame\\]; \\[\\] means none"),
        ({"person": True}, "person = True is not a list"),
        ({"person": None}, "person = None is not a list"),
        ({"person": {"frames": [0, 9]}}, "person = {'frames': \\[0, 9\\]} is not a list"),
        ([[0, 9]], "\\[\\[0, 9\\]\\] is not an object"),
        ({"frames": 100, "person": [[90, 100]]}, "\\[90, 100\\] of person lies outside the clip, which has 100 frames"),
    ],
)
def test_what_is_no_interval_is_refused_by_clip_and_place(tmp_path: Path, entry: object, message: str) -> None:
    with pytest.raises(ScoreError, match=f"a.mp4.*{message}"):
        read_labels(written(tmp_path, {"video/a.mp4": entry}))


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"none\.json: No such file"):
        read_labels(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ScoreError, match=r"bad\.json:1: is not JSON"):
        read_labels(tmp_path / "bad.json")
    with pytest.raises(ScoreError, match="must be an object"):
        read_labels(written(tmp_path, [1]))


def test_cocos_own_file_is_told_where_to_go_and_long_values_are_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"are COCO's; take them over with `smartcam label CLIP --from "):
        read_labels(written(tmp_path, {"images": [], "annotations": [], "categories": []}))
    for entry in ([[0, 9]] * 10_000, {"person": {"a": [0] * 10_000}}, {"person": [[0] * 10_000]}):
        with pytest.raises(ScoreError) as caught:
            read_labels(written(tmp_path, {"a.mp4": entry}))
        assert len(str(caught.value)) < 500


def test_an_interval_outside_of_the_clip_that_was_played_is_refused() -> None:
    labels = ClipLabels("a.mp4", 10, (Interval("person", 0, 49),))
    labels.check(50)
    with pytest.raises(ScoreError, match="outside the clip, which has 49 frames"):
        labels.check(49)


def test_an_interval_may_count_its_objects(tmp_path: Path) -> None:
    entry = {"person": [{"frames": [0, 9], "objects": 3}, {"frames": [20, 29]}]}
    labels = read_labels(written(tmp_path, {"a.mp4": entry}))["a.mp4"]
    assert labels.intervals == (Interval("person", 0, 9, is_counted=True),) * 3 + (Interval("person", 20, 29),)


@pytest.mark.parametrize("objects", [0, 101, "many", 1.5, True])
def test_objects_that_are_no_number_of_objects_are_refused(tmp_path: Path, objects: object) -> None:
    with pytest.raises(ScoreError, match="objects are not 1 to 100"):
        read_labels(written(tmp_path, {"a.mp4": {"person": [{"frames": [0, 9], "objects": objects}]}}))


def test_words_about_a_kind_leave_that_kind_unjudged(tmp_path: Path) -> None:
    entry = {"person": "somewhere at the edge", "nobody": "all other frames", "vehicle": []}
    labels = read_labels(written(tmp_path, {"a.mp4": entry}))["a.mp4"]
    assert labels.unjudged == {"person"}
    assert labels.in_words == {"person": "somewhere at the edge", "nobody": "all other frames"}


def test_several_files_are_read_together_unless_they_label_the_same_clip(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    one = written(tmp_path, {"a.mp4": {"person": [[0, 9]]}})
    other = written(tmp_path / "more", {"b.mp4": {"person": [[5, 9]]}})
    assert sorted(read_all_labels([one, other])) == ["a.mp4", "b.mp4"]
    with pytest.raises(ScoreError, match=r"a\.mp4 is labelled in another file as well"):
        read_all_labels([one, one])


def test_an_interval_may_be_in_seconds(tmp_path: Path) -> None:
    entry = {"person": [{"seconds": [1.5, 3]}, {"seconds": [4, 5], "objects": 2, "note": "hand in hand"}, [7, 9]]}
    labels = read_labels(written(tmp_path, {"a.mp4": entry}))["a.mp4"]
    one, two = (Interval("person", first, last, unit=Unit.SECONDS) for first, last in ((1.5, 3), (4, 5)))
    assert labels.intervals == (Interval("person", 7, 9), one, *[replace(two, is_counted=True)] * 2)
    assert str(labels.intervals[1]) == "person in seconds 1.5 to 3"


@pytest.mark.parametrize(
    "item",
    [
        {"seconds": [3, 1.5]},
        {"seconds": [-1, 1.5]},
        {"seconds": ["1", "2"]},
        {"seconds": [True, 2]},
        {"seconds": [1, 10**18]},
        {"seconds": [1]},
        {"seconds": [1, 2], "frames": [1, 2]},
        {"second": [1, 2]},
        {"frames": [1, 2], "object": 2},
        [1.5, 3.0],
        ["1", "2"],
        {},
    ],
)
def test_what_is_neither_frames_nor_seconds_is_refused(tmp_path: Path, item: object) -> None:
    with pytest.raises(ScoreError, match=r"labels of a\.mp4: person holds |is too large"):
        read_labels(written(tmp_path, {"a.mp4": {"person": [item]}}))


def test_seconds_outside_of_the_clip_that_was_played_are_refused() -> None:
    labels = ClipLabels("a.mp4", None, (Interval("person", 0, 49.9, unit=Unit.SECONDS),))
    labels.check(10, 49.5)
    with pytest.raises(ScoreError, match=r"\[0, 49.9\] of person lies outside the clip, which has 48.0 s"):
        labels.check(10, 48)


@pytest.mark.parametrize(
    ("fps", "said"),
    [
        (10.0, ""),
        (10.3, ""),
        (9.8, ""),
        (25.0, "they say 10 frames a second, the clip 25; "),
        (5.0, "they say 10 frames a second, the clip 5; "),
        (0.0, "the clip states no rate that a camera has; "),
    ],
)
def test_another_rate_than_the_labels_say_is_doubted(fps: float, said: str) -> None:
    doubts = ClipLabels("a.mp4", 10.0, ()).doubts_of_rate(fps)
    assert [doubt.partition("times are")[0] for doubt in doubts] == ([f"labels of a.mp4: {said}"] if said else [])
    assert not ClipLabels("a.mp4", None, ()).doubts_of_rate(fps or 1)


def test_another_length_than_the_labels_say_is_doubted() -> None:
    labels = ClipLabels("a.mp4", 10.0, (Interval("person", 0, 119),), frames=120)
    assert not labels.doubts_of_length(120)
    assert not labels.doubts_of_length(122)
    assert not labels.doubts_of_length(0)
    assert labels.doubts_of_length(300) == [
        "labels of a.mp4: they say 120 frames, the clip has 300; are they of this very file?"
    ]
    assert labels.fits(120, 12.0)
    assert not labels.fits(119, 12.0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a.mp4": {"person": []},\n"a.mp4": {"person": [[0, 9]]}}',
         ":2: the key 'a.mp4' is given twice, first in line 1"),
        (b'{"a.mp4": {"person": [[0, 9]],\n"person": []}}', ":2: the key 'person' is given twice, first in line 1"),
        (b'{"a.mp4": {"fps": NaN}}', ": is not JSON (NaN is not JSON)"),
        ('{"h\xf6fe.mp4": {}}'.encode("latin-1"), ":1: holds the byte 0xF6"),
        ('{"a.mp4": {}}'.encode("utf-16"), ": is UTF-16; save the file as UTF-8"),
        (b"[" * 100_000, ": is not JSON that can be read"),
    ],
)  # fmt: skip
def test_labels_that_would_be_lost_or_guessed_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    with pytest.raises(ScoreError) as caught:
        read_labels(path)
    assert str(caught.value).startswith(f"labels {path}{said}")


def test_two_entries_for_the_same_clip_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"yard/a.mp4": {"person": []}, "gate/a.mp4": {"person": []}})
    with pytest.raises(ScoreError, match=r"a\.mp4 is labelled twice, as yard/a\.mp4 and as gate/a\.mp4"):
        read_labels(path)
