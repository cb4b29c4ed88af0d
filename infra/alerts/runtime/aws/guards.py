"""The guards of the things in DynamoDB: an item for each, written where what was read is still true."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.aws.dynamo import Table, number, seconds, text
from infra.alerts.runtime.aws.limits import KEPT_S
from infra.alerts.runtime.guarding import ThingGuard
from infra.alerts.runtime.troubles import PARTITION
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import UtcNs

_SAVE: Final = "SET bound_day = :day, used = :used, free_at = :free, cameras = :cameras, forget_at = :forget"


@dataclass(frozen=True, slots=True)
class DynamoGuards:
    """`Guards`."""

    table: Table

    def guard(self, thing: ThingName) -> ThingGuard:
        """See Guards."""
        item = self.table.get(_key(thing), consistent=True) or {}
        return ThingGuard(
            day=item["bound_day"]["S"] if "bound_day" in item else "",
            used=int(item["used"]["N"]) if "used" in item else 0,
            free_at=UtcNs(int(item["free_at"]["N"]) if "free_at" in item else 0),
            cameras=frozenset(CameraId(one) for one in item.get("cameras", {}).get("SS", [])),
            revoked="revoked" in item,
        )

    def save(self, thing: ThingName, before: ThingGuard, after: ThingGuard, now: UtcNs) -> bool:
        """See Guards."""
        values: dict[str, Mapping[str, object]] = {
            ":day": text(after.day),
            ":used": number(after.used),
            ":free": number(after.free_at),
            ":cameras": {"SS": sorted(after.cameras)},
            ":forget": seconds(now, KEPT_S),
        }
        unchanged = "attribute_not_exists(free_at)"
        if before.free_at:
            values[":before"] = number(before.free_at)  # it only grows
            unchanged = "free_at = :before"
        return self.table.update(_key(thing), _SAVE, values, f"attribute_not_exists(revoked) AND {unchanged}")[0]

    def is_revoked(self, thing: ThingName) -> bool:
        """See Guards."""
        return self.guard(thing).revoked

    def revoke(self, thing: ThingName) -> None:
        """Take nothing more of a thing, and tell nobody of it, for as long as it is not reinstated."""
        self.table.update(_key(thing), "SET revoked = :yes REMOVE forget_at", {":yes": {"BOOL": True}})

    def reinstate(self, thing: ThingName) -> bool:
        """Take a revocation back; False where there was none."""
        return self.table.update(_key(thing), "REMOVE revoked", {}, "attribute_exists(revoked)")[0]


def _key(thing: ThingName) -> tuple[str, str]:
    return PARTITION, f"thing#{thing}"
