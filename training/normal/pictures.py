"""First stage: windows of made-up yards, at every hour, with and without somebody in them."""

import sys
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.yard.draws import STORY_S, Hour, draw_spec, draw_story
from training.yard.scene import Scene, paint_setting

HEIGHT: Final = 64
WIDTH: Final = 128
Rgb = NDArray[np.uint8]
"""Pictures, (n, HEIGHT, WIDTH, 3) in RGB."""
_DRAWN: Final = (384, 216)
_NARROWEST: Final = 0.35
"""A window has at least this share of the drawn picture's width: what fills a room is as large as that."""


def draw(first_seed: int, yards: int, moments: int, windows: int) -> Rgb:
    """`windows` random windows of each of `moments` pictures an hour of each yard."""
    taken: list[Rgb] = []
    for number in range(yards):
        seed = first_seed + number
        rng = np.random.default_rng([seed, 31])
        spec = draw_spec(seed, *_DRAWN)
        setting = paint_setting(spec)
        for place, hour in enumerate(Hour):
            scene = Scene(draw_story(spec, hour, place), setting)
            for _ in range(moments):
                picture = scene.picture(float(rng.uniform(0, STORY_S)))
                taken += [_window(picture, rng) for _ in range(windows)]
        if (number + 1) % 25 == 0:
            print(f"yards {number + 1}/{yards} pictures {len(taken)}", file=sys.stderr, flush=True)
    return np.stack(taken)


def _window(bgr: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    height, width = bgr.shape[:2]
    wide = round(width * rng.uniform(_NARROWEST, 1.0))
    high = min(round(wide * HEIGHT / WIDTH), height)
    left, top = int(rng.integers(0, width - wide + 1)), int(rng.integers(0, height - high + 1))
    small = cv2.resize(bgr[top : top + high, left : left + wide], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
