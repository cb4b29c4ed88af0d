"""What can be learned from in a user's folder."""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.recording.footage_folder import FootageFolder
from smartcam.capture.recording.footage_recording import FootageRecorder, Taken
from smartcam.contract.ids import CameraId
from smartcam.vision.picture import Picture
from tests.clips import moving_square, still_scene, write_clip
from tests.fakes.clock import FakeClock
from tools.train.finding import FoundFilms, find, left_out
from training.errors import TrainingError
from training.footage.film import Film, FilmUnusable


def labels_in(folder: Path, entries: object) -> Path:
    path = folder / "labels.json"
    path.write_text(json.dumps(entries))
    return path


def picture_in(path: Path, level: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((48, 64, 3), level, np.uint8))
    return path


def shows(film: Film) -> list[bool | None]:
    return [shot.shows for shot in film.shots()]


def by_name(found: FoundFilms) -> dict[str, Film]:
    return {film.name: film for film in found.films}


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two clips of 20 pictures at 10 a second."""
    folder = tmp_path / "clips"
    (folder / "yard").mkdir(parents=True)
    write_clip(folder / "a.mp4", moving_square())
    write_clip(folder / "yard/b.mkv", still_scene())
    return folder


def test_clips_show_what_their_labels_say_in_frames_and_in_seconds(clips: Path) -> None:
    labels = labels_in(clips, {"a.mp4": {"person": [[5, 9]]}, "b.mkv": {"person": [{"seconds": [0.0, 0.25]}]}})
    found = find(clips, labels, None)
    assert found.target == "person"
    films = by_name(found)
    assert [*films] == ["a.mp4", "yard/b.mkv"]
    assert [place for place, shown in enumerate(shows(films["a.mp4"])) if shown] == [5, 6, 7, 8, 9]
    assert [place for place, shown in enumerate(shows(films["yard/b.mkv"])) if shown] == [0, 1, 2]
    assert films["a.mp4"].visits == ((0.5, 0.9),)
    assert films["a.mp4"].seconds == pytest.approx(2.0)


def test_objects_are_visits_unless_they_are_to_raise_nothing(clips: Path) -> None:
    box = [[0, 0.1, 0.1, 0.4, 0.4]]
    objects = [
        {"id": "x", "kind": "vehicle", "frames": [2, 4]},
        {"id": "x", "kind": "vehicle", "frames": [5, 7]},
        {"id": "parked", "kind": "vehicle", "frames": [0, 19], "boxes": box, "raises": False},
    ]
    found = find(clips, labels_in(clips, {"a.mp4": {"objects": objects, "unsure": [[10, 12]]}}), "vehicle")
    (film,) = found.films
    told = shows(film)
    assert [place for place, shown in enumerate(told) if shown] == [2, 3, 4, 5, 6, 7]
    assert [place for place, shown in enumerate(told) if shown is None] == [10, 11, 12]
    assert film.visits == ((0.2, 0.7),)


def test_what_labels_say_only_in_words_proves_nothing(clips: Path) -> None:
    labels = labels_in(clips, {"a.mp4": {"person": [[0, 3]]}, "b.mkv": {"person": "now and then"}})
    assert set(shows(by_name(find(clips, labels, None))["yard/b.mkv"])) == {None}


def test_the_longest_labelled_is_learned_unless_another_is_named(clips: Path) -> None:
    labels = labels_in(clips, {"a.mp4": {"person": [[0, 3]], "vehicle": [[0, 10]]}})
    assert find(clips, labels, None).target == "vehicle"
    assert find(clips, labels, "person").target == "person"
    with pytest.raises(TrainingError, match="no interval of 'cat'; --target can be person, vehicle"):
        find(clips, labels, "cat")


def test_what_cannot_be_used_is_left_out_by_name_and_the_rest_is_used(clips: Path) -> None:
    (clips / "broken.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 4)
    (clips / "empty.mp4").touch()
    shutil.copy(clips / "a.mp4", clips / "copy.mp4")
    write_clip(clips / "other.mp4", still_scene())
    (clips / "notes.txt").write_text("hello")
    entry = {"person": [[5, 9]]}
    told: list[str] = []
    labels = labels_in(
        clips,
        dict.fromkeys(("a.mp4", "broken.mp4", "empty.mp4", "copy.mp4", "gone.mp4"), entry)
        | {"b.mkv": {"person": [[5, 900]]}},
    )
    found = find(clips, labels, None, told.append)
    assert [film.name for film in found.films] == ["a.mp4"]
    skipped = dict(found.skipped)
    assert [*skipped] == sorted(skipped)
    assert skipped.keys() == {"broken.mp4", "copy.mp4", "empty.mp4", "gone.mp4", "other.mp4", "yard/b.mkv"}
    assert skipped["copy.mp4"] == "is the same file as a.mp4"
    assert skipped["empty.mp4"] == "is empty"
    assert "has no entry in labels.json" in skipped["other.mp4"]
    assert "lies outside the clip, which has 20 frames" in skipped["yard/b.mkv"]
    assert len(told) == len(skipped)


def test_two_clips_of_one_name_are_refused_because_labels_cannot_tell_them(clips: Path) -> None:
    shutil.copy(clips / "a.mp4", clips / "yard/a.mp4")
    with pytest.raises(TrainingError, match=r"a\.mp4 and yard/a\.mp4 are both a\.mp4"):
        find(clips, labels_in(clips, {"a.mp4": {"person": [[0, 3]]}}), None)


def test_a_folder_of_pictures_with_an_entry_is_one_film_at_the_rate_of_its_labels(tmp_path: Path) -> None:
    for number in range(8):
        picture_in(tmp_path / f"cam1/{number:03}.jpg")
    (tmp_path / "cam1/003.jpg").write_bytes(b"no picture")
    (film,) = find(tmp_path, labels_in(tmp_path, {"cam1": {"fps": 2, "person": [[6, 7]]}}), None).films
    assert film.seconds == 4
    shots: list[tuple[float, bool | None]] = []
    with pytest.raises(FilmUnusable, match=r"without what is no picture \(1 file\): 003\.jpg"):
        shots.extend((shot.at_s, shot.shows) for shot in film.shots())
    assert shots == [(0, False), (0.5, False), (1, False), (2, False), (2.5, False), (3, True), (3.5, True)]


def test_single_pictures_with_entries_are_films_of_one_picture(tmp_path: Path) -> None:
    picture_in(tmp_path / "day.png")
    picture_in(tmp_path / "night.png", 9)
    picture_in(tmp_path / "unlabelled.png")
    found = find(tmp_path, labels_in(tmp_path, {"day.png": {"person": [[0, 0]]}, "night.png": {}}), None)
    assert {film.name: shows(film) for film in found.films} == {"day.png": [True], "night.png": [False]}
    assert [name for name, _ in found.skipped] == ["unlabelled.png"]


def test_one_folder_for_each_class_needs_no_labels(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    write_clip(tmp_path / "open/a.mp4", moving_square())
    for number in range(5):
        picture_in(tmp_path / f"normal/{number}.jpg")
        picture_in(tmp_path / f"normal/more/{number}.jpg")
    (tmp_path / "stray.mp4").write_bytes(b"x")
    found = find(tmp_path, None, None)
    assert found.target == "open"
    assert {film.name: set(shows(film)) for film in found.films} == {
        "normal/more": {False},
        "normal/pictures": {False},
        "open/a.mp4": {True},
    }
    assert found.skipped == (("stray.mp4", "lies beside the folders of the classes"),)


@pytest.mark.parametrize(
    ("classes", "target", "said"),
    [
        ((), None, "0 folders with footage"),
        (("person",), None, r"1 folder with footage \(person\)"),
        (("a", "b"), None, "which class raises an alarm"),
        (("a", "b", "normal"), None, "--target can be a, b, normal"),
        (("a", "b"), "c", "there is no folder 'c'"),
    ],
)
def test_classes_that_do_not_say_what_to_learn_are_refused(
    tmp_path: Path, classes: tuple[str, ...], target: str | None, said: str
) -> None:
    for name in classes:
        picture_in(tmp_path / name / "1.jpg")
    with pytest.raises(TrainingError, match=said):
        find(tmp_path, None, target)


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({}, "say of no clip"),
        ({"a.mp4": {"person": []}}, "say of no clip"),
        (
            {"z.mp4": {"person": [[0, 3]]}},
            r"\(2 files: each has no entry in labels.json: a.mp4, yard/b.mkv; z.mp4: is in labels.json, but",
        ),
        ([], "must be an object"),
        ({"a.mp4": {"person": [[3, 1]]}}, "ends before it begins"),
    ],
)
def test_labels_of_nothing_here_end_in_one_error(clips: Path, entries: object, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        find(clips, labels_in(clips, entries), None)


def test_a_folder_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    labels = labels_in(tmp_path, {"a.mp4": {"person": [[0, 3]]}})
    with pytest.raises(TrainingError, match="there is no such folder"):
        find(tmp_path / "nowhere", labels, None)
    (tmp_path / "bare").mkdir()
    with pytest.raises(TrainingError, match="holds nothing that can be learned from"):
        find(tmp_path / "bare", labels, None)


def test_a_clip_cut_short_is_used_as_far_as_it_goes(clips: Path) -> None:
    clip = write_clip(clips / "long.ts", moving_square(frames=60), codec="mpeg2video")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    film = by_name(find(clips, labels_in(clips, {"long.ts": {"person": [[0, 3]]}}), None))["long.ts"]
    taken = list(film.shots())
    assert 10 < len(taken) < 45


def test_labels_that_seem_to_be_of_another_clip_are_doubted_aloud(clips: Path) -> None:
    told: list[str] = []
    find(clips, labels_in(clips, {"a.mp4": {"fps": 25, "frames": 90, "person": [[0, 3]]}}), None, told.append)
    assert any("they say 25 frames a second, the clip 10" in line for line in told)
    assert any("they say 90 frames, the clip has 20" in line for line in told)


def test_a_pipe_among_the_clips_is_not_waited_for(clips: Path) -> None:
    os.mkfifo(clips / "pipe.mp4")
    os.mkfifo(clips / "pipe.jpg")
    (clips / "loop").symlink_to(clips)
    found = find(clips, labels_in(clips, {"a.mp4": {"person": [[0, 3]]}, "pipe.mp4": {}}), None)
    assert [film.name for film in found.films] == ["a.mp4"]


def test_a_name_that_would_write_on_the_terminal_is_shown_harmless(clips: Path) -> None:
    for name in (b"\x1b[2J.mp4", b"\xff.mp4"):
        Path(os.fsdecode(os.fsencode(clips) + b"/" + name)).write_bytes(b"no clip")
    told: list[str] = []
    find(clips, labels_in(clips, {"a.mp4": {"person": [[0, 3]]}}), None, told.append)
    [line] = told
    assert "3 files" in line
    assert line.isprintable()


def collected(
    folder: Path, camera: str, pictures: Iterable[Picture], every_s: float = 1.0, *, is_killed: bool = False
) -> Path:
    """A segment as a device collects it; of one that is killed the file that it leaves."""
    clock = FakeClock()
    recorder = FootageRecorder(CameraId(camera), FootageFolder(folder, clock), clock)
    for picture in pictures:
        recorder.take(Taken(picture, clock.utc(), clock.monotonic()))
        clock.advance(every_s)
    if not is_killed:
        recorder.finish()
    (path,) = folder.glob(f"{camera}.*")
    return path


def test_footage_from_a_device_is_a_film_in_its_own_time_also_where_its_process_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "footage"
    whole = collected(folder, "yard", moving_square(frames=40))
    slow = collected(folder, "shed", still_scene(frames=12), 5.0)
    killed = collected(folder, "gate", moving_square(frames=40), is_killed=True)
    entries = {path.name: {"person": [{"seconds": [10.0, 20.0]}]} for path in (whole, killed, slow)}
    told: list[str] = []
    found = find(folder, labels_in(tmp_path, entries), None, told.append)
    assert not found.skipped
    films = by_name(found)
    assert [round(shot.at_s, 2) for shot in films[whole.name].shots()] == list(range(40))
    assert shows(films[whole.name])[9:22] == [False, *[True] * 11, False]
    assert films[whole.name].seconds == pytest.approx(40, abs=1.1)
    assert films[whole.name].visits == ((10.0, 20.0),)
    assert [round(shot.at_s, 2) for shot in films[killed.name].shots()][:38] == list(range(38))
    assert films[killed.name].seconds == pytest.approx(39, abs=2)
    assert shows(films[slow.name]) == [False, False, True, True, True, *[False] * 7]
    assert films[slow.name].seconds == pytest.approx(60, abs=6)


def test_a_segment_that_is_no_film_and_one_that_came_twice_are_left_out_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "footage"
    kept = collected(folder, "yard", moving_square(frames=40))
    twin = Path(shutil.copy(kept, folder / "yard.20260301T120000Z.002.mp4"))
    (folder / "yard.20260301T130000Z.001.mp4").write_bytes(b"no film at all")
    (folder / ".yard.20260301T140000Z.001.mp4.fetching").write_bytes(b"half of one")
    broken = folder / "yard.20260301T150000Z.001.mp4"
    broken.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    names = (kept.name, twin.name, "yard.20260301T130000Z.001.mp4", broken.name)
    found = find(folder, labels_in(tmp_path, {name: {"person": [{"seconds": [3, 6]}]} for name in names}), None)
    assert by_name(found).keys() == {kept.name, broken.name}
    assert dict(found.skipped).keys() == {twin.name, "yard.20260301T130000Z.001.mp4"}
    assert 5 < len(shows(by_name(found)[broken.name])) < 40


def test_what_is_left_out_for_one_reason_is_one_line_with_the_count_and_the_names_in_order(
    clips: Path,
) -> None:
    elsewhere = [f"z{number:03}.mp4" for number in range(300)]
    told: list[str] = []
    entries: dict[str, object] = {name: {"person": [[0, 3]]} for name in reversed(elsewhere)}
    for name in ("c.mp4", "b.mp4"):
        write_clip(clips / name, moving_square(frames=20 + len(list(clips.iterdir()))))
    found = find(clips, labels_in(clips, entries | {"a.mp4": {"person": [[0, 3]]}}), None, told.append)
    [line] = [line for line in told if "not in" in line]
    assert line.startswith(f"left out: 300 files: each is in labels.json, but not in {clips}: z000.mp4, z001.mp4, ")
    assert line.endswith("z019.mp4 and 280 more")
    [line] = [line for line in told if "no entry" in line]
    assert line == "left out: 3 files: each has no entry in labels.json: b.mp4, c.mp4, yard/b.mkv"
    assert [name for name, _ in found.skipped if name.startswith("z")] == elsewhere, "the page names them all"


@given(st.lists(st.tuples(st.text(max_size=3), st.sampled_from(["is damaged", "has no entry"])), max_size=40))
def test_everything_that_is_left_out_is_counted(skipped: list[tuple[str, str]]) -> None:
    lines = list(left_out(skipped))
    assert len(lines) == len({reason for _, reason in skipped})
    counts = [int(line.split()[0]) if " files: each " in line else 1 for line in lines]
    assert sum(counts) == len(skipped)
