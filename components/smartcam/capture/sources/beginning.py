"""The beginning of a live stream: why no picture has come yet, and which pictures are older than now."""

from typing import Final

PATIENCE_S: Final = 5.0
"""A stream that lives sends a packet within this time, and gives a picture so soon after a key frame."""
_LONGEST_GAP_S: Final = 30.0
"""Cameras that save energy send a picture every ten seconds."""
_LONGEST_STEP_S: Final = 0.5
_MOVES: Final = 2
"""A stream that has given this many pictures is no single one."""


class Beginning:
    """What has come of a stream before it moves. Seconds are those of a monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self._since_s = now_s
        self._packet_s: float | None = None
        self._has_key = False
        self._pictures = 0

    def packet(self, now_s: float, *, is_key: bool) -> bool:
        """A packet has come; whether it is the first one, and the wait for a key frame begins with it."""
        is_first = self._packet_s is None
        self._packet_s = now_s
        if is_key and not self._has_key:
            self._has_key, self._since_s = True, now_s
        return is_first and not is_key

    def picture(self, now_s: float) -> None:
        """A picture has come; a second one shows that the stream moves."""
        self._pictures += 1
        self._since_s = now_s

    @property
    def is_over(self) -> bool:
        """Whether the stream moves."""
        return self._pictures >= _MOVES

    def waits_for_key(self, now_s: float) -> bool:
        """Whether packets come, all of them from the middle of a group of pictures."""
        comes = self._packet_s is not None and now_s - self._packet_s < _LONGEST_GAP_S
        return comes and not self._has_key and not self._pictures

    def gives_nothing(self, now_s: float) -> bool:
        """Whether another stream should be tried: this one has had the time, and waits for no key frame."""
        return not self.is_over and not self.waits_for_key(now_s) and now_s - self._since_s >= PATIENCE_S


class CatchUp:
    """Finds the pictures that have waited in a buffer while the stream was opened: the past is not to pass for now.

    They follow each other faster than their time stamps do, and span no more than the opening took. The first picture
    is never old, whatever its age, nor is one that is not soon to be followed by a newer one.
    """

    def __init__(self, opened_s: float) -> None:
        """`opened_s`: how long the opening took."""
        self._opened_s = opened_s
        self._first_s: float | None = None
        self._before = 0.0, 0.0

    def is_old(self, stamp_s: float | None, now_s: float) -> bool:
        """Whether a newer picture than the one with this time stamp is about to come."""
        if stamp_s is None or self._opened_s <= 0:
            return False
        (stamp_before, now_before), self._before = self._before, (stamp_s, now_s)
        if self._first_s is None:
            self._first_s = stamp_s
            return False
        step_s, took_s = stamp_s - stamp_before, now_s - now_before
        is_old = 2 * took_s < step_s <= _LONGEST_STEP_S and stamp_s - self._first_s <= self._opened_s
        if not is_old:
            self._opened_s = 0.0
        return is_old
