"""Which cameras are silent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs

_OTHERS_NS: Final = 20 * NS_PER_S
"""Capture pauses for ten seconds at most before it connects again, and takes as long to start on a small device."""
_CATCH_UP_NS: Final = 2 * NS_PER_S


@dataclass(slots=True)
class Silence:
    """The silence of one camera. Times are monotonic.

    `heard_at`: when it gave its last sign of life, None while nobody waits for one; `is_lost`: it is known to be gone.
    """

    heard_at: MonotonicNs | None = None
    is_lost: bool = False

    def heard(self, at: MonotonicNs) -> bool:
        """The camera has given a sign of life; True when that ends an outage."""
        was_lost = self.is_lost
        self.heard_at, self.is_lost = at, False
        return was_lost

    def expect(self, at: MonotonicNs) -> None:
        """The camera was there before; its capture may just be starting."""
        self.heard_at = MonotonicNs(at + _OTHERS_NS)

    def excuse(self, at: MonotonicNs) -> None:
        """Nothing can be heard now, so that nobody is silent."""
        if self.heard_at is not None:
            self.expect(at)

    def lose(self) -> bool:
        """The camera is known to be gone; True if that is new."""
        is_new = not self.is_lost
        self.heard_at, self.is_lost = None, True
        return is_new

    def end(self) -> None:
        """The camera's clip is over: silence is what is expected."""
        self.heard_at = None


@dataclass(slots=True)
class SilenceWatch:
    """Detects cameras that have gone quiet, each once per outage."""

    lost_after_s: float
    _asked_at: MonotonicNs | None = None
    _judge_from: int = 0

    def overdue(self, cameras: Mapping[CameraId, Silence], at: MonotonicNs) -> list[CameraId]:
        """The cameras that have been quiet for too long; each counts as lost from now on. To be called often."""
        limit_ns = self.lost_after_s * NS_PER_S
        if self._asked_at is not None and at - self._asked_at > limit_ns / 2:
            # The caller was held up, and has not yet seen what came meanwhile.
            self._judge_from = at + _CATCH_UP_NS
        self._asked_at = at
        if at < self._judge_from:
            return []
        late = {
            name: one for name, one in cameras.items() if one.heard_at is not None and at - one.heard_at >= limit_ns
        }
        return [name for name, one in late.items() if one.lose()]
