"""A scene pasted together for a real detector: people and vehicles of the shared clips on their grounds."""

from dataclasses import replace
from typing import Final
from zlib import crc32

import cv2
import numpy as np

from measure.cutouts import Bgr, CutFootage, Cutout, View, paste
from measure.scenes.truth import StagedScene, Stance
from smartcam.vision.picture import Picture

ZOOM: Final = 2
"""Pasted pictures are as large as those of the camera that a scene stands for."""
_NOISE: Final = 2.0
_GRAINS: Final = 4
_ASPECT_OF_A_CAR: Final = 1.0
_INDOORS: Final = {"room"}


class Pasted:
    """Paints a scene that `recast` has made; each picture is `ZOOM` times as wide and high as the scene."""

    def __init__(self, scene: StagedScene, cast: dict[str, Cutout], ground: Bgr) -> None:
        self._scene, self._cast = scene, cast
        self._size = scene.width * ZOOM, scene.height * ZOOM
        self._ground = np.asarray(cv2.resize(ground, self._size, interpolation=cv2.INTER_LINEAR), np.uint8)
        rng = np.random.default_rng([scene.seed, 21])
        shape = (_GRAINS, self._size[1], self._size[0])
        self._grain = np.asarray(rng.normal(0, _NOISE, shape).round(), np.int8)

    def __call__(self, at_s: float) -> Picture:
        """The picture of a second."""
        right, down = self._scene.shake.shift(at_s, self._scene.seed)
        move = np.array([[1, 0, right * ZOOM], [0, 1, down * ZOOM]], np.float32)
        bgr = self._ground.copy()
        if right or down:
            bgr = np.asarray(cv2.warpAffine(bgr, move, self._size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        for each in self._scene.placed(at_s):
            view = _view(self._cast[each.thing.name], each.thing.label, at_s)
            high = (each.whole[3] - each.whole[1]) * ZOOM
            middle = (each.whole[0] + each.whole[2]) / 2 * ZOOM
            paste(bgr, view, middle - high * view.aspect / 2, each.whole[3] * ZOOM, high)
        picture = Picture.from_bgr(bgr)
        grain = self._grain[round(at_s * self._scene.fps) * 3 % _GRAINS]
        return Picture(np.asarray(cv2.add(picture.y, grain, dtype=cv2.CV_8U), np.uint8), picture.u, picture.v)


def recast(scene: StagedScene, footage: CutFootage) -> tuple[StagedScene, dict[str, Cutout]]:
    """The scene with things as wide as the cut-outs that play them, and who plays whom.

    A vehicle from the side becomes one of the same area from above, as the shared footage shows them.
    """
    cast: dict[str, Cutout] = {}
    things = []
    for thing in scene.things:
        is_person = thing.label in {"person", "bicycle"}
        actors = footage.of("person") if is_person else tuple(filter(_from_the_side, footage.of("vehicle")))
        actor = cast[thing.name] = actors[crc32(f"{scene.seed} {thing.name}".encode()) % len(actors)]
        label = "person" if is_person else thing.label
        paths = tuple(tuple(_refitted(stance, label, actor) for stance in path) for path in thing.paths)
        things.append(replace(thing, label=label, paths=paths))
    return replace(scene, things=tuple(things), leaves=0), cast


def ground_of(scene: StagedScene, footage: CutFootage) -> Bgr:
    """The background on which a scene takes place."""
    names = [name for name in sorted(footage.backgrounds) if ("one-by-one" in name) == (scene.name in _INDOORS)]
    return footage.backgrounds[names[scene.seed // 2 % len(names)]]


def _from_the_side(actor: Cutout) -> bool:
    """The stock detector knows a car from behind and above, not from straight above."""
    return max(view.aspect for view in actor.views) > _ASPECT_OF_A_CAR


def _refitted(stance: Stance, label: str, actor: Cutout) -> Stance:
    aspect = _view(actor, label, 0.0).aspect
    height = stance.height if label == "person" else (stance.height * stance.width / aspect) ** 0.5
    return replace(stance, height=height, width=height * aspect)


def _view(actor: Cutout, label: str, at_s: float) -> View:
    """People move; a vehicle shows the side on which most of it is seen."""
    return actor.at(at_s) if label == "person" else max(actor.views, key=lambda view: view.aspect)
