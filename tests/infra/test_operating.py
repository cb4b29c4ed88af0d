"""What operators hear of: once as it begins, once a day while it lasts, once when it is over, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from infra.alerts.asset import ROOT
from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.troubles import PARTITION, PREFIX, Trouble
from infra.fleet.runtime.desk import Desk, Premises
from infra.fleet.runtime.device import Device, Fleet
from infra.fleet.runtime.judging import Policy
from infra.fleet.runtime.operating import (
    AGAIN_S,
    MOST_STANDING,
    QUIET_S,
    Concern,
    Depth,
    KnownConcern,
    Mail,
    Noted,
    concerns,
    review,
)
from infra.fleet.runtime.premises import AwsPremises, dump_standing, load_standing, queues_from
from infra.fleet.runtime.watching import Watching
from smartcam.contract.errors import ContractError
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.registry import FakeAlerts, FakeRegistry
from tests.infra.conftest import REGION
from tests.infra.sample import NOON

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PI = ThingName("pi-1")
QUEUES = ("Undelivered", "Unhandled", "Untimely", "Unreached", "Timers")


def at(second: int) -> UtcNs:
    return UtcNs(NOON + second * NS_PER_S)


@dataclass
class FakePremises:
    """Queues, notes and a mailbox; while `down` no mail goes out."""

    filled: dict[str, Depth] = field(default_factory=lambda: dict.fromkeys(QUEUES, Depth(0)))
    notes: list[Noted] = field(default_factory=list)
    known: Mapping[str, KnownConcern] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    looks: int = 0
    down: bool = False

    def depths(self) -> Mapping[str, Depth]:
        self.looks += 1
        return self.filled

    def noted(self) -> Sequence[Noted]:
        return self.notes

    def standing(self) -> Mapping[str, KnownConcern]:
        return self.known

    def keep(self, standing: Mapping[str, KnownConcern]) -> None:
        self.known = load_standing(dump_standing(standing))

    def tell(self, mail: Mail) -> None:
        if self.down:
            raise OSError("SNS is down")
        self.mails.append(mail)


@dataclass
class Site:
    premises: FakePremises = field(default_factory=FakePremises)
    devices: list[Device] = field(default_factory=list)
    fleet: Fleet = field(default_factory=Fleet)

    def look(self, first: int, last: int) -> list[str]:
        """The subjects of the mails of the looks in these seconds, one a minute."""
        before = len(self.premises.mails)
        for second in range(first, last, 60):
            Desk(self.premises).look(self.devices, self.fleet, at(second))
        return [mail.subject for mail in self.premises.mails[before:]]


def test_dead_letters_are_told_of_once_then_daily_and_once_more_when_they_are_gone() -> None:
    site = Site()
    assert site.look(0, 3600) == []
    site.premises.filled["Unhandled"] = Depth(2)
    assert site.look(3600, 86_400) == [
        "Smartcam operations: 2 in Unhandled: messages that a function failed on, or refused because they bre"
    ]
    assert "smartcam alerts redrive" in site.premises.mails[0].text
    assert len(site.look(86_400, 86_400 + 7200)) == 1
    assert "Still so:" in site.premises.mails[-1].text
    site.premises.filled["Unhandled"] = Depth(0)
    [over] = site.look(90_000 + 7200, 180_000 + 86_400)
    assert over.startswith("Smartcam operations: over: ")


@pytest.mark.parametrize("name", QUEUES[:4])
def test_every_queue_of_failures_is_looked_at_also_while_somebody_holds_its_letters(name: str) -> None:
    site = Site()
    site.premises.filled[name] = Depth(0, taken=1)
    [subject] = site.look(0, 300)
    assert f"1 in {name}" in subject


def test_events_that_nobody_takes_are_told_of_after_five_minutes_and_a_short_wait_is_not() -> None:
    site = Site()
    site.premises.filled["Timers"] = Depth(3)
    assert site.look(0, 240) == []
    site.premises.filled["Timers"] = Depth(0, taken=3)
    assert site.look(300, 600) == []
    site.premises.filled["Timers"] = Depth(3)
    assert site.look(600, 900) == []
    assert len(site.look(900, 960)) == 1


@pytest.mark.parametrize("word", list(Trouble))
def test_every_word_of_the_alerting_has_its_meaning_and_its_remedy_and_is_over_after_an_hour(word: Trouble) -> None:
    site = Site()
    site.premises.notes = [Noted(word, "yard-7", 120, at(0), at(100))]
    assert len(site.look(0, 3600)) == 1
    text = site.premises.mails[0].text
    assert "120 times since 2026-03-01T12:00:00" in text
    assert "the alerting notes" not in text
    assert len(site.look(3600, 3600 + QUIET_S)) == 1
    assert site.premises.mails[1].text.startswith("Over:")


@pytest.mark.parametrize("word", [word for word in Trouble if word is not Trouble.SMS_NEARLY])
def test_whose_trouble_it_is_stands_in_the_mail(word: Trouble) -> None:
    site = Site()
    site.premises.notes = [Noted(word, whose, 1, at(0), at(100)) for whose in ("yard-7", "yard-8")]
    site.look(0, 300)
    assert {whose for whose in ("yard-7", "yard-8") if whose in site.premises.mails[0].text} == {"yard-7", "yard-8"}


def test_sms_that_a_device_used_up_alone_are_not_laid_to_the_sites_limit() -> None:
    site = Site()
    site.premises.notes = [
        Noted("sms_withheld", "yard-7", 1, at(0), at(100)),
        Noted("sms_withheld", "", 1, at(0), at(9)),
    ]
    site.look(0, 300)
    text = site.premises.mails[0].text
    assert "SMS of yard-7 were held back" in text
    assert "SMS of digests were held back" in text
    assert "sms_a_day_per_thing" in text


def test_a_word_of_a_newer_alerting_is_told_as_it_is() -> None:
    site = Site()
    site.premises.notes = [Noted("novel", "yard-7", 1, at(0), at(100))]
    site.look(0, 300)
    assert "the alerting notes novel of yard-7" in site.premises.mails[0].text


def test_a_thing_that_sends_without_end_is_named_with_the_command_that_revokes_it() -> None:
    site = Site()
    site.premises.notes = [Noted("over_bound", "yard-7", 9000, at(0), at(100))]
    site.look(0, 300)
    assert "smartcam alerts devices revoke --thing yard-7" in site.premises.mails[0].text


def test_a_thing_whose_health_messages_are_too_many_is_named_the_same_way() -> None:
    site = Site(devices=[Device(PI, at(0), at(0), loud_at=at(0))])
    site.look(0, 300)
    assert "smartcam alerts devices revoke --thing pi-1" in site.premises.mails[0].text


def test_a_device_that_cannot_be_read_is_told_of_within_the_minute() -> None:
    site = Site(devices=[Device(PI, at(0), at(0), damage="cameras: must have at most 256 items")])
    [subject] = site.look(60, 120)
    assert "pi-1" in subject
    assert "cameras: must have at most 256 items" in site.premises.mails[0].text
    site.devices = [Device(PI, at(0), at(0))]
    assert len(site.look(120, 600)) == 1


def test_a_fleet_that_cannot_be_read_is_told_of_too() -> None:
    site = Site(fleet=Fleet(damage="fleet: is not JSON"))
    [subject] = site.look(60, 120)
    assert "the whole fleet" in subject


def test_queues_are_asked_every_five_minutes_and_no_more() -> None:
    site = Site()
    site.look(0, 3600)
    assert site.premises.looks == 12


def test_a_mail_that_sns_does_not_take_is_tried_again_by_the_next_look() -> None:
    site = Site()
    site.premises.filled["Unhandled"] = Depth(1)
    site.premises.down = True
    with pytest.raises(OSError, match="down"):
        site.look(0, 60)
    assert site.premises.known == {}
    site.premises.down = False
    assert len(site.look(300, 360)) == 1


def test_a_desk_that_fails_keeps_no_device_from_being_judged_and_the_check_fails_aloud() -> None:
    alerts, premises = FakeAlerts(), FakePremises(down=True)
    premises.filled["Unhandled"] = Depth(1)
    registry = FakeRegistry({PI: Device(PI, at(0), at(0), revision=1)})
    with pytest.raises(OSError, match="down"):
        Watching(registry, alerts, Policy(), Desk(premises)).check(at(3600))
    assert [event.kind.value for event in alerts.alerts] == ["device_lost"]


def test_a_check_that_fails_keeps_no_operator_from_hearing_of_the_queues() -> None:
    class Broken(FakeAlerts):
        def hand_over(self, event: object) -> None:
            raise OSError(f"Lambda is down: {event!r}")

    premises = FakePremises()
    premises.filled["Unhandled"] = Depth(1)
    registry = FakeRegistry({PI: Device(PI, at(0), at(0), revision=1)})
    with pytest.raises(OSError, match="Lambda is down"):
        Watching(registry, Broken(), Policy(), Desk(premises)).check(at(3600))
    assert len(premises.mails) == 1


names = st.sampled_from([f"letters#{name}" for name in "abcdef"])
steps = st.lists(st.tuples(st.sets(names), st.integers(1, 2 * AGAIN_S)), min_size=1, max_size=20)


@given(steps)
def test_each_concern_is_told_as_often_as_it_begins_ends_and_lasts_for_a_day(plan: list[tuple[set[str], int]]) -> None:
    known: Mapping[str, KnownConcern] = {}
    second, told = 0, dict[str, int]()
    for present, pause_s in plan:
        second += pause_s
        before = known
        known, mail = review(before, [Concern(name, f"<{name}>", "-") for name in sorted(present)], at(second))
        assert set(known) == present
        for name in present | set(before):
            lasts = name in before and second - told[name] >= AGAIN_S
            news = (name in present) != (name in before) or lasts
            assert news == (mail is not None and f"<{name}>" in mail.text), name
            told[name] = second if news else told[name]
        if present == set(before) and mail is not None:
            assert "Still so:" in mail.text


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.builds(
            Noted,
            word=st.sampled_from([*Trouble, "novel"]),
            subject=st.text(max_size=300),
            count=st.integers(0, 10**9),
            first_at=st.integers(0, 2**62).map(UtcNs),
            last_at=st.just(NOON),
        ),
        max_size=150,
    )
)
def test_whatever_is_noted_what_is_kept_of_it_can_be_read_again_and_the_mail_fits(noted: list[Noted]) -> None:
    found = concerns({}, noted, [], Fleet(), NOON)
    known, mail = review({}, found, NOON)
    assert len(known) <= MOST_STANDING
    assert load_standing(dump_standing(known)) == known
    if mail is not None:
        assert len(mail.text.encode()) < 256_000
        assert len(mail.subject) <= 100
        assert mail.subject.isascii()
        assert mail.subject.isprintable()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"standing": [1]}', '{"standing": [{"name": "a"}]}'])
def test_what_was_known_and_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(ContractError):
        load_standing(text)


@pytest.fixture
def premises(dynamodb: "DynamoDBClient") -> AwsPremises:
    """Real clients on an account in this process."""
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}
    topic = sns.create_topic(Name="operations")["TopicArn"]
    return AwsPremises(Table(dynamodb, "history"), sqs, sns, urls, topic)


def told(premises: AwsPremises) -> list[str]:
    topic = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[premises.topic_arn]
    return [str(subject) for _, _, subject, _, _ in topic.sent_notifications]


def test_on_aws_the_queues_the_notes_and_what_is_known_are_found_and_the_mail_goes_out(
    premises: AwsPremises, dynamodb: "DynamoDBClient"
) -> None:
    def note(item: str, **attributes: str) -> None:
        key = {"camera": {"S": PARTITION}, "item": {"S": PREFIX + item}}
        dynamodb.put_item(TableName="history", Item={**key, **{name: {"N": one} for name, one in attributes.items()}})

    premises.sqs.send_message(QueueUrl=premises.queues["Unreached"], MessageBody="x")  # type: ignore[attr-defined]
    note("over_bound#yard-1", count="5", first_at=str(at(0)), last_at=str(at(0)))
    note("over_bound#broken", count="5")
    note("nothing", count="5", first_at="1", last_at="1")
    desk: Premises = premises
    assert desk.depths()["Unreached"] == Depth(1)
    assert [one.subject for one in desk.noted()] == ["yard-1"]
    for second in (0, 300, 600):
        Desk(desk).look([], Fleet(), at(second))
    assert len(told(premises)) == 1
    assert set(desk.standing()) == {"letters#Unreached", "over_bound#yard-1"}


def test_what_was_known_and_is_damaged_is_told_again_and_mended(
    premises: AwsPremises, dynamodb: "DynamoDBClient"
) -> None:
    key = {"camera": {"S": "fleet"}, "item": {"S": "operations"}}
    dynamodb.put_item(TableName="history", Item={**key, "document": {"S": "?"}})
    premises.sqs.send_message(QueueUrl=premises.queues["Unreached"], MessageBody="x")  # type: ignore[attr-defined]
    Desk(premises).look([], Fleet(), at(0))
    assert set(premises.standing()) == {"letters#Unreached"}


def test_the_page_names_every_queue_and_every_word_that_operators_may_hear() -> None:
    page = (ROOT / "docs/alerts.md").read_text()
    table = page[page.index("## When something fails") : page.index("### Who hears of it")]
    for name in QUEUES[:4]:
        assert f"*{name}*" in table
    for word in Trouble:
        assert f"`{word}`" in table


def test_the_queues_come_from_the_environment_by_name() -> None:
    assert queues_from('{"Timers": "https://queue"}') == {"Timers": "https://queue"}
