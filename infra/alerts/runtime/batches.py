"""A batch of the queue's messages: events and jobs, alarms first, and each for itself when it fails."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from infra.alerts.runtime.agreed import TIMEOUT_S
from infra.alerts.runtime.delivery import NOBODY, Delivery, Unreadable, read_delivery
from infra.alerts.runtime.guarding import Denied
from infra.alerts.runtime.jobs import job_from
from infra.alerts.runtime.timekeeping import Timekeeping, is_alarm
from smartcam.contract.ids import ThingName
from smartcam.contract.reading import parse_object

ROOM_S: Final = TIMEOUT_S / 2
"""How long messages of one batch are begun: being killed would bring back those that are done, too."""

T = TypeVar("T")
_Published = tuple[str, Delivery | Unreadable]

logger = logging.getLogger(__name__)


def take(timekeeping: Timekeeping, document: Mapping[str, object]) -> str:
    """Take what was handed over directly, a delivery or a job: their words tell them apart. Raises ContractError."""
    if "job" in document:
        return _do(timekeeping, document)
    delivery = read_delivery(document)
    if delivery.thing == NOBODY and isinstance(delivery, Unreadable):
        raise delivery.error
    return timekeeping.take_own(delivery)


def _do(timekeeping: Timekeeping, document: Mapping[str, object]) -> str:
    due, job = job_from(document)
    word = timekeeping.do(due, job)
    logger.info("job_done job=%s outcome=%s", type(job).__name__, word)
    return word


@dataclass
class Batch:
    """Takes each message, and keeps the ids of those that `failed`: none of them brings the others back."""

    timekeeping: Timekeeping
    clock: Callable[[], float]
    failed: list[str] = field(default_factory=list)

    def take(self, records: Sequence[Mapping[str, str]]) -> list[str]:
        """Returns the ids of the messages that must come again."""
        begun, urgent, calm = self.clock(), list[_Task](), list[_Task]()
        published: dict[ThingName, list[_Published]] = {}
        for record in records:
            document = self._try(record["messageId"], partial(parse_object, record["body"], "body"))
            if document is None:
                continue
            if "job" in document:
                urgent.append(_Task(record["messageId"], partial(_do, self.timekeeping, document)))
                continue
            delivery = read_delivery(document)
            published.setdefault(delivery.thing, []).append((record["messageId"], delivery))
        for thing, deliveries in sorted(published.items(), key=lambda one: len(one[1])):
            self._admit(thing, deliveries, urgent, calm)
        for task in urgent + calm:
            if self.clock() - begun > ROOM_S:
                self.failed.append(task.message_id)
            else:
                self._try(task.message_id, task.work)
        return self.failed

    def _admit(
        self, thing: ThingName, deliveries: Sequence[_Published], urgent: list["_Task"], calm: list["_Task"]
    ) -> None:
        """Sort what is taken of a thing; whoever has sent less comes first among equals."""
        ids, of_thing = [one[0] for one in deliveries], [one[1] for one in deliveries]
        answers = self._try(ids[0], partial(self.timekeeping.admit, thing, of_thing))
        if answers is None:
            self.failed += ids[1:]
            return
        for message_id, delivery, answer in zip(ids, of_thing, answers, strict=True):
            if not isinstance(answer, Denied):
                tasks = urgent if is_alarm(delivery) else calm
                tasks.append(_Task(message_id, partial(self.timekeeping.take_admitted, delivery, answer)))

    def _try(self, message_id: str, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except Exception:  # the edge of the loop: the queue brings the message again, and keeps it after many times
            logger.exception("message_failed id=%s", message_id)
            self.failed.append(message_id)
            return None


@dataclass(frozen=True, slots=True)
class _Task:
    """What is left to do for a message."""

    message_id: str
    work: Callable[[], object]
