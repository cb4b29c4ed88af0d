"""The function from its door to AWS, on whole deliveries; moto stands for AWS in this process."""

import base64
import json
import logging
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import boto3
import pytest
from botocore.client import BaseClient
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iotdata.models import iotdata_backends
from moto.sqs.models import sqs_backends

from infra.alerts.asset import ROOT
from infra.alerts.infrastructure import EVENT_SQL
from infra.alerts.runtime import handler
from infra.alerts.runtime.agreed import LEASE_S
from infra.alerts.runtime.aws.dynamo import Table
from infra.alerts.runtime.aws.guards import DynamoGuards
from infra.alerts.runtime.aws.outward import SnsNotifier
from infra.alerts.runtime.guarding import BURST
from infra.alerts.runtime.handler import FunctionSettings
from infra.alerts.runtime.jobs import DeliverAgain, Job, SendWaiting, job_from_json, job_to_json
from infra.subscribers import SubscriberGroup, audience_text
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import ContractError
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.infra.conftest import REGION
from tests.infra.sample import NOON, raised, rule_output
from tools.alerts.letters import MOST_REDRIVES, Action, plan_unhandled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVENTS = ROOT / "tests/events"
ALL_TAKEN = {"batchItemFailures": list[object]()}
Calls = Counter[str]
PERSON = EventId("019ca945-080c-7f3a-9c0e-71d24b8866aa")


def whole(name: str) -> dict[str, object]:
    document: dict[str, object] = json.loads((EVENTS / f"rule_{name}.json").read_text())
    return document


@dataclass
class Account:
    """What the function finds in its account, and what one sees there afterwards."""

    topic_arn: str
    refused: str
    dynamodb: "DynamoDBClient"
    alerts: str
    timers: str

    def states(self) -> list[str]:
        items = self.dynamodb.scan(TableName="history")["Items"]
        return [item["alert_state"]["S"] for item in items if "alert_state" in item]

    def acknowledgements(self) -> list[tuple[str, Acknowledgement]]:
        published = iotdata_backends[DEFAULT_ACCOUNT_ID][REGION].published_payloads
        return [(topic, Acknowledgement.from_json(payload)) for topic, payload in published]

    def timer(self) -> tuple[UtcNs, Job]:
        """The only timer that is set; taking it takes it away."""
        backend = sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues["timers"]
        [message] = backend._messages
        backend._messages.clear()
        return job_from_json(message.body)

    def messages(self, queue: str) -> list[dict[str, object]]:
        answer = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


