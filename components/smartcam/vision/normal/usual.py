"""How far each place usually goes from what it looks like: somebody walks here every day, and nothing is ever there."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.vision.normal.look import COLUMNS, PLACES, ROWS

Places = NDArray[np.float32]
"""One number a place, (PLACES,)."""

SPAN_S: Final = 1800.0
"""Seconds of one peak."""
SPANS: Final = 336
"""Peaks that are kept: a week of one regime. How often somebody comes to the door cannot be told from two days."""
_HIGHEST_PEAK: Final = 60_000.0
"""The most that half a number can be trusted with; a thousand is stranger than anything."""
FEWEST_SPANS: Final = 4
_OFTEN: Final = 0.1
"""A place's reach is the distance that it passes in such a share of its half hours, but in no more than `_MOST_OFTEN`
of them: when a week is known, it includes what happens three times a day."""
_MOST_OFTEN: Final = 16
_BORROWED: Final = 0.8
"""Places, of the neighbours from which a place with few peaks borrows (deviation of a Gaussian)."""
_LEAST_REACH: Final = np.float32(0.3)
"""Of the median reach: a place where nothing ever was has no reach of its own."""
_MEMORY_S: Final = 86_400.0
"""The mean distance is that of about a day."""
_SHORTEST: Final = np.float32(0.1)
"""The least reach: noise alone moves a distance as much, also in a picture that never changes."""


class Usual:
    """The mean distance of each place, and its highest of each half hour.

    `seconds` of looks are behind it; `peaks` is (n, PLACES), oldest first, to three digits; `peak` is that of the half
    hour that is running and `peak_s` its seconds so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.mean: Places = np.zeros(PLACES, np.float32)
        self.peaks: NDArray[np.float16] = np.zeros((0, PLACES), np.float16)
        self.peak: Places = np.zeros(PLACES, np.float32)
        self.peak_s = 0.0
        self._reach: Places | None = None

    def learn(self, distances: Places, seconds: float) -> None:
        """Distances that were held for so many seconds are usual."""
        self.seconds += seconds
        share = np.float32(seconds / min(self.seconds, _MEMORY_S) if self.seconds else 0)
        # Something enormous counts as something large, or the mean would pass the peaks of all other half hours.
        self.mean += share * (np.minimum(distances, 2 * self.mean + 1) - self.mean if share < 1 else distances)
        np.maximum(self.peak, distances, out=self.peak)
        self.peak_s += seconds
        if self.peak_s >= SPAN_S:
            kept = np.minimum(self.peak, _HIGHEST_PEAK).astype(np.float16)
            self.peaks = np.concatenate([self.peaks, kept[None]])[-SPANS:]
            self.peak, self.peak_s, self._reach = np.zeros(PLACES, np.float32), 0.0, None

    @property
    def known(self) -> bool:
        """Whether enough half hours were seen to tell what is far."""
        return len(self.peaks) >= FEWEST_SPANS

    @property
    def reach(self) -> Places:
        """How far above its mean each place usually goes, always above 0."""
        if self._reach is None:
            self._reach = self._reached()
        return self._reach

    def excess(self, distances: Places) -> Places:
        """How far each place is above its mean, in its reaches."""
        return np.asarray((distances - self.mean) / self.reach, np.float32)

    def _reached(self) -> Places:
        if not len(self.peaks):
            return np.full(PLACES, _SHORTEST)
        passed = min(_OFTEN, _MOST_OFTEN / len(self.peaks))
        own = np.quantile(self.peaks.astype(np.float32), 1 - passed, axis=0).astype(np.float32) - self.mean
        shared = cv2.GaussianBlur(own.reshape(ROWS, COLUMNS), (0, 0), _BORROWED).reshape(-1)
        return np.asarray(np.maximum(shared, max(_LEAST_REACH * np.median(shared), _SHORTEST)), np.float32)
