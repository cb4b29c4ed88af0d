"""How long to wait before the next attempt."""

from collections.abc import Callable


class Backoff:
    """Waits that double up to a ceiling, each shortened at random by up to a half.

    Without the jitter every device of a fleet would come back in the same second.
    """

    def __init__(self, first_s: float, ceiling_s: float, random: Callable[[], float]) -> None:
        if not 0 < first_s <= ceiling_s:
            raise ValueError("a back-off needs 0 < first <= ceiling")
        self._first_s = first_s
        self._ceiling_s = ceiling_s
        self._random = random
        self._whole_s = first_s

    def next(self) -> float:
        """Seconds to wait now: half to the whole of a value that doubles with each call."""
        whole_s = self._whole_s
        self._whole_s = min(whole_s * 2, self._ceiling_s)
        return whole_s * (0.5 + 0.5 * self._random())

    def reset(self) -> None:
        """After a success: begin with the first wait again."""
        self._whole_s = self._first_s
