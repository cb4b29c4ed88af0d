"""OpenCV's drawing and filtering with precise types; nothing here knows what is drawn."""

from collections.abc import Sequence
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]
Point = tuple[float, float]
Colour = tuple[int, int, int]
"""Blue, green, red, each 0..255."""

_SHIFT = 4
_OPAQUE = 255


def fixed(points: Sequence[Point]) -> NDArray[np.int32]:
    """Points (n, 2) in OpenCV's fixed-point sub-pixel coordinates."""
    return np.asarray(np.round(np.asarray(points, np.float64) * (1 << _SHIFT)), np.int32)


def _ink(canvas: Pixels, colour: Colour) -> tuple[int, ...]:
    return (*colour, _OPAQUE) if canvas.shape[2] == 4 else colour  # noqa: PLR2004 - a fourth channel is opacity


def polygon(canvas: Pixels, points: Sequence[Point], colour: Colour) -> None:
    """Fills a polygon; on four channels it is opaque ink, smooth at its edge."""
    cv2.fillPoly(canvas, [fixed(points).reshape(-1, 1, 2)], _ink(canvas, colour), cv2.LINE_AA, _SHIFT)


def stroke(canvas: Pixels, points: Sequence[Point], colour: Colour, width: float) -> None:
    """Draws a line through the points with round ends, `width` in pixels (at least one)."""
    cv2.polylines(
        canvas,
        [fixed(points).reshape(-1, 1, 2)],
        isClosed=False,
        color=_ink(canvas, colour),
        thickness=max(1, round(width)),
        lineType=cv2.LINE_AA,
        shift=_SHIFT,
    )


def ellipse(canvas: Pixels, centre: Point, radii: Point, colour: Colour, angle: float = 0.0) -> None:
    """Fills an ellipse, `angle` in degrees clockwise."""
    ring = np.asarray(cv2.ellipse2Poly((0, 0), (1000, 1000), 0, 0, 360, 12), np.float64) / 1000
    turn = np.deg2rad(angle)
    x = ring[:, 0] * radii[0]
    y = ring[:, 1] * radii[1]
    outline = np.stack(
        [centre[0] + x * np.cos(turn) - y * np.sin(turn), centre[1] + x * np.sin(turn) + y * np.cos(turn)], axis=1
    )
    polygon(canvas, cast("Sequence[Point]", outline), colour)


def rectangle(canvas: Pixels, corner: Point, opposite: Point, colour: Colour) -> None:
    """Fills an upright rectangle between two corners."""
    polygon(canvas, [corner, (opposite[0], corner[1]), opposite, (corner[0], opposite[1])], colour)


def resize(picture: Pixels, width: int, height: int) -> Pixels:
    """The picture at another size: averaged when it shrinks, interpolated when it grows."""
    shrinks = width < picture.shape[1]
    return _u8(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))


def resize_plane(plane: Plane, width: int, height: int, *, smooth: bool = False) -> Plane:
    """A float plane (h, w) or (h, w, c) at another size."""
    how = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
    return _f32(cv2.resize(plane, (width, height), interpolation=how))


def blur(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur of a float plane, `sigma` in pixels."""
    return _f32(cv2.GaussianBlur(plane, (0, 0), sigma)) if sigma > 0 else plane


def warp(picture: Pixels, source: Sequence[Point], target: Sequence[Point], width: int, height: int) -> Pixels:
    """The picture in perspective: four `source` points land on four `target` points; elsewhere zero."""
    matrix = cv2.getPerspectiveTransform(np.asarray(source, np.float32), np.asarray(target, np.float32))
    return _u8(cv2.warpPerspective(picture, matrix, (width, height), flags=cv2.INTER_LINEAR))


def place(canvas: Pixels, scale: float, offset: Point, width: int, height: int) -> Pixels:
    """The canvas shrunk by `scale` and moved by `offset` pixels, smoothly, onto `width` x `height`."""
    size = max(2, round(canvas.shape[1] * scale)), max(2, round(canvas.shape[0] * scale))
    small = resize(canvas, *size)
    exact = np.asarray(
        [
            [canvas.shape[1] * scale / size[0], 0, offset[0]],
            [0, canvas.shape[0] * scale / size[1], offset[1]],
        ],
        np.float64,
    )
    return _u8(cv2.warpAffine(small, exact, (width, height), flags=cv2.INTER_LINEAR))


def displace(picture: Pixels, map_x: Plane, map_y: Plane) -> Pixels:
    """Each pixel taken from (map_x, map_y)."""
    return _u8(cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR))


def lit(picture: Pixels, light: Plane, grain: Plane, strength: float) -> Pixels:
    """`picture` times `light` plus `strength` times `grain`, cut to 0..255; all (h, w, 3)."""
    bright = cv2.multiply(picture, light, dtype=cv2.CV_32F)
    return _u8(cv2.scaleAdd(grain, strength, bright).clip(0, _OPAQUE).astype(np.uint8))


def blend(picture: Pixels, other: Pixels, share: float) -> Pixels:
    """`share` of the other picture mixed into the first."""
    return _u8(cv2.addWeighted(picture, 1 - share, other, share, 0))


def grey(picture: Pixels) -> Pixels:
    """The picture (h, w, 3) without colour, still with three channels."""
    return _u8(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))


def _u8(array: Any) -> Pixels:  # noqa: ANN401 - OpenCV's stubs do not know which type comes back
    return cast("Pixels", array)


def _f32(array: Any) -> Plane:  # noqa: ANN401 - OpenCV's stubs do not know which type comes back
    return cast("Plane", array)
