"""What each place usually looks like: one bell-shaped cloud of features a place, which forgets slowly.

Looks that a person called normal are kept beside it one by one: eight of them would be nothing in a cloud of a hundred
thousand, and the same thing would be raised again the next day.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.vision.normal.look import PLACES, Features

LONGEST: Final = 200_000
"""Looks after which what was learnt has faded to a third: five days of a look every two seconds."""
_SHRINK: Final = np.float32(0.1)
"""Share of the mean variance that each direction has at least: a place that never changed is not known to a hair."""
_LEAST_VARIANCE: Final = np.float32(1e-3)
_GROWTH: Final = 1.1
_STALE: Final = 900
"""The clouds' shape is worked out anew when there are so many times as many looks, or so many more."""
_OF_TWO: Final = np.float32(0.5)
"""Between two looks at the same thing there is the noise of both; between a look and the mean, that of one."""
MOST_EXCUSED: Final = 32
"""Looks that were called normal and are kept one by one; the oldest go first."""


class PlaceMemory:
    """Mean and covariance of each place's features over all looks learnt, an exponential memory after `LONGEST`.

    `looks` counts them; `mean` is (PLACES, n), `spread` (PLACES, n, n), `excused` (k, PLACES, n), oldest first.
    """

    def __init__(self, width: int) -> None:
        self.looks = 0
        self.mean: Features = np.zeros((PLACES, width), np.float32)
        self.spread: NDArray[np.float32] = np.zeros((PLACES, width, width), np.float32)
        self.excused: NDArray[np.float32] = np.zeros((0, PLACES, width), np.float32)
        self._whitening: NDArray[np.float32] | None = None
        self._shaped_at = 0

    @property
    def width(self) -> int:
        """Numbers a place."""
        return int(self.mean.shape[1])

    def learn(self, features: Features) -> None:
        """One more look is normal."""
        self.looks += 1
        share = np.float32(max(1 / self.looks, 1 / LONGEST))
        apart = features - self.mean
        self.mean += share * apart
        self.spread += share * ((1 - share) * (apart[:, :, None] * apart[:, None, :]) - self.spread)

    def excuse(self, features: Features) -> None:
        """This very look is normal, however rare: what is like it is near."""
        self.excused = np.concatenate([self.excused, features[None]])[-MOST_EXCUSED:]

    def distances(self, features: Features) -> NDArray[np.float32]:
        """How far each place is from what it usually looks like, (PLACES,): Mahalanobis's distance.

        Raises:
            ValueError: if nothing was learnt.
        """
        if not self.looks:
            raise ValueError("nothing was learnt yet")
        if self._whitening is None or self.looks >= min(_GROWTH * self._shaped_at, self._shaped_at + _STALE):
            self._whitening, self._shaped_at = self._whitened(), self.looks
        near = np.concatenate([self.mean[None], self.excused])
        apart = np.matmul((features - near).transpose(1, 0, 2), self._whitening)
        squares = np.einsum("pkn,pkn->pk", apart, apart)
        squares[:, 1:] *= _OF_TWO
        return np.asarray(np.sqrt(squares.min(axis=1)), np.float32)

    def _whitened(self) -> NDArray[np.float32]:
        """(PLACES, n, n), by which a difference is multiplied to become a distance."""
        least = _SHRINK * np.trace(self.spread, axis1=1, axis2=2).mean() / np.float32(self.width) + _LEAST_VARIANCE
        return _inverted(np.linalg.cholesky(self.spread + least * np.eye(self.width, dtype=np.float32)))


def _inverted(lower: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inverses of lower triangles (n, k, k), turned over.

    Row by row, all places at once: `np.linalg.inv` hands these small matrices to threads that wait for one another, for
    seconds on a busy machine, and the detector waits with them.
    """
    inverse = np.zeros_like(lower)
    for row in range(lower.shape[1]):
        inverse[:, row] = -np.einsum("pk,pkj->pj", lower[:, row, :row], inverse[:, :row])
        inverse[:, row, row] += 1
        inverse[:, row] /= lower[:, row, row, None]
    return inverse.transpose(0, 2, 1).copy()
