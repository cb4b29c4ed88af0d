"""The tamper watch: does the camera still see what it is meant to see?"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.memory import pack_planes, unpack_planes
from smartcam.vision.shrink import Light, Luma, Shrinker
from smartcam.vision.survey import Blocks, Survey, mean_of, survey
from smartcam.vision.visibility import Visibility

_INTERVAL_S: Final = 0.5
"""Pictures that follow sooner are skipped: tampering takes longer."""
_SETTLING_UPDATES: Final = 4
"""The first view is the mean of so many pictures and one, so that it has little noise."""
_LONGEST_SETTLING_S: Final = 30.0
"""Whoever stays for longer in front of a camera that starts is taken for its view."""
_OTHER_LIGHT: Final = 6.0
"""Grey levels by which the mean of a block differs when something stands before it; noise averages out."""
_LITTLE: Final = 0.05
"""Share of the blocks that leaves and screens change."""
_REFERENCE_S: Final = 60.0
"""Time constant of the reference view: dusk and dawn are slower, hands and lorries are gone sooner."""
_LIGHT_S: Final = 20.0
"""Time constant of its brightness and contrast, which dusk changes without changing the view."""
_LEAST_GAIN: Final = 0.5
"""Contrast is followed by a factor of two at most: more is another light, which is learned with the content."""
_LEARN_EVERY_S: Final = 2.0
"""Often enough for its time constants; learning costs as much as a third of a picture."""
_LARGEST_LESSON: Final = 6.0
"""Largest difference, in grey levels, that a pixel is learned with: the reference follows what is usual, and a white
lorry, which differs a lot but is soon gone, leaves no ghost in it."""
_LONGEST_STEP_S: Final = 2.0
"""The longest time that a single picture counts for: after a pause, what is different may have changed at once."""
_PAUSE: Final = 4
"""A step that is so many times as long as the one before, and longer than that, is a pause: of whether the picture
moved meanwhile nobody knows anything."""
_FORGET_S: Final = 3.0
"""Time constant in which doubt fades."""
_SURE: Final = 0.8
"""The doubt at which an alarm is raised: after 0.9 s if nothing is left, 1.6 s if a fifth is left, 4 s at two fifths.
A lorry's blank side is gone by then."""
_DUSK_S: Final = 10.0
"""Time constant of the contrast that a block had lately: a hand takes it away at once, dusk takes minutes."""
_FLAT: Final = 0.95
"""With at least this share of blocks without structure, there is nothing that could be recognised."""
_NO_LAYOUT: Final = 0.25
"""Less of the light and shade than this is none; what a cover lets through has no more."""
_SAME_LAYOUT: Final = 0.5
"""Blur leaves light and shade where they were; more of it is needed to call it blur."""
_GLARING: Final = 0.5
"""Half of a picture turned white is more than headlights do."""
_WHITE: Final = 0.8
"""This much more white than usual is glare even if outlines are left; if the view is lost, `_GLARING` is enough."""
_GOOD: Final = 0.5
"""Share of the view that must be recognised before an alarm is over."""
_BLURRED: Final = 0.5
"""Half of the detail gone: rain and a wet lens take less."""
_SHARP: Final = 0.7
"""Above `_BLURRED`, so that an alarm does not flicker."""
_FROZEN_S: Final = 6.5
"""Good cameras repeat pictures too: runs of up to 2.6 s have been seen."""
_CLEAR_S: Final = 2.0
"""How long the view must be good before an alarm is over: a hand that is shifted lets it through for a moment."""
_NEW_VIEW_S: Final = 600.0
"""After this long, another view becomes the usual one: a camera that was turned for good must not alarm for ever."""
_MOSTLY: Final = 0.75
"""With at least this share of what is lost dull, it is covered; another view is plain in part as well."""
_DARK: Final = 40.0
"""Grey levels of 255 (black is 16): below this, an object detector sees next to nothing."""
_NOISE_SHARE: Final = 0.05
"""The noise is learned within ten seconds, so that a passer-by hardly counts."""
_FROM_MEDIAN: Final = 1.0484
"""From the median difference of two pictures to the standard deviation of the noise in one."""
_EVERY: Final = 4
"""Noise is measured in every fourth cell of every fourth row."""
_EVERY_ROW: Final = 16
"""Every 16th row is enough to recognise identical pictures, because noise changes all rows."""

