"""The labels of the shared footage: well-formed, as long as their clips, split without cutting a stay."""

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest

LABELS = Path(__file__).resolve().parents[1] / "labels"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
FOOTAGE = {"upcam_train.json": SHARED / "upcam" / "train", "clips.json": SHARED / "video"}
ABSENCE_S = 60
"""An absence below this belongs to the stay."""

Labelled = dict[str, Any]


def read(name: str) -> dict[str, Labelled]:
    document = json.loads((LABELS / name).read_text())
    assert document.pop("how")
    return dict(document)


def faults(clip: Labelled) -> Iterator[str]:
    """What is wrong with the labels of one clip, one sentence each."""
    for entry in clip["objects"]:
        yield from entry_faults(entry, clip)
    for unsure in clip.get("unsure", []):
        if not 0 <= unsure["seconds"][0] < unsure["seconds"][1] <= clip["frames"] / clip["fps"]:
            yield f"unsure {unsure['seconds']} is outside the clip"
    for ident, entries in by_id(clip).items():
        for (_, left), (came, _) in itertools.pairwise(interval(entry) for entry in entries):
            if came <= left:
                yield f"{ident} is in sight twice at {came}"


def entry_faults(entry: Labelled, clip: Labelled) -> Iterator[str]:
    begin, end = interval(entry)
    last = clip["frames"] / clip["fps"] if "seconds" in entry else clip["frames"] - 1
    if not 0 <= begin < end <= last:
        yield f"{entry['id']}: {begin} to {end} is outside the clip"
    if not entry["kind"] or not re.fullmatch(r"[a-z0-9-]+", entry["id"]):
        yield f"{entry['id']}: an id or kind that nobody can name"
    times = [box[0] for box in entry["boxes"]]
    if times[:1] != [begin] or times[-1:] != [end] or times != sorted(set(times)):
        yield f"{entry['id']}: the keyframes do not run from {begin} to {end}"
    for when, x1, y1, x2, y2 in entry["boxes"]:
        if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
            yield f"{entry['id']}: the box at {when} is outside the picture or empty"


def interval(entry: Labelled) -> tuple[float, float]:
    begin, end = entry["seconds"] if "seconds" in entry else entry["frames"]
    return begin, end


def by_id(clip: Labelled) -> dict[str, list[Labelled]]:
    return {ident: [e for e in clip["objects"] if e["id"] == ident] for ident in (e["id"] for e in clip["objects"])}


def halves() -> dict[str, set[str]]:
    text = (LABELS / "README.md").read_text()
    return {half: set(names.split()) for half, names in re.findall(r"^- (Tuning|Reporting): (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("name", FOOTAGE)
def test_every_object_is_inside_its_clip_and_its_picture(name: str) -> None:
    assert {clip: list(faults(labelled)) for clip, labelled in read(name).items() if list(faults(labelled))} == {}


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda clip: clip["objects"][0]["seconds"].reverse(), "outside the clip"),
        (lambda clip: clip.update(frames=10), "outside the clip"),
        (lambda clip: clip["objects"][0]["boxes"].pop(), "keyframes"),
        (lambda clip: clip["objects"][0]["boxes"].reverse(), "keyframes"),
        (lambda clip: clip["objects"][0]["boxes"].clear(), "keyframes"),
        (lambda clip: clip["objects"][0]["boxes"][0].__setitem__(3, 1.2), "outside the picture"),
        (lambda clip: clip["objects"].append(copy.deepcopy(clip["objects"][0])), "twice"),
        (lambda clip: clip["objects"][0].update(id="somebody else"), "nobody can name"),
        (lambda clip: clip.update(unsure=[{"seconds": [5, 99999]}]), "unsure"),
    ],
)
def test_a_damaged_label_is_noticed(damage: Callable[[Labelled], object], told: str) -> None:
    clip = copy.deepcopy(read("upcam_train.json")["05-08.mp4"])
    damage(clip)
    assert any(told in fault for fault in faults(clip))


@pytest.mark.parametrize("name", FOOTAGE)
def test_every_clip_of_the_footage_is_labelled_with_its_own_length(name: str) -> None:
    if not FOOTAGE[name].is_dir():
        pytest.skip(f"the shared footage is not at {FOOTAGE[name]}")
    lengths = {}
    for clip in FOOTAGE[name].glob("*.mp4"):
        with av.open(clip) as container:
            lengths[clip.name] = container.streams.video[0].frames
    assert {clip: labelled["frames"] for clip, labelled in read(name).items()} == lengths


def test_a_stay_ends_with_an_absence_of_a_minute_and_with_no_shorter_one() -> None:
    for name, clip in read("upcam_train.json").items():
        for ident, entries in by_id(clip).items():
            assert ident.startswith(name.removesuffix(".mp4") + "-")
            for (_, left), (came, _) in itertools.pairwise(interval(entry) for entry in entries):
                assert came - left < ABSENCE_S, ident
        for before, after in itertools.pairwise(by_id(clip).values()):
            absence = interval(after[0])[0] - interval(before[-1])[1]
            assert absence >= ABSENCE_S or absence < 0, after[0]["id"]


def test_a_stay_that_the_clip_cuts_says_so() -> None:
    for clip in read("upcam_train.json").values():
        for entry in clip["objects"]:
            begin, end = interval(entry)
            assert entry["note"].startswith("from the clip's first picture") == (begin == 0), entry["id"]
            assert entry["note"].endswith("until the clip's last picture") == (end == clip["frames"] / clip["fps"])


def test_the_two_halves_hold_every_hour_once_and_enough_stays_to_report_on() -> None:
    labels = read("upcam_train.json")
    tuning, reporting = halves()["Tuning"], halves()["Reporting"]
    assert tuning | reporting == {name.removesuffix(".mp4") for name in labels}
    assert not tuning & reporting
    assert sum(len(by_id(labels[f"{hour}.mp4"])) for hour in reporting) >= 25
    for half in (tuning, reporting):
        asleep = {hour for hour in half if "asleep in bed the whole hour" in str(labels[f"{hour}.mp4"])}
        hours = {int(hour[-2:]) for hour in half - asleep}
        assert asleep
        assert min(hours) < 10
        assert max(hours) >= 19


def test_no_stay_runs_from_one_half_into_the_other() -> None:
    labels, tuning = read("upcam_train.json"), halves()["Tuning"]
    for hour in sorted(name.removesuffix(".mp4") for name in labels):
        following = f"{hour[:3]}{int(hour[3:]) + 1:02d}"
        if f"{following}.mp4" in labels and (hour in tuning) != (following in tuning):
            clip = labels[f"{hour}.mp4"]
            rest = clip["frames"] / clip["fps"] - max(interval(entry)[1] for entry in clip["objects"])
            assert rest + min(interval(entry)[0] for entry in labels[f"{following}.mp4"]["objects"]) >= ABSENCE_S


def test_labels_are_text_and_hold_no_picture() -> None:
    assert {path.suffix for path in LABELS.rglob("*") if path.is_file()} == {".json", ".md"}
