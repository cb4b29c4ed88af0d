"""Two views of the same thing: under another light, by another sensor, after another codec."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.normal.pictures import HEIGHT, WIDTH, Rgb

Floats = NDArray[np.float32]
_GREY: Final = np.array([0.299, 0.587, 0.114], np.float32)
_INFRARED: Final = 0.25
"""Share of views without colours: a place by day and the same by infrared are two regimes, but half a cloud is not."""
_FOREIGN: Final = 0.7
"""Share of pictures with a piece of another in them: a network that has seen only yards would learn yards."""


def pairs(pictures: Rgb, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two views (n, HEIGHT, WIDTH, 3), 0..1, of each picture with the same things at the same places."""
    shown = [_collage(picture, pictures, rng) for picture in pictures]
    return np.stack([_view(each, rng) for each in shown]), np.stack([_view(each, rng) for each in shown])


def _collage(picture: NDArray[np.uint8], others: Rgb, rng: np.random.Generator) -> Floats:
    canvas = picture.astype(np.float32) / np.float32(255)
    if rng.random() < 0.5:  # noqa: PLR2004 - a coin
        canvas = canvas[:, ::-1].copy()
    for _ in range(3):
        if rng.random() > _FOREIGN:
            continue
        other = others[rng.integers(len(others))].astype(np.float32) / np.float32(255)
        if rng.random() < 0.5:  # noqa: PLR2004 - a coin
            other = other[::-1] * np.float32(rng.uniform(0.3, 1.2)) + np.float32(rng.uniform(-0.1, 0.4))
        cover = _cover(rng)
        canvas = np.asarray(canvas * (1 - cover) + other * cover, np.float32)
    return np.clip(canvas, 0, 1).astype(np.float32)


def _cover(rng: np.random.Generator) -> Floats:
    """Where the other picture's piece is, (HEIGHT, WIDTH, 1) of 0..1: an ellipse or a box, anywhere."""
    cover = np.zeros((HEIGHT, WIDTH), np.float32)
    x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
    across, down = int(rng.integers(3, 30)), int(rng.integers(3, 22))
    if rng.random() < 0.5:  # noqa: PLR2004 - a coin
        cv2.ellipse(cover, (x, y), (across, down), float(rng.uniform(0, 180)), 0, 360, (1.0,), cv2.FILLED)
    else:
        cv2.rectangle(cover, (x - across, y - down), (x + across, y + down), (1.0,), cv2.FILLED)
    return np.asarray(cv2.GaussianBlur(cover, (0, 0), 0.7)[..., None], np.float32)


def _view(shown: Floats, rng: np.random.Generator) -> Floats:
    view = shown
    if rng.random() < _INFRARED:
        view = np.repeat((view @ _GREY)[..., None], 3, axis=2)
    # A soft field of light: a cloud, a lamp, the sun through a window.
    field = cv2.resize(rng.uniform(0.7, 1.4, (3, 4)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    tint = np.float32(rng.uniform(0.93, 1.07, 3))
    view = np.clip(view * field[..., None] * tint * np.float32(rng.uniform(0.6, 1.3)), 0, 1)
    view = view ** np.float32(rng.uniform(0.7, 1.4))
    if rng.random() < 0.3:  # noqa: PLR2004 - the share of pictures out of focus
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.4, 0.9))), np.float32)
    view = view + rng.normal(0, rng.uniform(0.0, 0.03), view.shape).astype(np.float32)
    view = np.clip(view, 0, 1)
    if rng.random() < 0.3:  # noqa: PLR2004 - the share of pictures from a codec short of bits
        ok, packed = cv2.imencode(
            ".jpg", (view * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 90))]
        )
        if ok:
            view = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.float32) / np.float32(255)
    return np.ascontiguousarray(view, np.float32)
