"""The motion gate: which parts of a picture differ from what the camera usually sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.contract.notice import MOST_BOXES, PixelBox
from smartcam.vision.light import Matrix, WatchedPatches, change_of_light, patches, relit
from smartcam.vision.mask import covered
from smartcam.vision.memory import pack_planes, unpack_planes
from smartcam.vision.shrink import Light, Luma, Shrinker
from smartcam.vision.zone import Zone

Mask = NDArray[np.uint8]
Cells = tuple[int, int, int, int]
"""A box in cells of the halved picture: x1, y1, x2, y2, the second corner excluded."""

_OTHER_SCENE: Final = 0.5
"""If a larger share of the picture has changed, it is another scene, not motion."""
_OTHER_LIGHT: Final = 1.2
_OTHER_LIGHT_SHARE: Final = 0.003
"""If more than this does not fit after a sudden change of light (clipped whites), the background is relearned."""
_LEAST_CELLS: Final = 6
"""What stays for three pictures counts from this size; a raindrop does not stay."""
_SOLID_CELLS: Final = 24
"""What is this large and three cells thick counts at once, however fast it moves."""
_SETTLING_FRAMES: Final = 4
_MOSTLY_WATCHED: Final = 200.0
"""A patch says nothing about the light if more than about a quarter of it is ignored."""
_UNSETTLED_S: Final = 2.0
_NOISE_WEIGHT: Final = 3.5
"""Times the mean absolute deviation: 2.8 standard deviations of Gaussian noise, on top of the least contrast."""
_FIRST_NOISE: Final = 1.5
_RECENT_S: Final = 3.0
"""Time constant of the recent average where nothing moves."""
_OBJECT_S: Final = 20.0
"""The same under an object: one of high contrast is absorbed after two to three times as long."""
_LASTING_S: Final = 120.0
"""Time constant of the lasting average, which does not learn on or around objects."""
_MARK: Final = b"smcgate1"
_PLANES: Final = 3
_NOISE_STEPS: Final = 16
"""Noise is stored in sixteenths of a grey level."""
_LEARNT_FRAMES: Final = 100_000
_STILL_S: Final = 15.0
"""A change that has been still for this long is no longer motion; people do not keep that still."""
_STIRRING_NOISE: Final = 5.0
"""Two pictures of a still scene differ by less than this many times the mean deviation of one."""
_MOST_STILL: Final = 250.0
_LESSON_S: Final = 0.2
"""Interval at which the recent average and the noise learn."""
_SELDOM_S: Final = 0.8
"""Interval at which the lasting average learns."""
_EVERYWHERE: Final = slice(None), slice(None)
_NEAR: Final = np.ones((3, 3), np.uint8)
_AROUND: Final = np.ones((9, 9), np.uint8)
"""An object's holes and shadows must not reach the lasting average."""


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """How the gate judges.

    `sensitivity`, 0 to 1, sets the smallest contrast to the background that counts, above the measured noise:
    24 grey levels of 255 at 0, about 8 at 0.5, 3 at 1. `frames_per_second` says how often `update` is called.
    Nothing counts in `ignored` zones, and the light of the scene is judged without them.
    """

    sensitivity: float = 0.5
    frames_per_second: float = 10.0
    ignored: tuple[Zone, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for values out of range."""
        if not 0 <= self.sensitivity <= 1 or not self.frames_per_second > 0:
            raise ValueError("sensitivity must be 0 to 1, frames per second more than 0")

    @property
    def least_contrast(self) -> float:
        """Grey levels of 255."""
        return 24.0 / math.pow(8.0, self.sensitivity)


class MotionGate:
    """Compares each picture with two running averages, allowing for changes of light and the measured noise.

    The recent average absorbs within a minute what has stopped moving; the lasting one remembers what was behind it, so
    that nothing is seen where somebody has stood and left. The same pictures in the same order always give the same
    answers. Not thread-safe.
    """

    def __init__(self, settings: MotionSettings) -> None:
        self._contrast = settings.least_contrast
        self._rate = settings.frames_per_second
        self._ignored = settings.ignored
        self._shrinker = Shrinker()
        self._shape: tuple[int, ...] = ()
        nothing = np.zeros((1, 1), np.float32)
        self._watch_only(nothing)
        self._begin(nothing)

    def _begin(self, small: Light) -> None:
        nothing: Mask = np.zeros(small.shape, np.uint8)
        self._age = self._untaught = self._seldom_untaught = 0
        self._change = 1.0
        self._recent: Light = small.copy()
        self._lasting = small.copy()
        self._limit = _limit_of(np.full_like(small, _FIRST_NOISE), self._contrast)
        self._masks = (nothing, nothing)
        self._before = small
        self._still = nothing
        self._settled: Mask | None = None
        self._changed = False
        self._recent_patches = patches(small)
        self._lasting_now: Matrix = self._lasting

    def update(self, luma: Luma, skipped: int = 0) -> tuple[PixelBox, ...]:
        """Boxes of motion in pixels of the full picture, at most 16; none if the scene is still.

        `luma` is uint8 (height, width). A picture of another size starts the gate afresh. `skipped`: how many pictures
        since the last update were not passed to the gate; they count as time that has passed.
        """
        small = self._shrinker.shrink(luma)
        if luma.shape != self._shape:
            self._shape = luma.shape
            self._watch_only(small)
            self._begin(self._blackened(small))
            return ()
        small = self._blackened(small)
        passed = 1 + skipped
        self._age += passed
        rest, mask, change = self._compare(small)
        cells = cv2.countNonZero(mask)
        jump, self._change = change / self._change, change
        if _is_another_scene(cells / self._watched_cells, jump):
            self._begin(small)
            self._changed = True
            return ()
        changed = mask
        if self._settled is not None and cells:
            mask = np.asarray(cv2.bitwise_and(mask, cv2.bitwise_not(self._settled)), np.uint8)
            cells = cv2.countNonZero(mask)
        earlier, self._masks = self._masks, (mask, self._masks[0])
        self._learn(small, rest, mask, earlier[0], passed)
        self._learn_slowly(small, mask, changed, passed)
        if cells < _LEAST_CELLS or self._age < _SETTLING_FRAMES:
            return ()
        return _boxes(mask, earlier, luma.shape, skipped)

    def _compare(self, small: Light) -> tuple[Matrix, Mask, float]:
        """How much each cell differs from the background, where that exceeds the noise, and the change of light.

        A cell that differs from the recent average may still match the lasting one: somebody who stood there has left.
        """
        light, change = change_of_light(self._recent_patches, patches(small), self._watched_patches)
        field = cv2.resize(light, small.shape[::-1], interpolation=cv2.INTER_LINEAR)
        rest = cv2.absdiff(small, relit(self._recent, field))
        mask = self._above_noise(rest, _EVERYWHERE)
        left, top, width, height = cv2.boundingRect(mask)
        if width * height >= _LEAST_CELLS:
            part = slice(top, top + height), slice(left, left + width)
            lasting = cv2.absdiff(small[part], relit(self._lasting_now[part], field[part]))
            rest[part] = cv2.min(rest[part], lasting)
            mask[part] = self._above_noise(rest[part], part)
        return rest, mask, change

    @property
    def is_unsettled(self) -> bool:
        """Whether the scene changed within the last two seconds, which may be more than motion."""
        return self._changed and self._age < _UNSETTLED_S * self._rate

    def remember(self) -> bytes:
        """What the gate has learned, for `recall`; empty before the first picture."""
        if not self._shape:
            return b""
        return pack_planes(
            _MARK, self._shape, (self._recent, self._lasting, _noise_of(self._limit, self._contrast) * _NOISE_STEPS)
        )

    def recall(self, memory: bytes) -> bool:
        """Continue with what an earlier gate has learned; False, and nothing changes, if that cannot be used."""
        known = unpack_planes(memory, _MARK, _PLANES)
        if known is None:
            return False
        shape, planes = known
        self._watch_only(planes[0])
        self._begin(self._blackened(planes[0]))
        self._shape = shape
        self._lasting, self._limit = planes[1].copy(), _limit_of(planes[2] / np.float32(_NOISE_STEPS), self._contrast)
        self._age = _LEARNT_FRAMES
        self._compare_averages()
        return True

    def _watch_only(self, small: Light) -> None:
        """Prepare what is watched: everything but the ignored zones."""
        rows, columns = small.shape
        self._watched: Mask | None = None
        self._watched_patches: WatchedPatches | None = None
        self._shown: Light | None = None
        self._watched_cells = small.size
        if self._ignored:
            self._watched = np.asarray(cv2.bitwise_not(covered(self._ignored, columns, rows)), np.uint8)
            self._shown = (self._watched > 0).astype(np.float32)
            self._watched_patches = WatchedPatches.of(patches(self._watched.astype(np.float32)) >= _MOSTLY_WATCHED)
            self._watched_cells = max(cv2.countNonZero(self._watched), 1)

    def _blackened(self, small: Light) -> Light:
        """The picture with its ignored zones in black, so that nothing is computed from them or remembered."""
        return small if self._shown is None else np.asarray(cv2.multiply(small, self._shown), np.float32)

    def _above_noise(self, rest: Matrix, part: tuple[slice, slice]) -> Mask:
        mask = cv2.compare(rest, self._limit[part], cv2.CMP_GT)
        return np.asarray(mask if self._watched is None else cv2.bitwise_and(mask, self._watched[part]), np.uint8)

    def _learn(self, small: Light, rest: Matrix, mask: Mask, before: Mask, passed: int) -> None:
        self._untaught += passed
        if self._untaught < self._frames_of(_LESSON_S) and self._age > self._frames_of(_RECENT_S):
            return
        share = max(1 / (self._age + 1), min(self._untaught / (_RECENT_S * self._rate), 1.0))
        slow_share = min(self._untaught / (_OBJECT_S * self._rate), 1.0)
        self._untaught = 0
        cv2.accumulateWeighted(small, self._recent, share, cv2.bitwise_not(mask))
        cv2.accumulateWeighted(small, self._recent, slow_share, mask)
        # A leaf or a wet edge that comes and goes is noise of that place; an object, which stays, is not.
        unsettled = cv2.bitwise_not(cv2.bitwise_and(mask, before))
        cv2.accumulateWeighted(
            _limit_of(np.minimum(rest, 4 * self._contrast), self._contrast), self._limit, share, unsettled
        )

    def _learn_slowly(self, small: Light, mask: Mask, changed: Mask, passed: int) -> None:
        seldom = self._frames_of(_SELDOM_S)
        lessons, self._seldom_untaught = divmod(self._seldom_untaught + passed, seldom)
        if not lessons and self._age >= _SETTLING_FRAMES:
            return
        share = max(1 / (self._age + 1), min(lessons * seldom / (_LASTING_S * self._rate), 1.0))
        self._count_still(small, changed, lessons)
        cv2.accumulateWeighted(small, self._lasting, share, cv2.bitwise_not(cv2.dilate(mask, _AROUND)))
        self._compare_averages()

    def _count_still(self, small: Light, changed: Mask, lessons: int) -> None:
        """A change that has kept perfectly still is settled: something was put down or taken away."""
        apart = cv2.scaleAdd(_noise_of(self._limit, self._contrast), -_STIRRING_NOISE, cv2.absdiff(small, self._before))
        self._before = small
        # The type stubs do not allow a number to be compared with, or added to, every cell.
        stirred = cv2.compare(apart, self._contrast / 2, cv2.CMP_GT)  # type: ignore[call-overload]
        still = cv2.bitwise_and(changed, cv2.bitwise_not(stirred))
        longer = cv2.add(self._still, max(lessons, 1))  # type: ignore[call-overload]
        self._still = np.asarray(cv2.bitwise_and(longer, still), np.uint8)
        needed = min(_STILL_S * self._rate / self._frames_of(_SELDOM_S), _MOST_STILL)
        settled = cv2.compare(self._still, needed, cv2.CMP_GE)  # type: ignore[call-overload]
        self._settled = np.asarray(settled, np.uint8) if cv2.countNonZero(settled) else None

    def _compare_averages(self) -> None:
        """Show the lasting average in the light of the recent one, so that the current light fits both."""
        self._recent_patches = patches(self._recent)
        light, _ = change_of_light(patches(self._lasting), self._recent_patches, self._watched_patches)
        field = cv2.resize(light, self._lasting.shape[::-1], interpolation=cv2.INTER_LINEAR)
        self._lasting_now = relit(self._lasting, field)

    def _frames_of(self, seconds: float) -> int:
        return max(round(seconds * self._rate), 1)


def _limit_of(noise: Matrix, contrast: float) -> Light:
    """The difference that counts, given the mean absolute deviation."""
    return np.asarray(noise * np.float32(_NOISE_WEIGHT) + np.float32(contrast), np.float32)


def _noise_of(limit: Light, contrast: float) -> Light:
    return (limit - np.float32(contrast)) / np.float32(_NOISE_WEIGHT)


def _is_another_scene(share: float, jump: float) -> bool:
    if share > _OTHER_SCENE:
        return True
    return share > _OTHER_LIGHT_SHARE and not 1 / _OTHER_LIGHT < jump < _OTHER_LIGHT


def _boxes(mask: Mask, earlier: tuple[Mask, Mask], shape: tuple[int, ...], skipped: int) -> tuple[PixelBox, ...]:
    """What is large enough, or has stayed for long enough, to be more than noise.

    If pictures were skipped, a small person moves by a cell or two between updates; that counts as staying too.
    """
    cells = mask.shape
    left, top, right, bottom = _around(cv2.boundingRect(mask), cells)
    part = slice(top, bottom), slice(left, right)
    mask = mask[part]
    before, first = earlier[0][part], earlier[1][part]
    if skipped:
        before, first = _grown(before, 1), _grown(first, 2)
    firm = cv2.bitwise_and(mask, cv2.bitwise_and(before, first))
    solid = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _NEAR)
    joined = cv2.dilate(cv2.bitwise_or(firm, solid), _NEAR)
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    kept: list[Cells] = []
    for outline in outlines:
        x, y, width, height = cv2.boundingRect(outline)
        place = slice(y, y + height), slice(x, x + width)
        if cv2.countNonZero(firm[place]) >= _LEAST_CELLS or cv2.countNonZero(solid[place]) >= _SOLID_CELLS:
            kept.append((left + x, top + y, left + x + width, top + y + height))
    scale = shape[1] // cells[1]
    return tuple(
        PixelBox(x1 * scale, y1 * scale, min(x2 * scale, shape[1]), min(y2 * scale, shape[0]))
        for x1, y1, x2, y2 in united(kept, cells, MOST_BOXES)
    )


def _grown(mask: Mask, cells: int) -> Mask:
    return np.asarray(cv2.dilate(mask, _NEAR, iterations=cells), np.uint8)


def _around(box: Sequence[int], shape: tuple[int, ...]) -> Cells:
    """A box of x, y, width, height, widened by two cells on each side within the picture."""
    x, y, width, height = box
    return max(x - 2, 0), max(y - 2, 0), min(x + width + 2, shape[1]), min(y + height + 2, shape[0])


def united(boxes: Sequence[Cells], shape: tuple[int, ...], most: int) -> tuple[Cells, ...]:
    """Merge boxes that overlap and, while there are more than `most`, those that are close to each other."""
    if len(boxes) <= most:
        return tuple(_joined(list(boxes)))
    reach = 0
    while len(boxes) > 1:
        canvas = np.zeros(shape, np.uint8)
        for x1, y1, x2, y2 in boxes:
            canvas[max(y1 - reach, 0) : y2 + reach, max(x1 - reach, 0) : x2 + reach] = 1
        count, _, stats, _ = cv2.connectedComponentsWithStats(canvas, ltype=cv2.CV_16U)
        before = len(boxes)
        boxes = [(x, y, x + width, y + height) for x, y, width, height, _ in stats[1:].tolist()]
        if count - 1 == before and before <= most:
            break
        reach = 1 if before > most else 0
    return tuple(boxes)


def _joined(boxes: list[Cells]) -> list[Cells]:
    """The same for a few boxes, which are faster to compare than to draw."""
    apart: list[Cells] = []
    while boxes:
        one = boxes.pop()
        other = next((each for each in apart if _touch(one, each)), None)
        if other is None:
            apart.append(one)
            continue
        apart.remove(other)
        boxes.append((min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])))
    return apart


def _touch(one: Cells, other: Cells) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
