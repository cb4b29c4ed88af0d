import hashlib
import io
import os
import pickle
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import grimp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import smartcam
from smartcam.contract.notice import PixelBox
from smartcam.model.manifest import ModelKind, ModelManifest, Thresholds
from smartcam.model.regions import RegionPolicy, plan_regions
from smartcam.model.scoring import Detections
from smartcam.vision.picture import Picture
from tests.clips import still_scene
from tests.unit.inference.stage import manifest
from tools.score import detections
from tools.score.detections import CODE, CachedDetector, DetectionCache, Look, Store, default_cache, read_store

DETECTOR = manifest(ModelKind.DETECTOR)
SCENE = next(still_scene())
EVERYWHERE = (PixelBox(0, 0, SCENE.width, SCENE.height),)


class Counting:
    """A detector that finds one thing, whose score says how often it was asked; it searches where it is told to."""

    def __init__(self, looked_at: tuple[PixelBox, ...] | None = None) -> None:
        self.asked = 0
        self.looked_at = looked_at

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        self.asked += 1
        side = max(DETECTOR.input.width, DETECTOR.input.height)
        planned = plan_regions(regions, picture.width, picture.height, RegionPolicy(least_pixels=side))
        box = np.array([[1, 2, 3, 4]], np.float32)
        score = np.array([self.asked / 100], np.float32)
        return Detections(box, score, (DETECTOR.labels[0],), planned if self.looked_at is None else self.looked_at)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"pictures")
    return path


def same(one: Detections, other: Detections) -> bool:
    arrays = np.array_equal(one.boxes, other.boxes) and np.array_equal(one.scores, other.scores)
    return arrays and (one.labels, one.looked_at) == (other.labels, other.looked_at)


def test_a_detector_is_asked_once_for_each_picture_and_place(clip: Path, tmp_path: Path) -> None:
    cache, detector = DetectionCache(tmp_path / "cache"), Counting()
    file, store = cache.open(clip, DETECTOR, (0, False))
    cached = CachedDetector(detector, store, DETECTOR)
    first = cached.detect(SCENE, ())
    cached.number = 7
    second = cached.detect(SCENE, [PixelBox(4, 4, 8, 8)])
    cache.keep(file, store, DETECTOR.labels)
    again = CachedDetector(detector, cache.open(clip, DETECTOR, (0, False))[1], DETECTOR)
    assert same(again.detect(SCENE, ()), first)
    again.number = 7
    assert same(again.detect(SCENE, [PixelBox(4, 4, 8, 8)]), second)
    assert (detector.asked, again.recalled, again.store.is_new) == (2, 2, False)
    again.number = 8
    again.detect(SCENE, ())
    assert (detector.asked, again.store.is_new) == (3, True)


def test_motion_that_leads_to_the_same_search_is_the_same_question() -> None:
    detector = Counting()
    cached = CachedDetector(detector, Store(), DETECTOR)
    for motion in ((), [PixelBox(0, 0, SCENE.width, SCENE.height)]):
        cached.detect(SCENE, motion)
    assert detector.asked == 1


def test_a_detector_that_searches_elsewhere_than_planned_is_asked_each_time() -> None:
    detector = Counting((PixelBox(0, 0, 2, 2),))
    cached = CachedDetector(detector, Store(), DETECTOR)
    for _ in range(2):
        assert cached.detect(SCENE, ()).looked_at == (PixelBox(0, 0, 2, 2),)
    assert (detector.asked, cached.store.looks) == (2, {})


