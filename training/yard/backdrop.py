"""The fixed part of a scene, painted once: sky, road, ground, house, fence, props; and what they hide."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from training.yard.brush import (
    Colour,
    Pixels,
    Plane,
    Point,
    ellipse,
    polygon,
    rectangle,
    resize,
    resize_plane,
    stroke,
    warp,
)
from training.yard.lens import Lens
from training.yard.spec import FenceKind, GroundKind, Prop, PropKind, SceneSpec, Yard
from training.yard.textures import (
    CROWN_SIZE,
    fence_texture,
    ground_texture,
    leaves,
    mottle,
    shaded,
    sky_texture,
    tinted,
    wall_texture,
)

ROAD_NEAR, ROAD_FAR = 2.2, 9.0
"""The road's edges, metres behind the fence."""
GATE_WIDTH = 1.3
BUSH_WIDTH, BUSH_HEIGHT = 1.3, 2.15
WALL_HEIGHT = 3.1
_FINE = 2
_Place = Callable[[float, float], Point]
_ACROSS = 22.0
_ROAD_COLOUR: Colour = (96, 94, 92)
_ASPHALT_LINE: Colour = (196, 200, 202)


@dataclass(frozen=True, slots=True)
class Occluder:
    """Something fixed that hides what is behind it: its distance `z` in metres, its opacity (h, w) 0..1."""

    z: float
    opacity: Plane


@dataclass(frozen=True, slots=True)
class PaintedBackdrop:
    """The painted yard in full light (h, w, 3), what occludes, and where windows shine at night (h, w) 0..1."""

    picture: Pixels
    occluders: tuple[Occluder, ...]
    window: Plane


def paint_backdrop(spec: SceneSpec) -> PaintedBackdrop:
    """Paints at twice the size and averages down, so that nothing shimmers."""
    rng = np.random.default_rng([spec.seed, 1])
    lens = Lens(spec.viewpoint, spec.width * _FINE, spec.height * _FINE)
    canvas = np.zeros((lens.height, lens.width, 3), np.uint8)
    _paint_far(canvas, lens, spec.yard, rng)
    _paint_ground(canvas, lens, spec.yard, rng)
    boundary = _boundary(lens, spec.yard, rng)
    _lay(canvas, boundary)
    house, window = _house(lens, spec.yard, rng)
    _lay(canvas, house)
    layers = [(spec.yard.fence_z, boundary), (spec.yard.wall_end, house)]
    for prop in sorted(spec.yard.props, key=lambda prop: -prop.z):
        layer = np.zeros((lens.height, lens.width, 4), np.uint8)
        _paint_prop(layer, lens, prop, rng)
        _lay(canvas, layer)
        layers.append((prop.z, layer))
    occluders = tuple(Occluder(z, _opacity(layer, spec)) for z, layer in layers)
    shine = resize_plane(window, spec.width, spec.height)
    return PaintedBackdrop(resize(canvas, spec.width, spec.height), occluders, shine)


def _opacity(layer: Pixels, spec: SceneSpec) -> Plane:
    small = resize(np.ascontiguousarray(layer[:, :, 3]), spec.width, spec.height)
    return cast("Plane", small.astype(np.float32) / np.float32(255))


