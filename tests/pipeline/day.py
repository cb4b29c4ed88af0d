"""A day before one camera, drawn: a car parks, the light goes through a day and a night, people pass in front of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from measure.scenes.brush import CAR_W, WALKER_W, Light, car, ground, leaf, walker
from smartcam.capture.sources.clip import ClipPicture
from smartcam.contract.errors import CameraEnded
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S
from smartcam.model.regions import RegionPolicy, plan_regions
from smartcam.model.scoring import Detections
from smartcam.vision.picture import Picture

Box = tuple[int, int, int, int]

WIDTH, HEIGHT = 320, 240
DAY_S: Final = 86_400.0
BEGINS_AT_H: Final = 8.0
CAR_X, CAR_Y, CAR_SPEED = 130, 120, 25.0
WALKER_Y, WALKER_SPEED = 110, 22.0
_COLOUR = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
_ROWS, _COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` that are played; the light goes through its day `pace` times as fast as they do.

    The car comes after `car_at_s` and goes `car_goes_s` before the end; from `walker_every_s` on somebody passes in
    front of it so often.
    """

    seconds: float
    pace: float
    walker_every_s: float
    car_at_s: float = 30.0
    car_goes_s: float = 20.0
    fps: float = 5.0

    def walkers(self) -> list[float]:
        """When somebody comes into the picture."""
        ends = self.seconds - self.car_goes_s - 1.5 * WIDTH / WALKER_SPEED
        return [float(at) for at in np.arange(self.walker_every_s, ends, self.walker_every_s)]


