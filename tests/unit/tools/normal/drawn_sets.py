"""Data sets drawn into a folder: a still room as numbered pictures, and something odd in some of them."""

from collections.abc import Collection
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.unit.vision.normal.drawn_looks import room, with_thing


def shown(number: int, *, is_odd: bool = False) -> NDArray[np.uint8]:
    """The room's luma with another noise and another light each time."""
    rng = np.random.default_rng(number)
    still = with_thing(room()) if is_odd else room()
    return np.asarray(np.clip(still * rng.uniform(0.95, 1.05) + rng.normal(0, 2, still.shape), 0, 255), np.uint8)


def draw_pictures(folder: Path, count: int, odd: Collection[int] = (), form: str = "{:03}.tif") -> Path:
    """So many pictures, numbered from 1; those whose index is in `odd` show something odd."""
    folder.mkdir(parents=True)
    for place in range(count):
        cv2.imwrite(str(folder / form.format(place + 1)), shown(place, is_odd=place in odd))
    return folder


def draw_masks(folder: Path, count: int, odd: Collection[int]) -> Path:
    """A mask for each picture: black, with a white place where something is odd."""
    folder.mkdir(parents=True)
    for place in range(count):
        mask = np.zeros((64, 128), np.uint8)
        mask[20:30, 80:90] = 255 if place in odd else 0
        cv2.imwrite(str(folder / f"{place + 1:03}.bmp"), mask)
    return folder
