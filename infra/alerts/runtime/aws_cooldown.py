"""The cooldown in DynamoDB: one item per camera and kind, beside the camera's events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from infra.alerts.runtime.agreed import CAMERA_KEY, ITEM_KEY
from infra.alerts.runtime.aws_history import CONDITION_FAILED, number, partition, text
from infra.alerts.runtime.ports import Claim
from infra.alerts.runtime.render import MOST_COUNTED
from smartcam.contract.event import Event, Severity
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, UtcNs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import UpdateItemOutputTypeDef

RANK: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}

_CLAIM: Final = "SET held_by = :me, held_until = :until, held_rank = :rank, forget_at = :forget"
_CLAIMABLE: Final = (
    "(attribute_not_exists(sent_at) OR sent_at <= :horizon OR sent_rank < :rank) AND"
    " (attribute_not_exists(held_by) OR held_by = :me OR held_until <= :now OR held_rank < :rank)"
)
_SENT: Final = (
    "SET sent_at = :now, sent_rank = :rank, forget_at = :forget"
    " REMOVE held_by, held_until, held_rank DELETE held_back :told"
)
_ROOM: Final = "attribute_not_exists(held_back) OR size(held_back) < :most"


@dataclass(frozen=True, slots=True)
class DynamoCooldown:
    """A `Cooldown` of `cooldown_s` seconds. Held-back ids are a set, so that counting one twice counts it once."""

    client: "DynamoDBClient"
    table: str
    cooldown_s: int
    lease_s: int
    keep_s: int

    def claim(self, event: Event, now: UtcNs) -> Claim | None:
        """See Cooldown."""
        values: dict[str, Mapping[str, object]] = {
            ":me": text(event.event_id),
            ":until": number(now + self.lease_s * NS_PER_S),
            ":rank": number(RANK[event.severity]),
            ":horizon": number(now - self.cooldown_s * NS_PER_S),
            ":now": number(now),
            ":forget": self._forget(now),
        }
        answer = self._update(event, _CLAIM, _CLAIMABLE, values)
        if answer is None:
            return None
        held_back = answer["Attributes"].get("held_back", {}).get("SS", [])
        return Claim(frozenset(EventId(one) for one in held_back))

    def hold_back(self, event: Event, now: UtcNs) -> None:
        """See Cooldown."""
        values = {":me": {"SS": [event.event_id]}, ":most": number(MOST_COUNTED), ":forget": self._forget(now)}
        self._update(event, "SET forget_at = :forget ADD held_back :me", _ROOM, values)

    def sent(self, event: Event, claim: Claim, now: UtcNs) -> None:
        """See Cooldown."""
        values: dict[str, Mapping[str, object]] = {
            ":me": text(event.event_id),
            ":rank": number(RANK[event.severity]),
            ":now": number(now),
            ":told": {"SS": sorted(claim.held_back | {event.event_id})},
            ":forget": self._forget(now),
        }
        self._update(event, _SENT, "held_by = :me", values)

    def release(self, event: Event) -> None:
        """See Cooldown."""
        self._update(event, "REMOVE held_by, held_until, held_rank", "held_by = :me", {":me": text(event.event_id)})

    def _forget(self, now: UtcNs) -> dict[str, str]:
        return number(now // NS_PER_S + self.keep_s)

    def _update(
        self, event: Event, update: str, condition: str, values: Mapping[str, object]
    ) -> "UpdateItemOutputTypeDef | None":
        """The item after the update; None where the condition does not hold."""
        try:
            return self.client.update_item(
                TableName=self.table,
                Key={CAMERA_KEY: text(partition(event)), ITEM_KEY: text(f"cooldown#{event.kind}")},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,  # type: ignore[arg-type]  # the stub wants its own invariant union
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            return None


class NoCooldown:
    """A `Cooldown` of no seconds: every event alerts, and nothing is kept."""

    def claim(self, event: Event, now: UtcNs) -> Claim | None:  # noqa: ARG002
        """See Cooldown."""
        return Claim()

    def hold_back(self, event: Event, now: UtcNs) -> None:
        """See Cooldown."""

    def sent(self, event: Event, claim: Claim, now: UtcNs) -> None:
        """See Cooldown."""

    def release(self, event: Event) -> None:
        """See Cooldown."""
