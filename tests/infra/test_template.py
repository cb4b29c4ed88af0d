"""What the template says, above all where no local stand-in would notice: keys, roles, retention."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from infra.alerts.asset import HANDLER, ROOT
from infra.alerts.infrastructure import EVENT_SQL
from infra.alerts.runtime.agreed import HISTORY_DAYS, LEASE_S
from infra.alerts.runtime.audience import EventFilter
from infra.alerts.runtime.handler import FunctionSettings
from infra.alerts.runtime.metrics import metric_writer
from infra.alerts.runtime.quiet import QuietHours
from smartcam.contract.event import EventKind, Severity
from smartcam.contract.ids import CameraId, ThingName
from tests.infra.conftest import Template

RULE_ARN = "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:rule/SmartcamAlerts_events"
FORMER_KEYS = "arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*"
LAMBDA_RETRY_S = 60
CONCURRENCY_OF_A_NEW_ACCOUNT = 10
LONGEST_OUTBOX_DAYS = 30
FUNCTIONS_OF_THE_STAND_IN = {
    "clientid", "encode", "isundefined", "newuuid", "principal", "regexp_matches", "replace", "timestamp", "topic",
    "traceid",
}  # fmt: skip

Properties = Mapping[str, object]


def inner(properties: object, *path: str) -> dict[str, object]:
    for key in path:
        properties = cast("Properties", properties)[key]
    return cast("dict[str, object]", properties)


def statements(policy: object) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", inner(policy, "Statement"))


def as_list(value: object) -> list[str]:
    return value if isinstance(value, list) else [cast("str", value)]


def rights_of(template: Template, role: str) -> dict[str, set[str]]:
    """Resource to actions, of every policy that is attached to the role."""
    rights: dict[str, set[str]] = {}
    for name in template.all_of("AWS::IAM::Policy"):
        _, policy = template.one("AWS::IAM::Policy", name)
        if policy["Roles"] != [f"<{role}>"]:
            continue
        for statement in statements(policy["PolicyDocument"]):
            assert statement["Effect"] == "Allow"
            for resource in as_list(statement["Resource"]):
                rights.setdefault(resource, set()).update(as_list(statement["Action"]))
    return rights


def own_key_rights(template: Template) -> dict[str, set[str]]:
    """What a function may do with the site's own key, where it has one."""
    actions = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
    return {f"<{key}.Arn>": {f"kms:{action}" for action in actions} for key in template.all_of("AWS::KMS::Key")}


def topics_of_people(template: Template) -> list[str]:
    """The groups' topics, in their order."""
    return [name for name in template.all_of("AWS::SNS::Topic") if name.startswith("Recipients")]


def test_the_rule_hands_over_the_raw_payload_and_what_the_topic_says(template: Template) -> None:
    _, rule = template.one("AWS::IoT::TopicRule", "Events")
    payload = inner(rule, "TopicRulePayload")
    assert payload["Sql"] == (
        "SELECT encode(*, 'base64') AS payload, topic(3) AS topic_thing, topic(4) AS topic_camera,"
        " timestamp() AS arrived_ms FROM 'smartcam/v1/+/+/event'"
    )
    assert payload["AwsIotSqlVersion"] == "2016-03-23"
    assert payload["RuleDisabled"] is False


def test_the_rule_uses_only_functions_that_the_local_cloud_knows() -> None:
    assert set(re.findall(r"(\w+)\(", EVENT_SQL)) <= FUNCTIONS_OF_THE_STAND_IN


def test_the_rule_fills_the_functions_queue_and_leaves_what_it_could_not_hand_over_in_another(
    template: Template,
) -> None:
    _, rule = template.one("AWS::IoT::TopicRule", "Events")
    queue, _ = template.one("AWS::SQS::Queue", "Clockwork")
    errors, _ = template.one("AWS::SQS::Queue", "FailuresUndelivered")
    role, _ = template.one("AWS::IAM::Role", "EventsRole")
    error_role, _ = template.one("AWS::IAM::Role", "EventsErrorRole")
    payload = inner(rule, "TopicRulePayload")
    assert payload["Actions"] == [{"Sqs": {"QueueUrl": f"<{queue}>", "RoleArn": f"<{role}.Arn>", "UseBase64": False}}]
    assert payload["ErrorAction"] == {
        "Sqs": {"QueueUrl": f"<{errors}>", "RoleArn": f"<{error_role}.Arn>", "UseBase64": False}
    }
    whole = template.whole("AWS::IoT::TopicRule", "Events")
    assert set(as_list(whole["DependsOn"])) >= {role}
    assert inner(whole, "Properties")["RuleName"] == RULE_ARN.rsplit("/", 1)[1]


