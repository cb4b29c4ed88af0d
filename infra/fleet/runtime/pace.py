"""How often one thing may have something written: what a device says must not cost without end."""

from dataclasses import dataclass
from typing import Final

from smartcam.contract.times import NS_PER_S, UtcNs

_BURSTS_AHEAD: Final = 4


@dataclass(frozen=True, slots=True)
class SignPace:
    """`burst` at once, and then one every `every_s` seconds.

    What is kept of it is one time, `until`: how long what was taken already fills the pace (the generic cell rate
    algorithm, ITU-T I.371).
    """

    burst: int
    every_s: int

    def taken(self, until: UtcNs, now: UtcNs, *, spare: int = 0) -> UtcNs | None:
        """The time to keep once one more is taken; None where it is too many. `spare`: so many more at once."""
        step = self.every_s * NS_PER_S
        # Further ahead than anything that was taken here: a clock has jumped, or the item was damaged.
        due = now if until - now > _BURSTS_AHEAD * self.burst * step else max(until, now)
        return UtcNs(due + step) if due - now <= (self.burst + spare - 1) * step else None


HEALTH_PACE: Final = SignPace(burst=30, every_s=5)
"""A device reports every five minutes, and within ten seconds what changes: it never comes near."""
PRESENCE_PACE: Final = SignPace(burst=30, every_s=5)
"""A pace of its own: a network that comes and goes must not use up what the device itself may say."""
GOODBYE_SPARE: Final = 30
"""A goodbye is taken where other reports are too many: a nucleus may send an hour's reports at once."""
REFUSAL_PACE: Final = SignPace(burst=10, every_s=3600)
"""Unreadable messages of one thing that are kept for a person: the eleventh shows nothing that the tenth does not."""
