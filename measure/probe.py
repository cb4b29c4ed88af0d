"""The false-alarm probe of the motion gate: effects laid over still backgrounds, 640x480 in 8-bit grey.

A scene has 300 frames, the first 60 for settling. All effects are synthetic. The backgrounds are medians
of real clips (which removes people) where the footage is available, and synthetic otherwise.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
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
COUNTED: Final = FRAMES - SETTLING
CHANGE_AT: Final = 150
NOISE: Final = 3.0
NIGHT_NOISE: Final = 10.0
MADE_UP: Final = (1, 2, 3)
"""Seeds of the backgrounds that stand in where there is no footage."""
_MEDIAN_OF: Final = 60
"""A background is the median of this many pictures, spread over its clip."""


@dataclass(frozen=True, slots=True)
class ProbeScene:
    """One effect, the noise of the sensor (sigma in grey levels), and how many of the 240 frames may be flagged.

    `most` is None for what may open the gate but must raise no event; `least` is for scenes with somebody in them.
    """

    name: str
    effect: Effect
    noise: float = NOISE
    most: int | None = None
    least: int = 0

    def allows(self, flagged: int) -> bool:
        """Whether a gate may flag this many frames."""
        return self.least <= flagged <= (COUNTED if self.most is None else self.most)


def background(seed: int) -> Grey:
    """A made-up still scene: soft patches, and boxes with edges as walls and furniture have them."""
    rng = np.random.default_rng(seed)
    rough = rng.uniform(60, 170, (6, 8)).astype(np.float32)
    patches = np.asarray(cv2.resize(rough, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)
    for _ in range(25):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        width, height = int(rng.integers(10, 150)), int(rng.integers(10, 150))
        patches[y : y + height, x : x + width] *= np.float32(rng.uniform(0.5, 1.5))
    return np.asarray(np.clip(cv2.GaussianBlur(patches, (0, 0), 0.8), 5, 235), np.uint8)


def background_of(clip: Path) -> Grey:
    """The median of a clip's pictures, scaled to the probe's size.

    Raises:
        OSError: the clip holds no picture that can be read.
    """
    capture = cv2.VideoCapture(str(clip))
    try:
        step = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) // _MEDIAN_OF, 1)
        taken: list[Grey] = []
        number = 0
        while (read := capture.read())[0]:
            if number % step == 0:
                grey = cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY)
                taken.append(np.asarray(cv2.resize(grey, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8))
            number += 1
    finally:
        capture.release()
    if not taken:
        raise OSError(f"{clip}: no picture can be read")
    return np.asarray(np.median(np.stack(taken), axis=0), np.uint8)


def backgrounds(clips: Sequence[Path]) -> Mapping[str, Grey]:
    """The medians of the clips by their names; three made-up scenes unless all clips exist."""
    if clips and all(clip.is_file() for clip in clips):
        return {clip.stem: background_of(clip) for clip in clips}
    return {f"made-up {seed}": background(seed) for seed in MADE_UP}


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


def _lit_person(scene: Light, i: int, rng: np.random.Generator) -> Light:
    return _step(_person(0.4)(scene, i, rng), i, rng)


@cache
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
        ProbeScene("noise", _still, most=0),
        ProbeScene("night noise", _still, NIGHT_NOISE, most=0),
        ProbeScene("step", _step, most=5),
        ProbeScene("drift", _drift, most=2),
        ProbeScene("flicker", _flicker, most=0),
        ProbeScene("shake", _shake, most=10),
        ProbeScene("rain", _rain, most=2),
        ProbeScene("person", _person(0.4), least=COUNTED),
        ProbeScene("person x0.7", _person(0.7), least=COUNTED),
        ProbeScene("person x0.85", _person(0.85), least=200),
        ProbeScene("person in a step", _lit_person, least=COUNTED - 10),
        ProbeScene("cloud", _cloud),
        ProbeScene("insect", _insect),
        ProbeScene("lamp", _lamp),
    )
}


def frames(scene: ProbeScene, still: Grey, seed: int = 0) -> Iterator[Grey]:
    """The scene's 300 frames, uint8 (480, 640), over the background `still` of the same size."""
    rng = np.random.default_rng(seed)
    light = still.astype(np.float32)
    for i in range(FRAMES):
        effected = scene.effect(light, i, rng)
        noise = rng.standard_normal(light.shape, np.float32) * np.float32(scene.noise)
        yield np.asarray(np.clip(effected + noise, 0, 255), np.uint8)


def seen(look: Callable[[Grey], object], scene: ProbeScene, still: Grey) -> list[bool]:
    """In which of the 240 frames after settling `look` sees motion."""
    return [bool(look(grey)) for grey in frames(scene, still)][SETTLING:]


def flagged(look: Callable[[Grey], object], scene: ProbeScene, still: Grey) -> int:
    """How many of the 240 frames after settling `look` takes for motion."""
    return sum(seen(look, scene, still))