_MARK: Final = b"smcview1"


class Cause(StrEnum):
    """What has been done to the camera."""

    COVERED = "covered"
    DEFOCUSED = "defocused"
    MOVED = "moved"
    FROZEN = "frozen"
    BLACK = "black"
    GLARE = "glare"


@dataclass(frozen=True, slots=True)
class TamperReport:
    """What is wrong with the camera (None if nothing), how sure that is (0..1), and what can be seen."""

    cause: Cause | None
    score: float
    visibility: Visibility


ALL_WELL: Final = TamperReport(None, 0.0, Visibility.CLEAR)


@dataclass(slots=True)
class _Run:
    """How long a condition has been true without interruption."""

    since: MonotonicNs | None = None

    def lasts(self, at: MonotonicNs, seconds: float, *, so: bool) -> bool:
        if not so:
            self.since = None
            return False
        if self.since is None:
            self.since = at
        return at - self.since >= seconds * NS_PER_S


@dataclass(slots=True)
class Doubt:
    """Adds up what is lost of the usual view, its square for every second, and forgets it within seconds.

    The sum depends on how long how much has been lost, and hardly on how many pictures showed it.
    """

    level: float = 0.0
    _lost: float = 0.0

    def add(self, lost: float, elapsed_s: float) -> bool:
        """Whether an alarm is due after a picture in which the share `lost` (0..1) is gone.

        Between two pictures only what both have lost was lost: one picture alone proves nothing.
        """
        throughout, self._lost = min(lost, self._lost), lost
        left = math.exp(-elapsed_s / _FORGET_S)
        self.level = self.level * left + throughout**2 * _FORGET_S * (1 - left)
        return self.level >= _SURE


_BEARABLE: Final = math.sqrt(_SURE / _FORGET_S)
"""Share of the view that can be lost for ever without an alarm."""


