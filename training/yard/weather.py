"""Light, rain and the sensor's noise."""

from dataclasses import dataclass
from functools import lru_cache
from math import sin

import numpy as np

from training.yard.brush import Pixels, Plane, Point, blend, blur, polygon, resize_plane, stroke
from training.yard.lens import Lens
from training.yard.spec import Rain, SceneSpec
from training.yard.textures import mottle

COARSE = 4
_GRAINS = 5
_MARGIN = 48
_DRIFT = 0.035
"""How many picture widths a cloud's shadow moves in a second."""
_DAY: Plane = np.array([0.99, 1.0, 1.02], np.float32)
_NIGHT: Plane = np.array([1.25, 0.95, 0.82], np.float32)
_LAMP: Plane = np.array([0.55, 0.84, 1.05], np.float32)
_WINDOW: Plane = np.array([0.7, 1.4, 1.9], np.float32)


@dataclass(frozen=True, slots=True)
class Sky:
    """What the light of a scene is computed from; planes are (h, w) at a quarter of the picture.

    `shade`: where direct sun does not reach, 1 in the shadow of the house. `clouds`: a strip of cloud shadows, wider
    than the picture, that drifts over it. `near`: how much light of a lamp on the camera itself comes back.
    """

    shade: Plane
    clouds: Plane
    lamp: Plane
    window: Plane
    near: Plane
    vignette: Plane


def prepare_sky(spec: SceneSpec, window: Plane) -> Sky:
    """Computes the shadows and pools of light of a scene once."""
    rng = np.random.default_rng([spec.seed, 3])
    width, height = spec.width // COARSE, spec.height // COARSE
    lens = Lens(spec.viewpoint, width, height)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    shade = np.zeros((height, width, 3), np.uint8)
    yard = spec.yard
    reach = float(rng.uniform(0.4, 2.4))
    near = max(1.0, lens.nearest(1.0) * 0.8)
    outline: list[Point] = [
        lens.point(-yard.wall_x, 0, near),
        lens.point(-yard.wall_x + reach, 0, near),
        lens.point(-yard.wall_x + reach, 0, yard.wall_end),
        lens.point(-yard.wall_x, 0, yard.wall_end + 0.6),
    ]
    polygon(shade, outline, (255, 255, 255))
    clouds = mottle(rng, width * 3, height, width * 0.8).clip(-1, 1) * np.float32(0.5) + np.float32(0.5)
    bulb_x, bulb_y = lens.point(-yard.wall_x + 0.2, 2.5, yard.door_z)
    pool_x, pool_y = lens.point(-yard.wall_x + 0.9, 0.4, yard.door_z)
    size = lens.scale(yard.door_z)
    glow = np.exp(-(((columns - bulb_x) / (1.4 * size)) ** 2 + ((rows - bulb_y) / (1.2 * size)) ** 2))
    pool = np.exp(-(((columns - pool_x) / (3.6 * size)) ** 2 + ((rows - pool_y) / (1.9 * size)) ** 2))
    centre = ((columns / width - 0.5) ** 2 + (rows / height - 0.5) ** 2) * np.float32(0.42)
    return Sky(
        blur(shade[:, :, 0].astype(np.float32) / 255, 0.9),
        clouds.astype(np.float32),
        (0.75 * glow + pool).astype(np.float32),
        resize_plane(window, width, height),
        np.exp(-(((columns / width - 0.5) / 0.55) ** 2 + ((rows / height - 0.75) / 0.6) ** 2)).astype(np.float32),
        (1 - centre).astype(np.float32),
    )


def daylight(spec: SceneSpec, time_s: float) -> float:
    """The level of daylight at a time, 0..1."""
    times = [time for time, _ in spec.light.levels]
    return float(np.interp(time_s, times, [level for _, level in spec.light.levels]))


