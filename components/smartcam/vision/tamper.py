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
_REFERENCE_S: Final = 60.0
"""Time constant of the reference view: dusk and dawn are slower, hands and lorries are gone sooner."""
_LIGHT_S: Final = 20.0
"""Time constant of its brightness and contrast, which dusk changes without changing the view."""
_LEAST_GAIN: Final = 0.5
_LEARN_EVERY_S: Final = 2.0
_LARGEST_LESSON: Final = 6.0
"""Largest difference, in grey levels, that a pixel is learned with: the reference follows what is usual, and a white
lorry, which differs a lot but is soon gone, leaves no ghost in it."""
_SUDDEN_S: Final = 15.0
"""A view that takes longer to be lost is lost to dusk, not to a hand."""
_LONGEST_STEP_NS: Final = 2 * NS_PER_S
"""The longest time that a single picture counts for."""
_BUSY_S: Final = 120.0
"""Whatever moves in front of the lens for longer is part of the view."""
_LOST: Final = 0.35
"""If less than this share of the view is recognised, it is another view."""
_GOOD: Final = 0.5
_DUSK_S: Final = 10.0
_AT_ONCE: Final = 0.5
"""A view that vanished suddenly has less than this share of the structure that it had some seconds ago."""
_FADED: Final = 0.8
"""With less than this share of its recent contrast, the view is fading."""
_CONTRAST_S: Final = 15.0
_FLAT: Final = 0.95
_FLATTER: Final = 0.2
_NO_LAYOUT: Final = 0.25
_SAME_LAYOUT: Final = 0.5
_GLARING: Final = 0.5
_WHITE: Final = 0.8
"""This much more white than usual is glare even if outlines are left; if the view is lost, `_GLARING` is enough."""
_STEADY: Final = 0.5
"""Somebody in front of the lens moves; a cover does not, and neither does a new view."""
_BLURRED: Final = 0.5
_SHARP: Final = 0.7
_QUICK_S: Final = 0.8
_LOST_S: Final = 4.0
_FROZEN_S: Final = 6.5
"""Good cameras repeat pictures too: runs of up to 2.6 s have been seen."""
_CLEAR_S: Final = 2.0
_NEW_VIEW_S: Final = 600.0
"""After this long, another view becomes the usual one: a camera that was turned for good must not alarm for ever."""
_DARK: Final = 40.0
"""Grey levels of 255 (black is 16): below this, an object detector sees next to nothing."""
_NOISE_SHARE: Final = 0.05
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


