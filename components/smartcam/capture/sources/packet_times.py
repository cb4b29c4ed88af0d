"""When packets are to be decoded and shown, on a time line that goes on whatever the camera's clock does."""

from collections import deque
from typing import Final

from smartcam.contract.times import NS_PER_S

_NUDGE_NS: Final = 1_000_000
_LARGEST_BACK_NS: Final = NS_PER_S // 4
"""Stamps that go back by less are untidy; by more, the clock was set, or has wrapped."""
_SPARE_AHEAD_NS: Final = 2 * NS_PER_S
_LONGEST_STEP_NS: Final = 60 * NS_PER_S
_LONGEST_WAIT_NS: Final = 2 * NS_PER_S
"""Between decoding and showing: sixteen pictures, which no codec of ours exceeds, at eight a second."""
_REMEMBERED: Final = 64


class PacketTimes:
    """Gives packets, in the order in which they come, times of decoding that grow and times of showing not before them.

    Differences between stamps are kept as they are. Where a stamp is missing, jumps, goes back or wraps, the time since
    the packet before arrived takes their place. All times are nanoseconds.
    """

    def __init__(self) -> None:
        self._interval_ns = self._delay_ns = 0
        self._offset_ns: int | None = None
        """From the camera's stamps to our time line."""
        self._stamp_ns = self._arrived_ns = 0
        self._decode_ns = self._latest_show_ns = -_NUDGE_NS
        self._shown: deque[int] = deque(maxlen=_REMEMBERED)

    def begin(self, interval_ns: int, delay: int) -> None:
        """The next packet is the first one of a stream.

        `interval_ns`: the usual time between two packets. `delay`: how many a decoder holds back to reorder them.
        """
        self._interval_ns = max(interval_ns, _NUDGE_NS)
        self._delay_ns = delay * self._interval_ns
        self._offset_ns = None

    def place(self, decode: int | None, show: int | None, arrived: int) -> tuple[int, int]:
        """When the next packet is to be decoded and shown; `decode` and `show` are its own stamps, if it has them."""
        stamp = self._stamp_of(decode, show)
        if self._offset_ns is None:
            decode_ns = max(arrived, self._decode_ns + _NUDGE_NS, self._latest_show_ns + _NUDGE_NS)
            self._offset_ns = decode_ns - stamp
        elif self._goes_on(stamp, arrived):
            decode_ns = max(stamp + self._offset_ns, self._decode_ns + _NUDGE_NS)
        else:
            waited = min(max(arrived - self._arrived_ns, self._interval_ns), _LONGEST_STEP_NS)
            decode_ns = max(self._decode_ns + waited, self._latest_show_ns + _NUDGE_NS)
            self._offset_ns = decode_ns - stamp
        self._stamp_ns, self._decode_ns, self._arrived_ns = stamp, decode_ns, arrived
        return decode_ns, self._show(decode_ns, None if show is None else show + self._offset_ns)

    def _stamp_of(self, decode: int | None, show: int | None) -> int:
        """When the packet is to be decoded, on the camera's clock; an estimate where it does not say."""
        if decode is not None:
            return decode
        if self._offset_ns is None:
            return 0 if show is None else show - self._delay_ns
        return self._stamp_ns + self._interval_ns

    def _goes_on(self, stamp: int, arrived: int) -> bool:
        step = stamp - self._stamp_ns
        waited = max(arrived - self._arrived_ns, 0)
        return -_LARGEST_BACK_NS < step <= min(_SPARE_AHEAD_NS + 2 * waited, _LONGEST_STEP_NS)

    def _show(self, decode_ns: int, wanted_ns: int | None) -> int:
        """No two pictures are shown at once."""
        is_sound = wanted_ns is not None and decode_ns <= wanted_ns <= decode_ns + _LONGEST_WAIT_NS
        show_ns = wanted_ns if is_sound and wanted_ns is not None else decode_ns
        while show_ns in self._shown:
            show_ns += _NUDGE_NS
        self._shown.append(show_ns)
        self._latest_show_ns = max(self._latest_show_ns, show_ns)
        return show_ns