@pytest.fixture
def account(dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic_arn = sns.create_topic(Name="alerts")["TopicArn"]
    refused = sqs.create_queue(QueueName="refused")["QueueUrl"]
    alerts = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    timers = sqs.create_queue(QueueName="timers")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=alerts, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
    environment = {
        "TABLE_NAME": "history",
        "TOPIC_ARNS": json.dumps([topic_arn]),
        "AUDIENCE": audience("Europe/Berlin"),
        "REFUSED_QUEUE_URL": refused,
        "TIMER_QUEUE_URL": timers,
        "COOLDOWN_SECONDS": "300",
        "HISTORY_DAYS": "90",
        "SMS_PER_DAY": "30",
        "SMS_PER_THING": "20",
    }
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr("time.time_ns", lambda: NOON)
    handler._works.cache_clear()
    yield Account(topic_arn, refused, dynamodb, alerts, timers)
    handler._works.cache_clear()
    sns.delete_topic(TopicArn=topic_arn)
    for queue in (refused, alerts, timers):
        sqs.delete_queue(QueueUrl=queue)
    iotdata_backends[DEFAULT_ACCOUNT_ID][REGION].published_payloads.clear()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every call to AWS, by its name."""
    counted: Calls = Counter()
    real: Callable[..., object] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(client: BaseClient, operation: str, arguments: object) -> object:
        counted[operation] += 1
        return real(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", counting)
    return counted


def audience(zone: str) -> str:
    group = SubscriberGroup(emails=("anna@example.org",), phones=("+4915112345678",))
    return audience_text((group,), zone, {})


def ringing(due: UtcNs, job: Job) -> dict[str, object]:
    """A job as the queue hands it to the function."""
    return {"Records": [{"messageId": "1", "body": job_to_json(due, job), "attributes": {}}]}


def test_a_person_is_alerted_once_however_often_the_event_comes(account: Account) -> None:
    assert [handler.handle(whole("person_raised"), None) for _ in range(3)] == ["sent", "repeated", "repeated"]
    [message] = account.messages(account.alerts)
    attributes = cast("dict[str, dict[str, str]]", message["MessageAttributes"])
    assert {name: one["Value"] for name, one in attributes.items()} == {
        "event_id": PERSON,
        "thing": "yard-1",
        "camera_id": "gate",
        "kind": "person",
        "severity": "warning",
        "alert_number": "301226",
        "purpose": "alert",
        "sms": "allowed",
        "AWS.SNS.SMS.SMSType": "Transactional",
    }
    assert account.states() == ["SENT"]
    accepted = ("smartcam/v1/yard-1/ack", Acknowledgement(PERSON, Phase.RAISED, AckStatus.ACCEPTED, revision=0))
    assert account.acknowledgements() == [accepted] * 3


def test_the_end_of_an_episode_completes_its_item(account: Account) -> None:
    handler.handle(whole("person_raised"), None)
    assert handler.handle(whole("person_cleared"), None) == "completed"
    [item] = [item for item in account.dynamodb.scan(TableName="history")["Items"] if "raised" in item]
    assert item["ended_at"] == {"S": "2026-03-01T12:00:08.500Z"}
    assert account.acknowledgements()[-1][1] == Acknowledgement(PERSON, Phase.CLEARED, AckStatus.ACCEPTED, revision=0)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("anomaly_of_unknown_age", "sent"),
        ("camera_lost_a_week_ago", "stale"),
        ("person_from_another_thing", "refused"),
        ("schema_of_tomorrow", "refused"),
        ("not_json", "refused"),
    ],
)
def test_whole_deliveries_lead_to_what_they_must(account: Account, name: str, outcome: str) -> None:
    assert handler.handle(whole(name), None) == outcome
    assert len(account.messages(account.alerts)) == (1 if outcome == "sent" else 0)
    assert len(account.acknowledgements()) == (0 if name == "not_json" else 1)


def test_what_is_refused_is_kept_as_it_came_with_the_reason(account: Account) -> None:
    handler.handle(whole("person_from_another_thing"), None)
    [kept] = account.messages(account.refused)
    assert kept["requestPayload"] == whole("person_from_another_thing")
    assert kept["requestContext"] == {"condition": "Refused"}
    assert kept["responsePayload"] == {
        "errorType": "ContractError",
        "errorMessage": "thing: must be yard-1, as in the topic",
    }
    assert account.states() == []


def test_the_cooldown_of_the_environment_is_kept(account: Account) -> None:
    handler.handle(rule_output(raised(1).to_json()), None)
    assert handler.handle(rule_output(raised(2).to_json()), None) == "suppressed"
    assert sorted(account.states()) == ["SENT", "SUPPRESSED"]


def test_no_cooldown_keeps_no_item(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOLDOWN_SECONDS", "0")
    assert [handler.handle(rule_output(raised(number).to_json()), None) for number in (1, 2)] == ["sent", "sent"]
    items = [item["item"]["S"] for item in account.dynamodb.scan(TableName="history")["Items"]]
    assert not [item for item in items if item.startswith("window#")]


def test_while_its_topic_is_gone_an_event_stays_recorded_and_a_timer_brings_it_back(account: Account) -> None:
    boto3.client("sns").delete_topic(TopicArn=account.topic_arn)
    assert handler.handle(whole("person_raised"), None) == "deferred"
    assert account.states() == ["RECORDED"]
    assert len(account.acknowledgements()) == 1
    due, job = account.timer()
    assert (due, job) == (NOON + 5 * NS_PER_S, SendWaiting("everyone"))


def test_a_timer_that_rings_too_early_is_set_again_and_one_that_is_due_is_done(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler.handle(rule_output(raised(1).to_json()), None)
    assert handler.handle(rule_output(raised(2).to_json()), None) == "suppressed"
    due, job = account.timer()
    assert handler.handle(ringing(due, job), None) == ALL_TAKEN
    assert account.timer() == (due, job)
    monkeypatch.setattr("time.time_ns", lambda: due)
    assert handler.handle(ringing(due, job), None) == ALL_TAKEN
    messages = account.messages(account.alerts)
    purposes = [cast("dict[str, dict[str, str]]", one["MessageAttributes"])["purpose"]["Value"] for one in messages]
    assert purposes == ["alert", "closing"]


def by_queue(*bodies: object) -> dict[str, object]:
    """A batch as the queue hands it over; a text stays as it is."""
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{"messageId": str(number), "body": text} for number, text in enumerate(texts)]}


def failed(*numbers: int) -> dict[str, object]:
    return {"batchItemFailures": [{"itemIdentifier": str(number)} for number in numbers]}


def test_what_nobody_can_read_comes_again_from_the_queue_and_keeps_nothing_else_from_being_taken(
    account: Account,
) -> None:
    bad = ("{}", '{"schema":2,"due_ms":0,"job":"close"}', '{"schema":1,"due_ms":0,"job":"dance"}', "no", "[]", "null")
    batch = by_queue(*bad[:3], whole("person_raised"), *bad[3:])
    assert handler.handle(batch, None) == failed(4, 5, 6, 1, 2)
    assert account.states() == ["SENT"]
    assert len(account.acknowledgements()) == 1


@pytest.mark.parametrize(
    "place", [{"topic_camera": "a b"}, {"topic_camera": "x" * 65}, {"topic_thing": "ä", "topic_camera": "g"}]
)
def test_what_is_published_on_a_topic_of_no_camera_is_kept_once_and_counts_as_all_else(
    account: Account, place: dict[str, str], calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    document = rule_output(b"{}") | place
    for _ in range(BURST // 10 + 2):
        assert handler.handle(by_queue(*[document] * 10), None) == ALL_TAKEN
    assert calls["SendMessage"] == BURST
    calls.clear()
    caplog.clear()
    assert handler.handle(by_queue(*[document] * 10), None) == ALL_TAKEN
    assert calls.total() == 0
    assert caplog.messages == []
    assert account.messages(account.refused)[0]["requestPayload"] == document


def test_events_come_by_the_queue_and_a_job_beside_them_is_done(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler.handle(by_queue(rule_output(raised(1).to_json())), None)
    handler.handle(by_queue(rule_output(raised(2).to_json())), None)
    due, job = account.timer()
    monkeypatch.setattr("time.time_ns", lambda: due)
    batch = by_queue(job_to_json(due, job), rule_output(raised(3).to_json()), whole("not_json"))
    assert handler.handle(batch, None) == ALL_TAKEN
    assert sorted(account.states()) == ["SENT", "SENT", "SUPPRESSED"]
    assert len(account.messages(account.refused)) == 1


def test_alarms_of_a_batch_come_first_and_then_whoever_has_sent_less(account: Account) -> None:
    del account
    alarm = raised(9, camera_id=CameraId("door"), severity=Severity.CRITICAL)
    calm = raised(8, thing=ThingName("yard-2"))
    flood = [rule_output(raised(number).to_json()) for number in range(3)]
    batch = by_queue(*flood, rule_output(calm.to_json(), thing="yard-2"), rule_output(alarm.to_json(), camera="door"))
    assert handler.handle(batch, None) == ALL_TAKEN
    published = iotdata_backends[DEFAULT_ACCOUNT_ID][REGION].published_payloads
    answered = [Acknowledgement.from_json(payload).event_id for _, payload in published]
    assert answered[:2] == [alarm.event_id, calm.event_id]


def test_while_the_table_is_away_every_message_of_a_batch_comes_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLE_NAME", "elsewhere")
    handler._works.cache_clear()
    batch = by_queue(*[rule_output(raised(number).to_json()) for number in range(3)])
    assert handler.handle(batch, None) == failed(0, 1, 2)
    assert account.acknowledgements() == []


def test_what_is_redriven_by_hand_may_be_a_job_too(account: Account) -> None:
    handler.handle(rule_output(raised(1).to_json()), None)
    handler.handle(rule_output(raised(2).to_json()), None)
    due, job = account.timer()
    assert handler.handle(json.loads(job_to_json(due, job)), None) == "early"


def test_a_batch_that_takes_too_long_leaves_its_rest_to_the_queue(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter([0.0, 0.0, 16.0, 17.0])
    monkeypatch.setattr("time.monotonic", lambda: next(ticks, 18.0))
    batch = by_queue(*[rule_output(raised(number).to_json()) for number in range(3)])
    assert handler.handle(batch, None) == failed(1, 2)
    assert account.states() == ["SENT"]


def test_a_flood_by_the_queue_is_taken_up_to_the_bound_and_then_costs_no_call(
    account: Account, calls: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    flood = [
        by_queue(*[rule_output(raised(number * 10 + each).to_json()) for each in range(10)]) for number in range(14)
    ]
    for batch in flood:
        assert handler.handle(batch, None) == ALL_TAKEN
    assert len(account.acknowledgements()) == BURST
    calls.clear()
    caplog.clear()
    for batch in flood * 5:
        assert handler.handle(batch, None) == ALL_TAKEN
    assert calls.total() == 0
    assert caplog.messages == []
    [trouble] = [item for item in account.dynamodb.scan(TableName="history")["Items"] if "first_at" in item]
    assert trouble["item"] == {"S": "trouble#over_bound#yard-1"}


def test_of_a_revoked_thing_nothing_is_taken_and_nobody_is_told(account: Account) -> None:
    DynamoGuards(Table(account.dynamodb, "history")).revoke(raised().thing)
    assert handler.handle(by_queue(whole("person_raised")), None) == ALL_TAKEN
    assert handler.handle(whole("person_raised"), None) == "revoked"
    assert account.states() == []
    assert account.acknowledgements() == []


def test_an_event_that_another_invocation_decides_comes_back_when_that_must_have_ended(account: Account) -> None:
    handler.handle(whole("person_raised"), None)
    account.dynamodb.update_item(
        TableName="history",
        Key={"camera": {"S": "yard-1/gate"}, "item": {"S": f"event#{PERSON}"}},
        UpdateExpression="SET alert_state = :sending, lease_until = :later",
        ExpressionAttributeValues={":sending": {"S": "SENDING"}, ":later": {"N": str(NOON + 1)}},
    )
    assert handler.handle(whole("person_raised"), None) == "deferred"
    due, job = account.timer()
    assert due == NOON + LEASE_S * NS_PER_S
    assert isinstance(job, DeliverAgain)


def test_without_a_word_no_metric_is_written_because_each_costs_money(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    del account
    assert handler.handle(whole("person_raised"), None)
    handler.handle(whole("schema_of_tomorrow"), None)
    assert capsys.readouterr().out == ""


def test_each_invocation_counts_in_one_line_of_embedded_metrics(
    account: Account, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    monkeypatch.setenv("METRICS", "on")
    handler.handle(whole("person_raised"), None)
    handler.handle(whole("person_raised"), None)
    handler.handle(whole("schema_of_tomorrow"), None)
    first, second = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [described] = first["_aws"]["CloudWatchMetrics"]
    assert (described["Namespace"], described["Dimensions"]) == ("Smartcam", [[]])
    assert {"AlertsSent", "SmsSent"} <= {metric["Name"] for metric in described["Metrics"]}
    assert (first["AlertsSent"], first["SmsSent"], first["_aws"]["Timestamp"]) == (1, 1, NOON // 1_000_000)
    assert (second["EventsRefused"], second["SchemaUnknown"]) == (1, 1)


@pytest.mark.parametrize(
    "document", [rule_output(b"no event"), rule_output(b"{}", camera="no camera!")], ids=["payload", "topic"]
)
def test_what_is_refused_again_after_each_redrive_stays_after_the_third(
    account: Account, document: dict[str, object]
) -> None:
    handler.handle(by_queue(document), None)
    for _ in range(MOST_REDRIVES):
        [kept] = account.messages(account.refused)
        plan = plan_unhandled(json.dumps(kept), refused_too=True)
        assert plan.action is Action.INVOKE
        assert handler.handle(json.loads(plan.body), None) == "refused"
    [kept] = account.messages(account.refused)
    plan = plan_unhandled(json.dumps(kept), refused_too=True)
    assert plan.action is Action.KEEP
    assert plan.reason.endswith("it has been redriven 3 times already")


def test_what_no_rule_selects_is_an_error_for_lambda(account: Account) -> None:
    with pytest.raises(ContractError, match="topic_thing"):
        handler.handle({"payload": ""}, None)
    assert account.acknowledgements() == []


def test_an_unknown_time_zone_costs_no_alert(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIENCE", audience("Mars/Olympus"))
    assert handler.handle(whole("person_raised"), None) == "sent"
    [message] = account.messages(account.alerts)
    assert "11:59:59 UTC" in str(message["Message"])


def test_times_are_told_in_the_zone_of_the_environment(account: Account) -> None:
    handler.handle(whole("person_raised"), None)
    [message] = account.messages(account.alerts)
    assert "12:59:59 CET" in str(message["Message"])


def test_what_became_of_an_event_stands_in_the_log(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    del account
    with caplog.at_level(logging.INFO, logger="infra"):
        handler.handle(whole("person_raised"), None)
        handler.handle(whole("person_from_another_thing"), None)
    assert f"event_taken outcome=sent event_id={PERSON} phase=raised" in caplog.messages
    assert any(line.startswith("event_refused thing=yard-1 camera=gate reason=thing:") for line in caplog.messages)


def test_a_function_without_its_table_does_not_start() -> None:
    with pytest.raises(KeyError, match="TABLE_NAME"):
        FunctionSettings.from_environment({})


def test_the_sns_client_never_repeats_by_itself(account: Account) -> None:
    del account
    notifier = cast("SnsNotifier", handler._works()[0].rounds.closings.sender.notifier)
    assert notifier.client.meta.config.retries["total_max_attempts"] == 1  # type: ignore[attr-defined]  # untyped stub


def test_the_sample_events_are_what_the_samples_say() -> None:
    for path in EVENTS.glob("rule_*.json"):
        readable = path.with_name(path.name.removeprefix("rule_"))
        if readable.exists():
            payload = base64.b64decode(json.loads(path.read_text())["payload"])
            assert json.loads(payload) == json.loads(readable.read_text()), path.name


def test_the_sample_events_are_whole() -> None:
    event = Event.from_json((EVENTS / "person_raised.json").read_bytes())
    assert (event.event_id, event.kind, event.started_at) == (PERSON, EventKind.PERSON, UtcNs(NOON - 500_000_000))


@pytest.mark.cloud
def test_the_local_broker_selects_what_the_samples_hold() -> None:
    python = ROOT / ".venv-cloud/bin/python"
    if not python.exists():
        pytest.skip("the local cloud's environment is not set up (.venv-cloud)")
    program = (
        "import base64, json, sys\n"
        "from ministack.services import iot\n"
        "iot.time.time = lambda: 1772366400.0\n"
        "for line in sys.stdin:\n"
        "    topic, payload = json.loads(line)\n"
        "    print(json.dumps(iot._rule_event(sys.argv[1], topic, base64.b64decode(payload), 'yard-1')))\n"
    )
    samples = [whole(path.stem.removeprefix("rule_")) for path in sorted(EVENTS.glob("rule_*.json"))]
    samples.append(rule_output(b"\xff\x00 not text") | {"arrived_ms": 1772366400000})
    asked = "\n".join(
        json.dumps([f"smartcam/v1/{one['topic_thing']}/{one['topic_camera']}/event", one["payload"]]) for one in samples
    )
    finished = subprocess.run(
        [python, "-I", "-c", program, EVENT_SQL], input=asked, capture_output=True, text=True, check=True
    )
    assert [json.loads(line) for line in finished.stdout.splitlines()] == samples
