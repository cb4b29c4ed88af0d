"""Which frames are announced."""

import math

from smartcam.capture.haste import Haste
from smartcam.contract.times import NS_PER_MS, NS_PER_S

_SLACK_NS = NS_PER_MS
"""Time stamps are rounded: without slack a clip of 30 frames a second would lose every other frame at 15."""


class Schedule:
    """Frames with motion, at most `analyse_fps` a second, and some frame at least every `keep_alive_s`.

    What is fast is looked at more often for a while (`haste.py`).
    """

    def __init__(self, analyse_fps: float, keep_alive_s: float) -> None:
        self.haste = Haste(analyse_fps)
        self._motion_ns = round(NS_PER_S / analyse_fps) - _SLACK_NS
        self._hasty_ns = round(NS_PER_S / self.haste.fps) - _SLACK_NS
        self._keep_alive_ns = round(NS_PER_S * keep_alive_s) - _SLACK_NS
        self._last_ns: int | None = None

    def due(self, at_ns: int, *, moving: bool) -> bool:
        """Whether to announce the frame of this source time; True counts as announced."""
        if not self.may_announce(at_ns) or not (moving or self._since_ns(at_ns) >= self._keep_alive_ns):
            return False
        self.haste.spend(at_ns, is_further=self._since_ns(at_ns) < self._motion_ns)
        self._last_ns = at_ns
        return True

    def may_announce(self, at_ns: int) -> bool:
        """Whether the frame of this source time would be announced if something moved in it."""
        return self._since_ns(at_ns) >= (self._hasty_ns if self.haste.is_on(at_ns) else self._motion_ns)

    def _since_ns(self, at_ns: int) -> float:
        return math.inf if self._last_ns is None else at_ns - self._last_ns


class RateLimit:
    """Takes at most `most_per_s` pictures a second, evenly spaced; 0 takes them all."""

    def __init__(self, most_per_s: float) -> None:
        self._interval_ns = round(NS_PER_S / most_per_s) if most_per_s else 0
        self._next_ns = -1

    def takes(self, at_ns: int) -> bool:
        """Whether to take the picture of this source time."""
        if not self._interval_ns:
            return True
        early_ns = self._next_ns - at_ns
        if _SLACK_NS < early_ns <= self._interval_ns:
            return False
        # Counted from where it was due, so that 25 pictures a second give 10 and not 8.3; after a gap from now.
        is_in_time = self._next_ns >= 0 and 0 <= -early_ns < self._interval_ns
        self._next_ns = (self._next_ns if is_in_time else at_ns) + self._interval_ns
        return True
