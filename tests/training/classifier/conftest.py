"""Footage for trainings that take seconds: a red square comes and goes before a grey one that always moves."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from smartcam.vision.picture import Picture
from training.footage.film import Film, Shot, Visit

RATE = 2.0
SHORT_VISITS = ((2, 8), (19, 22), (26, 29))
"""Of half a minute, with one in each part of it."""


@dataclass(frozen=True, slots=True)
class RedFilm:
    """See `Film`. `seed` decides where things are."""

    name: str
    seconds: float
    visits: tuple[Visit, ...]
    seed: int = 0

    def shots(self) -> Iterator[Shot]:
        rng = np.random.default_rng(self.seed)
        for number in range(round(self.seconds * RATE)):
            at_s = number / RATE
            bgr = np.full((96, 160, 3), (90, 140, 110), np.uint8)
            x, y = int(rng.integers(0, 120)), int(rng.integers(0, 60))
            bgr[y : y + 30, x : x + 30] = 200
            shows = any(first <= at_s <= last for first, last in self.visits)
            box = None
            if shows:
                x, y = int(rng.integers(0, 110)), int(rng.integers(0, 46))
                bgr[y : y + 50, x : x + 50] = (20, 20, 220)
                box = (x / 160, y / 96, (x + 50) / 160, (y + 50) / 96)
            yield Shot(at_s, Picture.from_bgr(bgr), shows, box)


@pytest.fixture(scope="package")
def films() -> list[Film]:
    return [RedFilm("a", 100.0, ((5, 20), (35, 50), (65, 75), (85, 95)))]