def _lay(canvas: Pixels, layer: Pixels) -> None:
    """Blends a layer with opacity over a canvas, which may have opacity as well."""
    rows, columns = (np.flatnonzero(layer[:, :, 3].any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        return
    span = (slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    over = layer[span]
    clear = 255 - over[:, :, 3:].astype(np.uint16)
    under = (canvas[span] * clear + 127) // 255 + over[:, :, : canvas.shape[2]]
    canvas[span] = np.minimum(under, 255).astype(np.uint8)


def _detail(lens: Lens) -> float:
    """How fine textures are painted: fully for a large picture, coarser for a small one."""
    return min(1.0, max(0.4, lens.width / 1500))


def _paint_far(canvas: Pixels, lens: Lens, yard: Yard, rng: np.random.Generator) -> None:
    horizon = round(lens.viewpoint.horizon * lens.height)
    canvas[: horizon + 2] = sky_texture(rng, lens.width, horizon + 2)
    canvas[horizon:] = (66, 112, 92)
    hill = mottle(rng, lens.width, 1, lens.width * 0.3)[0]
    ridge = [(float(x), horizon - lens.height * (0.035 + 0.015 * float(hill[x]))) for x in range(0, lens.width, 8)]
    polygon(canvas, [*ridge, (lens.width, horizon), (lens.width, horizon + 4), (0, horizon + 4)], (150, 158, 138))
    for _ in range(int(rng.integers(1, 4))):
        _far_house(canvas, lens, float(rng.uniform(-16, 16)), yard.fence_z + float(rng.uniform(16, 26)), rng)
    tone: Colour = (52, 92, 72)
    for _ in range(9):
        z = yard.fence_z + ROAD_FAR + float(rng.uniform(1.5, 9))
        x, wide, tall = float(rng.uniform(-20, 20)), float(rng.uniform(2, 5)), float(rng.uniform(1.6, 4.5))
        left, top = lens.point(x - wide / 2, tall, z)
        right, bottom = lens.point(x + wide / 2, -0.2, z)
        crown = leaves(rng, shaded(tone, float(rng.uniform(0.8, 1.25))))
        _lay(canvas, _stretched(crown, (left, top), (right, bottom), lens))


def _stretched(picture: Pixels, corner: Point, opposite: Point, lens: Lens) -> Pixels:
    """The picture stretched over an upright rectangle of the canvas, elsewhere zero."""
    (left, top), (right, bottom) = corner, opposite
    return _hung(picture, [(left, top), (right, top), (right, bottom), (left, bottom)], lens)


def _hung(picture: Pixels, target: list[Point], lens: Lens) -> Pixels:
    """The picture in perspective: its corners, clockwise from the upper left, land on `target`, elsewhere zero."""
    height, width = picture.shape[:2]
    return warp(picture, [(0, 0), (width, 0), (width, height), (0, height)], target, lens.width, lens.height)


def _far_house(canvas: Pixels, lens: Lens, x: float, z: float, rng: np.random.Generator) -> None:
    wide, tall = float(rng.uniform(5, 9)), float(rng.uniform(2.8, 5))
    red = int(rng.integers(140, 215))
    wall: Colour = (red - int(rng.integers(15, 60)), red - int(rng.integers(5, 25)), red)
    rectangle(canvas, lens.point(x, tall, z), lens.point(x + wide, 0, z), wall)
    roof = [lens.point(x - 0.4, tall, z), lens.point(x + wide / 2, tall + 2, z), lens.point(x + wide + 0.4, tall, z)]
    polygon(canvas, roof, (64, 70, 104))
    for place in np.arange(x + 0.8, x + wide - 1.2, 1.9):
        rectangle(canvas, lens.point(place, tall - 0.7, z), lens.point(place + 0.9, tall - 1.9, z), (104, 88, 76))


def _paint_ground(canvas: Pixels, lens: Lens, yard: Yard, rng: np.random.Generator) -> None:
    ppm = 28.0 * _detail(lens)
    near = max(1.2, lens.nearest(1.0) * 0.95)
    far = yard.fence_z + ROAD_FAR + 20
    depth = far - near
    size = (2 * _ACROSS, depth)
    flat = ground_texture(rng, yard.ground, yard.ground_colour, size, ppm)
    meadow = ground_texture(rng, GroundKind.GRASS, (70, 122, 104), (2 * _ACROSS, 20.0), ppm)
    flat[-meadow.shape[0] :] = meadow[:, : flat.shape[1]]

    def at(x: float, z: float) -> Point:
        return ((x + _ACROSS) * ppm, (z - near) * ppm)

    _pave(flat, at, yard, rng, ppm)
    _paint_road(flat, at, yard, rng)
    corners = [(-_ACROSS, near), (_ACROSS, near), (_ACROSS, far), (-_ACROSS, far)]
    target = [lens.point(x, 0, z) for x, z in corners]
    ground = warp(flat, [at(x, z) for x, z in corners], target, lens.width, lens.height)
    seen = ground.any(axis=2)
    canvas[seen] = ground[seen]


def _pave(flat: Pixels, at: _Place, yard: Yard, rng: np.random.Generator, ppm: float) -> None:
    stone: Colour = (150, 156, 162)
    door = (-yard.wall_x + 0.5, yard.door_z)
    gate = (yard.gate_x, yard.fence_z + 0.3)
    steps = 15
    for step in range(steps + 1):
        share = step / steps
        x = gate[0] + (door[0] - gate[0]) * share**1.4
        z = gate[1] + (door[1] - gate[1]) * share**0.8
        wide, long = 0.5 + 0.05 * rng.standard_normal(), 0.26
        tone = shaded(stone, float(rng.normal(1, 0.05)))
        polygon(
            flat, [at(x - wide, z - long), at(x + wide, z - long), at(x + wide, z + long), at(x - wide, z + long)], tone
        )
    rectangle(flat, at(-_ACROSS, 0), at(-yard.wall_x + 0.22, yard.wall_end), shaded(stone, 0.85))
    shade = mottle(rng, flat.shape[1], flat.shape[0], ppm * 3)
    flat[:] = (flat * (1 + 0.05 * shade[:, :, None])).clip(0, 255).astype(np.uint8)


def _paint_road(flat: Pixels, at: _Place, yard: Yard, rng: np.random.Generator) -> None:
    near, far = yard.fence_z + ROAD_NEAR, yard.fence_z + ROAD_FAR
    top, bottom = round(at(0, near)[1]), round(at(0, far)[1])
    tar = tinted(_ROAD_COLOUR, mottle(rng, flat.shape[1], bottom - top, 60.0), 0.06)
    flat[top:bottom] = tar
    kerb = (170, 172, 174)
    for z in (near - 0.25, far):
        rectangle(flat, at(-_ACROSS, z), at(_ACROSS, z + 0.25), kerb)
    rectangle(flat, at(-_ACROSS, near - 1.5), at(_ACROSS, near - 0.25), (140, 144, 148))
    middle = (near + far) / 2
    for x in np.arange(-_ACROSS, _ACROSS, 3.0):
        rectangle(flat, at(x, middle - 0.08), at(x + 1.6, middle + 0.08), _ASPHALT_LINE)


def _boundary(lens: Lens, yard: Yard, rng: np.random.Generator) -> Pixels:
    layer = np.zeros((lens.height, lens.width, 4), np.uint8)
    ppm = 70.0 * _detail(lens)
    z, top = yard.fence_z, yard.fence_height
    for left, right in ((-_ACROSS, yard.gate_x - GATE_WIDTH / 2), (yard.gate_x + GATE_WIDTH / 2, _ACROSS)):
        texture = fence_texture(rng, yard.fence, yard.fence_colour, (right - left, top), ppm)
        corners = [lens.point(left, top, z), lens.point(right, top, z), lens.point(right, 0, z), lens.point(left, 0, z)]
        _lay(layer, _hung(texture, corners, lens))
    post = shaded(yard.fence_colour, 0.75) if yard.fence is not FenceKind.HEDGE else (92, 104, 116)
    for side in (-1, 1):
        x = yard.gate_x + side * (GATE_WIDTH / 2 + 0.06)
        rectangle(layer, lens.point(x - 0.09, top + 0.25, z), lens.point(x + 0.09, 0, z), post)
        rectangle(layer, lens.point(x - 0.12, top + 0.31, z), lens.point(x + 0.12, top + 0.23, z), shaded(post, 1.2))
    for x in (yard.bush_x, yard.gate_x + GATE_WIDTH / 2 + BUSH_WIDTH / 2 + 0.1):
        _lay(layer, _bush(lens, x, z, rng))
    return layer


def _bush(lens: Lens, x: float, z: float, rng: np.random.Generator) -> Pixels:
    width, height = CROWN_SIZE
    solid = np.zeros((height, width, 4), np.uint8)
    ellipse(solid, (width / 2, height / 2), (0.42 * width, 0.46 * height), (30, 56, 40))
    rectangle(solid, (0.1 * width, height / 2), (0.9 * width, height), (28, 52, 38))
    _lay(solid, leaves(rng, (66, 118, 84)))
    _lay(solid, _lower_half(leaves(rng, (58, 104, 74), trim=True)))
    half = BUSH_WIDTH / 2 + 0.12
    return _stretched(solid, lens.point(x - half, BUSH_HEIGHT, z), lens.point(x + half, -0.05, z), lens)


def _lower_half(crown: Pixels) -> Pixels:
    """Leaves for the lower half of a bush, narrower than the bush."""
    height, width = crown.shape[:2]
    lower = np.zeros_like(crown)
    piece = resize(crown, round(0.84 * width), height // 2)
    left = (width - piece.shape[1]) // 2
    lower[height - piece.shape[0] :, left : left + piece.shape[1]] = piece
    return lower


def _house(lens: Lens, yard: Yard, rng: np.random.Generator) -> tuple[Pixels, Plane]:
    ppm = 90.0 * _detail(lens)
    near = 0.55 * lens.viewpoint.focal * yard.wall_x / (lens.width / lens.height / 2)
    length = yard.wall_end - near
    flat = wall_texture(rng, yard.wall, yard.wall_colour, (length, WALL_HEIGHT), ppm)
    glass = np.zeros((*flat.shape[:2], 4), np.uint8)
    _paint_door(flat, yard, near, ppm)
    for z in (yard.door_z - 1.9, yard.door_z + 1.5):
        _paint_window(flat, glass, (z - near) * ppm, ppm)
    rectangle(flat, (0, (WALL_HEIGHT - 0.3) * ppm), (flat.shape[1], flat.shape[0]), shaded(yard.wall_colour, 0.55))
    corners = [(near, WALL_HEIGHT), (yard.wall_end, WALL_HEIGHT), (yard.wall_end, 0.0), (near, 0.0)]
    target = [lens.point(-yard.wall_x, above, z) for z, above in corners]
    layer = _hung(np.dstack([flat, np.full(flat.shape[:2], 255, np.uint8)]), target, lens)
    shine = _hung(glass, target, lens)
    _paint_roof(layer, lens, yard, near)
    return layer, (shine[:, :, 3].astype(np.float32) / 255).astype(np.float32)


def _paint_door(flat: Pixels, yard: Yard, near: float, ppm: float) -> None:
    left = (yard.door_z - near - 0.5) * ppm
    bottom = float(flat.shape[0])

    def box(x1: float, y1: float, x2: float, y2: float, colour: Colour) -> None:
        rectangle(flat, (left + x1 * ppm, bottom - y2 * ppm), (left + x2 * ppm, bottom - y1 * ppm), colour)

    box(-0.09, 0, 1.09, 2.2, (214, 218, 220))
    box(0, 0.05, 1.0, 2.1, yard.door_colour)
    for low, high in ((0.25, 0.95), (1.15, 1.95)):
        box(0.14, low, 0.86, high, shaded(yard.door_colour, 0.72))
        box(0.17, low + 0.03, 0.83, high - 0.03, shaded(yard.door_colour, 1.12))
    box(0.05, 1.0, 0.13, 1.08, (120, 190, 210))
    box(-0.2, 0, 1.2, 0.1, (160, 164, 168))
    box(0.4, 2.42, 0.6, 2.62, (60, 60, 60))


def _paint_window(flat: Pixels, glass: Pixels, centre: float, ppm: float) -> None:
    bottom = float(flat.shape[0])
    half, bar = 0.55 * ppm, 0.035 * ppm
    low, high = bottom - 0.95 * ppm, bottom - 2.1 * ppm
    rectangle(flat, (centre - half - 0.07 * ppm, high - 0.07 * ppm), (centre + half + 0.07 * ppm, low), (216, 220, 222))
    for step in range(12):
        share = step / 12
        tone: Colour = (round(110 - 50 * share), round(92 - 40 * share), round(78 - 30 * share))
        rectangle(flat, (centre - half, high + (low - high) * share), (centre + half, low), tone)
    rectangle(glass, (centre - half, high), (centre + half, low), (255, 255, 255))
    rectangle(flat, (centre - bar, high), (centre + bar, low), (216, 220, 222))
    glass[:, max(0, round(centre - bar)) : max(0, round(centre + bar))] = 0
    rectangle(
        flat,
        (centre - half - 0.13 * ppm, low + 0.04 * ppm),
        (centre + half + 0.13 * ppm, low + 0.13 * ppm),
        (188, 192, 196),
    )


def _paint_roof(layer: Pixels, lens: Lens, yard: Yard, near: float) -> None:
    out, end = -yard.wall_x + 0.35, yard.wall_end + 0.3
    ridge = -yard.wall_x - 3.0
    tiles = [
        lens.point(out, WALL_HEIGHT, near),
        lens.point(out, WALL_HEIGHT, end),
        lens.point(ridge, 5.0, end),
        lens.point(ridge, 5.0, near),
    ]
    polygon(layer, tiles, yard.roof_colour)
    for step in range(1, 10):
        share = step / 10
        x, above = out + (ridge - out) * share, WALL_HEIGHT + (5.0 - WALL_HEIGHT) * share
        stroke(layer, [lens.point(x, above, near), lens.point(x, above, end)], shaded(yard.roof_colour, 0.8), 1.5)
    fascia = [lens.point(out, WALL_HEIGHT, near), lens.point(out, WALL_HEIGHT, end)]
    drop = [lens.point(out, WALL_HEIGHT - 0.16, end), lens.point(out, WALL_HEIGHT - 0.16, near)]
    polygon(layer, [*fascia, *drop], (206, 210, 212))


def _paint_prop(layer: Pixels, lens: Lens, prop: Prop, rng: np.random.Generator) -> None:
    z, size = prop.z, prop.scale

    def at(across: float, above: float) -> Point:
        return lens.point(prop.x + across * size, above * size, z)

    dark, light = shaded(prop.colour, 0.7), shaded(prop.colour, 1.15)
    if prop.kind is PropKind.BIN:
        polygon(layer, [at(-0.26, 0.95), at(0.26, 0.95), at(0.22, 0), at(-0.22, 0)], prop.colour)
        polygon(layer, [at(0.08, 0.95), at(0.26, 0.95), at(0.22, 0), at(0.08, 0)], dark)
        polygon(layer, [at(-0.3, 1.06), at(0.3, 1.06), at(0.28, 0.94), at(-0.28, 0.94)], light)
    elif prop.kind is PropKind.POT:
        polygon(layer, [at(-0.2, 0.35), at(0.2, 0.35), at(0.14, 0), at(-0.14, 0)], (70, 96, 160))
        _paint_crown(layer, [at(-0.35, 1.05), at(0.35, 0.25)], prop.colour, rng, lens)
    elif prop.kind is PropKind.SHRUB:
        _paint_crown(layer, [at(-0.45, 1.35), at(0.45, -0.05)], prop.colour, rng, lens)
    elif prop.kind is PropKind.POST:
        rectangle(layer, at(-0.05, 1.6), at(0.05, 0), prop.colour)
        rectangle(layer, at(-0.13, 1.75), at(0.13, 1.5), light)
    elif prop.kind is PropKind.CHAIR:
        for x in (-0.22, 0.22):
            stroke(layer, [at(x, 0.9), at(x, 0)], dark, lens.scale(z) * 0.05 * size)
        rectangle(layer, at(-0.24, 0.9), at(0.24, 0.55), prop.colour)
        rectangle(layer, at(-0.26, 0.48), at(0.26, 0.4), light)
    else:  # PropKind.LAUNDRY
        for x in (-1.0, 1.0):
            rectangle(layer, at(x - 0.03, 1.8), at(x + 0.03, 0), (110, 110, 110))
        for x, drop in ((-0.7, 0.8), (-0.15, 0.6), (0.4, 0.9)):
            rectangle(layer, at(x, 1.72), at(x + 0.45, 1.72 - drop), shaded(prop.colour, float(rng.uniform(0.7, 1.3))))


def _paint_crown(layer: Pixels, corners: list[Point], colour: Colour, rng: np.random.Generator, lens: Lens) -> None:
    _lay(layer, _stretched(leaves(rng, colour), corners[0], corners[1], lens))