def test_the_broker_cannot_start_the_function_of_events_itself(template: Template) -> None:
    function, _ = template.one("AWS::Lambda::Function", "Alerter")
    permissions = [
        template.one("AWS::Lambda::Permission", name)[1] for name in template.all_of("AWS::Lambda::Permission")
    ]
    assert f"<{function}.Arn>" not in {one["FunctionName"] for one in permissions}


@pytest.mark.parametrize("setting", ["template", "full"])
def test_each_role_of_the_rule_is_for_this_rule_alone_and_can_only_fill_its_queue(
    setting: str, request: pytest.FixtureRequest
) -> None:
    template: Template = request.getfixturevalue(setting)
    by_key = {f"<{key}.Arn>": {"kms:Decrypt", "kms:GenerateDataKey"} for key in template.all_of("AWS::KMS::Key")}
    for beginning, queue_name in (("EventsRole", "Clockwork"), ("EventsErrorRole", "FailuresUndelivered")):
        name, role = template.one("AWS::IAM::Role", beginning)
        queue, _ = template.one("AWS::SQS::Queue", queue_name)
        [trust] = statements(role["AssumeRolePolicyDocument"])
        assert trust["Principal"] == {"Service": "iot.amazonaws.com"}
        assert trust["Condition"] == {
            "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"},
            "ArnEquals": {"aws:SourceArn": RULE_ARN},
        }
        assert rights_of(template, name) == {f"<{queue}.Arn>": {"sqs:SendMessage"}, **by_key}


@pytest.mark.parametrize("setting", ["template", "full"])
def test_the_function_may_do_what_it_does_and_nothing_else(setting: str, request: pytest.FixtureRequest) -> None:
    template: Template = request.getfixturevalue(setting)
    name, role = template.one("AWS::IAM::Role", "Alerter")
    [table] = template.all_of("AWS::DynamoDB::Table")
    topics = topics_of_people(template)
    timers, _ = template.one("AWS::SQS::Queue", "Clockwork")
    log, _ = template.one("AWS::Logs::LogGroup", "Alerter")
    queue, _ = template.one("AWS::SQS::Queue", "FailuresUnhandled")
    assert "ManagedPolicyArns" not in role
    assert rights_of(template, name) == {
        f"<{log}.Arn>": {"logs:CreateLogStream", "logs:PutLogEvents"},
        f"<{table}.Arn>": {
            f"dynamodb:{action}" for action in ("DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem")
        },
        **{f"<{topic}>": {"sns:Publish"} for topic in topics},
        f"<{queue}.Arn>": {"sqs:SendMessage"},
        f"<{timers}.Arn>": {
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
        },
        "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:topic/smartcam/v1/*/ack": {"iot:Publish"},
        **(own_key_rights(template) or {FORMER_KEYS: {"kms:Decrypt"}}),
    }


def test_the_function_waits_for_its_rights(template: Template) -> None:
    function = template.whole("AWS::Lambda::Function", "Alerter")
    rights, _ = template.one("AWS::IAM::Policy", "Alerter")
    assert rights in as_list(function["DependsOn"])


def test_the_function_is_small_and_its_lease_outlives_it_but_not_lambdas_retry(template: Template) -> None:
    _, function = template.one("AWS::Lambda::Function", "Alerter")
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["MemorySize"] == 256
    assert function["Handler"] == HANDLER
    assert cast("int", function["Timeout"]) < LEASE_S < LAMBDA_RETRY_S
    assert "ReservedConcurrentExecutions" not in function


