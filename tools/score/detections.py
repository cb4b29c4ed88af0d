"""Detections of earlier runs, so that other rules can be tried on hours of footage without running the model again."""

import hashlib
import io
import json
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import smartcam
from smartcam.contract.notice import PixelBox
from smartcam.edge.files import replace_file
from smartcam.model.manifest import ModelManifest
from smartcam.model.regions import RegionPolicy, plan_regions
from smartcam.model.scoring import Detections, Detector
from smartcam.vision.picture import Picture

FORMAT: Final = 1
MOST_BYTES: Final = 2 << 30
"""Of all files together; beyond that, those that were not used for the longest time are deleted."""
LARGEST_FILE: Final = 256 << 20
_MOST_LOOKS: Final = 2_000_000
_ENDING: Final = ".detections"
_CHECK_BYTES: Final = 32
_DAMAGE: Final = (
    ValueError, LookupError, TypeError, AttributeError, RuntimeError, MemoryError, OverflowError, OSError, EOFError,
    SyntaxError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What zipfile and numpy raise over arrays that are none."""
_NO_DIFFERENCE: Final = frozenset(
    {"name", "version", "events", "thresholds", "min_frames", "golden", "provenance", "licence"}
)
"""What a manifest says that changes no detection. Whatever else it may come to say is taken to change them."""
_PACKAGES: Final = ("av", "numpy", "opencv-python-headless", "ai-edge-litert", "tflite-runtime", "onnxruntime")
CODE: Final = ("model/**/*.py", "capture/sources/*.py", "vision/picture.py", "vision/boxes.py", "vision/turn.py")
"""The code that a picture goes through until it is detections; the rules behind may change as they like."""

Look = tuple[int, tuple[PixelBox, ...]]
"""A picture's number in its clip and the regions of it that were searched."""


@dataclass(slots=True)
class Store:
    """The detections of one clip by one model. `is_new`: there are some that its file does not hold."""

    looks: dict[Look, Detections] = field(default_factory=dict)
    is_new: bool = False


@dataclass(slots=True)
class CachedDetector:
    """Answers from a store where that has the answer, and keeps what it had to ask the detector for.

    `number` is that of the picture in its clip, to be set before each call.
    """

    detector: Detector
    store: Store
    manifest: ModelManifest
    number: int = 0
    recalled: int = 0

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        """See `Detector`. What is searched for an answer is the plan of regions, not the motion behind it."""
        policy = RegionPolicy(least_pixels=max(self.manifest.input.width, self.manifest.input.height))
        planned = plan_regions(regions, picture.width, picture.height, policy)
        known = self.store.looks.get((self.number, planned))
        if known is not None:
            self.recalled += 1
            return known
        found = self.detector.detect(picture, regions)
        # A detector that searches elsewhere than planned here is asked each time.
        if found.looked_at == planned and len(self.store.looks) < _MOST_LOOKS:
            self.store.looks[self.number, planned] = found
            self.store.is_new = True
        return found


@dataclass(frozen=True, slots=True)
class DetectionCache:
    """The folder with a file for each clip and model. It is safe to delete it at any time."""

    folder: Path

    def open(self, clip: Path, manifest: ModelManifest, turn: Sequence[object]) -> tuple[Path, Store]:
        """The clip's file and what it holds; nothing where it is missing or damaged, and a damaged one is deleted.

        `turn`: what is done to a picture before a detector sees it.

        Raises:
            OSError: the clip cannot be read.
        """
        with clip.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").hexdigest()
        facts = {"format": FORMAT, "clip": content, "turn": list(turn), **_facts(manifest)}
        name = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
        file = self.folder / f"{name}{_ENDING}"
        return file, read_store(file, manifest.labels)

    def keep(self, file: Path, store: Store, labels: Sequence[str]) -> None:
        """Write what is new; the folder stays within `MOST_BYTES`. Raises OSError where that cannot be done."""
        if not store.is_new:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = _packed(store.looks, {label: place for place, label in enumerate(labels)})
        if len(content) <= LARGEST_FILE:
            replace_file(file, content)
            store.is_new = False
        _prune(self.folder)


def default_cache(environment: Mapping[str, str], home: Path) -> DetectionCache:
    """The cache of a user with this environment and home folder."""
    base = environment.get("XDG_CACHE_HOME", "")
    # The specification: a relative path there is to be ignored.
    root = Path(base) if Path(base).is_absolute() else home / ".cache"
    return DetectionCache(root / "smartcam" / "detections")


def _facts(manifest: ModelManifest) -> dict[str, object]:
    told = {key: value for key, value in asdict(manifest).items() if key not in _NO_DIFFERENCE | {"files"}}
    kept = {manifest.golden.input, manifest.golden.output}
    files = {name: digest for name, digest in manifest.files.items() if name not in kept}
    return {"manifest": told, "files": files, "packages": [_version(each) for each in _PACKAGES], "code": _code()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@cache
def _code() -> str:
    """A hash of the code that a detection goes through, so that a change there makes old answers worthless."""
    home = Path(str(smartcam.__file__)).parent
    sources = (path for part in CODE for path in sorted(home.glob(part)))
    whole = hashlib.sha256()
    for path in sources:
        whole.update(f"{path.relative_to(home)}\0".encode() + path.read_bytes())
    return whole.hexdigest()


def _packed(looks: Mapping[Look, Detections], places: Mapping[str, int]) -> bytes:
    """All looks as arrays, behind their SHA-256."""
    found = list(looks.values())
    arrays = {
        "numbers": np.array([number for number, _ in looks], np.int64),
        "region_counts": np.array([len(regions) for _, regions in looks], np.int32),
        "regions": _rows((b.x1, b.y1, b.x2, b.y2) for _, regions in looks for b in regions),
        "counts": np.array([len(each) for each in found], np.int32),
        "boxes": np.concatenate([np.empty((0, 4), np.float32), *(each.boxes for each in found)]),
        "scores": np.concatenate([np.empty(0, np.float32), *(each.scores for each in found)]),
        "labels": np.array([places[label] for each in found for label in each.labels], np.int32),
    }
    written = io.BytesIO()
    np.savez_compressed(written, **arrays)
    content = written.getvalue()
    return hashlib.sha256(content).digest() + content


def _rows(boxes: Iterable[tuple[int, int, int, int]]) -> NDArray[np.int32]:
    return np.array(list(boxes), np.int32).reshape(-1, 4)


def read_store(file: Path, labels: Sequence[str]) -> Store:
    """What a file holds; nothing where it is missing or damaged, and a damaged one is deleted."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            raw = opened.read(LARGEST_FILE + _CHECK_BYTES + 1)
            os.utime(descriptor)
    except OSError:
        return Store()
    check, content = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    if hashlib.sha256(content).digest() == check:
        try:
            return Store(_unpacked(content, labels))
        except _DAMAGE:
            pass
    file.unlink(missing_ok=True)
    return Store()


def _unpacked(content: bytes, labels: Sequence[str]) -> dict[Look, Detections]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        numbers, regions, boxes = arrays["numbers"].tolist(), arrays["regions"].tolist(), arrays["boxes"]
        scores, places = arrays["scores"], arrays["labels"].tolist()
        region_ends, ends = arrays["region_counts"].cumsum().tolist(), arrays["counts"].cumsum().tolist()
    names = [labels[place] for place in places]
    looks: dict[Look, Detections] = {}
    region, first = 0, 0
    for number, region_end, end in zip(numbers, region_ends, ends, strict=True):
        looked_at = tuple(PixelBox(*corners) for corners in regions[region:region_end])
        looks[number, looked_at] = Detections(boxes[first:end], scores[first:end], tuple(names[first:end]), looked_at)
        region, first = region_end, end
    return looks


def _prune(folder: Path) -> None:
    """Delete the files that were not used for the longest time until the rest fits."""
    files = sorted(((path.stat(), path) for path in folder.glob(f"*{_ENDING}")), key=lambda each: each[0].st_mtime_ns)
    total = sum(status.st_size for status, _ in files)
    for status, path in files:
        if total <= MOST_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= status.st_size