def test_whatever_changes_detections_leads_to_another_file_and_thresholds_do_not(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = DetectionCache(tmp_path / "cache")
    usual, _ = cache.open(clip, DETECTOR, (0, False))

    def name(other: ModelManifest = DETECTOR, turn: tuple[int, bool] = (0, False)) -> Path:
        return cache.open(clip, other, turn)[0]

    assert name(replace(DETECTOR, thresholds=Thresholds(0.9, 0.1), min_frames=9, version="7")) == usual
    model = next(iter(set(DETECTOR.files) - {DETECTOR.golden.input, DETECTOR.golden.output}))
    others = [
        name(replace(DETECTOR, files=dict(DETECTOR.files) | {model: "f" * 64})),
        name(replace(DETECTOR, labels=(*DETECTOR.labels, "gnu"))),
        name(replace(DETECTOR, input=replace(DETECTOR.input, mean=(1.0, 2.0, 3.0)))),
        name(turn=(90, False)),
        name(turn=(0, True)),
    ]
    monkeypatch.setattr(detections, "_code", lambda: "another")
    others.append(name())
    monkeypatch.undo()
    clip.write_bytes(b"other pictures under the same name")
    others.append(name())
    assert len({usual, *others}) == len(others) + 1


OF_THE_LEARNED_SCENE = {"smartcam.model.encoder", "smartcam.model.looks"}
"""They look at pictures too, but detect nothing."""


def test_all_code_that_a_picture_goes_through_until_it_is_detections_counts_and_no_rule_does() -> None:
    graph = grimp.build_graph("smartcam", cache_dir=None)
    home = Path(str(smartcam.__file__)).parent
    counted = {
        ".".join(("smartcam", *path.relative_to(home).with_suffix("").parts))
        for part in CODE
        for path in home.glob(part)
    }
    needed = {
        imported
        for module in graph.modules
        if module.startswith(("smartcam.model.", "smartcam.capture.sources.")) and module not in OF_THE_LEARNED_SCENE
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.startswith(("smartcam.vision.", "smartcam.model."))
    }
    assert "smartcam.vision.picture" in needed
    assert needed <= counted
    assert not [each for each in counted if each.startswith("smartcam.inference") or each == "smartcam.vision.track"]


def stored(clip: Path, cache: DetectionCache) -> Path:
    file, store = cache.open(clip, DETECTOR, (0, False))
    CachedDetector(Counting(), store, DETECTOR).detect(SCENE, ())
    cache.keep(file, store, DETECTOR.labels)
    return file


def test_the_file_and_its_folder_are_the_users_alone(clip: Path, tmp_path: Path) -> None:
    file = stored(clip, DetectionCache(tmp_path / "deep" / "cache"))
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@given(st.integers(0, 10_000), st.none() | st.integers(0, 255))
def test_a_damaged_cache_is_thrown_away(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int | None) -> None:
    """A byte is another one, or (None) the file ends there."""
    folder = tmp_path_factory.mktemp("damaged")
    clip = folder / "a.mp4"
    clip.write_bytes(b"pictures")
    cache = DetectionCache(folder / "cache")
    file = stored(clip, cache)
    whole = file.read_bytes()
    place = at % len(whole)
    damaged = whole[:place] if byte is None else whole[:place] + bytes([byte]) + whole[place + 1 :]
    file.write_bytes(damaged)
    store = cache.open(clip, DETECTOR, (0, False))[1]
    assert len(store.looks) == (damaged == whole)
    assert file.exists() == (damaged == whole)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"nothing of ours", b"\x80\x04."])
def test_a_file_with_the_right_sum_and_the_wrong_content_is_thrown_away_too(
    clip: Path, tmp_path: Path, content: bytes
) -> None:
    cache = DetectionCache(tmp_path / "cache")
    file = stored(clip, cache)
    file.write_bytes(hashlib.sha256(content).digest() + content)
    assert cache.open(clip, DETECTOR, (0, False))[1].looks == {}
    assert not file.exists()


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_nothing_in_a_cache_file_is_ever_run(clip: Path, tmp_path: Path) -> None:
    cache, ran = DetectionCache(tmp_path / "cache"), tmp_path / "ran"
    file = stored(clip, cache)
    packed = io.BytesIO()
    np.savez(packed, numbers=np.array([Hostile(ran)], object))
    for content in (pickle.dumps(Hostile(ran)), packed.getvalue()):
        file.write_bytes(hashlib.sha256(content).digest() + content)
        assert cache.open(clip, DETECTOR, (0, False))[1].looks == {}
    assert not ran.exists()
    pickle.loads(pickle.dumps(Hostile(ran)))  # noqa: S301  that it would have run
    assert ran.exists()


