"""The operators' desk on AWS: queues, the table's notes, and the operations topic."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from infra.alerts.runtime.agreed import FLEET_PARTITION, ITEM_KEY
from infra.alerts.runtime.aws.dynamo import Item, Table, text
from infra.alerts.runtime.troubles import PARTITION, PREFIX
from infra.fleet.runtime.operating import MOST_STANDING, Depth, KnownConcern, Mail, Noted
from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields, dump_object, parse_object
from smartcam.contract.times import UtcNs

STANDING_ITEM: Final = "operations"
_WAITING, _TAKEN = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
_LONGEST_MEANS: Final = 1000

logger = logging.getLogger(__name__)


class DepthClient(Protocol):
    """The one call we make to SQS."""

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> Mapping[str, Mapping[str, str]]:  # noqa: N803 - AWS's
        """How full a queue is."""


class MailClient(Protocol):
    """The one call we make to SNS."""

    def publish(self, *, TopicArn: str, Subject: str, Message: str) -> object:  # noqa: N803 - AWS's
        """Send to everybody behind a topic."""


@dataclass(frozen=True, slots=True)
class AwsPremises:
    """`Premises`; `queues` are addresses by name."""

    table: Table
    sqs: DepthClient
    sns: MailClient
    queues: Mapping[str, str]
    topic_arn: str

    def depths(self) -> Mapping[str, Depth]:
        """See Premises."""
        return {name: self._depth(url) for name, url in self.queues.items()}

    def noted(self) -> Sequence[Noted]:
        """See Premises."""
        return [one for item in self.table.query(PARTITION, PREFIX) if (one := _noted(item)) is not None]

    def standing(self) -> Mapping[str, KnownConcern]:
        """See Premises. What cannot be read is as if nothing were known: rather told again than never."""
        item = self.table.get((FLEET_PARTITION, STANDING_ITEM), consistent=True)
        try:
            return {} if item is None else load_standing(item["document"]["S"])
        except (KeyError, TypeError, ContractError) as error:
            logger.error("operations_unreadable error=%r", error)  # noqa: TRY400 - the text says it
            return {}

    def keep(self, standing: Mapping[str, KnownConcern]) -> None:
        """See Premises."""
        values = {":document": text(dump_standing(standing))}
        self.table.update((FLEET_PARTITION, STANDING_ITEM), "SET document = :document", values)

    def tell(self, mail: Mail) -> None:
        """See Premises."""
        self.sns.publish(TopicArn=self.topic_arn, Subject=mail.subject, Message=mail.text)

    def _depth(self, url: str) -> Depth:
        said = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[_WAITING, _TAKEN])["Attributes"]
        return Depth(int(said[_WAITING]), int(said[_TAKEN]))


def _noted(item: Item) -> Noted | None:
    """A note; None, with a line in the log, where it is none: one of them must not hide the others."""
    try:
        word, subject = item[ITEM_KEY]["S"].removeprefix(PREFIX).split("#", 1)
        count, first_at, last_at = (int(item[name]["N"]) for name in ("count", "first_at", "last_at"))
    except (KeyError, ValueError, TypeError) as error:
        logger.error("trouble_unreadable item=%s error=%r", item.get(ITEM_KEY), error)  # noqa: TRY400 - the text says it
        return None
    return Noted(word, subject, count, UtcNs(first_at), UtcNs(last_at))


def dump_standing(standing: Mapping[str, KnownConcern]) -> str:
    """What is known as JSON."""
    items = [
        {"name": name, "since": one.since, "means": one.means[:_LONGEST_MEANS], "told_at": one.told_at}
        for name, one in standing.items()
    ]
    return dump_object({"standing": items}).decode()


def load_standing(document: str) -> dict[str, KnownConcern]:
    """The inverse. Raises ContractError naming the first wrong field."""
    found = {}
    for item in Fields(parse_object(document, "operations")).items("standing", MOST_STANDING):
        if not isinstance(item, dict):
            raise ContractError("standing", "must hold objects")
        fields = Fields(item, "standing")
        told_at = fields.optional_integer("told_at")
        found[fields.text("name", 512)] = KnownConcern(
            UtcNs(fields.integer("since")),
            fields.text("means", _LONGEST_MEANS),
            None if told_at is None else UtcNs(told_at),
        )
    return found


def queues_from(value: str) -> dict[str, str]:
    """The queues' addresses by name, from the function's environment. Raises ValueError."""
    found: dict[str, str] = json.loads(value)
    return found
