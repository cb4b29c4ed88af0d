"""Looks of a made-up room for the tests of the learner."""

import numpy as np
from numpy.typing import NDArray

from smartcam.vision.normal.look import BY_HAND, Regime, SceneLook, look_at

WIDTH, HEIGHT = 128, 64


def room(seed: int = 0) -> NDArray[np.uint8]:
    """A still picture's luma with structure everywhere."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(40, 200, (8, 16)).repeat(8, 0).repeat(8, 1)
    return np.clip(coarse + rng.normal(0, 12, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8)


def seen(
    luma: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    light: float = 1.0,
    infrared: bool = False,
    before: SceneLook | None = None,
) -> SceneLook:
    """A look at the room by a sensor with noise, under another light."""
    noisy = np.clip(luma * light + rng.normal(0, 2, luma.shape), 0, 255).astype(np.uint8)
    colour = np.full((HEIGHT // 2, WIDTH // 2), 128 if infrared else 140, np.uint8)
    return look_at(noisy, colour, colour, before=None if before is None else before.regime)


def with_thing(luma: NDArray[np.uint8], left: int = 80, top: int = 16, side: int = 24) -> NDArray[np.uint8]:
    """The room with something striped standing in it."""
    changed = luma.copy()
    stripes = np.where(np.arange(side) // 3 % 2, 250, 5).astype(np.uint8)
    changed[top : top + side, left : left + side] = stripes[:, None]
    return changed


__all__ = ["BY_HAND", "HEIGHT", "WIDTH", "Regime", "SceneLook", "room", "seen", "with_thing"]
