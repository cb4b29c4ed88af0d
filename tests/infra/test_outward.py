"""The ways out of the function, against clients that answer as told."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, cast

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from infra.alerts.runtime.audience import Group, Language
from infra.alerts.runtime.aws.outward import IotReplies, SnsNotifier, message_attributes
from infra.alerts.runtime.aws.queues import SqsRefusals, SqsTimers
from infra.alerts.runtime.facts import AlertFacts
from infra.alerts.runtime.jobs import SendDigest, job_from_json
from infra.alerts.runtime.ports import NotPublished, NotReplied
from infra.alerts.runtime.timing import occasion
from infra.alerts.runtime.words.render import AlertText, alert_number, render_alert
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Phase
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.infra.sample import NOON, delivery, raised

if TYPE_CHECKING:
    from mypy_boto3_iot_data import IoTDataPlaneClient
    from mypy_boto3_sns import SNSClient


@dataclass
class Recorder:
    """A client that notes what it is asked, and answers with an error where told."""

    error: Exception | None = None
    asked: list[dict[str, object]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(**arguments: object) -> None:
            self.asked.append({"call": name, **arguments})
            if self.error is not None:
                raise self.error

        return call


SERVICE_ERROR = ClientError({"Error": {"Code": "InternalError", "Message": "no"}}, "Publish")
TIMED_OUT = ReadTimeoutError(endpoint_url="https://sns")


GROUP = Group("everyone", "arn:topic", emails=1, phones=1)
FACTS = {"event_id": raised().event_id, "kind": "person"}


def an_alert() -> AlertText:
    facts = AlertFacts(raised(), alert_number(raised().event_id), occasion(raised(), NOON), UTC)
    return render_alert(facts, Language.ENGLISH)


def test_sns_gets_a_text_for_each_protocol() -> None:
    client = Recorder()
    alert = an_alert()
    SnsNotifier(cast("SNSClient", client)).publish(GROUP, alert, FACTS, texts=True)
    [asked] = client.asked
    assert asked["MessageStructure"] == "json"
    assert json.loads(cast("str", asked["Message"])) == {
        "default": alert.email,
        "email": alert.email,
        "sms": alert.sms,
        "https": alert.document,
    }
    assert (asked["TopicArn"], asked["Subject"]) == ("arn:topic", alert.subject)


@pytest.mark.parametrize(("texts", "word"), [(True, "allowed"), (False, "withheld")])
def test_phones_are_reached_only_where_the_message_says_so(texts: bool, word: str) -> None:  # noqa: FBT001
    attributes = message_attributes(an_alert(), FACTS, texts=texts)
    assert attributes["sms"] == {"DataType": "String", "StringValue": word}


def client_error(status: int) -> ClientError:
    answer = {"Error": {"Code": "Failed", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Publish")  # type: ignore[arg-type]  # the rest of the metadata does not matter


@pytest.mark.parametrize(
    ("error", "doubtful"),
    [
        (client_error(500), True),
        (client_error(403), False),
        (client_error(429), False),
        (TIMED_OUT, True),
        (EndpointConnectionError(endpoint_url="https://sns"), False),
        (ConnectTimeoutError(endpoint_url="https://sns"), False),
    ],
)
def test_whatever_sns_does_not_confirm_is_not_published_and_may_be_sent_twice_only_where_it_may_have_been_taken(
    error: Exception,
    doubtful: bool,  # noqa: FBT001 - a table of cases
) -> None:
    with pytest.raises(NotPublished, match=an_alert().number) as raised_error:
        SnsNotifier(cast("SNSClient", Recorder(error))).publish(GROUP, an_alert(), FACTS, texts=True)
    assert raised_error.value.doubtful is doubtful


@pytest.mark.parametrize(("seconds", "delay"), [(-5, 0), (0.2, 1), (30, 30), (86_400, 900)])
def test_a_timer_is_a_delayed_message_of_at_most_a_quarter_of_an_hour(seconds: float, delay: int) -> None:
    client, due = Recorder(), UtcNs(NOON + int(seconds * NS_PER_S))
    job = SendDigest("everyone", NOON)
    SqsTimers(client, "https://queue", lambda: NOON).ring(due, job)
    assert client.asked[0]["DelaySeconds"] == delay
    assert job_from_json(cast("str", client.asked[0]["MessageBody"])) == (due, job)


def test_a_reply_goes_to_the_devices_own_topic_at_least_once() -> None:
    client = Recorder()
    reply = Acknowledgement(raised().event_id, Phase.RAISED, AckStatus.ACCEPTED, revision=0)
    IotReplies(cast("IoTDataPlaneClient", client)).send(ThingName("yard-1"), reply)
    expected = {"call": "publish", "topic": "smartcam/v1/yard-1/ack", "qos": 1, "payload": reply.to_json()}
    assert client.asked == [expected]


@pytest.mark.parametrize("error", [SERVICE_ERROR, TIMED_OUT])
def test_a_reply_that_the_broker_did_not_take_is_lost(error: Exception) -> None:
    reply = Acknowledgement(raised().event_id, Phase.RAISED, AckStatus.ACCEPTED, revision=0)
    with pytest.raises(NotReplied):
        IotReplies(cast("IoTDataPlaneClient", Recorder(error))).send(ThingName("yard-1"), reply)


def test_a_payload_of_any_bytes_can_be_kept() -> None:
    client = Recorder()
    SqsRefusals(client, "https://queue").keep(delivery(b"\xff\x00").document(), "event: is not JSON")
    body = json.loads(cast("str", client.asked[0]["MessageBody"]))
    assert base64.b64decode(body["requestPayload"]["payload"]) == b"\xff\x00"
