"""Tampering and nuisances drawn over a wide picture, of which the camera sees the middle third."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.vision.tamper import Cause
from training.yard.draws import draw_spec
from training.yard.scene import Scene, paint_setting

Light = NDArray[np.float32]
WIDTH, HEIGHT = 320, 180
Place = Callable[[float], Light]
"""What there is to see at a time: float32 (HEIGHT, 3 * WIDTH)."""
Look = Callable[[Light, float], Light]
"""What the camera sees of it, some seconds after it began: float32 (HEIGHT, WIDTH)."""
Draw = Callable[[np.random.Generator], "Staged"]
_down, _across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32) / np.float32(WIDTH)
COVERED: Final = (Cause.COVERED, Cause.BLACK, Cause.MOVED)
"""A hand in front of the lens may look like another view; that it is there is what matters."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What is done, and within how many seconds it must be raised with one of the causes; None for never."""

    look: Look
    within_s: float | None
    causes: tuple[Cause, ...] = ()
    lasts_s: float = 12.0


def view(place: Light, right: float = 0.0, down: float = 0.0) -> Light:
    """What a camera sees that is turned by so many widths."""
    move = np.array([[1, 0, -WIDTH * (1 + right)], [0, 1, -WIDTH * down]], np.float32)
    return np.asarray(cv2.warpAffine(place, move, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT), np.float32)


def soft(plane: Light, sigma: float) -> Light:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def ramp(s: float, takes_s: float) -> float:
    return min(max(s / takes_s, 0.0), 1.0)


