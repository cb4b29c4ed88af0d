"""A camera whose own clock stands still: it sends the same moment again and again."""

from typing import Final

STILL_S: Final = 3.0


class StillClock:
    """Detects time stamps that stand still while pictures come. Seconds are those of a monotonic clock."""

    def __init__(self) -> None:
        self._stamp: int | None = None
        self._since_s = 0.0

    def stands(self, stamp: int | None, now_s: float) -> bool:
        """Whether the camera has given this time stamp for `STILL_S` seconds; one without stamps is not judged."""
        if stamp is None or stamp != self._stamp:
            self._stamp, self._since_s = stamp, now_s
            return False
        return now_s - self._since_s >= STILL_S