def test_the_functions_environment_is_what_its_code_reads(template: Template) -> None:
    _, function = template.one("AWS::Lambda::Function", "Alerter")
    environment = cast("dict[str, str]", inner(function, "Environment", "Variables"))
    [table] = template.all_of("AWS::DynamoDB::Table")
    queue, _ = template.one("AWS::SQS::Queue", "FailuresUnhandled")
    timers, _ = template.one("AWS::SQS::Queue", "Clockwork")
    here = FunctionSettings.from_environment(environment)
    assert (here.table, here.refused_queue_url, here.timer_queue_url) == (f"<{table}>", f"<{queue}>", f"<{timers}>")
    assert (here.cooldown_s, here.texts_per_day) == (300, 50)
    assert here.keep_s == HISTORY_DAYS * 86_400
    everyone, night = here.audience.groups
    assert (everyone.name, everyone.emails, everyone.phones, everyone.quiet) == ("everyone", 2, 1, None)
    assert [everyone.topic_arn, night.topic_arn] == [f"<{topic}>" for topic in topics_of_people(template)]
    assert (night.name, night.language, night.emails, str(night.zone)) == ("night-watch", "zh", 1, "Asia/Shanghai")
    assert night.quiet == QuietHours(time(22), time(7), ZoneInfo("Asia/Shanghai"))
    assert night.wanted == EventFilter(frozenset({"yard-1/gate"}), frozenset({EventKind.PERSON}), Severity.WARNING)
    assert str(here.audience.zone_of(ThingName("yard-1"), CameraId("gate"))) == "Europe/Berlin"


def test_what_the_function_fails_on_is_tried_again_and_then_kept(template: Template) -> None:
    _, config = template.one("AWS::Lambda::EventInvokeConfig", "Alerter")
    queue, _ = template.one("AWS::SQS::Queue", "FailuresUnhandled")
    assert config["MaximumRetryAttempts"] == 2
    assert inner(config, "DestinationConfig", "OnFailure") == {"Destination": f"<{queue}.Arn>"}


def test_a_site_with_a_key_of_its_own_encrypts_everything_that_holds_events_with_it(full: Template) -> None:
    key, properties = full.one("AWS::KMS::Key")
    assert properties["EnableKeyRotation"] is True
    _, table = full.one("AWS::DynamoDB::Table")
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": f"<{key}.Arn>"}
    for kind in ("AWS::SNS::Topic", "AWS::SQS::Queue"):
        for name in full.all_of(kind):
            assert full.one(kind, name)[1]["KmsMasterKeyId"] == f"<{key}.Arn>"


def test_by_default_everything_is_encrypted_with_keys_that_cost_nothing_a_month(template: Template) -> None:
    assert not template.all_of("AWS::KMS::Key")
    _, table = template.one("AWS::DynamoDB::Table")
    assert table["SSESpecification"] == {"SSEEnabled": False}  # with a key that DynamoDB owns
    for name in template.all_of("AWS::SQS::Queue"):
        _, queue = template.one("AWS::SQS::Queue", name)
        assert queue["SqsManagedSseEnabled"] is True
        assert "KmsMasterKeyId" not in queue
    for name in template.all_of("AWS::SNS::Topic"):
        _, topic = template.one("AWS::SNS::Topic", name)
        # CloudWatch's alarms cannot use the key of SNS: what they say names no camera and no person.
        assert topic.get("KmsMasterKeyId") == (None if name.startswith("Operations") else "alias/aws/sns")


def test_an_upgrade_that_says_key_own_keeps_the_key_of_before(full: Template) -> None:
    assert list(full.all_of("AWS::KMS::Key")) == ["EncryptionKey3A692D6E"]


def test_what_waited_under_a_former_key_can_still_be_taken_and_nothing_else(template: Template) -> None:
    _, rights = template.one("AWS::IAM::Policy", "Alerter")
    timers, _ = template.one("AWS::SQS::Queue", "Clockwork")
    [statement] = [one for one in statements(rights["PolicyDocument"]) if one["Resource"] == FORMER_KEYS]
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:ViaService": ["sqs.<AWS::Region>.amazonaws.com", "sqs.<AWS::Region>.<AWS::URLSuffix>"],
            "kms:EncryptionContext:aws:sqs:arn": f"<{timers}.Arn>",
        }
    }


