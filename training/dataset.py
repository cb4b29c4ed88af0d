"""First stage: pictures of synthetic yards after the device's own preprocessing, with their ground truth."""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.model.manifest import InputSpec, TensorType
from smartcam.model.preprocess import crop_rgb, whole
from smartcam.vision.picture import Picture
from training.yard.brush import Pixels
from training.yard.draws import STORY_S, Hour, draw_spec, draw_story
from training.yard.scene import Scene, paint_setting

_FOLDER: Final = Path(__file__).resolve().parent
INPUT_WIDTH: Final = 160
INPUT_HEIGHT: Final = 96
CLEARLY_SEEN: Final = 0.5
"""From this visible share a picture counts as one with an intruder; pictures between 0 and this are not used."""
NO_BOX: Final = (0.0, 0.0, 0.0, 0.0)
Box = tuple[float, float, float, float]
"""x1, y1, x2, y2, normalised."""
_SIZES: Final = ((320, 180), (384, 216), (448, 252), (320, 240))
_TRIES: Final = 40
_HOURS: Final = tuple(Hour)


def generator() -> str:
    """The first digits of a SHA-256 over all sources that decide how pictures look."""
    sources = [_FOLDER / "dataset.py", *sorted((_FOLDER / "yard").glob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def rgb_spec() -> InputSpec:
    """The network's input: RGB bytes as they are, divided by 255."""
    return InputSpec(
        width=INPUT_WIDTH,
        height=INPUT_HEIGHT,
        dtype=TensorType.UINT8,
        scale=1 / 255,
        zero_point=0,
        mean=(0.0, 0.0, 0.0),
        std=(255.0, 255.0, 255.0),
    )


@dataclass(frozen=True, slots=True)
class Split:
    """Which yards to draw, and how many pairs of pictures to take of each story; a yard has one story for each hour."""

    first_seed: int
    yards: int
    pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """Pictures uint8 (n, height, width, 3) in RGB and their ground truth.

    `boxes` is float32 (n, 4): x1, y1, x2, y2 of the visible intruder, normalised, zeros if there is none; `hour`
    uint8 (n,) is the index in `Hour`.
    """

    rgb: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    hour: NDArray[np.uint8]

    @property
    def intruder(self) -> NDArray[np.bool_]:
        """Whether there is an intruder in each picture, (n,)."""
        return np.asarray(self.boxes[:, 2] > 0)

    def __len__(self) -> int:
        """The number of pictures."""
        return int(self.hour.size)

    def save(self, path: Path) -> None:
        """Writes everything into one .npz file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, rgb=self.rgb, boxes=self.boxes, hour=self.hour)

    @classmethod
    def load(cls, path: Path) -> "Footage":
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(stored["rgb"], stored["boxes"], stored["hour"])


def as_device_sees(bgr: Pixels) -> NDArray[np.uint8]:
    """A picture BGR (h, w, 3) through the device's own path: I420, then RGB at the network's size."""
    picture = Picture.from_bgr(bgr)
    return crop_rgb(picture, whole(picture), rgb_spec())


def shoot(split: Split) -> Footage:
    """Draws the yards of a split and takes their pictures."""
    rgb: list[NDArray[np.uint8]] = []
    boxes: list[Box] = []
    hours: list[int] = []
    for number in range(split.yards):
        for picture, box, hour in shots(split.first_seed + number, split.pairs):
            rgb.append(picture)
            boxes.append(box)
            hours.append(hour)
        if (number + 1) % 50 == 0:
            print(f"yards {number + 1}/{split.yards} pictures {len(rgb)}", file=sys.stderr)
    return Footage(np.stack(rgb), np.array(boxes, np.float32), np.array(hours, np.uint8))


def shots(seed: int, pairs: int) -> Iterator[tuple[NDArray[np.uint8], Box, int]]:
    """Pictures of one yard at every hour: (picture, box, hour), as many with an intruder as without.

    Every second normal picture is a picture with an intruder drawn again without them: the network must learn the
    person, not the yard, the weather or the cat.
    """
    rng = np.random.default_rng([seed, 20])
    spec = draw_spec(seed, *_SIZES[int(rng.integers(len(_SIZES)))])
    setting = paint_setting(spec)
    for place, hour in enumerate(_HOURS):
        story = draw_story(spec, hour, place)
        busy, quiet = Scene(story, setting), Scene(replace(story, visits=()), setting)
        for pair in range(pairs):
            time_s = _moment(rng, busy)
            if time_s is not None:
                yield _shot(busy, time_s, rng), _box(busy, time_s), place
            if time_s is None or pair % 2:
                time_s = float(rng.uniform(0, STORY_S))
            yield _shot(quiet, time_s, rng), NO_BOX, place


def _moment(rng: np.random.Generator, scene: Scene) -> float | None:
    """A time at which an intruder is clearly visible."""
    visits = scene.spec.visits
    for _ in range(_TRIES):
        path = visits[int(rng.integers(len(visits)))].path
        time_s = float(rng.uniform(path[0].at_s, path[-1].at_s))
        if scene.truth(time_s).share >= CLEARLY_SEEN:
            return time_s
    return None


def _box(scene: Scene, time_s: float) -> Box:
    box = scene.truth(time_s).box
    if box is None:
        return NO_BOX
    width, height = scene.spec.width, scene.spec.height
    return (box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height)


def _shot(scene: Scene, time_s: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    picture = scene.picture(time_s)
    if rng.random() < 0.4:  # noqa: PLR2004 - the share of pictures from a codec short of bits
        quality = int(rng.integers(55, 95))
        ok, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if ok:
            picture = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return as_device_sees(picture)


def shoot_once(splits: Sequence[tuple[str, Split]], folder: Path) -> dict[str, Footage]:
    """Takes the pictures of each named split, or loads them if the same generator has taken them before."""
    taken = {}
    for name, split in splits:
        path = folder / f"{name}-{split.first_seed}-{split.yards}-{split.pairs}-{generator()}.npz"
        if not path.exists():
            shoot(split).save(path)
        taken[name] = Footage.load(path)
    return taken