class TamperWatch:
    """Compares about two pictures a second with a reference view that only follows slow changes.

    The same pictures at the same times always give the same reports. Not thread-safe.
    """

    def __init__(self) -> None:
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
        self._updates = self._doubt_ns = 0
        self._noise = self._contrast = 1.0
        self._structure = 0.0
        self._at = self._good_at = self._learnt_at = at
        self._rows = luma[::_EVERY_ROW].copy()
        self._reference = self._before = Blocks.of(self._shrinker.shrink(luma))
        if self._recalled is not None and self._recalled[0] == luma.shape:
            self._reference, self._updates = Blocks.of(self._recalled[1][0]), _SETTLING_UPDATES + 1
            self._structure = math.sqrt(mean_of(self._reference.variance))
        self._recalled = None
        self._quick, self._frozen, self._good, self._other_view, self._busy = (_Run() for _ in range(5))

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
        seen = survey(now, self._reference, self._before, self._noise)
        is_same = bool(np.array_equal(rows, self._rows))
        if not is_same:
            self._noise += _NOISE_SHARE * (_noise_between(now, self._before) - self._noise)
        if elapsed_ns > _SUDDEN_S * NS_PER_S:
            # There were no pictures for a while: what is different now may have changed suddenly.
            self._good_at = MonotonicNs(self._good_at + elapsed_ns)
        self._rows, self._before, self._at = rows, now, at
        self._updates += 1
        if self._updates <= _SETTLING_UPDATES:
            self._learn(now, 1 / (self._updates + 1), math.inf)
        else:
            self._judge(seen, now, elapsed_ns, is_same=is_same)
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

    def _judge(self, seen: Survey, now: Blocks, elapsed_ns: int, *, is_same: bool) -> None:
        at, raised = self._at, self._report.cause
        wrong = self._gone_at_once(seen, what_is_wrong(seen), elapsed_ns)
        self._keep_good_at(at, seen, wrong, elapsed_ns)
        is_sudden = at - self._good_at <= _SUDDEN_S * NS_PER_S
        is_quick = self._quick.lasts(at, _QUICK_S, so=is_sudden and wrong is not None and is_blind(seen))
        is_lost = self._doubt(seen, wrong, elapsed_ns, is_sudden=is_sudden) >= _LOST_S * NS_PER_S
        is_frozen = self._frozen.lasts(at, _FROZEN_S, so=is_same and seen.flat < _FLAT)
        is_good = self._good.lasts(at, _CLEAR_S, so=not is_same and _is_good(seen, wrong))
        is_other = self._other_view.lasts(
            at, _NEW_VIEW_S, so=seen.steady >= _STEADY and wrong is not None and seen.flat < _FLAT
        )
        if raised is None and (is_quick or is_lost or is_frozen):
            raised = wrong or (Cause.FROZEN if is_frozen else Cause.MOVED)
        elif raised is not None and (is_good or (is_other and wrong is not Cause.DEFOCUSED)):
            raised = None
            if is_other:
                self._reference, self._good_at = now, at
        self._report = TamperReport(raised, _score(seen, wrong), _visibility(seen, wrong))
        if raised is None and (wrong is None or not is_sudden) and at - self._learnt_at >= _LEARN_EVERY_S * NS_PER_S:
            elapsed_s = (at - self._learnt_at) / NS_PER_S
            self._relight(seen, elapsed_s)
            self._learn(now, elapsed_s / _REFERENCE_S, _LARGEST_LESSON)

    def _gone_at_once(self, seen: Survey, wrong: Cause | None, elapsed_ns: int) -> Cause | None:
        """The cause; None if the view fades little by little, which is dusk."""
        self._structure = max(seen.structure, self._structure * math.exp(-elapsed_ns / NS_PER_S / _DUSK_S))
        if wrong in (None, Cause.GLARE, Cause.DEFOCUSED):
            return wrong
        is_fading = seen.flat >= _FLAT and seen.structure > _AT_ONCE * self._structure
        return None if is_fading else wrong

    def _doubt(self, seen: Survey, wrong: Cause | None, elapsed_ns: int, *, is_sudden: bool) -> int:
        """How long the view has been wrong while little moved in front of the lens, in nanoseconds."""
        is_wrong = wrong is not None or (self._doubt_ns > 0 and not _is_good(seen, wrong))
        if not is_wrong or not is_sudden:
            self._doubt_ns = 0
        elif seen.steady >= _STEADY or wrong is Cause.DEFOCUSED:
            self._doubt_ns += min(elapsed_ns, _LONGEST_STEP_NS)
        else:
            self._doubt_ns = max(self._doubt_ns - elapsed_ns, 0)
        return self._doubt_ns

    def _keep_good_at(self, at: MonotonicNs, seen: Survey, wrong: Cause | None, elapsed_ns: int) -> None:
        """Note when the view was last good and not fading; movement in front of the lens counts as good for a while."""
        is_fading = seen.contrast < _FADED * self._contrast
        if wrong is None:
            weight = min(elapsed_ns / NS_PER_S / _CONTRAST_S, 1.0)
            self._contrast += weight * (seen.contrast - self._contrast)
        is_busy = wrong is not None and seen.steady < _STEADY and at - self._good_at <= _SUDDEN_S * NS_PER_S
        is_too_long = self._busy.lasts(at, _BUSY_S, so=is_busy)
        if (_is_good(seen, wrong) and not is_fading) or (is_busy and not is_too_long):
            self._good_at = at

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


def is_blind(seen: Survey) -> bool:
    """Whether next to nothing can be seen: the whole lens is covered, or the picture is black or white."""
    was_structured = seen.known is not None
    is_uniform = was_structured and seen.flat >= _FLAT and seen.layout < _NO_LAYOUT
    return is_uniform or _is_glaring(seen)


def what_is_wrong(seen: Survey) -> Cause | None:
    """What a single picture looks like; None for the usual view."""
    if is_blind(seen):
        return _blinding(seen)
    if seen.known is None:
        return None
    if seen.sharpness is not None and seen.sharpness < _BLURRED and seen.layout >= _SAME_LAYOUT:
        return Cause.DEFOCUSED
    if seen.shift > 0:
        return Cause.MOVED
    if seen.known >= _LOST:
        return None
    return Cause.COVERED if seen.flat - seen.usually_flat >= _FLATTER else Cause.MOVED


def _blinding(seen: Survey) -> Cause:
    if _is_glaring(seen):
        return Cause.GLARE
    return Cause.BLACK if seen.brightness < _DARK else Cause.COVERED


def _is_glaring(seen: Survey) -> bool:
    more = seen.bright - seen.usually_bright
    return more >= _WHITE or (more >= _GLARING and (seen.known is None or seen.known < _GOOD))


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