def light_at(spec: SceneSpec, sky: Sky, time_s: float, beams: list[Point], cover: Plane) -> Plane:
    """The light (h, w, 3) on every pixel of the picture at a time.

    `beams` are headlights, in pixels of the picture; `cover` (h, w) is 1 where somebody stands in front of a light.
    """
    light = spec.light
    height, width = sky.shade.shape
    day = daylight(spec, time_s)
    drift = (time_s * _DRIFT * width + spec.seed % width) % (2 * width - 1)
    left = int(drift)
    cloud = sky.clouds[:, left : left + width] + (drift - left) * (
        sky.clouds[:, left + 1 : left + 1 + width] - sky.clouds[:, left : left + width]
    )
    direct = (1 - sky.shade) * (1 - light.clouds * cloud)
    level = day * (1 - 0.55 * light.sun * (1 - direct)) * (1 + light.flicker * sin(15.0 * time_s))
    tint = _NIGHT + (_DAY - _NIGHT) * min(1.0, 1.6 * day)
    total = level[:, :, None] * tint
    dark = 1 - min(1.0, day)
    if time_s >= light.lamp_on_s:
        total += sky.lamp[:, :, None] * _LAMP * np.float32(0.25 + 0.6 * dark)
    total += (sky.window * (1 - cover))[:, :, None] * _WINDOW * np.float32(max(0.0, dark - 0.3) * (1 + spec.seed % 2))
    if light.infrared:
        total += 0.75 * sky.near[:, :, None]
    for beam in beams if dark > 0.3 else []:  # noqa: PLR2004 - headlights are lit at dusk
        total += _beam(width, height, beam, spec)[:, :, None] * _LAMP * np.float32(dark)
    total *= sky.vignette[:, :, None]
    return resize_plane(total.astype(np.float32), spec.width, spec.height)


def _beam(width: int, height: int, beam: Point, spec: SceneSpec) -> Plane:
    rows, columns = np.ogrid[0:height, 0:width]
    across = (columns - beam[0] / COARSE) / (0.09 * spec.width / COARSE)
    down = (rows - beam[1] / COARSE) / (0.06 * spec.height / COARSE)
    return (1.6 * np.exp(-(across**2) - down**2)).astype(np.float32)


def fall(picture: Pixels, rain: Rain, spec: SceneSpec, time_s: float, brightness: float) -> Pixels:
    """The picture with streaks of rain, if it rains at that time."""
    if not rain.start_s <= time_s < rain.end_s:
        return picture
    rng = np.random.default_rng([spec.seed, 4, round(time_s * 1000)])
    ramp = min(1.0, (time_s - rain.start_s) / 1.5, (rain.end_s - time_s) / 1.5)
    count = round(rain.density * ramp)
    wet = picture.copy()
    tone = round(70 + 165 * min(1.0, brightness))
    starts = rng.random((count, 2)) * (spec.width, spec.height * 1.1)
    lengths = spec.height * (0.03 + 0.06 * rng.random(count))
    for (x, y), length in zip(starts, lengths, strict=True):
        stroke(wet, [(x, y - length), (x + 0.12 * length, y)], (tone, tone, tone), 1)
    return blend(picture, wet, 0.45)


@lru_cache(maxsize=8)
def _grains(width: int, height: int) -> tuple[Plane, ...]:
    rng = np.random.default_rng(20_011)
    bank = []
    for _ in range(_GRAINS):
        luma = rng.standard_normal((height + _MARGIN, width + _MARGIN, 1), dtype=np.float32)
        chroma = rng.standard_normal((height + _MARGIN, width + _MARGIN, 3), dtype=np.float32)
        bank.append((0.88 * luma + 0.47 * chroma).astype(np.float32))
    return tuple(bank)


def grain_at(spec: SceneSpec, time_s: float) -> Plane:
    """The sensor's noise (h, w, 3) of one picture, standard deviation about one."""
    rng = np.random.default_rng([spec.seed, 5, round(time_s * 1000)])
    bank = _grains(spec.width, spec.height)
    x, y = (int(place) for place in rng.integers(0, _MARGIN, 2))
    return bank[int(rng.integers(_GRAINS))][y : y + spec.height, x : x + spec.width]
