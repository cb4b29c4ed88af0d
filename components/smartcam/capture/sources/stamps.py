"""Which time stamp belongs to which picture, where a container has stamped the packets in the order of the file."""

from collections import deque


class PictureStamps:
    """Stamps in the order in which a decoder gives its pictures. Any unit, the same one throughout.

    A container that knows when pictures are shown stamps a B-frame before the packet in front of it: then the stamp of
    a picture's own packet is right. One that knows the order of the file alone (AVI, and some recorders) gives stamps
    that only grow, although the pictures behind them change places: then the first picture has the first stamp, the
    second one the second, and a packet that gave no picture takes its stamp with it. Where nothing changes places the
    two are the same, so that the second way is taken until a packet shows that the container knows better.
    """

    def __init__(self) -> None:
        self._are_own = False
        self._pending: deque[int | None] = deque()
        self._delay: int | None = None
        self._before: tuple[int | None, int | None] = (None, None)

    def packet(self, shown: int | None, decoded: int | None) -> None:
        """The next packet in the file: when it says that it is to be shown, and when decoded."""
        if self._are_own:
            return
        self._are_own = self._is_b_frame(shown, decoded)
        self._before = shown, decoded
        self._pending.append(decoded if shown is None else shown)

    def picture(self, own: int | None) -> int | None:
        """The stamp of the next picture; `own` is that of the packet that it was made of."""
        if self._are_own:
            return own
        if self._delay is None:
            # What came before the first picture's own packet could not be decoded.
            while own in self._pending and self._pending[0] != own:
                self._pending.popleft()
            self._delay = len(self._pending) - 1
        while len(self._pending) > self._delay + 1:
            self._pending.popleft()
        return self._pending.popleft() if self._pending else None

    def _is_b_frame(self, shown: int | None, decoded: int | None) -> bool:
        """Shown earlier than the packet before it and yet decoded later; a clock set back sets back both."""
        shown_before, decoded_before = self._before
        if shown is None or shown_before is None or shown >= shown_before:
            return False
        return decoded is None or decoded_before is None or decoded > decoded_before