class DrawnDay:
    """A `Clip` of the day, and a `Detector` that sees in it what a detector might, with its faults.

    It sees less the darker it is, blinks, trembles, loses a car of which a part is hidden, takes it for a cat now and
    then, and looks only where the analysis lets it.
    """

    def __init__(self, plan: Plan, seed: int = 0) -> None:
        self.plan = plan
        self.frames_per_second = plan.fps
        self.pictures_stated = 0
        self._rng = np.random.default_rng(seed)
        self._ground = ground(self._rng, WIDTH, HEIGHT)
        self._noise = self._rng.normal(0, 1, (16, HEIGHT, WIDTH)).astype(np.float32)
        self._lamp = 110 * np.exp(-((_COLUMNS - 210) ** 2 + (_ROWS - 120) ** 2) / (2 * 60.0**2))
        self._car, self._walker = car(self._rng), walker(self._rng)
        self._number = 0
        self._there: list[tuple[str, Box]] = []
        self._brightness = 1.0

    def next(self) -> ClipPicture:
        """The next picture. Raises CameraEnded when the day is over."""
        at_s = self._number / self.plan.fps
        if at_s >= self.plan.seconds:
            raise CameraEnded("the day is over")
        self._number += 1
        grey = np.asarray(np.clip(self._draw(at_s), 0, 255), np.uint8)
        return ClipPicture(Picture(grey, _COLOUR, _COLOUR), round(at_s * NS_PER_S))

    def close(self) -> None:
        """Nothing is open."""

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        """What a detector makes of the last picture."""
        looked_at = plan_regions(regions, picture.width, picture.height, RegionPolicy(least_pixels=160))
        found = [seen for label, box in self._there for seen in self._glimpse(label, box, looked_at)]
        boxes = np.array([box for _, _, box in found], np.float32).reshape(-1, 4)
        scores = np.array([score for _, score, _ in found], np.float32)
        return Detections(boxes, scores, tuple(label for label, _, _ in found), looked_at)

    def _glimpse(
        self, label: str, box: Box, looked_at: Sequence[PixelBox]
    ) -> list[tuple[str, float, NDArray[np.float32]]]:
        if not any(_share(box, (region.x1, region.y1, region.x2, region.y2)) > 0.8 for region in looked_at):
            return []
        hidden = max((_share(box, other) for name, other in self._there if name == "person" != label), default=0.0)
        rng, bright = self._rng, min(self._brightness * 2.5, 1.0)
        if rng.random() > 0.3 + 0.67 * bright or hidden > rng.uniform(0.2, 0.6):
            return []
        name = "cat" if label == "car" and rng.random() < 0.03 else label
        size = np.array([box[2] - box[0], box[3] - box[1]] * 2, np.float32)
        trembling = (0.03 + 0.1 * hidden) * size * rng.normal(0, 1, 4).astype(np.float32)
        score = np.clip(rng.normal(0.35 + 0.45 * bright - 0.3 * hidden, 0.08), 0.2, 0.98)
        inside = np.clip(np.array(box, np.float32) + trembling, 0, [WIDTH, HEIGHT] * 2).astype(np.float32)
        return [(name, float(score), inside)]

    def _draw(self, at_s: float) -> Light:
        hour = (BEGINS_AT_H + at_s * self.plan.pace / 3600) % 24
        self._brightness = _daylight(hour)
        scene = self._ground.copy()
        self._there = []
        came = -CAR_W + CAR_SPEED * max(at_s - self.plan.car_at_s, 0)
        goes = CAR_SPEED * max(at_s - (self.plan.seconds - self.plan.car_goes_s), 0)
        self._put(scene, self._car, int(min(came, CAR_X) + goes), CAR_Y, "car")
        since = [at_s - at for at in self.plan.walkers() if at <= at_s][-1:]
        self._put(scene, self._walker, int(-WALKER_W + WALKER_SPEED * since[0]) if since else WIDTH, WALKER_Y, "person")
        if hour < 4 or hour >= 10:  # the tree stands still in the morning
            _sway(scene, at_s)
        lamp_on = hour >= 18.6 or hour < 6.8
        # What the camera's gain makes up for: a cloud darkens slowly, and the gain jumps now and then.
        gain = 1.15 if int(at_s / 97) % 5 == 0 else 1.0
        light = self._brightness * self._clouds(hour, at_s) + (self._lamp / 255 if lamp_on else 0.0)
        noise = 1.5 + 4.5 * max(0.0, 1 - 2 * self._brightness)
        grain = self._noise[int(self._rng.integers(16))]
        drawn: Light = np.asarray(scene * np.asarray(light * gain, np.float32) + grain * np.float32(noise), np.float32)
        if 14 <= hour < 15:
            self._rain(drawn)
        return drawn

    def _put(self, scene: Light, thing: Light, x: int, y: int, label: str) -> None:
        left, right = max(x, 0), min(x + thing.shape[1], WIDTH)
        if left < right:
            scene[y : y + thing.shape[0], left:right] = thing[:, left - x : right - x]
            if right - left > thing.shape[1] // 4:
                self._there.append((label, (left, y, right, y + thing.shape[0])))

    def _clouds(self, hour: float, at_s: float) -> Light:
        """Light in which soft shadows drift, from ten to five."""
        if not 10 <= hour < 17:
            return np.ones((1, 1), np.float32)
        middle = (at_s * 6.0) % (3 * WIDTH) - WIDTH
        shade: Light = 1 - np.float32(0.25) * np.exp(
            -((_COLUMNS[:1] - np.float32(middle)) ** 2) / np.float32(2 * 90**2)
        )
        return shade

    def _rain(self, drawn: Light) -> None:
        for x, y in zip(self._rng.integers(0, WIDTH, 30), self._rng.integers(-12, HEIGHT, 30), strict=True):
            cv2.line(drawn, (int(x), int(y)), (int(x) + 1, int(y) + 12), (220.0,), 1)


def _daylight(hour: float) -> float:
    """1 by day, 0.12 by night; dawn from six, dusk from half past five in the afternoon, an hour and a half each."""
    up, down = np.clip((hour - 6.0) / 1.5, 0, 1), np.clip((hour - 17.5) / 1.5, 0, 1)
    return float(0.12 + 0.88 * (up - down))


def _sway(scene: Light, at_s: float) -> None:
    for number in range(14):
        leaf(scene, number, (20 + 17 * (number % 4), 20 + 13 * (number // 4)), at_s)


def _share(box: Box, by: Box) -> float:
    """Which share of the box the other one covers."""
    wide, high = min(box[2], by[2]) - max(box[0], by[0]), min(box[3], by[3]) - max(box[1], by[1])
    return max(wide, 0) * max(high, 0) / ((box[2] - box[0]) * (box[3] - box[1]))