def rough(rng: np.random.Generator, cells: int, wide: int = 2) -> Light:
    """Soft shading about twice as large as the view, -1..1, to be moved about behind it."""
    grid = rng.uniform(-1, 1, (cells, wide * cells)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (wide * WIDTH, wide * HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)


def part(plane: Light, right: float, down: float = 0.0) -> Light:
    """A view's size of a plane of twice that size, `right` and `down` 0..1."""
    x, y = (round(min(max(share, 0.0), 1.0) * side) for share, side in ((right, WIDTH), (down, HEIGHT)))
    return plane[y : y + HEIGHT, x : x + WIDTH]


def laid(over: Light | float, mask: Light, under: Light) -> Light:
    return np.asarray(under + mask * (over - under), np.float32)


# Places


@cache
def _setting(seed: int) -> tuple[Light, Light]:
    spec = draw_spec(seed, 3 * WIDTH, HEIGHT)
    painted = Scene(spec, paint_setting(spec)).picture(1.0)
    rng = np.random.default_rng(seed)
    clothes = rng.uniform(30, 200, (7, 3)).astype(np.float32)
    return cv2.cvtColor(painted, cv2.COLOR_BGR2GRAY).astype(np.float32), clothes


def yard(seed: int, people: int = 3) -> Place:
    """A painted yard with a street's width, in which people walk to and fro."""
    still, clothes = _setting(seed)

    def at(s: float) -> Light:
        place = still.copy()
        for number in range(people):
            x = int(3 * WIDTH * (0.5 + 0.45 * np.sin(0.11 * s * (1 + number) + 2.1 * number)))
            place[70 + 6 * number : 140 + 6 * number, x : x + 26] = cv2.resize(clothes, (26, 70))[:, : 3 * WIDTH - x]
        return place

    return at


# What is done to a camera


def hand(rng: np.random.Generator) -> Staged:
    """It comes from a side, does not keep still, and lets light through between the fingers."""
    level, grain, reach = rng.uniform(35, 150), rough(rng, 4), rng.uniform(0.03, 0.07)
    hertz, comes, takes_s = rng.uniform(0.6, 2.2), rng.choice([-1, 1]), rng.uniform(0.3, 0.8)
    slits, bright = rng.uniform(0.1, 0.9, int(rng.integers(0, 4))), rng.uniform(120, 230)

    def look(place: Light, s: float) -> Light:
        sway = reach * np.sin(2 * np.pi * hertz * s)
        across = _across - sway - comes * (1 - ramp(s, takes_s))
        mask = ((across > -0.03) & (across < 1.03)).astype(np.float32)
        skin = level + 14 * part(grain, 0.5 + 4 * sway, 0.5 + 2 * sway)
        for slit in slits:
            gap = np.exp(-(((across - slit) / 0.012) ** 2)) * (_down < 0.3)
            skin = laid(bright, gap.astype(np.float32), skin)
        return laid(soft(skin, 5), soft(mask, 8), view(place))

    return Staged(look, 3.0, COVERED)


def bag(rng: np.random.Generator) -> Staged:
    """It is pulled over from above, and its folds move."""
    level, folds, depth, takes_s = rng.uniform(18, 80), rough(rng, 7), rng.uniform(5, 13), rng.uniform(0.4, 1.3)
    hertz = rng.uniform(0.3, 1.5)

    def look(place: Light, s: float) -> Light:
        mask = (_down < 0.7 * ramp(s, takes_s)).astype(np.float32)
        moved = part(folds, 0.5 + 0.3 * np.sin(2 * np.pi * hertz * s), 0.5 + 0.2 * np.cos(5 * s))
        return laid(level + depth * moved, soft(mask, 6), view(place))

    return Staged(look, 3.0, COVERED)


def cloth(rng: np.random.Generator) -> Staged:
    """It is pale, lets light through, and wind moves it."""
    level, folds, depth, takes_s = rng.uniform(110, 190), rough(rng, 5), rng.uniform(6, 14), rng.uniform(0.2, 1.0)

    def look(place: Light, s: float) -> Light:
        mask = (_across < 1.1 * ramp(s, takes_s)).astype(np.float32)
        through = 0.12 * soft(view(place), 14)
        return laid(level + through + depth * part(folds, 0.5 + 0.25 * np.sin(1.9 * s)), soft(mask, 6), view(place))

    return Staged(look, 3.0, COVERED)


def tape(rng: np.random.Generator) -> Staged:
    level, share = rng.uniform(20, 220), rng.uniform(0.85, 1.1)
    return Staged(
        lambda place, s: laid(level, soft((_across < share * ramp(s, 0.4)).astype(np.float32), 3), view(place)),
        3.0,
        COVERED,
    )


def spray(rng: np.random.Generator) -> Staged:
    """Drops that run together until most of the view is gone."""
    level, drops = rng.choice([25.0, 60.0, 190.0]), rng.uniform(0, 1, (90, 3))

    def look(place: Light, s: float) -> Light:
        mask = np.zeros((HEIGHT, WIDTH), np.float32)
        for x, y, size in drops[: round(90 * ramp(s, 1.2))]:
            cv2.circle(mask, (int(x * WIDTH), int(y * HEIGHT)), int(9 + 22 * size), (1.0,), -1)
        return laid(float(level), soft(mask, 5), view(place))

    return Staged(look, 5.0, COVERED)


def torch(rng: np.random.Generator) -> Staged:
    """A light held into the lens by a hand that shakes."""
    x, y, size = rng.uniform(0.3, 0.7), rng.uniform(0.15, 0.4), rng.uniform(0.35, 0.6)

    def look(place: Light, s: float) -> Light:
        sway = 0.03 * np.sin(6 * s)
        near = np.exp(-(((_across - x - sway) ** 2 + (_down - y + sway) ** 2) / size**2))
        return np.asarray(view(place) + 700 * ramp(s, 0.3) * near, np.float32)

    return Staged(look, 3.0, (Cause.GLARE, Cause.COVERED))


def blackout(rng: np.random.Generator) -> Staged:
    level = rng.uniform(0, 18)
    return Staged(lambda place, _s: np.full_like(view(place), level), 3.0, (Cause.BLACK,))


TAMPERINGS: Final[tuple[Draw, ...]] = (
    hand,
    bag,
    cloth,
    tape,
    spray,
    torch,
    blackout,
)

# What is none


def nothing(_rng: np.random.Generator) -> Staged:
    return Staged(lambda place, _s: view(place), None)


def near_person(rng: np.random.Generator) -> Staged:
    """Stands close to the lens, fills up to nine tenths of it, and goes."""
    cloths, level, depth = rough(rng, 11), rng.uniform(50, 170), rng.uniform(25, 45)
    wide, stays_s = rng.uniform(0.6, 0.92), rng.uniform(4, 10)

    def look(place: Light, s: float) -> Light:
        sway = 0.06 * np.sin(1.3 * s) + (1 - ramp(s, 1.0)) + 1.2 * ramp(s - stays_s, 1.0)
        body = ((np.abs(_across - 0.5 - sway) < wide / 2) & (_down > 0.03)).astype(np.float32)
        return laid(level + depth * part(cloths, 0.5 - sway, 0.5 + 0.05 * np.sin(2 * s)), soft(body, 1), view(place))

    return Staged(look, None)


def passer_in_plain_clothes(rng: np.random.Generator) -> Staged:
    """Walks past close to the lens in a coat of one colour."""
    level, wide, speed = rng.uniform(30, 200), rng.uniform(0.5, 0.8), rng.uniform(0.6, 1.1)

    def look(place: Light, s: float) -> Light:
        body = (np.abs(_across - speed * s + wide / 2) < wide / 2) & (_down > 0.04)
        return laid(level - 12 * (_across - speed * s), soft(body.astype(np.float32), 1), view(place))

    return Staged(look, None)


def lorry(rng: np.random.Generator) -> Staged:
    """Fills the picture while it passes; its side is blank or has writing on it."""
    long, takes_s, writing = rng.uniform(1.0, 1.6), rng.uniform(2.5, 5), rng.choice([0.0, 60.0])

    def look(place: Light, s: float) -> Light:
        x = _across - (1 + long) * s / takes_s + long
        side = ((x > 0) & (x < long) & (_down > 0.03) & (_down < 0.53)).astype(np.float32)
        wheels = 120 * (_down > 0.42) * (np.cos(x * 14) > 0.2)
        words = writing * ((np.sin(x * 43) > 0.2) & (np.abs(_down - 0.2) < 0.07))
        return laid((210 - wheels - words).astype(np.float32), side, view(place))

    return Staged(look, None)


def lights_off_and_on(rng: np.random.Generator) -> Staged:
    left, off_s = rng.uniform(0.08, 0.35), rng.uniform(3, 7)
    glow = (0.6 + 0.8 * _across) if rng.random() < 0.5 else np.ones_like(_across)
    return Staged(lambda place, s: view(place) * np.float32(left) * glow if s < off_s else view(place), None)


def lights_on(rng: np.random.Generator) -> Staged:
    x, gain = rng.uniform(0.2, 0.8), rng.uniform(0.6, 1.4)
    lamp = 1 + gain * np.exp(-((_across - x) ** 2 + (_down - 0.1) ** 2) / 0.15)
    return Staged(lambda place, s: np.asarray(view(place) * lamp, np.float32) if s % 6 < 3 else view(place), None)


def infrared(rng: np.random.Generator) -> Staged:
    """The filter swings away: a dark picture, then one that is lit from the camera, in which leaves are bright."""
    dark_s, gamma, x = rng.uniform(0.2, 1.0), rng.uniform(0.6, 0.9), rng.uniform(0.4, 0.6)
    beam = 0.35 + 0.75 * np.exp(-((_across - x) ** 2 + (_down - 0.3) ** 2) / 0.12)

    def look(place: Light, s: float) -> Light:
        lit = 255 * np.clip(view(place) / 255, 0, 1) ** gamma * beam
        return np.asarray(lit * (0.12 if s < dark_s else 1.0), np.float32)

    return Staged(look, None)


def exposure(rng: np.random.Generator) -> Staged:
    far, tau_s = rng.choice([0.35, 0.5, 1.7, 2.2]), rng.uniform(0.3, 1.5)
    return Staged(lambda place, s: view(place) * np.float32(1 + (far - 1) * np.exp(-(s % 6) / tau_s)), None)


def curtain(rng: np.random.Generator) -> Staged:
    """Wind blows it over up to half of the picture."""
    level, folds = rng.uniform(120, 220), rough(rng, 9)

    def look(place: Light, s: float) -> Light:
        edge = 0.32 + 0.18 * np.sin(1.1 * s) + 0.04 * np.sin(20 * _down + 3 * s)
        mask = ((_across < edge) & (s > 0)).astype(np.float32)
        return laid(level + 15 * part(folds, 0.5 + 0.2 * np.sin(1.1 * s)), soft(mask, 1), view(place))

    return Staged(look, None)


def door(rng: np.random.Generator) -> Staged:
    """It opens, shows another room, and stays open."""
    left, wide, takes_s = rng.uniform(0.1, 0.5), rng.uniform(0.2, 0.38), rng.uniform(0.8, 2.0)
    room = np.clip(110 + 50 * part(rough(rng, 9), 0.5), 0, 255)

    def look(place: Light, s: float) -> Light:
        open_to = left + wide * ramp(s, takes_s)
        behind = ((_across > left) & (_across < open_to)).astype(np.float32)
        leaf = ((_across >= open_to) & (_across < open_to + 0.04) & (s < takes_s)).astype(np.float32)
        return laid(60.0, leaf, laid(room, behind, view(place)))

    return Staged(look, None)


def dusk(rng: np.random.Generator) -> Staged:
    tau_s = rng.uniform(12, 30)
    return Staged(lambda place, s: 16 + (view(place) - 16) * np.float32(np.exp(-s / tau_s)), None, lasts_s=50)


def rain(rng: np.random.Generator) -> Staged:
    drops = rng.uniform(0, 1, (400, 2))

    def look(place: Light, s: float) -> Light:
        wet = view(place)
        for x, y in drops[(np.arange(400) + int(s * 97)) % 5 == 0]:
            column, row = int((x + 0.13 * s) % 1 * WIDTH), int((y + 2.3 * s) % 1 * HEIGHT)
            cv2.line(wet, (column, row), (column + 1, row + 14), (220.0,), 1)
        return wet

    return Staged(look, None)


def snow(rng: np.random.Generator) -> Staged:
    """Flakes, some of them close to the lens."""
    flakes = rng.uniform(0, 1, (120, 3))

    def look(place: Light, s: float) -> Light:
        white = np.zeros((HEIGHT, WIDTH), np.float32)
        for x, y, near in flakes:
            where = int((x + 0.2 * s * near) % 1 * WIDTH), int((y + (0.2 + near) * s) % 1 * HEIGHT)
            cv2.circle(white, where, int(1 + 8 * near**6), (0.8,), -1)
        return laid(230.0, soft(white, 1), view(place))

    return Staged(look, None)


def headlights(rng: np.random.Generator) -> Staged:
    size, takes_s = rng.uniform(0.12, 0.3), rng.uniform(1.5, 4)

    def look(place: Light, s: float) -> Light:
        near = np.exp(-((_across + 0.2 - 1.4 * s / takes_s) ** 2 + (_down - 0.3) ** 2) / size**2)
        return np.asarray(view(place) * 0.5 + 350 * near, np.float32)

    return Staged(look, None)


def shaking(rng: np.random.Generator) -> Staged:
    reach = rng.uniform(0.004, 0.012)
    return Staged(lambda place, s: view(place, reach * np.sin(11 * s), reach * np.sin(17 * s)), None)


NUISANCES: Final[tuple[Draw, ...]] = (
    nothing,
    near_person,
    passer_in_plain_clothes,
    lorry,
    lights_off_and_on,
    lights_on,
    infrared,
    exposure,
    curtain,
    door,
    dusk,
    rain,
    snow,
    headlights,
    shaking,
)
