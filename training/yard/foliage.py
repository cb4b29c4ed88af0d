"""Leaves in the wind: a mass of leaves whose parts sway, each with its own phase."""

from dataclasses import dataclass
from math import pi

import numpy as np

from training.yard.backdrop import Occluder
from training.yard.brush import Pixels, Plane, displace, resize, resize_plane
from training.yard.lens import Lens
from training.yard.spec import SceneSpec
from training.yard.textures import leaves

_CELL = 12


@dataclass(frozen=True, slots=True)
class Foliage:
    """Leaves (h, w, 4) whose upper left corner lies at `corner` (column, row), `z` metres away; `sway` in pixels."""

    z: float
    corner: tuple[int, int]
    rest: Pixels
    phase: Plane
    sway: float

    def at(self, time_s: float) -> Pixels:
        """The leaves (h, w, 4) at a time."""
        height, width = self.rest.shape[:2]
        gust = 0.6 + 0.4 * np.sin(0.55 * time_s + 0.8)
        beat = 2 * pi * 0.55 * time_s
        shift_x = self.sway * gust * np.sin(beat + self.phase)
        shift_y = 0.5 * self.sway * gust * np.sin(1.7 * beat + 2.1 * self.phase)
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        map_x = columns + resize_plane(shift_x.astype(np.float32), width, height)
        map_y = rows + resize_plane(shift_y.astype(np.float32), width, height)
        return displace(self.rest, map_x, map_y)


def grow(spec: SceneSpec) -> tuple[Foliage, ...]:
    """The scene's moving leaves: a tree behind the fence and, where the yard has one, a branch in the upper corner."""
    rng = np.random.default_rng([spec.seed, 2])
    lens = Lens(spec.viewpoint, spec.width, spec.height)
    yard = spec.yard
    tree_z = yard.fence_z + 1.1
    grown = [_mass(spec, rng, lens.point(yard.tree_x, 3.1, tree_z), 3.2 * lens.scale(tree_z), tree_z, 0.055)]
    grown.append(_mass(spec, rng, lens.point(yard.tree_x + 1.2, 2.7, tree_z), 2.3 * lens.scale(tree_z), tree_z, 0.055))
    if yard.branch:
        centre = (spec.width * 0.97, spec.height * 0.02)
        grown.append(_mass(spec, rng, centre, spec.height * 0.42, 1.6, 0.03))
    return tuple(grown)


def _mass(
    spec: SceneSpec, rng: np.random.Generator, centre: tuple[float, float], width: float, z: float, sway: float
) -> Foliage:
    wide, tall = max(8, round(width)), max(6, round(width * 0.72))
    tone = (40, round(rng.uniform(84, 118)), round(rng.uniform(58, 96)))
    full = resize(leaves(rng, tone), wide, tall)
    left, top = round(centre[0] - wide / 2), round(centre[1] - tall / 2)
    cut_x, cut_y = max(0, -left), max(0, -top)
    rest = full[cut_y : max(cut_y + 1, spec.height - top), cut_x : max(cut_x + 1, spec.width - left)]
    cells = max(2, rest.shape[1] // _CELL), max(2, rest.shape[0] // _CELL)
    phase = rng.uniform(0, 2 * pi, (cells[1], cells[0])).astype(np.float32)
    return Foliage(z, (left + cut_x, top + cut_y), np.ascontiguousarray(rest), phase, sway * width * 0.35)


def hides(foliage: Foliage, width: int, height: int) -> Occluder:
    """What the leaves hide of a picture when they are at rest."""
    opacity = np.zeros((height, width), np.float32)
    x, y = foliage.corner
    rows, columns = foliage.rest.shape[:2]
    shown = foliage.rest[: max(0, height - y), : max(0, width - x), 3]
    opacity[y : y + rows, x : x + columns] = shown.astype(np.float32) / 255
    return Occluder(foliage.z, opacity)
