"""What operators should hear of is counted, and written seldom."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.troubles import KEPT_S, DynamoTroubles
from infra.alerts.runtime.troubles import PACE_S, PacedTroubles, Trouble
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.infra.sample import NOON, Now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass
class Notebook:
    now: Now = field(default_factory=Now)
    lines: list[tuple[str, str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.troubles = PacedTroubles(
            lambda word, subject, count, _: self.lines.append((word, subject, count)), self.now
        )


def test_a_trouble_is_written_at_once_and_then_with_its_count_once_a_minute() -> None:
    book = Notebook()
    for _ in range(100 * PACE_S):
        book.troubles.note(Trouble.OVER_BOUND, "yard-1")
        book.now.advance(0.01)
    book.troubles.note(Trouble.OVER_BOUND, "yard-1", 5)
    assert book.lines == [("over_bound", "yard-1", 1), ("over_bound", "yard-1", 100 * PACE_S - 1 + 5)]


def test_words_and_subjects_do_not_wait_for_each_other() -> None:
    book = Notebook()
    book.troubles.note(Trouble.OVER_BOUND, "yard-1")
    book.troubles.note(Trouble.OVER_BOUND, "yard-2")
    book.troubles.note(Trouble.SMS_WITHHELD)
    assert [line[:2] for line in book.lines] == [
        ("over_bound", "yard-1"),
        ("over_bound", "yard-2"),
        ("sms_withheld", ""),
    ]


def test_what_devices_say_cannot_fill_the_memory_with_subjects() -> None:
    book = Notebook()
    for number in range(10_000):
        book.troubles.note(Trouble.REFUSED, f"thing-{number}")
    assert len(book.troubles.noted) <= 256


def test_the_table_adds_up_what_several_processes_write(dynamodb: "DynamoDBClient") -> None:
    troubles = DynamoTroubles(Table(dynamodb, "history"))
    troubles.write(Trouble.REFUSED, "yard-1", 3, NOON)
    troubles.write(Trouble.REFUSED, "yard-1", 4, UtcNs(NOON + NS_PER_S))
    [item] = dynamodb.scan(TableName="history")["Items"]
    assert item == {
        "camera": {"S": "guard"},
        "item": {"S": "trouble#refused#yard-1"},
        "count": {"N": "7"},
        "first_at": {"N": str(NOON)},
        "last_at": {"N": str(NOON + NS_PER_S)},
        "forget_at": {"N": str(NOON // NS_PER_S + 1 + KEPT_S)},
    }


def test_a_table_that_does_not_take_a_trouble_fails_no_alert(dynamodb: "DynamoDBClient") -> None:
    DynamoTroubles(Table(dynamodb, "another")).write(Trouble.REFUSED, "yard-1", 1, NOON)
