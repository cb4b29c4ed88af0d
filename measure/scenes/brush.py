"""What made-up scenes are painted with: grey ground, a car from the side, somebody who walks, leaves in the wind."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Light = NDArray[np.float32]

CAR_W: Final = 100
CAR_H: Final = 56
WALKER_W: Final = 34
WALKER_H: Final = 96


def ground(rng: np.random.Generator, width: int, height: int) -> Light:
    """Patches of all sizes, as asphalt, walls and grass have them."""
    rough = rng.uniform(70, 170, (12, 16)).astype(np.float32)
    painted = np.asarray(cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    for _ in range(20):
        x, y, wide, high = (int(rng.integers(0, most)) for most in (width, height, 70, 60))
        painted[y : y + high, x : x + wide] *= np.float32(rng.uniform(0.7, 1.3))
    return painted


def car(rng: np.random.Generator) -> Light:
    """A car from the side, (CAR_H, CAR_W)."""
    painted = np.full((CAR_H, CAR_W), 55, np.float32)
    painted[6:24, 22:50], painted[6:24, 54:82] = 150, 140
    painted[44:, 10:30], painted[44:, 70:90] = 15, 15
    painted += cv2.resize(rng.uniform(-15, 15, (7, 12)).astype(np.float32), (CAR_W, CAR_H))
    return painted


def walker(rng: np.random.Generator) -> Light:
    """Somebody in a light coat, (WALKER_H, WALKER_W)."""
    painted = np.full((WALKER_H, WALKER_W), 205, np.float32)
    painted[:20, 8:26], painted[55:] = 150, 35
    painted += cv2.resize(rng.uniform(-20, 20, (12, 5)).astype(np.float32), (WALKER_W, WALKER_H))
    return painted


def leaf(scene: Light | NDArray[np.uint8], number: int, place: tuple[float, float], at_s: float) -> None:
    """One patch of foliage about its place; each sways in its own time."""
    x = place[0] + 5 * np.sin(2 * np.pi * 0.4 * at_s + number)
    y = place[1] + 2 * np.sin(2 * np.pi * 0.6 * at_s + 2 * number)
    cv2.circle(scene, (int(x), int(y)), 9, (60.0 + 9 * number % 140,), -1)
