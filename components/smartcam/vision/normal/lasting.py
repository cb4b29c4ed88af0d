"""What is strange, and since when: what stays odd in its place counts, what has been there for half an hour has faded.

Somebody who walks by is odd for a second in each place, every day. What stays odd in one place for some seconds is not
everyday life; and what has stood there for long is known by now, so that one lasting change is one event.
"""

import math
from typing import Final

import numpy as np

from smartcam.vision.normal.usual import Places, Usual

STEADY_S: Final = 6.0
"""Over so long distances are averaged in each place."""
FADING_S: Final = 1000.0
"""How quickly what stays odd fades: after 27 minutes nothing is left of it. With 160 s instead, most of what somebody
does in a strange place for two minutes would be lost."""
_FIRST_SIGHT_S: Final = 10.0
"""How long a first sight takes: one look alone is noise."""
_WAVERS: Final = np.float32(1.25)
"""What stays as it is still wavers by some share of how odd it is."""


class Strangeness:
    """Follows the distances of one camera's places.

    What is odd at first sight, after a start, a gap or another regime, may have stood there for hours: it has faded.
    """

    def __init__(self) -> None:
        self._steady: Places | None = None
        self._faded: Places | None = None
        self._seen_s = 0.0

    def steadied(self, distances: Places, seconds: float) -> Places:
        """The distances averaged over the last seconds; `seconds` have passed since the look before."""
        if self._steady is None:
            self._steady = distances.copy()
        else:
            self._steady += _share(seconds, STEADY_S) * (distances - self._steady)
        return self._steady.copy()

    def fresh(self, steadied: Places, usual: Usual, seconds: float) -> tuple[Places, Places]:
        """How odd each place is, and how odd it newly is, in its reaches."""
        odd = np.maximum(usual.excess(steadied), 0)
        if self._faded is None:
            self._faded, self._seen_s = odd.copy(), 0.0
        self._seen_s += seconds
        if self._seen_s < _FIRST_SIGHT_S:
            np.maximum(self._faded, odd, out=self._faded)
        new = np.maximum(odd - _WAVERS * self._faded, 0)
        self._faded += _share(seconds, FADING_S) * (odd - self._faded)
        return odd, new

    def unsteady(self) -> None:
        """What was odd a second ago is normal now: the average begins again, what has faded stays so."""
        self._steady = None

    def forget(self) -> None:
        """What comes next is seen for the first time."""
        self._steady, self._faded = None, None


def _share(seconds: float, memory_s: float) -> np.float32:
    return np.float32(1 - math.exp(-max(seconds, 0.0) / memory_s))
