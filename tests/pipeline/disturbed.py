"""Footage as another camera, another day or another recorder would have had it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraEnded
from smartcam.vision.picture import Picture
from tests.clips import write_clip

Bgr = NDArray[np.uint8]
_USUAL_CRF: Final = 18


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What is done to a clip: pictures left out at its start and between, its speed, each picture, its compression."""

    name: str
    skip: int = 0
    keeps: Callable[[int], bool] = lambda _number: True
    speed: float = 1.0
    alter: Callable[[Bgr, int], Bgr] | None = None
    crf: int = _USUAL_CRF


def _scaled(factor: float, offset: float = 0.0) -> Callable[[Bgr, int], Bgr]:
    return lambda image, _number: np.asarray(np.clip(image * np.float32(factor) + np.float32(offset), 0, 255), np.uint8)


def _noise(sigma: float) -> Callable[[Bgr, int], Bgr]:
    def alter(image: Bgr, number: int) -> Bgr:
        grain = np.random.default_rng(number).normal(0, sigma, (*image.shape[:2], 1))
        return np.asarray(np.clip(image + grain, 0, 255), np.uint8)

    return alter


def _mirrored(image: Bgr, _number: int) -> Bgr:
    return np.ascontiguousarray(image[:, ::-1])


def _cut(image: Bgr, _number: int) -> Bgr:
    down, across = image.shape[0] // 40 * 2, image.shape[1] // 40 * 2
    return np.ascontiguousarray(image[down:-down, across:-across])


def _smaller(image: Bgr, _number: int) -> Bgr:
    size = image.shape[1] * 3 // 8 * 2, image.shape[0] * 3 // 8 * 2
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _blurred(image: Bgr, _number: int) -> Bgr:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1), np.uint8)


def _shaken(image: Bgr, number: int) -> Bgr:
    down, across = np.random.default_rng(number).integers(-1, 2, 2)
    return np.ascontiguousarray(np.roll(image, (int(down), int(across)), (0, 1)))


def _mostly(number: int) -> bool:
    """Nine of ten, at random."""
    return bool(np.random.default_rng(number).random() < 0.9)


DISTURBANCES: Final = (
    Disturbance("coded again"),
    *(Disturbance(f"begins {skip} pictures later", skip=skip) for skip in (1, 2, 3, 5, 7)),
    Disturbance("at 0.8 of its speed", speed=0.8),
    Disturbance("at 1.2 of its speed", speed=1.2),
    Disturbance("every fifth picture lost", keeps=lambda number: number % 5 != 4),
    Disturbance("every second picture lost", keeps=lambda number: number % 2 == 0),
    Disturbance("a tenth of the pictures lost", keeps=_mostly),
    *(Disturbance(f"noise of sigma {sigma}", alter=_noise(sigma)) for sigma in (3, 6, 10)),
    *(Disturbance(f"brightness x{factor}", alter=_scaled(factor)) for factor in (0.8, 0.9, 1.1, 1.2)),
    Disturbance("contrast x0.8", alter=_scaled(0.8, 22)),
    Disturbance("compressed to crf 28", crf=28),
    Disturbance("compressed to crf 35", crf=35),
    Disturbance("mirrored", alter=_mirrored),
    Disturbance("three quarters of its size", alter=_smaller),
    Disturbance("a twentieth cut off at each side", alter=_cut),
    Disturbance("blurred by sigma 1", alter=_blurred),
    Disturbance("shaken by 1 pixel", alter=_shaken),
)


def disturb(clip: Path, labels: Path, how: Disturbance, folder: Path) -> tuple[Path, Path]:
    """The clip as the disturbance leaves it, and its labels; the name of the clip stays."""
    entry = json.loads(labels.read_bytes())[f"video/{clip.name}"]
    fps = entry["fps"] * how.speed
    numbers = [number for number in range(how.skip, entry["frames"]) if how.keeps(number)]
    stamps = [round((number - how.skip) / fps * 1000) for number in numbers]
    altered = write_clip(folder / clip.name, _altered(clip, how), fps=fps, stamps=stamps, crf=how.crf)
    # Labels count pictures; where some are missing, they count at the rate that is left.
    rate = fps * len(numbers) / (entry["frames"] - how.skip)
    spans = {
        word: [[round(max(edge - how.skip, 0) / fps * rate) for edge in span] for span in value]
        for word, value in entry.items()
        if isinstance(value, list)
    }
    written = folder / "labels.json"
    written.write_text(json.dumps({clip.name: {"fps": rate, **spans}}))
    return altered, written


def _altered(clip: Path, how: Disturbance) -> Iterator[Picture]:
    source = open_clip(clip)
    number = -1
    try:
        while True:
            picture, number = source.next().picture, number + 1
            if number < how.skip or not how.keeps(number):
                continue
            yield picture if how.alter is None else Picture.from_bgr(how.alter(picture.to_bgr(), number))
    except CameraEnded:
        return
    finally:
        source.close()
