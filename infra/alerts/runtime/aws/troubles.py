"""Troubles in DynamoDB: an item for each word and subject, added up until somebody reads it."""

import logging
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.alerts.runtime.aws.dynamo import Table, number, seconds
from infra.alerts.runtime.troubles import PARTITION, PREFIX, Trouble
from smartcam.contract.times import UtcNs

KEPT_S: Final = 7 * 86_400
_ADD: Final = "SET first_at = if_not_exists(first_at, :now), last_at = :now, forget_at = :forget ADD #count :count"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DynamoTroubles:
    """Adds a count to a trouble's item: `count`, `first_at` and `last_at` in nanoseconds, `forget_at` in seconds."""

    table: Table

    def write(self, word: Trouble, subject: str, count: int, now: UtcNs) -> None:
        """Add; what the table does not take is logged and lost, because an alert must not fail for it."""
        values = {":now": number(now), ":forget": seconds(now, KEPT_S), ":count": number(count)}
        try:
            self.table.update((PARTITION, f"{PREFIX}{word}#{subject}"), _ADD, values, names={"#count": "count"})
        except (BotoCoreError, ClientError) as error:
            logger.warning("trouble_not_noted word=%s subject=%s count=%d error=%s", word, subject, count, error)
