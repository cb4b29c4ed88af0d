"""What a redrive does with what it finds in the queues of failures."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from tools.alerts.command import main as alerts
from tools.alerts.letters import MOST_REDRIVES, Action, plan_undelivered, plan_unhandled, plan_untimely
from tools.alerts.redrive import Redrive, main
from tools.alerts.stack import AlertsSite, StackError, find_site

EVENT = {"payload": "e30=", "topic_thing": "yard-1", "topic_camera": "gate", "arrived_ms": 1}
QUEUES = {"ErrorQueueUrl", "FailureQueueUrl", "UntimelyQueueUrl", "UnreachedQueueUrl", "TimerQueueUrl"}


def failed(condition: str = "RetriesExhausted", payload: dict[str, object] | None = None) -> str:
    return json.dumps(
        {
            "requestContext": {"condition": condition, "approximateInvokeCount": 3},
            "requestPayload": payload or EVENT,
            "responsePayload": {"errorMessage": "the table is away"},
        }
    )


def undelivered(topic: str = "smartcam/v1/yard-1/gate/event", payload: bytes = b"{}") -> str:
    failure = {"failedAction": "LambdaAction", "errorMessage": "no permission"}
    body = {"ruleName": "r", "topic": topic, "base64OriginalPayload": base64.b64encode(payload).decode()}
    return json.dumps({**body, "failures": [failure]})


def test_what_the_function_failed_on_is_handed_to_it_again_and_counted() -> None:
    plan = plan_unhandled(failed(), refused_too=False)
    assert (plan.action, json.loads(plan.body)) == (Action.INVOKE, EVENT | {"redriven": 1})
    assert plan.reason == "RetriesExhausted: the table is away"


def test_what_fails_again_and_again_is_poison_and_stays() -> None:
    plan = plan_unhandled(failed(payload=EVENT | {"redriven": MOST_REDRIVES}), refused_too=True)
    assert plan.action is Action.KEEP
    assert "been redriven 3 times already" in plan.reason


def test_what_was_refused_stays_unless_it_is_wanted() -> None:
    assert plan_unhandled(failed("Refused"), refused_too=False).action is Action.KEEP
    assert plan_unhandled(failed("Refused"), refused_too=True).action is Action.INVOKE


def test_what_the_rule_could_not_hand_over_goes_to_the_function_as_the_rule_would_have_said_it() -> None:
    plan = plan_undelivered(undelivered(payload=b'{"a":1}'), 1234)
    assert json.loads(plan.body) == {
        "payload": base64.b64encode(b'{"a":1}').decode(),
        "topic_thing": "yard-1",
        "topic_camera": "gate",
        "arrived_ms": 1234,
        "redriven": 1,
    }
    assert plan.reason == "the rule failed: no permission"


@pytest.mark.parametrize("topic", ["smartcam/v1/yard-1/gate/other", "smartcam/v1/yard-1/health", "x"])
def test_what_is_from_another_topic_stays(topic: str) -> None:
    assert plan_undelivered(undelivered(topic), 1).action is Action.KEEP


@pytest.mark.parametrize("topic", ["smartcam/v1/yard-1/health", "$aws/events/presence/disconnected/yard-1"])
def test_a_sign_of_life_that_the_rule_could_not_hand_over_is_said_to_be_one(topic: str) -> None:
    plan = plan_undelivered(undelivered(topic), 1)
    assert plan.action is Action.KEEP
    assert plan.reason == f"is from {topic}: a sign of life, which the device's next one has replaced"


def test_a_timer_goes_back_among_the_timers() -> None:
    plan = plan_untimely('{"schema":1,"due_ms":0,"job":"digest"}')
    assert (plan.action, json.loads(plan.body)["redriven"]) == (Action.RING, 1)


def test_an_event_that_the_queue_gave_up_goes_to_the_function_itself_past_its_things_bound() -> None:
    plan = plan_untimely(json.dumps(EVENT))
    assert (plan.action, plan.reason) == (Action.INVOKE, "an event of yard-1")
    assert json.loads(plan.body) == EVENT | {"redriven": 1}


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_lies_in_a_queue_can_be_looked_at(body: str) -> None:
    for plan in (plan_unhandled(body, refused_too=True), plan_undelivered(body, 1), plan_untimely(body)):
        assert plan.action is Action.KEEP
        assert plan.reason


class Invocations:
    """A Lambda service that notes what it is started with."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> None:  # noqa: N803 - AWS's
        assert (FunctionName, InvocationType) == ("alerter", "Event")
        self.payloads.append(json.loads(Payload))


