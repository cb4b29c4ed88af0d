"""The false-alarm probe of the motion gate: synthetic effects laid over a still background.

Every picture here is made, none is filmed: a background of soft noise and boxes, an effect, and sensor noise.
300 frames of 640x480 in 8-bit grey, the first 60 for settling.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Light = NDArray[np.float32]
Effect = Callable[[Light, int, np.random.Generator], Light]

WIDTH: Final = 640
HEIGHT: Final = 480
FRAMES: Final = 300
SETTLING: Final = 60
CHANGE_AT: Final = 150
NOISE: Final = 3.0
NIGHT_NOISE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One effect, and the noise of the sensor (sigma in grey levels)."""

    name: str
    effect: Effect
    noise: float = NOISE


def background(seed: int) -> Grey:
    """A still scene: soft patches, and boxes with edges as walls and furniture have them."""
    rng = np.random.default_rng(seed)
    rough = rng.uniform(60, 170, (6, 8)).astype(np.float32)
    patches = np.asarray(cv2.resize(rough, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)
    for _ in range(25):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        width, height = int(rng.integers(10, 150)), int(rng.integers(10, 150))
        patches[y : y + height, x : x + width] *= np.float32(rng.uniform(0.5, 1.5))
    return np.asarray(np.clip(cv2.GaussianBlur(patches, (0, 0), 0.8), 5, 235), np.uint8)


def _still(scene: Light, _i: int, _rng: np.random.Generator) -> Light:
    return scene


def _step(scene: Light, i: int, _rng: np.random.Generator) -> Light:
    return scene * np.float32(1.5 if i >= CHANGE_AT else 1)


def _drift(scene: Light, i: int, _rng: np.random.Generator) -> Light:
    return scene * np.float32(1 + 0.6 * i / FRAMES)


def _flicker(scene: Light, i: int, _rng: np.random.Generator) -> Light:
    return scene * np.float32(1 + 0.08 * np.sin(2.4 * i))


def _shake(scene: Light, _i: int, rng: np.random.Generator) -> Light:
    down, right = rng.integers(-2, 3, 2)
    return np.roll(scene, (int(down), int(right)), (0, 1))


def _rain(scene: Light, _i: int, rng: np.random.Generator) -> Light:
    wet = scene.copy()
    for x, y in rng.integers(0, (WIDTH, HEIGHT), (60, 2)).tolist():
        cv2.line(wet, (x, y), (x + 2, y + 25), (230,), 1)
    return wet


def _insect(scene: Light, i: int, _rng: np.random.Generator) -> Light:
    lit = scene.copy()
    cv2.circle(lit, ((100 + 3 * i) % 600, 200), 30, (235,), -1)
    return lit


def _person(contrast: float) -> Effect:
    def walk(scene: Light, i: int, _rng: np.random.Generator) -> Light:
        walked = scene.copy()
        x = int(50 + 1.5 * i) % 600
        walked[200:260, x : x + 20] *= np.float32(contrast)
        return walked

    return walk


def _spot(x: float, y: float, radius: float) -> Light:
    columns, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return np.asarray(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / radius**2), np.float32)


def _cloud(scene: Light, i: int, _rng: np.random.Generator) -> Light:
    return scene * (1 - np.float32(0.25) * _spot(100 + i, HEIGHT / 2, 200 / np.sqrt(2)))


def _lamp(scene: Light, i: int, _rng: np.random.Generator) -> Light:
    return scene * (1 + np.float32(0.4) * _spot(400, 240, 80)) if i >= CHANGE_AT else scene


SCENES: Final = {
    scene.name: scene
    for scene in (
        Scene("noise", _still),
        Scene("night noise", _still, NIGHT_NOISE),
        Scene("step", _step),
        Scene("drift", _drift),
        Scene("flicker", _flicker),
        Scene("shake", _shake),
        Scene("rain", _rain),
        Scene("insect", _insect),
        Scene("person", _person(0.4)),
        Scene("faint person", _person(0.7)),
        Scene("very faint person", _person(0.85)),
        Scene("cloud", _cloud),
        Scene("lamp", _lamp),
    )
}


def frames(scene: Scene, still: Grey, seed: int = 0) -> Iterator[Grey]:
    """The scene's 300 frames, uint8 (480, 640), over the background `still` of the same size."""
    rng = np.random.default_rng(seed)
    light = still.astype(np.float32)
    for i in range(FRAMES):
        effected = scene.effect(light, i, rng)
        noise = rng.standard_normal(light.shape, np.float32) * np.float32(scene.noise)
        yield np.asarray(np.clip(effected + noise, 0, 255), np.uint8)


def flagged(look: Callable[[Grey], object], scene: Scene, still: Grey) -> int:
    """How many of the 240 frames after settling `look` takes for motion."""
    seen = [bool(look(grey)) for grey in frames(scene, still)]
    return sum(seen[SETTLING:])
