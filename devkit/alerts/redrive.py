"""`python -m devkit alerts redrive`: hand what has failed to the alerting once more, and keep what is poison.

Nothing is lost on the way: a message leaves its queue when it has been handed over, and the alerting
takes the same event twice without alerting twice.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from devkit.alerts.letters import Action, Plan, plan_undelivered, plan_unhandled, plan_untimely
from devkit.alerts.stack import AlertsSite, StackError, find_site

_HIDDEN_S: Final = 60
"""So long a message that is being looked at is hidden from others."""
_BATCH: Final = 10
_REASON_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of a queue of failures."""

    queue: str
    message_id: str
    body: str
    sent_ms: int
    receipt: str


@dataclass
class Redrive:
    """Looks through the queues of one deployed alerting."""

    site: AlertsSite
    say: Callable[[str], None]
    dry: bool = False
    refused_too: bool = False
    most: int = 1000
    done: Counter[Action] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._sqs, self._lambda = self.site.client("sqs"), self.site.client("lambda")

    def run(self) -> Counter[Action]:
        """Go through every queue. Returns what became of its messages. Raises what AWS raises."""
        for name, plan in self._queues().items():
            for letter in self._letters(name):
                self._handle(letter, plan(letter))
        return self.done

    def _queues(self) -> Mapping[str, Callable[[Letter], Plan]]:
        return {
            "ErrorQueueUrl": lambda letter: plan_undelivered(letter.body, letter.sent_ms),
            "FailureQueueUrl": lambda letter: plan_unhandled(letter.body, refused_too=self.refused_too),
            "UntimelyQueueUrl": lambda letter: plan_untimely(letter.body),
            "UnreachedQueueUrl": lambda _: Plan(Action.KEEP, "", "SNS could not bring it to one subscriber"),
        }

    def _handle(self, letter: Letter, plan: Plan) -> None:
        self.done[plan.action] += 1
        self.say(f"{letter.queue} {letter.message_id}: {plan.action} ({plan.reason[:_REASON_SHOWN]})")
        if self.dry or plan.action is Action.KEEP:
            return
        if plan.action is Action.INVOKE:
            function = self.site.output("FunctionName")
            self._lambda.invoke(FunctionName=function, InvocationType="Event", Payload=plan.body.encode())
        else:
            self._sqs.send_message(QueueUrl=self.site.output("TimerQueueUrl"), MessageBody=plan.body)
        self._sqs.delete_message(QueueUrl=self.site.output(letter.queue), ReceiptHandle=letter.receipt)

    def _letters(self, queue: str) -> Iterator[Letter]:
        """Every message once; what is kept is given back to the queue at the end."""
        url, kept = self.site.output(queue), dict[str, str]()
        try:
            while len(kept) < self.most:
                batch = self._receive(url)
                new = [message for message in batch if message["MessageId"] not in kept]
                for message in new:
                    kept[message["MessageId"]] = message["ReceiptHandle"]
                    sent_ms = int(message["Attributes"]["SentTimestamp"])
                    yield Letter(queue, message["MessageId"], message["Body"], sent_ms, message["ReceiptHandle"])
                if not new:
                    return
        finally:
            for receipt in kept.values():
                self._give_back(url, receipt)

    def _receive(self, url: str) -> list[Any]:
        answer = self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=_BATCH, VisibilityTimeout=_HIDDEN_S, AttributeNames=["SentTimestamp"]
        )
        found: list[Any] = answer.get("Messages", [])
        return found

    def _give_back(self, url: str, receipt: str) -> None:
        try:
            self._sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
        except ClientError:
            # It was deleted, or has become visible by itself.
            return


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb. 1 when AWS cannot be reached or refuses."""
    parser = argparse.ArgumentParser(prog="python -m devkit alerts redrive", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument(
        "--refused", action="store_true", help="hand over again what was refused, too (after an update)"
    )
    parser.add_argument("--most", type=int, default=1000, help="messages of a queue at most (default: %(default)s)")
    arguments = parser.parse_args(argv)
    try:
        redrive = Redrive(find_site(), print, arguments.dry_run, arguments.refused, arguments.most)
        done = redrive.run()
    except (StackError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(", ".join(f"{done[action]} x {action}" for action in Action))
    return 0