class LocalSite(AlertsSite):
    """Queues of moto, and a function that only listens."""

    functions = Invocations()

    def client(self, service: str) -> Any:  # noqa: ANN401
        return self.functions if service == "lambda" else boto3.client(service)  # type: ignore[call-overload]  # by name


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSite]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        sqs = boto3.client("sqs")
        urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}
        LocalSite.functions = Invocations()
        yield LocalSite({"FunctionName": "alerter", **urls})


def put(site: LocalSite, queue: str, *bodies: str) -> None:
    for body in bodies:
        boto3.client("sqs").send_message(QueueUrl=site.output(queue), MessageBody=body)


def left(site: LocalSite, queue: str) -> list[str]:
    answer = boto3.client("sqs").receive_message(QueueUrl=site.output(queue), MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_a_redrive_goes_through_every_queue_and_leaves_what_is_kept_visible(site: LocalSite) -> None:
    put(site, "ErrorQueueUrl", undelivered())
    put(site, "FailureQueueUrl", failed(), failed("Refused"), "poison")
    put(site, "UntimelyQueueUrl", '{"job":"close"}')
    put(site, "UnreachedQueueUrl", "{}")
    said: list[str] = []
    done = Redrive(site, said.append).run()
    assert done == {Action.INVOKE: 2, Action.RING: 1, Action.KEEP: 3}
    assert len(said) == 6
    assert [one["topic_camera"] for one in site.functions.payloads] == ["gate", "gate"]
    assert left(site, "ErrorQueueUrl") == left(site, "UntimelyQueueUrl") == []
    assert sorted(left(site, "FailureQueueUrl")) == sorted([failed("Refused"), "poison"])
    assert left(site, "TimerQueueUrl") == ['{"job": "close", "redriven": 1}']
    assert left(site, "UnreachedQueueUrl") == ["{}"]


def test_a_dry_run_changes_nothing(site: LocalSite) -> None:
    put(site, "FailureQueueUrl", failed())
    assert Redrive(site, lambda _: None, dry=True).run() == {Action.INVOKE: 1}
    assert site.functions.payloads == []
    assert left(site, "FailureQueueUrl") == [failed()]


def test_more_than_a_batch_is_taken_and_no_more_than_wanted(site: LocalSite) -> None:
    put(site, "FailureQueueUrl", *[failed(payload=EVENT | {"n": number}) for number in range(25)])
    assert Redrive(site, lambda _: None, most=5).run()[Action.INVOKE] >= 5
    assert Redrive(site, lambda _: None).run()[Action.INVOKE] <= 20
    assert sorted(one["n"] for one in site.functions.payloads) == list(range(25))


def test_what_was_done_is_counted_and_where_nothing_waits_that_is_said(
    site: LocalSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.alerts.redrive.find_site", lambda: site)
    assert main([]) == 0
    assert capsys.readouterr().out == "nothing is waiting\n"
    put(site, "FailureQueueUrl", failed(), failed("Refused"))
    assert main([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 x start the function with it, 1 x keep it"


@pytest.mark.parametrize("most", ["-1", "0", "many"])
def test_a_number_of_messages_that_is_none_is_refused(most: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([f"--most={most}"])
    assert ended.value.code == 2
    assert f"--most: {most}: give a whole number, 1 or more" in capsys.readouterr().err


def test_a_stack_of_another_version_says_which_output_is_missing() -> None:
    with pytest.raises(StackError, match="has no output TimerQueueUrl; remedy: deploy"):
        AlertsSite({}).output("TimerQueueUrl")


def test_a_stack_that_cannot_be_read_is_one_line_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(StackError):
        find_site()
    assert main([]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("smartcam alerts: stack SmartcamAlerts cannot be read")
    assert "remedy: set AWS_REGION and credentials" in line


def test_the_verbs_are_listed_and_an_unknown_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert alerts(["--help"]) == 0
    assert "redrive  hand what has failed to the alerting again" in capsys.readouterr().out
    assert alerts(["dance"]) == 2
    assert "there is no verb 'dance'" in capsys.readouterr().err
    assert alerts([]) == 2
