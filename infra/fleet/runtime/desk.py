"""The operators' desk: the dead-man switch's second duty, every five minutes, is the cloud side itself."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from infra.fleet.runtime.device import Device, Fleet
from infra.fleet.runtime.operating import Depth, KnownConcern, Mail, Noted, concerns, review
from smartcam.contract.times import NS_PER_S, UtcNs

LOOK_EVERY_S: Final = 300
"""A request to each queue every minute would cost more than the rest of the switch."""

logger = logging.getLogger(__name__)


class Premises(Protocol):
    """What there is to look at, and the way to the operators."""

    def depths(self) -> Mapping[str, Depth]:
        """How many messages wait in each queue, by its name."""

    def noted(self) -> Sequence[Noted]:
        """The troubles that the alerting has counted."""

    def standing(self) -> Mapping[str, KnownConcern]:
        """What was known at the last look."""

    def keep(self, standing: Mapping[str, KnownConcern]) -> None:
        """Know it at the next look."""

    def tell(self, mail: Mail) -> None:
        """Send it to the operators. Raises what SNS raises."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One look at everything that a person may have to mend."""

    premises: Premises

    def look(self, devices: Sequence[Device], fleet: Fleet, now: UtcNs) -> None:
        """Tell what is new. Told before it is kept: a crash in between tells it twice rather than never."""
        is_damaged = bool(fleet.damage) or any(one.damage for one in devices)
        if not is_damaged and now // (60 * NS_PER_S) % (LOOK_EVERY_S // 60):
            return
        found = concerns(self.premises.depths(), self.premises.noted(), devices, fleet, now)
        known = self.premises.standing()
        standing, mail = review(known, found, now)
        if mail is not None:
            logger.warning("operators_told subject=%r", mail.subject)
            self.premises.tell(mail)
        if {name: one.told_at for name, one in standing.items()} != {name: one.told_at for name, one in known.items()}:
            self.premises.keep(standing)