def test_the_key_is_ruled_by_the_accounts_own_policies_and_services_on_behalf_of_it(full: Template) -> None:
    _, key = full.one("AWS::KMS::Key")
    services = set()
    for statement in statements(key["KeyPolicy"]):
        principal = cast("dict[str, str]", statement["Principal"])
        if "Service" in principal:
            services.add(principal["Service"])
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"}}
            assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
        else:
            assert principal == {"AWS": "arn:<AWS::Partition>:iam::<AWS::AccountId>:root"}
    assert services == {"sns.amazonaws.com", "cloudwatch.amazonaws.com"}


def test_topics_and_queues_refuse_what_is_not_tls(template: Template) -> None:
    for policy_kind, kind, number in (
        ("AWS::SNS::TopicPolicy", "AWS::SNS::Topic", 2),
        ("AWS::SQS::QueuePolicy", "AWS::SQS::Queue", 5),
    ):
        policies = [template.one(policy_kind, name)[1] for name in template.all_of(policy_kind)]
        assert len(policies) == len(template.all_of(kind)) >= number
        for policy in policies:
            [denied] = [one for one in statements(policy["PolicyDocument"]) if one["Effect"] == "Deny"]
            assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_our_topics_may_put_what_reached_nobody_into_its_queue(template: Template) -> None:
    queue, _ = template.one("AWS::SQS::Queue", "FailuresUnreached")
    [policy] = [
        template.one("AWS::SQS::QueuePolicy", name)[1]
        for name in template.all_of("AWS::SQS::QueuePolicy")
        if template.one("AWS::SQS::QueuePolicy", name)[1]["Queues"] == [f"<{queue}>"]
    ]
    grants = [one for one in statements(policy["PolicyDocument"]) if one["Effect"] == "Allow"]
    assert {one["Principal"]["Service"] for one in grants} == {"sns.amazonaws.com"}  # type: ignore[index]  # read on
    topics = {f"<{topic}>" for topic in topics_of_people(template)}
    assert {inner(one, "Condition", "ArnEquals")["aws:SourceArn"] for one in grants} == topics


def test_events_and_timers_are_messages_of_which_one_that_fails_brings_back_no_other(template: Template) -> None:
    name, queue = template.one("AWS::SQS::Queue", "Clockwork")
    kept, _ = template.one("AWS::SQS::Queue", "FailuresUntimely")
    function, properties = template.one("AWS::Lambda::Function", "Alerter")
    assert queue["RedrivePolicy"] == {"deadLetterTargetArn": f"<{kept}.Arn>", "maxReceiveCount": 30}
    assert cast("int", properties["Timeout"]) < LEASE_S < cast("int", queue["VisibilityTimeout"]) <= LAMBDA_RETRY_S
    _, source = template.one("AWS::Lambda::EventSourceMapping", "Alerter")
    assert source["BatchSize"] == 10
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["EventSourceArn"] == f"<{name}.Arn>"
    assert source["FunctionName"] == f"<{function}>"


def test_a_flood_leaves_half_of_a_new_accounts_processes_to_the_others(template: Template) -> None:
    _, source = template.one("AWS::Lambda::EventSourceMapping", "Alerter")
    assert cast("int", inner(source, "ScalingConfig")["MaximumConcurrency"]) <= CONCURRENCY_OF_A_NEW_ACCOUNT // 2


def test_only_the_function_that_sets_timers_for_itself_may_come_round_for_ever(template: Template) -> None:
    """Lambda stops a chain of some 16 messages from a function to itself; a night is 36 of a quarter of an hour."""
    allowed = {
        name.split("Function")[0]
        for name in template.all_of("AWS::Lambda::Function")
        if template.one("AWS::Lambda::Function", name)[1].get("RecursiveLoop") == "Allow"
    }
    assert allowed == {"Alerter"}


def test_the_history_can_be_restored_forgets_in_time_and_outlives_the_stack(template: Template) -> None:
    _, table = template.one("AWS::DynamoDB::Table")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "forget_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert HISTORY_DAYS > LONGEST_OUTBOX_DAYS
    [resource] = template.all_of("AWS::DynamoDB::Table").values()
    assert resource["DeletionPolicy"] == "Retain"