class TamperWatch:
    """Compares about two pictures a second with a reference view that only follows slow changes.

    The same pictures at the same times always give the same reports. Not thread-safe. `views` counts how often another
    view has become the usual one.
    """

    def __init__(self) -> None:
        self.views = 0
        self._shape: tuple[int, ...] = ()
        self._shrinker = Shrinker()
        self._report = ALL_WELL
        self._updates = 0
        self._recalled: tuple[tuple[int, int], Light] | None = None

    def _begin(self, luma: Luma, at: MonotonicNs) -> None:
        is_new_size = bool(self._shape)
        self._shape = luma.shape
        if is_new_size:
            self._report = ALL_WELL
        self._updates = 0
        self._noise = 1.0
        self._doubt = Doubt()
        self._is_turned = False
        self._at = self._learnt_at = at
        self._step_ns = 0
        self._settle_by: MonotonicNs | None = MonotonicNs(at + round(_LONGEST_SETTLING_S * NS_PER_S))
        self._rows = luma[::_EVERY_ROW].copy()
        self._reference = self._before = Blocks.of(self._shrinker.shrink(luma))
        if self._recalled is not None and self._recalled[0] == luma.shape:
            self._reference, self._updates = Blocks.of(self._recalled[1][0]), _SETTLING_UPDATES + 1
        self._recalled = None
        self._recent = self._reference.variance
        self._frozen, self._good, self._other_view = (_Run() for _ in range(3))

    def update(self, luma: Luma, at: MonotonicNs) -> TamperReport:
        """The state of the camera. `luma` is uint8 (height, width), `at` the time at which it was taken.

        A picture of another size starts the watch afresh.
        """
        if luma.shape != self._shape:
            self._begin(luma, at)
            return self._report
        elapsed_ns = at - self._at
        if elapsed_ns < _INTERVAL_S * NS_PER_S:
            return self._report
        rows = luma[::_EVERY_ROW].copy()
        now = Blocks.of(self._shrinker.shrink(luma))
        seen = survey(now, self._reference, self._before, self._recent, self._noise)
        if self._is_somebody_elses(now, seen):
            if self._settle_by is not None and at < self._settle_by:
                self._rows, self._before, self._at = rows, now, at
                return self._report
            self._reference, self._recent, self._updates, self._settle_by = now, now.variance, -1, None
        is_pause = elapsed_ns > max(_LONGEST_STEP_S * NS_PER_S, _PAUSE * self._step_ns)
        self._step_ns = elapsed_ns
        is_same = bool(np.array_equal(rows, self._rows))
        if not is_same:
            self._noise += _NOISE_SHARE * (_noise_between(now, self._before) - self._noise)
        elapsed_s = min(elapsed_ns / NS_PER_S, _LONGEST_STEP_S)
        if seen.gone <= _BEARABLE:
            # Otherwise the contrast of the usual view is kept in mind, for as long as it is gone.
            self._recent = np.maximum(now.variance, self._recent * np.float32(math.exp(-2 * elapsed_s / _DUSK_S)))
        self._rows, self._before, self._at = rows, now, at
        self._updates += 1
        if self._updates <= _SETTLING_UPDATES:
            self._learn(now, 1 / (self._updates + 1), math.inf)
        else:
            self._judge(seen, now, elapsed_s, is_same=is_same and not is_pause)
        return self._report

    def resume(self, cause: Cause) -> None:
        """Continue an alarm that an earlier watch raised; it is over when the view is good again."""
        self._report = TamperReport(cause, self._report.score, self._report.visibility)

    def remember(self) -> bytes:
        """The reference view, for `recall`; empty before there is one."""
        if self._updates <= _SETTLING_UPDATES:
            return b""
        return pack_planes(_MARK, self._shape, (self._reference.small,))

    def recall(self, memory: bytes) -> bool:
        """Start with the view of an earlier watch; False if it cannot be used. Call it before the first update."""
        self._recalled = unpack_planes(memory, _MARK, 1)
        return self._recalled is not None

    def _is_somebody_elses(self, now: Blocks, seen: Survey) -> bool:
        """Whether a picture is no part of the first view: before a plain wall all that would be known is who passes."""
        is_settling = self._settle_by is not None and self._updates < _SETTLING_UPDATES
        return is_settling and (seen.known is None or seen.known < _GOOD) and _differs(now, self._reference)

    def _judge(self, seen: Survey, now: Blocks, elapsed_s: float, *, is_same: bool) -> None:
        self._is_turned = is_turned(seen, was_turned=self._is_turned)
        lost = 1.0 if self._is_turned else how_much_is_lost(seen)
        wrong = what_is_wrong(seen, has_turned=self._is_turned) if lost > _BEARABLE else None
        begins = self._begins(seen, wrong, lost, elapsed_s, is_same=is_same)
        is_good = self._good.lasts(self._at, _CLEAR_S, so=not is_same and _is_good(seen, wrong))
        is_other = self._other_view.lasts(self._at, _NEW_VIEW_S, so=_is_another(seen, wrong))
        raised = self._report.cause or begins
        if self._report.cause is not None and (is_good or is_other):
            raised, self._doubt = None, Doubt()
            if is_other:
                self._reference, self._recent = now, now.variance
                self.views += 1
        self._report = TamperReport(raised, _score(seen, wrong), _visibility(seen, wrong))
        if raised is None:
            self._follow(seen, now)

    def _begins(
        self, seen: Survey, wrong: Cause | None, lost: float, elapsed_s: float, *, is_same: bool
    ) -> Cause | None:
        """What there is to alarm about, if there is no alarm yet."""
        is_due = self._doubt.add(lost, elapsed_s)
        is_frozen = self._frozen.lasts(self._at, _FROZEN_S, so=is_same and seen.flat < _FLAT)
        if is_due:
            return wrong or Cause.MOVED
        return Cause.FROZEN if is_frozen else None

    def _follow(self, seen: Survey, now: Blocks) -> None:
        """Learn what is usual from a picture, if it is time."""
        elapsed_s = (self._at - self._learnt_at) / NS_PER_S
        if elapsed_s >= _LEARN_EVERY_S:
            self._relight(seen, elapsed_s)
            self._learn(now, elapsed_s / _REFERENCE_S, _LARGEST_LESSON)

    def _relight(self, seen: Survey, elapsed_s: float) -> None:
        """Adjust the reference to the current brightness and contrast, which change faster than the content."""
        share = min(elapsed_s / _LIGHT_S, 1.0)
        small, mean = self._reference.small, mean_of(self._reference.mean)
        gain = min(max(seen.contrast, _LEAST_GAIN), 1 / _LEAST_GAIN) ** share
        level = mean + share * (seen.brightness - mean)
        self._reference = replace(
            self._reference, small=np.float32(level) + np.float32(gain) * (small - np.float32(mean))
        )

    def _learn(self, now: Blocks, share: float, most: float) -> None:
        self._learnt_at = self._at
        apart = now.small - self._reference.small
        if most < math.inf:
            apart = np.clip(apart, -most, most)
        self._reference = Blocks.of(self._reference.small + np.float32(min(share, 1.0)) * apart)


