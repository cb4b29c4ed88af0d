"""`smartcam alerts redrive`: hand what has failed to the alerting again, and keep what fails every time.

Nothing is lost on the way: a message leaves its queue when it has been handed over, and the alerting
takes the same event twice without alerting twice.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from smartcam.edge.arguments import whole
from tools.alerts.letters import Action, PlannedAction, plan_undelivered, plan_unhandled, plan_untimely
from tools.alerts.stack import FAULTS, AlertsSite, find_site
from tools.command_line import Say, complain, new_parser

_HIDDEN_S: Final = 300
"""How long a message that is being examined is hidden from others."""
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
    say: Say
    dry: bool = False
    refused_too: bool = False
    most: int = 1000
    done: Counter[Action] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._sqs, self._lambda = self.site.client("sqs"), self.site.client("lambda")

    def run(self) -> Counter[Action]:
        """Go through every queue. Returns what became of its messages. Raises what AWS raises."""
        for name, plan in self._queues().items():
            # All are fetched before any is handed over: what fails again at once is left to the next run.
            letters = self._letters(name)
            kept = [letter for letter in letters if not self._handle(letter, plan(letter))]
            for letter in kept:
                self._give_back(letter)
        return self.done

    def _queues(self) -> Mapping[str, Callable[[Letter], PlannedAction]]:
        return {
            "ErrorQueueUrl": lambda letter: plan_undelivered(letter.body, letter.sent_ms),
            "FailureQueueUrl": lambda letter: plan_unhandled(letter.body, refused_too=self.refused_too),
            "UntimelyQueueUrl": lambda letter: plan_untimely(letter.body),
            "UnreachedQueueUrl": lambda _: PlannedAction(Action.KEEP, "", "SNS could not bring it to one subscriber"),
        }

    def _handle(self, letter: Letter, plan: PlannedAction) -> bool:
        """Whether the letter has left its queue."""
        self.done[plan.action] += 1
        self.say(f"{letter.queue} {letter.message_id}: {plan.action} ({plan.reason[:_REASON_SHOWN]})")
        if self.dry or plan.action is Action.KEEP:
            return False
        if plan.action is Action.INVOKE:
            function = self.site.output("FunctionName")
            self._lambda.invoke(FunctionName=function, InvocationType="Event", Payload=plan.body.encode())
        else:
            self._sqs.send_message(QueueUrl=self.site.output("TimerQueueUrl"), MessageBody=plan.body)
        self._sqs.delete_message(QueueUrl=self.site.output(letter.queue), ReceiptHandle=letter.receipt)
        return True

    def _letters(self, queue: str) -> list[Letter]:
        """Every message once, hidden from others meanwhile."""
        url, found = self.site.output(queue), dict[str, Letter]()
        while len(found) < self.most:
            batch = [_letter(queue, message) for message in self._receive(url)]
            if all(letter.message_id in found for letter in batch):
                break
            found |= {letter.message_id: letter for letter in batch}
        return list(found.values())

    def _receive(self, url: str) -> list[Any]:
        answer = self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=_BATCH, VisibilityTimeout=_HIDDEN_S, AttributeNames=["SentTimestamp"]
        )
        found: list[Any] = answer.get("Messages", [])
        return found

    def _give_back(self, letter: Letter) -> None:
        with suppress(ClientError):  # it is no longer hidden: others can see it already
            self._sqs.change_message_visibility(
                QueueUrl=self.site.output(letter.queue), ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )


def _letter(queue: str, message: Mapping[str, Any]) -> Letter:
    sent_ms = int(message["Attributes"]["SentTimestamp"])
    return Letter(queue, message["MessageId"], message["Body"], sent_ms, message["ReceiptHandle"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb. 1 when AWS cannot be reached or refuses."""
    parser = new_parser("alerts redrive", __doc__)
    parser.add_argument("--dry-run", action="store_true", help="only print what would be done")
    parser.add_argument("--refused", action="store_true", help="also hand over what was refused (after an update)")
    parser.add_argument(
        "--most", type=whole(1), default=1000, help="at most this many messages of each queue (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    try:
        redrive = Redrive(find_site(), print, arguments.dry_run, arguments.refused, arguments.most)
        done = redrive.run()
    except FAULTS as error:
        return complain("alerts", error)
    print(", ".join(f"{done[action]} x {action}" for action in Action if done[action]) or "nothing is waiting")
    return 0
