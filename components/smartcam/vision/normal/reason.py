"""Why a look is unusual, in a word that a person understands, and where."""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.event import NormalBox
from smartcam.vision.normal.look import COLUMNS, ROWS
from smartcam.vision.normal.usual import Places

_PART: Final = 0.4
"""Of the oddest place's oddness, from which a place beside it belongs to the same thing."""
_QUIET: Final = 0.8
"""A place whose reach is below so much of the median has never had anything in it."""
_FASTER: Final = 1.3
"""So many times the fastest that was ever seen in a place."""
_LEAST_MOVEMENT: Final = 4.0
"""Grey levels of movement below which nothing is fast."""


class Reason(StrEnum):
    """Why."""

    FAST = "fast"
    """Faster than anything seen here."""
    NOWHERE = "nowhere"
    """Where nothing ever is."""
    LOOKS = "looks"
    """Looks unlike anything here."""


def region_of(odd: Places) -> NDArray[np.bool_] | None:
    """The places around the oddest that are odd as well and hang together, (PLACES,); None if nothing is odd."""
    first = int(np.argmax(odd))
    if odd[first] <= 0:
        return None
    wanted = (odd >= _PART * odd[first]).reshape(ROWS, COLUMNS)
    found = np.zeros((ROWS, COLUMNS), np.bool_)
    waiting = [divmod(first, COLUMNS)]
    while waiting:
        row, column = waiting.pop()
        if not (0 <= row < ROWS and 0 <= column < COLUMNS) or found[row, column] or not wanted[row, column]:
            continue
        found[row, column] = True
        waiting += [(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return found.reshape(-1)


def box_of(region: NDArray[np.bool_]) -> NormalBox:
    """The box around the places of a region, of which there is one at least."""
    rows, columns = np.nonzero(region.reshape(ROWS, COLUMNS))
    return NormalBox(
        int(columns.min()) / COLUMNS,
        int(rows.min()) / ROWS,
        (int(columns.max()) + 1) / COLUMNS,
        (int(rows.max()) + 1) / ROWS,
    )


def reason_of(region: NDArray[np.bool_], reach: Places, moved: Places, fastest: Places) -> Reason:
    """Why the region is odd.

    `reach` is how far places usually go; `moved` is each place's movement now, and `fastest` the most that was seen.
    """
    fast = (moved > _FASTER * fastest) & (moved > _LEAST_MOVEMENT)
    if np.count_nonzero(region & fast) * 2 >= np.count_nonzero(region):
        return Reason.FAST
    if float(np.median(reach[region])) < _QUIET * float(np.median(reach)):
        return Reason.NOWHERE
    return Reason.LOOKS
