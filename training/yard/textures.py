"""Flat textures: walls, grounds, fences and leaves seen head-on. Pixels are BGR, or BGR with opacity."""

from functools import lru_cache
from typing import cast

import numpy as np

from training.yard.brush import Colour, Pixels, Plane, Point, ellipse, polygon, rectangle, resize, resize_plane, stroke
from training.yard.spec import FenceKind, GroundKind, WallKind

_OCTAVES = 4
_CROWNS = 8
_NEUTRAL = 128
CROWN_SIZE = (280, 200)
"""Width and height of every mass of leaves."""


def mottle(rng: np.random.Generator, width: int, height: int, coarse: float) -> Plane:
    """Noise (h, w) of several sizes around 0, about -1..1; `coarse` is the largest spot in pixels."""
    total = np.zeros((height, width), np.float32)
    spot, weight = coarse, 0.5
    for _ in range(_OCTAVES):
        cells = max(2, int(np.ceil(width / spot))), max(2, int(np.ceil(height / spot)))
        seeds = rng.standard_normal((cells[1], cells[0]), dtype=np.float32)
        total += weight * resize_plane(seeds, width, height)
        spot, weight = max(1.0, spot / 3), weight * 0.75
    return total


def tinted(colour: Colour, shade: Plane, strength: float) -> Pixels:
    """A colour made lighter and darker by a plane (h, w): (h, w, 3)."""
    factor = 1 + strength * shade[:, :, None]
    return (np.asarray(colour, np.float32) * factor).clip(0, 255).astype(np.uint8)


def shaded(colour: Colour, factor: float) -> Colour:
    """A colour made darker (below 1) or lighter (above 1)."""
    blue, green, red = (round(min(255.0, max(0.0, part * factor))) for part in colour)
    return (blue, green, red)


def wall_texture(
    rng: np.random.Generator, kind: WallKind, colour: Colour, size: tuple[float, float], ppm: float
) -> Pixels:
    """A wall of `size` (length, height) metres at `ppm` pixels a metre."""
    width, height = round(size[0] * ppm), round(size[1] * ppm)
    if kind is WallKind.BRICK:
        return _bricks(rng, colour, width, height, ppm)
    texture = tinted(colour, mottle(rng, width, height, ppm * 0.8), 0.05)
    if kind is WallKind.PLASTER:
        return texture
    for row in np.arange(0.0, height, 0.16 * ppm):
        rectangle(texture, (0, row), (width, row + max(1.0, 0.02 * ppm)), shaded(colour, 0.66))
        rectangle(texture, (0, row + 0.03 * ppm), (width, row + 0.05 * ppm), shaded(colour, 1.08))
    return texture


def _bricks(rng: np.random.Generator, colour: Colour, width: int, height: int, ppm: float) -> Pixels:
    course, brick = 0.085 * ppm, 0.26 * ppm
    rows, columns = int(height / course) + 1, int(width / brick) + 2
    tone = rng.normal(1.0, 0.10, (rows, columns)).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    row = (y / course).astype(np.int32)
    across = x / brick + 0.5 * (row % 2)
    column = across.astype(np.int32)
    factor = tone[row, column]
    joint = ((y / course - row) < 0.16) | ((across - column) < 0.06)  # noqa: PLR2004 - the share of a course that is mortar
    texture = np.asarray(colour, np.float32) * factor[:, :, None]
    texture[joint] = np.asarray(shaded(colour, 0.7), np.float32) * 0.5 + 80
    texture *= 1 + 0.05 * mottle(rng, width, height, ppm)[:, :, None]
    return cast("Pixels", texture.clip(0, 255).astype(np.uint8))