def test_a_link_in_its_place_is_not_followed(clip: Path, tmp_path: Path) -> None:
    cache = DetectionCache(tmp_path / "cache")
    file = stored(clip, cache)
    kept = file.rename(tmp_path / "elsewhere")
    file.symlink_to(kept)
    assert cache.open(clip, DETECTOR, (0, False))[1].looks == {}


def test_beyond_its_limit_what_was_not_used_for_the_longest_time_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, files = DetectionCache(tmp_path / "cache"), []
    for number in range(4):
        clip = tmp_path / f"{number}.mp4"
        clip.write_bytes(bytes([number]))
        files.append(stored(clip, cache))
        os.utime(files[-1], (number + 1, number + 1))
    cache.open(tmp_path / "0.mp4", DETECTOR, (0, False))
    monkeypatch.setattr(detections, "MOST_BYTES", 3 * files[0].stat().st_size)
    (tmp_path / "new.mp4").write_bytes(b"new")
    files.append(stored(tmp_path / "new.mp4", cache))
    assert [file.exists() for file in files] == [True, False, False, True, True]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [({"XDG_CACHE_HOME": "/c"}, "/c"), ({"XDG_CACHE_HOME": "c"}, "/home/ann/.cache"), ({}, "/home/ann/.cache")],
)
def test_the_cache_is_in_the_users_cache_folder(environment: dict[str, str], folder: str) -> None:
    assert default_cache(environment, Path("/home/ann")).folder == Path(folder) / "smartcam/detections"


regions = st.builds(PixelBox, *(st.integers(0, 100) for _ in range(4)))
answers = st.integers(0, 5).flatmap(
    lambda count: st.builds(
        lambda boxes, scores, labels: (np.array(boxes, np.float32).reshape(-1, 4), scores, labels),
        st.lists(st.lists(st.floats(0, 4000, width=32), min_size=4, max_size=4), min_size=count, max_size=count),
        st.lists(st.floats(0, 1, width=32), min_size=count, max_size=count),
        st.lists(st.sampled_from(DETECTOR.labels), min_size=count, max_size=count),
    )
)
questions = st.tuples(st.integers(0, 10**7), st.lists(regions, min_size=1, max_size=3).map(tuple))


@given(asked=st.dictionaries(questions, answers, max_size=6))
def test_what_is_kept_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    asked: dict[Look, tuple[np.ndarray, list[float], list[str]]],  # type: ignore[type-arg]
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    (folder / "a.mp4").write_bytes(b"pictures")
    cache = DetectionCache(folder)
    looks = {
        look: Detections(boxes, np.array(scores, np.float32), tuple(labels), look[1])
        for look, (boxes, scores, labels) in asked.items()
    }
    file, _ = cache.open(folder / "a.mp4", DETECTOR, (0, False))
    cache.keep(file, Store(looks, is_new=True), DETECTOR.labels)
    read = cache.open(folder / "a.mp4", DETECTOR, (0, False))[1]
    assert list(read.looks) == list(looks)
    assert all(same(read.looks[look], looks[look]) for look in looks)


@pytest.mark.parametrize("header", ["((((", "(99999999999999,)", "2,", "('a',)"])
def test_arrays_whose_headers_are_damaged_are_as_if_they_were_not_there(tmp_path: Path, header: str) -> None:
    held, array = io.BytesIO(), io.BytesIO()
    np.save(array, np.zeros((1, 1, 1, 1, 1, 1), np.int64))
    assert b"(1, 1, 1, 1, 1, 1)" in array.getvalue()
    damaged = array.getvalue().replace(b"(1, 1, 1, 1, 1, 1)", header.ljust(18).encode())
    with zipfile.ZipFile(held, "w") as made:
        made.writestr("numbers.npy", damaged)
    file = tmp_path / "a.detections"
    file.write_bytes(hashlib.sha256(held.getvalue()).digest() + held.getvalue())
    assert read_store(file, ("person",)).looks == {}
    assert not file.exists()