def _noise_between(now: Blocks, before: Blocks) -> float:
    """The standard deviation of the noise in one picture, from the median difference of two of the same view."""
    apart = np.abs(now.detail[::_EVERY, ::_EVERY] - before.detail[::_EVERY, ::_EVERY]).ravel()
    middle = apart.size // 2
    return float(np.partition(apart, middle)[middle]) * _FROM_MEDIAN


def _differs(now: Blocks, reference: Blocks) -> bool:
    """Whether something large has come, or the light has changed."""
    changed = np.count_nonzero(np.abs(now.mean - reference.mean) > _OTHER_LIGHT)
    return changed > _LITTLE * now.mean.size


def is_turned(seen: Survey, *, was_turned: bool) -> bool:
    """Whether the view was found elsewhere, and is not back since: wherever the camera looks and whatever moves."""
    return seen.shift > 0 or (was_turned and seen.known is not None and seen.known < _GOOD)


def how_much_is_lost(seen: Survey) -> float:
    """The share of the usual view, 0..1, that a single picture of a camera that is not turned has lost."""
    if _is_glaring(seen):
        return 1.0
    if _is_blurred(seen) and seen.sharpness is not None:
        return 1.0 - seen.sharpness**2
    return seen.gone


def what_is_wrong(seen: Survey, *, has_turned: bool) -> Cause:
    """What has been done to a camera that has lost its view. `has_turned`: it was found elsewhere."""
    if _is_glaring(seen):
        return Cause.GLARE
    if _is_blurred(seen):
        return Cause.DEFOCUSED
    if has_turned or seen.dull < _MOSTLY * seen.gone:
        return Cause.MOVED
    return Cause.BLACK if seen.brightness < _DARK else Cause.COVERED


def is_blind(seen: Survey) -> bool:
    """Whether next to nothing can be seen: the whole lens is covered, or the picture is black or white."""
    is_uniform = seen.known is not None and seen.flat >= _FLAT and seen.layout < _NO_LAYOUT
    return is_uniform or _is_glaring(seen)


def _is_glaring(seen: Survey) -> bool:
    return seen.glare >= _WHITE or (seen.glare >= _GLARING and (seen.known is None or seen.known < _GOOD))


def _is_blurred(seen: Survey) -> bool:
    is_soft = seen.sharpness is not None and seen.sharpness < _BLURRED
    return is_soft and seen.layout >= _SAME_LAYOUT and not is_blind(seen)


def _is_another(seen: Survey, wrong: Cause | None) -> bool:
    """Whether there is something to be seen, but not the usual view."""
    return wrong not in (None, Cause.DEFOCUSED) and seen.flat < _FLAT


def _is_good(seen: Survey, wrong: Cause | None) -> bool:
    is_known = seen.known is None or (seen.known >= _GOOD and seen.flat < _FLAT)
    return wrong is None and is_known and (seen.sharpness is None or seen.sharpness >= _SHARP)


def _score(seen: Survey, wrong: Cause | None) -> float:
    if wrong is None:
        return 0.0
    if wrong is Cause.DEFOCUSED and seen.sharpness is not None:
        return 1.0 - min(seen.sharpness, 1.0)
    return 1.0 if seen.known is None else 1.0 - seen.known


def _visibility(seen: Survey, wrong: Cause | None) -> Visibility:
    if wrong is Cause.DEFOCUSED:
        return Visibility.DEFOCUSED
    if wrong is not None and is_blind(seen):
        return Visibility.BLIND
    return Visibility.DARK if seen.brightness < _DARK else Visibility.CLEAR