def ground_texture(
    rng: np.random.Generator, kind: GroundKind, colour: Colour, size: tuple[float, float], ppm: float
) -> Pixels:
    """The yard's ground seen from above, `size` (across, away) metres."""
    width, height = round(size[0] * ppm), round(size[1] * ppm)
    fine = rng.standard_normal((height, width), dtype=np.float32)
    if kind is GroundKind.GRASS:
        blades = resize_plane(rng.standard_normal((height // 3 + 1, width), dtype=np.float32), width, height)
        shade = 0.5 * mottle(rng, width, height, ppm * 1.5) + 0.55 * blades
        texture = tinted(colour, shade, 0.18)
        dry = mottle(rng, width, height, ppm * 2.5) > 0.9  # noqa: PLR2004 - a few dry spots
        texture[dry] = (texture[dry] * np.float32(0.8) + np.array([18, 34, 40], np.float32)).astype(np.uint8)
        return texture
    texture = tinted(colour, 0.4 * mottle(rng, width, height, ppm) + 0.6 * fine, 0.10)
    if kind is GroundKind.SLABS:
        joint = shaded(colour, 0.72)
        for x in np.arange(0.0, size[0], 0.6):
            rectangle(texture, (x * ppm, 0), (x * ppm + max(1.0, 0.03 * ppm), height), joint)
        for z in np.arange(0.0, size[1], 0.6):
            rectangle(texture, (0, z * ppm), (width, z * ppm + max(1.0, 0.03 * ppm)), joint)
    return texture


def fence_texture(
    rng: np.random.Generator, kind: FenceKind, colour: Colour, size: tuple[float, float], ppm: float
) -> Pixels:
    """A fence of `size` (length, height) metres with opacity (h, w, 4); the top of the texture is its top."""
    width, height = round(size[0] * ppm), round(size[1] * ppm)
    canvas = np.zeros((height, width, 4), np.uint8)
    if kind is FenceKind.HEDGE:
        return _hedge(rng, colour, width, height)
    if kind is FenceKind.BARS:
        _bars(canvas, colour, ppm)
    else:
        gap = 0.14 if kind is FenceKind.PICKETS else 0.121
        for x in np.arange(0.0, size[0], gap):
            _picket(canvas, shaded(colour, float(rng.normal(1, 0.05))), x * ppm, ppm, kind)
        for level in (0.22, 0.74):
            row = height * (1 - level)
            rail = shaded(colour, 0.93 if kind is FenceKind.PLANKS else 0.8)
            rectangle(canvas, (0, row), (width, row + 0.05 * ppm), rail)
    return canvas


def _hedge(rng: np.random.Generator, colour: Colour, width: int, height: int) -> Pixels:
    """Crowns side by side, cut straight at the bottom."""
    canvas = np.zeros((height, width, 4), np.uint8)
    wide = round(height * 1.4)
    for left in range(0, width, wide):
        piece = resize(leaves(rng, colour, trim=True), wide, height)
        canvas[:, left : left + wide] = piece[:, : width - left]
    return canvas


def _picket(canvas: Pixels, colour: Colour, x: float, ppm: float, kind: FenceKind) -> None:
    wide = (0.09 if kind is FenceKind.PICKETS else 0.117) * ppm
    tip = (0.06 if kind is FenceKind.PICKETS else 0.0) * ppm
    bottom = canvas.shape[0]
    outline: list[Point] = [(x, bottom), (x, tip), (x + wide / 2, 0), (x + wide, tip), (x + wide, bottom)]
    polygon(canvas, outline, colour)
    rectangle(canvas, (x, tip), (x + 0.015 * ppm, bottom), shaded(colour, 0.8))


def _bars(canvas: Pixels, colour: Colour, ppm: float) -> None:
    height, width = canvas.shape[:2]
    for x in np.arange(0.0, width, 0.15 * ppm):
        stroke(canvas, [(x, 0.03 * ppm), (x, height)], colour, 0.025 * ppm)
        ellipse(canvas, (x, 0.04 * ppm), (0.025 * ppm, 0.04 * ppm), colour)
    for level in (0.1, 0.86):
        stroke(canvas, [(0, height * level), (width, height * level)], colour, 0.04 * ppm)


def leaves(rng: np.random.Generator, colour: Colour, trim: bool = False) -> Pixels:  # noqa: FBT001, FBT002 - a shape
    """A mass of leaves (200, 280, 4): ragged at its edge, or with `trim` a hedge cut straight at the bottom."""
    tones = _crown(int(rng.integers(_CROWNS)), trim)
    if rng.random() < 0.5:  # noqa: PLR2004 - every crown serves both ways round
        tones = tones[:, ::-1]
    ink = tones[:, :, :1].astype(np.float32) * (np.asarray(colour, np.float32) / _NEUTRAL)
    return np.dstack([ink.clip(0, tones[:, :, 1:]), tones[:, :, 1]]).astype(np.uint8)


@lru_cache(maxsize=2 * _CROWNS)
def _crown(variant: int, trim: bool) -> Pixels:  # noqa: FBT001 - a key of the cache
    """Tones (200, 280, 2) of leaves around 128, and their opacity; scenes share a few, which are slow to draw."""
    rng = np.random.default_rng([20_012, variant])
    width, height = CROWN_SIZE
    canvas = np.zeros((height, width, 4), np.uint8)
    neutral: Colour = (_NEUTRAL, _NEUTRAL, _NEUTRAL)
    count = 900
    spread = rng.random((count, 2))
    if not trim:
        angle, far = spread[:, 0] * 2 * np.pi, np.sqrt(spread[:, 1])
        lumps = 1 + 0.09 * np.sin(5 * angle + variant) + 0.07 * np.sin(9 * angle + 2 * variant)
        spread = np.stack([0.5 + 0.43 * far * lumps * np.cos(angle), 0.5 + 0.43 * far * lumps * np.sin(angle)], axis=1)
        ellipse(canvas, (width / 2, height / 2), (0.36 * width, 0.36 * height), shaded(neutral, 0.5))
    else:
        spread[:, 1] = 0.09 + 0.91 * spread[:, 1]
        rectangle(canvas, (0, height * 0.13), (width, height), shaded(neutral, 0.5))
    order = np.argsort(spread[:, 1] + 0.25 * rng.standard_normal(count))[::-1]
    for place in order:
        x, y = spread[place]
        tone = 0.62 + 0.62 * (1 - y) * rng.random() + 0.25 * rng.random()
        size = 6.0 * (0.6 + 0.9 * rng.random())
        ellipse(canvas, (x * width, y * height), (size, size * 0.55), shaded(neutral, tone), rng.random() * 180)
    return np.ascontiguousarray(canvas[:, :, 2:])


def sky_texture(rng: np.random.Generator, width: int, height: int) -> Pixels:
    """A sky with soft clouds, paler towards its lower edge."""
    fall = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top, low = np.array([214, 178, 132], np.float32), np.array([226, 218, 206], np.float32)
    blue = top + (low - top) * fall
    spots = mottle(rng, width, height, width * 0.22)
    cloud = ((spots + 0.15) * 1.2).clip(0, 1)[:, :, None] * np.float32(0.8)
    return cast(
        "Pixels", (blue * (1 - cloud) + np.array([238, 236, 234], np.float32) * cloud).clip(0, 255).astype(np.uint8)
    )