def test_the_key_outlives_the_stack_with_the_table_that_needs_it(full: Template) -> None:
    for kind in ("AWS::DynamoDB::Table", "AWS::KMS::Key"):
        [resource] = full.all_of(kind).values()
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_failures_wait_two_weeks_and_logs_three_months(template: Template) -> None:
    for name in template.all_of("AWS::SQS::Queue"):
        assert template.one("AWS::SQS::Queue", name)[1]["MessageRetentionPeriod"] == 14 * 86_400, name
    for name in template.all_of("AWS::Logs::LogGroup"):
        assert template.one("AWS::Logs::LogGroup", name)[1]["RetentionInDays"] == 90


def test_everybody_is_subscribed_to_the_topic_of_their_group(template: Template) -> None:
    everyone, night = topics_of_people(template)
    subscribed = [template.one("AWS::SNS::Subscription", name)[1] for name in template.all_of("AWS::SNS::Subscription")]
    assert {(one["TopicArn"], one["Protocol"], one["Endpoint"]) for one in subscribed} == {
        (f"<{everyone}>", "email", "anna@example.org"),
        (f"<{everyone}>", "email", "ben@example.org"),
        (f"<{everyone}>", "sms", "+4915112345678"),
        (f"<{night}>", "email", "wei@example.org"),
        (f"<{night}>", "https", "https://example.org/alerts"),
    }


def test_phones_get_only_what_the_guard_lets_through_and_what_reaches_nobody_is_kept(template: Template) -> None:
    unreached, _ = template.one("AWS::SQS::Queue", "FailuresUnreached")
    for name in template.all_of("AWS::SNS::Subscription"):
        _, one = template.one("AWS::SNS::Subscription", name)
        assert one["RedrivePolicy"] == {"deadLetterTargetArn": f"<{unreached}.Arn>"}
        assert one.get("FilterPolicy") == ({"sms": ["allowed"]} if one["Protocol"] == "sms" else None)


def test_each_device_speaks_for_itself_alone(template: Template) -> None:
    policies = [template.one("AWS::IoT::Policy", name)[1] for name in template.all_of("AWS::IoT::Policy")]
    assert [policy["PolicyName"] for policy in policies] == ["smartcam-yard-1", "smartcam-cellar.2"]
    arn = "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:"
    for policy, thing in zip(policies, ("yard-1", "cellar:2"), strict=True):
        own = f"smartcam/v1/{thing}"
        assert {
            as_list(one["Action"])[0]: as_list(one["Resource"]) for one in statements(policy["PolicyDocument"])
        } == {
            "iot:Connect": [f"{arn}client/{thing}"],
            "iot:Publish": [f"{arn}topic/{own}/*/event", f"{arn}topic/{own}/health"],
            "iot:Subscribe": [f"{arn}topicfilter/{own}/ack"],
            "iot:Receive": [f"{arn}topic/{own}/ack"],
        }
        assert "${" not in str(policy)


def test_the_outputs_are_what_the_tools_ask_for(template: Template) -> None:
    assert set(inner(template.document, "Outputs")) == {
        "TopicArn", "TableName", "FunctionName", "ErrorQueueUrl", "FailureQueueUrl", "TimerQueueUrl",
        "UntimelyQueueUrl", "UnreachedQueueUrl", "OperationsTopicArn", "SignsFunctionName", "WatchFunctionName",
    }  # fmt: skip


@pytest.mark.parametrize("setting", ["template", "full"])
def test_every_queue_is_looked_at_by_the_switch_which_mails_those_who_run_it(
    setting: str, request: pytest.FixtureRequest
) -> None:
    template: Template = request.getfixturevalue(setting)
    operations, _ = template.one("AWS::SNS::Topic", "Operations")
    _, watch = template.one("AWS::Lambda::Function", "Watch")
    environment = cast("dict[str, str]", inner(watch, "Environment", "Variables"))
    queues = json.loads(environment["QUEUES"])
    assert set(queues.values()) == {f"<{name}>" for name in template.all_of("AWS::SQS::Queue")}
    assert set(queues) == {"Undelivered", "Unhandled", "Untimely", "Unreached", "Timers"}
    assert environment["OPERATIONS_TOPIC_ARN"] == f"<{operations}>"


