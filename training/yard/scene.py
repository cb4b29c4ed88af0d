"""The scene itself: its pictures and their ground truth."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from smartcam.contract.notice import PixelBox
from training.yard.backdrop import GATE_WIDTH, Occluder, paint_backdrop
from training.yard.brush import Pixels, Plane, Point, ellipse, grey, lit, place, stroke
from training.yard.figures import PPM, Drawn, draw_car, draw_cat, draw_person
from training.yard.foliage import Foliage, grow, hides
from training.yard.lens import Lens
from training.yard.spec import Car, SceneSpec, Visit
from training.yard.textures import shaded
from training.yard.ways import car_at, cat_at, visit_at
from training.yard.weather import COARSE, Sky, daylight, fall, grain_at, light_at, prepare_sky

_SEEN = 0.5


@dataclass(frozen=True, slots=True)
class Truth:
    """The ground truth of a picture: the visible share of the intruder, 0..1, and the box of the visible part."""

    share: float
    box: PixelBox | None


NOBODY = Truth(0.0, None)


@dataclass(frozen=True, slots=True)
class _Laid:
    """A figure in the picture: its visible part at `corner`, its distance `z` in metres, the visible share."""

    z: float
    corner: tuple[int, int]
    ink: Pixels
    share: float
    shadow: float


@dataclass(frozen=True, slots=True)
class Setting:
    """The painted part of a scene, which any story with the same seed, size, viewpoint and yard can use."""

    base: Pixels
    foliage: tuple[Foliage, ...]
    occluders: tuple[Occluder, ...]
    sky: Sky


def paint_setting(spec: SceneSpec) -> Setting:
    """Paints what does not change; this takes as long as a few dozen pictures."""
    backdrop = paint_backdrop(spec)
    foliage = grow(spec)
    leaves = tuple(hides(mass, spec.width, spec.height) for mass in foliage)
    return Setting(backdrop.picture, foliage, (*backdrop.occluders, *leaves), prepare_sky(spec, backdrop.window))


class Scene:
    """Paints the pictures of one specification; a picture depends only on that and the time."""

    def __init__(self, spec: SceneSpec, setting: Setting | None = None) -> None:
        self.spec = spec
        self._lens = Lens(spec.viewpoint, spec.width, spec.height)
        self._setting = setting or paint_setting(spec)

    def picture(self, time_s: float) -> Pixels:
        """The picture at a time: BGR (height, width, 3)."""
        spec = self.spec
        canvas = self._setting.base.copy()
        beams = [beam for beam in (self._headlight(car, time_s) for car in spec.cars) if beam]
        cover = np.zeros((spec.height // COARSE, spec.width // COARSE), np.float32)
        for laid in sorted(self._everything(time_s), key=lambda laid: -laid.z):
            if laid.shadow:
                self._cast_shadow(canvas, laid)
                _cover(cover, laid)
            _blend(canvas, laid.corner, laid.ink)
        canvas = self._insects(canvas, time_s)
        brightness = daylight(spec, time_s)
        if spec.rain is not None:
            canvas = fall(canvas, spec.rain, spec, time_s, brightness)
        light = light_at(spec, self._setting.sky, time_s, beams, cover)
        picture = lit(canvas, light, grain_at(spec, time_s), spec.light.noise)
        if spec.light.infrared:
            picture = grey(picture)
        return np.ascontiguousarray(picture[:, ::-1]) if spec.mirrored else picture

    def truth(self, time_s: float) -> Truth:
        """The ground truth at a time; with two intruders, that of the more visible one."""
        best = NOBODY
        for visit in self.spec.visits:
            laid = self._visitor(visit, time_s)
            if laid is not None and laid.share > best.share:
                best = Truth(laid.share, self._box(laid))
        return best

    def _box(self, laid: _Laid) -> PixelBox | None:
        seen = laid.ink[:, :, 3] > _SEEN * 255
        rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
        if rows.size == 0:
            return None
        x, y = laid.corner
        left, right = x + int(columns[0]), x + int(columns[-1]) + 1
        if self.spec.mirrored:
            left, right = self.spec.width - right, self.spec.width - left
        return PixelBox(left, y + int(rows[0]), right, y + int(rows[-1]) + 1)

    def _everything(self, time_s: float) -> list[_Laid]:
        spec = self.spec
        laid = [_Laid(mass.z, mass.corner, mass.at(time_s), 1.0, 0.0) for mass in self._setting.foliage]
        found: list[_Laid | None] = [self._visitor(visit, time_s) for visit in spec.visits]
        for car in spec.cars:
            x = car_at(car, time_s)
            if x is not None:
                found.append(self._lay(draw_car(car), x, 0.0, car.lane_z, car.length_m * 0.5))
        for cat in spec.cats:
            at = cat_at(cat, time_s)
            if at is not None:
                found.append(self._lay(draw_cat(cat, at[2], at[3]), at[0], 0.0, at[1], 0.3))
        found.append(self._gate(time_s))
        return laid + [one for one in found if one is not None]

    def _visitor(self, visit: Visit, time_s: float) -> _Laid | None:
        standing = visit_at(visit, time_s)
        if standing is None:
            return None
        shadow = 0.28 if standing.lift < 0.2 else 0.0  # noqa: PLR2004 - no shadow at the feet of one on the fence
        return self._lay(draw_person(visit.person, standing.pose), standing.x, standing.lift, standing.z, shadow)

    def _lay(self, drawn: Drawn, x: float, lift: float, z: float, shadow: float) -> _Laid | None:
        foot = self._lens.point(x, lift, z)
        scale = self._lens.scale(z) / PPM
        exact = foot[0] - drawn.foot[0] * scale, foot[1] - drawn.foot[1] * scale
        corner = int(np.floor(exact[0])), int(np.floor(exact[1]))
        size = round(drawn.canvas.shape[1] * scale) + 2, round(drawn.canvas.shape[0] * scale) + 2
        ink = place(drawn.canvas, scale, (exact[0] - corner[0], exact[1] - corner[1]), *size)
        whole = float(ink[:, :, 3].sum(dtype=np.int64))
        left, top = max(0, corner[0]), max(0, corner[1])
        right, bottom = min(self.spec.width, corner[0] + size[0]), min(self.spec.height, corner[1] + size[1])
        if left >= right or top >= bottom or whole == 0:
            return None
        cut = ink[top - corner[1] : bottom - corner[1], left - corner[0] : right - corner[0]]
        seen = self._seen(z, (left, top, right, bottom))
        visible = cast("Pixels", (cut * seen[:, :, None]).astype(np.uint8))
        return _Laid(z, (left, top), visible, float(visible[:, :, 3].sum(dtype=np.int64)) / whole, shadow)

    def _seen(self, z: float, window: tuple[int, int, int, int]) -> Plane:
        left, top, right, bottom = window
        seen = np.ones((bottom - top, right - left), np.float32)
        for occluder in self._setting.occluders:
            if occluder.z < z:
                seen *= 1 - occluder.opacity[top:bottom, left:right]
        return seen

    def _cast_shadow(self, canvas: Pixels, laid: _Laid) -> None:
        """Softly darkens the ground below the lowest part of the figure."""
        height, width = laid.ink.shape[:2]
        scale = self._lens.scale(laid.z)
        reach = laid.shadow * scale
        row = self._lens.point(0, 0, laid.z)[1]
        columns = np.flatnonzero(laid.ink[height * 2 // 3 :, :, 3].any(axis=0))
        if columns.size == 0 or row > self.spec.height:
            return
        middle = laid.corner[0] + float(columns.mean())
        top, bottom = max(0, int(row - 0.3 * scale)), min(self.spec.height, int(row + 0.3 * scale) + 1)
        left, right = max(0, int(middle - 3 * reach)), min(self.spec.width, int(middle + 3 * reach) + 1)
        if top >= bottom or left >= right or width == 0:
            return
        rows, places = np.ogrid[top:bottom, left:right]
        spread = ((places - middle) / (1.3 * reach)) ** 2 + ((rows - row) / (0.11 * scale)) ** 2
        dark = 1 - 0.55 * np.exp(-spread) * self._seen(laid.z, (left, top, right, bottom))
        canvas[top:bottom, left:right] = (canvas[top:bottom, left:right] * dark[:, :, None]).astype(np.uint8)

    def _gate(self, time_s: float) -> _Laid:
        """The gate, which swings into the yard while somebody passes."""
        yard = self.spec.yard
        near = min((self._gate_distance(visit, time_s) for visit in self.spec.visits), default=9.0)
        angle = float(np.interp(near, [0.5, 2.2], [1.35, 0.0]))
        lens = self._lens
        leaf = np.zeros((self.spec.height, self.spec.width, 4), np.uint8)
        wide, tall = GATE_WIDTH - 0.1, min(1.3, yard.fence_height)
        hinge = yard.gate_x - wide / 2
        colour = shaded(yard.fence_colour, 0.85)

        def at(share: float, above: float) -> Point:
            return lens.point(hinge + wide * share * np.cos(angle), above, yard.fence_z - wide * share * np.sin(angle))

        thick = lens.scale(yard.fence_z)
        for share in np.linspace(0, 1, 8):
            stroke(leaf, [at(share, 0.05), at(share, tall)], colour, 0.035 * thick)
        for above in (0.12, tall - 0.05):
            stroke(leaf, [at(0, above), at(1, above)], colour, 0.05 * thick)
        left, top = (max(0, int(edge) - 4) for edge in at(0, tall + 0.1))
        right, bottom = int(lens.point(hinge + wide, 0, yard.fence_z)[0]) + 8, int(at(1, 0)[1]) + 6
        return _Laid(yard.fence_z - 0.02, (left, top), leaf[top:bottom, left:right], 1.0, 0.0)

    def _gate_distance(self, visit: Visit, time_s: float) -> float:
        standing = visit_at(visit, time_s)
        if standing is None or standing.lift > 0:
            return 9.0
        yard = self.spec.yard
        return float(np.hypot(standing.x - yard.gate_x, standing.z - yard.fence_z))

    def _headlight(self, car: Car, time_s: float) -> Point | None:
        x = car_at(car, time_s)
        if x is None:
            return None
        ahead = (car.length_m / 2 + 0.8) * (1 if car.speed > 0 else -1)
        return self._lens.point(x + ahead, 0.5, car.lane_z)

    def _insects(self, canvas: Pixels, time_s: float) -> Pixels:
        spec = self.spec
        for insect in spec.insects:
            if insect.start_s <= time_s < insect.end_s:
                share = (time_s - insect.start_s) / (insect.end_s - insect.start_s)
                x = spec.width * (-0.1 + 1.2 * share)
                y = spec.height * (insect.height + 0.12 * np.sin(9 * share * np.pi))
                veil = canvas.copy()
                radius = insect.radius * spec.height
                ellipse(veil, (x, y), (radius, 0.6 * radius), (215, 225, 228), 200 * share)
                canvas = (canvas * np.float32(0.45) + veil * np.float32(0.55)).astype(np.uint8)
        return canvas


def _blend(canvas: Pixels, corner: tuple[int, int], ink: Pixels) -> None:
    x, y = corner
    height, width = ink.shape[:2]
    under = canvas[y : y + height, x : x + width]
    over = ink[: under.shape[0], : under.shape[1]]
    clear = 255 - over[:, :, 3:].astype(np.uint16)
    under[:] = (over[:, :, :3] + (under * clear + 127) // 255).clip(0, 255).astype(np.uint8)


def _cover(cover: Plane, laid: _Laid) -> None:
    """Marks on a coarse plane where a figure is."""
    first = [-(-edge // COARSE) for edge in laid.corner]
    skip_x, skip_y = first[0] * COARSE - laid.corner[0], first[1] * COARSE - laid.corner[1]
    opacity = laid.ink[skip_y::COARSE, skip_x::COARSE, 3].astype(np.float32) / 255
    under = cover[first[1] : first[1] + opacity.shape[0], first[0] : first[0] + opacity.shape[1]]
    under[:] = np.maximum(under, opacity[: under.shape[0], : under.shape[1]])
