"""Each picture a little otherwise each time: part of it, mirrored, and in other light."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.classifier.networks import CELL

TILE: Final = 80
"""Side of the tile that is cut from a picture for the signs network: half the work, and the target is in it."""
_SMALLEST_PART: Final = 0.85
_GAMMA: Final = (0.8, 1.25)
_LIGHT: Final = (0.8, 1.2)
_TINT: Final = (0.94, 1.06)
_LEVELS: Final = np.linspace(0, 1, 256, dtype=np.float32)[:, None]


def varied(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Pictures uint8 (n, h, w, 3) as float32 of 0 to 1."""
    count, height, width, _ = rgb.shape
    pictures = np.empty(rgb.shape, np.float32)
    for number in range(count):
        share = rng.uniform(_SMALLEST_PART, 1)
        high, wide = int(height * share), int(width * share)
        top, left = int(rng.integers(0, height - high + 1)), int(rng.integers(0, width - wide + 1))
        part = cv2.resize(rgb[number, top : top + high, left : left + wide], (width, height))
        if rng.random() < 0.5:  # noqa: PLR2004 - a coin
            part = np.ascontiguousarray(part[:, ::-1])
        pictures[number] = _relit(np.asarray(part, np.uint8), rng)
    return pictures


def tiles(
    rgb: NDArray[np.uint8], boxes: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A tile (n, 80, 80, 3) of each picture, 0 to 1, mirrored, lit and coloured at random.

    `boxes` are shares of a picture; those returned are in pixels of the tile. A tile contains the box of its picture;
    a picture without one is cut anywhere.
    """
    count, height, width, _ = rgb.shape
    parts = np.empty((count, TILE, TILE, 3), np.float32)
    placed = np.zeros((count, 4), np.float32)
    for number in range(count):
        x1, y1, x2, y2 = boxes[number] * (width, height, width, height)
        left, top = _start(rng, x1, x2, width), _start(rng, y1, y2, height)
        part = rgb[number, top : top + TILE, left : left + TILE]
        if x2 > 0:
            placed[number] = np.clip((x1 - left, y1 - top, x2 - left, y2 - top), 0, TILE)
        if rng.random() < 0.5:  # noqa: PLR2004 - a coin
            part = part[:, ::-1]
            if x2 > 0:
                placed[number, [0, 2]] = TILE - placed[number, [2, 0]]
        parts[number] = _relit(np.ascontiguousarray(part), rng)
    return parts, placed


def sign_map(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a map of signs should be, (n, 10, 10, 1) of 0 and 1, for boxes (n, 4) in pixels of a tile.

    A cell is 1 if its centre lies in the box; the cell with the centre of the box always is.
    """
    cells = TILE // CELL
    middles = (np.arange(cells) + 0.5) * CELL
    x1, y1, x2, y2 = (boxes[:, side, None, None] for side in range(4))
    across, down = middles[None, None, :], middles[None, :, None]
    inside = (across > x1) & (across < x2) & (down > y1) & (down < y2)
    for place in np.flatnonzero(boxes[:, 2] > 0):
        left, top, right, bottom = np.clip(boxes[place], 0, TILE - 1)
        inside[place, int((top + bottom) / 2 / CELL), int((left + right) / 2 / CELL)] = True
    return inside[..., None].astype(np.float32)


def _start(rng: np.random.Generator, first: float, last: float, side: int) -> int:
    """Where a tile starts so that it contains `first` to `last`; anywhere if there is nothing."""
    if last <= 0:
        return int(rng.integers(0, side - TILE + 1))
    low = min(max(0, int(np.ceil(last)) - TILE), side - TILE)
    high = max(low, min(int(first), side - TILE))
    return int(rng.integers(low, high + 1))


def _relit(part: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    tint = rng.uniform(*_LIGHT) * rng.uniform(*_TINT, 3)
    table = np.clip(_LEVELS ** np.float32(rng.uniform(*_GAMMA)) * tint, 0, 1).astype(np.float32)
    return np.asarray(cv2.LUT(part, table[None]), np.float32)
