"""Looks of clips, a few a second, kept as arrays: decoding takes longer than judging."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from smartcam.capture.sources.clip import all_pictures
from smartcam.capture.sources.file import open_clip
from smartcam.model.looks import Eye
from smartcam.vision.normal.look import COLUMNS, PLACES, ROWS, Regime, SceneLook
from smartcam.vision.picture import Picture

_LIGHT = (ROWS * 4, COLUMNS * 4)


@dataclass(frozen=True, slots=True, eq=False)
class ClipLooks:
    """Successive looks, `step_s` seconds apart.

    `features` (n, PLACES, width) float16, `light` (n, rows, columns) uint8, `infrared` (n,).
    """

    features: NDArray[np.float16]
    light: NDArray[np.uint8]
    infrared: NDArray[np.bool_]
    step_s: float

    def __len__(self) -> int:
        """How many looks there are."""
        return len(self.infrared)

    def __iter__(self) -> Iterator[SceneLook]:
        """One after another."""
        for features, light, infrared in zip(self.features, self.light, self.infrared, strict=True):
            regime = Regime.INFRARED if infrared else Regime.DAY
            yield SceneLook(regime, features.astype(np.float32), light.astype(np.float32))


def looks_of(eye: Eye, pictures: Iterator[Picture], step_s: float) -> ClipLooks:
    """The looks of successive pictures."""
    found: list[SceneLook] = []
    for picture in pictures:
        found.append(eye.look(picture, found[-1].regime if found else None))
    features = np.stack([look.features for look in found]) if found else np.zeros((0, PLACES, eye.width))
    light = np.stack([look.light for look in found]) if found else np.zeros((0, *_LIGHT))
    infrared = np.array([look.regime is Regime.INFRARED for look in found], np.bool_)
    return ClipLooks(features.astype(np.float16), np.round(light).astype(np.uint8), infrared, step_s)


def pictures_of(path: Path, every: int) -> tuple[Iterator[Picture], float]:
    """Every so many pictures of a clip, and the seconds between them. Raises CameraLost when it cannot be read."""
    clip = open_clip(path)
    step_s = every / (clip.frames_per_second or 5.0)
    return (each.picture for number, each in enumerate(all_pictures(clip)) if number % every == 0), step_s


def kept_looks(path: Path, every: int, eye: Eye, model: bytes, cache: Path) -> ClipLooks:
    """The looks of a clip, from the cache if the same encoder has made them before."""
    mark = hashlib.sha256(model + str((path.stat().st_size, every)).encode()).hexdigest()[:12]
    kept = cache / f"{path.stem}-{mark}.npz"
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as stored:
            return ClipLooks(stored["features"], stored["light"], stored["infrared"], float(stored["step_s"]))
    pictures, step_s = pictures_of(path, every)
    looks = looks_of(eye, pictures, step_s)
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(".unfinished.npz")
    np.savez(unfinished, features=looks.features, light=looks.light, infrared=looks.infrared, step_s=step_s)
    unfinished.replace(kept)
    return looks
