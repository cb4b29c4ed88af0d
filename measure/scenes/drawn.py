"""A scene as a clip, and painted in grey: cheap enough for hours."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from measure.scenes.brush import Light, car, ground, leaf, walker
from measure.scenes.truth import Placed, StagedScene, Thing
from smartcam.capture.sources.clip import ClipPicture
from smartcam.contract.errors import CameraEnded
from smartcam.contract.times import NS_PER_S
from smartcam.vision.picture import Picture

Grey = NDArray[np.uint8]
Painter = Callable[[float], Picture]
"""Gives the picture of a scene at a second of it."""

NOISE: Final = 2.0
"""Sensor noise, sigma in grey levels."""
_GRAINS: Final = 16
_TEXTURE: Final = 10.0
"""Grey levels, before a blur of 0.8 pixels: as rough as the roughest background of the shared clips."""
_FIDGET_S: Final = 2.5
_FIDGETS: Final = 5
"""Who sits moves an arm in one of so many spans of _FIDGET_S."""


class SceneClip:
    """A `Clip` of a scene. For one thread; it knows at which second it is, which a noise model has to know too."""

    def __init__(self, scene: StagedScene, painter: Painter) -> None:
        self.scene = scene
        self.frames_per_second = scene.fps
        self.pictures_stated = scene.frames
        self.at_s = 0.0
        self._painter = painter
        self._number = 0

    def next(self) -> ClipPicture:
        """The next picture. Raises CameraEnded when the scene is over."""
        if self._number >= self.scene.frames:
            raise CameraEnded("the scene is over")
        self.at_s = self._number / self.scene.fps
        self._number += 1
        return ClipPicture(self._painter(self.at_s), round(self.at_s * NS_PER_S))

    def close(self) -> None:
        """Nothing is open."""


class Painted:
    """Paints a scene in grey; what is painted fills each thing's box exactly."""

    def __init__(self, scene: StagedScene) -> None:
        self._scene = scene
        rng = np.random.default_rng([scene.seed, 20])
        rough = np.asarray(rng.normal(0, _TEXTURE, (scene.height, scene.width)), np.float32)
        painted = ground(rng, scene.width, scene.height) + cv2.GaussianBlur(rough, (0, 0), 0.8)
        self._ground = np.asarray(np.clip(painted, 20, 235), np.uint8)
        self._leaves = [(float(rng.uniform(0, scene.width)), float(rng.uniform(8, 170))) for _ in range(scene.leaves)]
        shape = (_GRAINS, scene.height, scene.width)
        self._grain = np.asarray(rng.normal(0, NOISE, shape).round(), np.int8)
        self._grounds = [self._grained(self._ground, n) for n in range(_GRAINS)]
        self._colour = np.full((scene.height // 2, scene.width // 2), 128, np.uint8)
        self._sprites = {thing.name: _sprite(scene.seed, thing) for thing in scene.things}
        self._scaled = lru_cache(maxsize=256)(self._scale)

    def __call__(self, at_s: float) -> Picture:
        """The picture of a second."""
        number = round(at_s * self._scene.fps)
        right, down = self._scene.shake.shift(at_s, self._scene.seed)
        if right or down:
            move = np.array([[1, 0, right], [0, 1, down]], np.float32)
            size = self._scene.width, self._scene.height
            moved = cv2.warpAffine(self._ground, move, size, borderMode=cv2.BORDER_REPLICATE)
            grey = self._grained(np.asarray(moved, np.uint8), number)
        else:
            grey = self._grounds[number % _GRAINS].copy()
        for place, (x, y) in enumerate(self._leaves):
            if _gusts(self._scene.seed, place, at_s):
                leaf(grey, place, (x + right, y + down), at_s)
            else:
                leaf(grey, place, (x + right, y + down), 0.0)
        for each in self._scene.placed(at_s):
            self._put(grey, each, at_s)
        return Picture(grey, self._colour, self._colour)

    def _grained(self, grey: Grey, number: int) -> Grey:
        grain = self._grain[number * 7 % _GRAINS]
        return np.asarray(cv2.add(grey, grain, dtype=cv2.CV_8U), np.uint8)

    def _scale(self, name: str, wide: int, high: int) -> Grey:
        return np.asarray(cv2.resize(self._sprites[name], (wide, high), interpolation=cv2.INTER_AREA), np.uint8)

    def _put(self, grey: Grey, each: Placed, at_s: float) -> None:
        x1, y1, x2, y2 = (round(edge) for edge in each.whole)
        sprite = self._scaled(each.thing.name, max(x2 - x1, 1), max(y2 - y1, 1))
        left, top = max(x1, 0), max(y1, 0)
        right, bottom = min(x2, grey.shape[1]), min(y2, grey.shape[0])
        if left >= right or top >= bottom:
            return
        grey[top:bottom, left:right] = sprite[top - y1 : bottom - y1, left - x1 : right - x1]
        if each.step.sits and crc32(f"{self._scene.seed} {int(at_s / _FIDGET_S)}".encode()) % _FIDGETS == 0:
            swing = 0.1 * (x2 - x1) * np.sin(7 * at_s)
            hand = round((x1 + x2) / 2 + swing), round(y1 + 0.55 * (y2 - y1) + swing / 2)
            cv2.circle(grey, hand, max((x2 - x1) // 9, 2), (190.0,), -1)


def _gusts(seed: int, place: int, at_s: float) -> bool:
    """The wind blows in one of three spans of 20 s, not in all leaves at once."""
    return crc32(f"{seed} {place % 3} {int(at_s / 20)}".encode()) % 3 == 0


def _sprite(seed: int, thing: Thing) -> Grey:
    """What a thing looks like, as long as it is the same thing."""
    rng = np.random.default_rng([seed, crc32(thing.name.encode())])
    painted = {"person": walker, "car": car, "truck": _truck, "bicycle": _bicycle}[thing.label](rng)
    light, bright = rng.uniform(0.7, 1.15), rng.uniform(-15, 35)
    return np.asarray(np.clip(painted * np.float32(light) + np.float32(bright), 5, 250), np.uint8)


def _truck(rng: np.random.Generator) -> Light:
    painted = car(rng)
    painted[:40, :76] = 185 + cv2.resize(rng.uniform(-12, 12, (4, 8)).astype(np.float32), (76, 40))
    return painted


def _bicycle(rng: np.random.Generator) -> Light:
    painted = np.asarray(cv2.resize(walker(rng), (90, 96)), np.float32)
    for x in (22, 68):
        cv2.circle(painted, (x, 74), 20, (20.0,), 4)
    return painted