@pytest.mark.parametrize("setting", ["template", "full"])
def test_metrics_are_written_where_they_are_paid_for_and_nowhere_else(
    setting: str, request: pytest.FixtureRequest
) -> None:
    template: Template = request.getfixturevalue(setting)
    for name in ("Alerter", "Watch"):
        _, function = template.one("AWS::Lambda::Function", name)
        environment = cast("dict[str, str]", inner(function, "Environment", "Variables"))
        assert (metric_writer(environment) is metric_writer({"METRICS": "on"})) == (setting == "full")
    assert len(template.all_of("AWS::CloudWatch::Dashboard")) == (setting == "full")


def shown(dimension: str) -> str:
    """Whose metric it is, without the hash that the CDK adds."""
    name = dimension.strip("<>").removesuffix(".QueueName")
    return name.split("Function")[0] if "Function" in name else name[:-8]


def test_by_default_three_alarms_watch_what_the_switch_cannot_and_no_metric_of_ours(template: Template) -> None:
    operations, _ = template.one("AWS::SNS::Topic", "Operations")
    alarms = [template.one("AWS::CloudWatch::Alarm", name)[1] for name in template.all_of("AWS::CloudWatch::Alarm")]
    watched = set()
    for alarm in alarms:
        [dimension] = cast("list[dict[str, str]]", alarm["Dimensions"])
        watched.add((alarm["Namespace"], alarm["MetricName"], shown(dimension["Value"])))
        assert alarm["AlarmActions"] == alarm["OKActions"] == [f"<{operations}>"]
    assert watched == {
        ("AWS/Lambda", "Invocations", "WatchLooker"),
        ("AWS/Lambda", "Errors", "WatchLooker"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", "ClockworkTimers"),
    }
    [waiting] = [alarm for alarm in alarms if alarm["Namespace"] == "AWS/SQS"]
    assert waiting["Threshold"] == 900 + 300  # a timer waits for a quarter of an hour at most
    [stopped] = [alarm for alarm in alarms if alarm["MetricName"] == "Invocations"]
    assert stopped["TreatMissingData"] == "breaching"


def test_every_queue_of_failures_has_an_alarm_of_its_own_in_full_monitoring(full: Template) -> None:
    template = full
    operations, _ = template.one("AWS::SNS::Topic", "Operations")
    alarmed = set()
    for name in template.all_of("AWS::CloudWatch::Alarm"):
        _, alarm = template.one("AWS::CloudWatch::Alarm", name)
        assert alarm["AlarmActions"] == [f"<{operations}>"]
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible":
            [dimension] = cast("list[dict[str, str]]", alarm["Dimensions"])
            alarmed.add(dimension["Value"])
    failures = {name for name in template.all_of("AWS::SQS::Queue") if name.startswith("Failures")}
    assert alarmed == {f"<{name}.QueueName>" for name in failures}


def test_the_template_names_no_account_and_no_region(template: Template) -> None:
    text = template.path.read_text()
    assert not re.search(r"\b\d{12}\b", text)
    assert not re.search(r"\b(eu|us|ap)-[a-z]+-\d\b", text)


def test_executions_are_reserved_only_where_somebody_asks_for_it(template: Template, full: Template) -> None:
    assert "ReservedConcurrentExecutions" not in template.path.read_text()
    counts = {
        name.split("Function")[0]: full.one("AWS::Lambda::Function", name)[1].get("ReservedConcurrentExecutions")
        for name in full.all_of("AWS::Lambda::Function")
    }
    assert counts == {"Alerter": 10, "SignsKeeper": 10, "WatchLooker": None}
    _, alerter = full.one("AWS::Lambda::Function", "Alerter")
    assert inner(alerter, "Environment", "Variables")["SMS_PER_THING"] == "7"


@pytest.mark.parametrize("setting", ["template", "full"])
def test_cfn_lint_has_nothing_to_say(setting: str, request: pytest.FixtureRequest) -> None:
    template: Template = request.getfixturevalue(setting)
    # W3005: CDK writes dependencies out that a reference implies.
    command = [
        str(Path(sys.executable).with_name("cfn-lint")),
        "--ignore-checks",
        "W3005",
        "--template",
        str(template.path),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (finished.stdout, finished.returncode) == ("", 0)
