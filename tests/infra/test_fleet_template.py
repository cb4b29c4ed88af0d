"""What the template says of devices, pictures and alarms, above all where no local stand-in would notice."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from infra.alerts.asset import ROOT
from infra.app import main
from infra.fleet.infrastructure import HEALTH_SQL, PRESENCE_SQL, SIGNS_HANDLER, WATCH_HANDLER
from infra.fleet.runtime.handler import PATIENCE, policy_from
from infra.monitoring.infrastructure import DEAD_LETTER_AGE_S
from infra.names import ROLE_ALIAS
from tests.infra.conftest import Template, plain
from tests.infra.test_template import (
    FUNCTIONS_OF_THE_STAND_IN,
    as_list,
    inner,
    own_key_rights,
    rights_of,
    statements,
)

ACCOUNT = "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:"


@pytest.fixture(scope="session", params=["aws", "own"])
def with_pictures(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The assembly of a site that has switched pictures on, and has somebody who runs it; with both kinds of key."""
    folder = tmp_path_factory.mktemp("pictures") / "cdk.out"
    context = {"things": "yard-1", "snapshots": "on", "snapshot_days": "7", "operations_email": "ops@example.org"}
    context |= {"nobody": "on", "key": request.param}
    arguments = [text for key, value in context.items() for text in ("-c", f"{key}={value}")]
    assert main([*arguments, "-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def pictures(with_pictures: Path) -> Template:
    path = with_pictures / "SmartcamAlerts.template.json"
    return Template(path, json.loads(path.read_text()))


@pytest.fixture(scope="session")
def exchange(with_pictures: Path) -> Template:
    path = with_pictures / "SmartcamFleet.template.json"
    return Template(path, json.loads(path.read_text()))


@pytest.mark.parametrize("sql", [HEALTH_SQL, PRESENCE_SQL])
def test_the_rules_use_only_functions_that_the_local_cloud_knows(sql: str) -> None:
    assert set(re.findall(r"(\w+)\(", sql)) <= FUNCTIONS_OF_THE_STAND_IN


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        (
            "SignsHealth",
            (
                "SELECT encode(*, 'base64') AS payload, topic(3) AS topic_thing, timestamp() AS arrived_ms"
                " FROM 'smartcam/v1/+/health'"
            ),
        ),
        (
            "SignsPresence",
            (
                "SELECT encode(*, 'base64') AS payload, topic(4) AS presence, topic(5) AS topic_thing,"
                " timestamp() AS arrived_ms FROM '$aws/events/presence/+/+'"
            ),
        ),
    ],
)
def test_signs_of_life_reach_their_function_with_what_the_topic_says(template: Template, rule: str, sql: str) -> None:
    payload = inner(template.one("AWS::IoT::TopicRule", rule)[1], "TopicRulePayload")
    function, properties = template.one("AWS::Lambda::Function", "Signs")
    queue, _ = template.one("AWS::SQS::Queue", "FailuresUndelivered")
    assert payload["Sql"] == sql
    assert payload["Actions"] == [{"Lambda": {"FunctionArn": f"<{function}.Arn>"}}]
    assert inner(payload, "ErrorAction", "Sqs")["QueueUrl"] == f"<{queue}>"
    assert properties["Handler"] == SIGNS_HANDLER


def test_only_these_rules_of_this_account_may_start_the_function_of_the_signs(template: Template) -> None:
    sources = {
        cast("str", template.one("AWS::Lambda::Permission", name)[1]["SourceArn"])
        for name in template.all_of("AWS::Lambda::Permission")
        if name.startswith("Signs")
    }
    assert sources == {f"{ACCOUNT}rule/SmartcamAlerts_{name}" for name in ("health", "presence")}


@pytest.mark.parametrize("setting", ["template", "full"])
def test_signs_of_life_may_change_devices_answer_them_and_nothing_else(
    setting: str, request: pytest.FixtureRequest
) -> None:
    template: Template = request.getfixturevalue(setting)
    role, _ = template.one("AWS::IAM::Role", "SignsKeeper")
    [table] = template.all_of("AWS::DynamoDB::Table")
    log, _ = template.one("AWS::Logs::LogGroup", "Signs")
    queue, _ = template.one("AWS::SQS::Queue", "FailuresUnhandled")
    assert rights_of(template, role) == {
        f"<{log}.Arn>": {"logs:CreateLogStream", "logs:PutLogEvents"},
        f"<{queue}.Arn>": {"sqs:SendMessage"},
        f"<{table}.Arn>": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        f"{ACCOUNT}topic/smartcam/v1/*/ack": {"iot:Publish"},
        **own_key_rights(template),
    }


@pytest.mark.parametrize("setting", ["template", "full"])
def test_the_watch_may_read_and_change_devices_start_the_alerting_mail_operators_and_nothing_else(
    setting: str, request: pytest.FixtureRequest
) -> None:
    template: Template = request.getfixturevalue(setting)
    operations, _ = template.one("AWS::SNS::Topic", "Operations")
    queues = {f"<{queue}.Arn>": {"sqs:GetQueueAttributes"} for queue in template.all_of("AWS::SQS::Queue")}
    role, _ = template.one("AWS::IAM::Role", "WatchLooker")
    [table] = template.all_of("AWS::DynamoDB::Table")
    log, _ = template.one("AWS::Logs::LogGroup", "Watch")
    alerter, _ = template.one("AWS::Lambda::Function", "Alerter")
    assert rights_of(template, role) == {
        f"<{log}.Arn>": {"logs:CreateLogStream", "logs:PutLogEvents"},
        f"<{table}.Arn>": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"},
        f"<{alerter}.Arn>": {"lambda:InvokeFunction"},
        f"<{operations}>": {"sns:Publish"},
        **queues,
        **own_key_rights(template),
    }


@pytest.mark.parametrize("role", ["SignsKeeper", "WatchLooker"])
def test_the_history_of_the_cameras_is_out_of_their_reach(template: Template, role: str) -> None:
    _, policy = template.one("AWS::IAM::Policy", role)
    [table] = [one for one in statements(policy["PolicyDocument"]) if "dynamodb:GetItem" in as_list(one["Action"])]
    assert table["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["fleet"]}}
    others = [
        (as_list(one["Action"]), one["Condition"])
        for one in statements(policy["PolicyDocument"])
        if "dynamodb" in str(one["Action"]) and one is not table
    ]
    guard = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["guard"]}}
    assert others == ([(["dynamodb:Query"], guard)] if role == "WatchLooker" else [])


def test_the_watch_looks_every_minute_and_a_look_that_failed_is_not_repeated(template: Template) -> None:
    _, rule = template.one("AWS::Events::Rule")
    function, properties = template.one("AWS::Lambda::Function", "Watch")
    [target] = cast("list[dict[str, object]]", rule["Targets"])
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    assert target["Arn"] == f"<{function}.Arn>"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}
    assert template.one("AWS::Lambda::EventInvokeConfig", "Watch")[1]["MaximumRetryAttempts"] == 0
    assert properties["Handler"] == WATCH_HANDLER
    environment = cast("dict[str, str]", inner(properties, "Environment", "Variables"))
    assert policy_from(environment).offline_grace_s == 180
    theirs = {"table_name", "alerter", "queues", "operations_topic_arn"}
    assert {name.lower() for name in environment} - set(PATIENCE) == theirs


def test_the_small_functions_are_like_the_alerting_one(template: Template) -> None:
    for name in template.all_of("AWS::Lambda::Function"):
        _, function = template.one("AWS::Lambda::Function", name)
        assert (function["Runtime"], function["Architectures"], function["MemorySize"]) == (
            "python3.13",
            ["arm64"],
            256,
        )
        logging = inner(function, "LoggingConfig")
        assert logging["LogGroup"]
        # A start costs no line of the log: a flood would pay for three of them each.
        assert (logging["LogFormat"], logging["SystemLogLevel"], logging["ApplicationLogLevel"]) == (
            "JSON",
            "WARN",
            "INFO",
        )


def test_without_a_word_there_are_no_pictures(template: Template, assembly: Path) -> None:
    assert not template.all_of("AWS::S3::Bucket")
    assert "SmartcamUploads" not in (assembly / "SmartcamFleet.template.json").read_text()
    assert "rolealias" not in template.path.read_text()


def test_pictures_are_private_encrypted_and_deleted(pictures: Template) -> None:
    _, bucket = pictures.one("AWS::S3::Bucket", "SnapshotsBucket")
    [encryption] = cast(
        "list[dict[str, object]]",
        inner(
            bucket,
            "BucketEncryption",
        )["ServerSideEncryptionConfiguration"],
    )
    own = [
        {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {"KMSMasterKeyID": f"<{key}.Arn>", "SSEAlgorithm": "aws:kms"},
        }
        for key in pictures.all_of("AWS::KMS::Key")
    ]
    assert [encryption] == (own or [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}])
    assert "VersioningConfiguration" not in bucket
    [rule] = cast("list[dict[str, object]]", inner(bucket, "LifecycleConfiguration")["Rules"])
    assert (rule["ExpirationInDays"], rule["Status"]) == (7, "Enabled")
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    for name in pictures.all_of("AWS::S3::Bucket"):
        _, one = pictures.one("AWS::S3::Bucket", name)
        assert one["PublicAccessBlockConfiguration"] == dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
        )
        assert pictures.whole("AWS::S3::Bucket", name)["DeletionPolicy"] == "Retain"


def test_pictures_travel_over_tls_only_and_every_access_is_logged(pictures: Template) -> None:
    log, _ = pictures.one("AWS::S3::Bucket", "SnapshotsAccessLog")
    _, bucket = pictures.one("AWS::S3::Bucket", "SnapshotsBucket")
    assert bucket["LoggingConfiguration"] == {"DestinationBucketName": f"<{log}>"}
    for name in pictures.all_of("AWS::S3::BucketPolicy"):
        _, policy = pictures.one("AWS::S3::BucketPolicy", name)
        denied = [one["Condition"] for one in statements(policy["PolicyDocument"]) if one["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in denied


def test_a_device_may_write_below_its_own_name_and_nowhere_else(pictures: Template, exchange: Template) -> None:
    bucket, _ = pictures.one("AWS::S3::Bucket", "SnapshotsBucket")
    _, policy = pictures.one("AWS::IAM::ManagedPolicy")
    write, *encrypt = statements(policy["PolicyDocument"])
    assert write == {
        "Action": "s3:PutObject",
        "Effect": "Allow",
        "Resource": [f"<{bucket}.Arn>/{own}/${{credentials-iot:ThingName}}/*" for own in ("clips", "snapshots")],
    }
    via_s3 = {
        "StringEquals": {
            "kms:ViaService": ["s3.<AWS::Region>.amazonaws.com", "s3.<AWS::Region>.<AWS::URLSuffix>"],
            "kms:EncryptionContext:aws:s3:arn": f"<{bucket}.Arn>",
        }
    }
    assert [(one["Action"], one["Resource"], one["Condition"]) for one in encrypt] == [
        (["kms:Decrypt", "kms:GenerateDataKey"], f"<{key}.Arn>", via_s3) for key in pictures.all_of("AWS::KMS::Key")
    ]
    _, links = pictures.one("AWS::IAM::Policy", "Alerter")
    former = [one["Condition"] for one in statements(links["PolicyDocument"]) if str(one["Resource"]).endswith("key/*")]
    assert (via_s3 in former) == (not encrypt)  # what a former key encrypted can still be linked to
    _, role = exchange.one("AWS::IAM::Role", "TokenExchange")
    [trust] = statements(role["AssumeRolePolicyDocument"])
    assert trust["Principal"] == {"Service": "credentials.iot.amazonaws.com"}
    assert as_list(role["ManagedPolicyArns"]) == [
        f"arn:<AWS::Partition>:iam::<AWS::AccountId>:policy/{policy['ManagedPolicyName']}"
    ]
    _, alias = exchange.one("AWS::IoT::RoleAlias")
    assert (alias["RoleAlias"], alias["CredentialDurationSeconds"]) == (ROLE_ALIAS, 3600)


def test_cfn_lint_has_nothing_to_say_of_pictures_with_either_key(pictures: Template, exchange: Template) -> None:
    lint = str(Path(sys.executable).with_name("cfn-lint"))
    templates = [str(one.path) for one in (pictures, exchange)]
    command = [lint, "--ignore-checks", "W3005", "--template", *templates]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (finished.stdout, finished.returncode) == ("", 0)


def test_a_devices_policy_lets_it_ask_for_these_credentials_only_where_pictures_are_on(pictures: Template) -> None:
    _, policy = pictures.one("AWS::IoT::Policy")
    rights = {as_list(one["Action"])[0]: one["Resource"] for one in statements(policy["PolicyDocument"])}
    assert rights["iot:AssumeRoleWithCertificate"] == [f"{ACCOUNT}rolealias/{ROLE_ALIAS}"]


def alarms(template: Template) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for name in template.all_of("AWS::CloudWatch::Alarm"):
        _, alarm = template.one("AWS::CloudWatch::Alarm", name)
        found[name.removeprefix("Monitoring")[:-8]] = dict(alarm)
    return found


def test_every_alarm_speaks_to_those_who_run_it_and_not_to_the_alerted(full: Template) -> None:
    template = full
    topic, _ = template.one("AWS::SNS::Topic", "Operations")
    for alarm in alarms(template).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [f"<{topic}>"]
        assert str(alarm["AlarmDescription"]).startswith("Smartcam: ")


def test_functions_and_queues_that_fail_raise_an_alarm(full: Template) -> None:
    template = full
    found = alarms(template)
    for name in template.all_of("AWS::Lambda::Function"):
        watched = [one["MetricName"] for one in found.values() if f"<{name}>" in str(one.get("Dimensions"))]
        assert {"Errors", "Throttles"} <= set(watched)
    for name in (queue for queue in template.all_of("AWS::SQS::Queue") if queue.startswith("Failures")):
        watched = [one["MetricName"] for one in found.values() if f"<{name}.QueueName>" in str(one.get("Dimensions"))]
        assert set(watched) == {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}


def test_what_keeps_people_from_their_alerts_raises_an_alarm(full: Template) -> None:
    found = alarms(full)
    limits = {name: (one["MetricName"], one["Threshold"]) for name, one in found.items()}
    assert limits["EventsWait"] == ("AsyncEventAge", 300_000)
    assert limits["TimersWait"] == ("ApproximateAgeOfOldestMessage", 1200)
    assert limits["AlertsWait"] == ("UndeliveredAge", 300)
    assert limits["SmsCount"] == ("SmsSent", 40)
    assert limits["UnhandledLetters"] == ("ApproximateNumberOfMessagesVisible", 0)
    assert limits["UnhandledAge"] == ("ApproximateAgeOfOldestMessage", DEAD_LETTER_AGE_S)
    assert {"PublishFailed", "SchemaUnknown", "SmsWithheld", "PeopleUnreached"} <= set(limits)
    assert found["SwitchStopped"]["TreatMissingData"] == "breaching"
    assert {one["TreatMissingData"] for name, one in found.items() if name != "SwitchStopped"} == {"notBreaching"}


@pytest.mark.parametrize("setting", ["template", "full"])
def test_alarms_and_no_other_service_reach_the_operators_topic(setting: str, request: pytest.FixtureRequest) -> None:
    template: Template = request.getfixturevalue(setting)
    topic, _ = template.one("AWS::SNS::Topic", "Operations")
    _, policy = template.one("AWS::SNS::TopicPolicy", "Operations")
    [allowed] = [one for one in statements(policy["PolicyDocument"]) if one["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (allowed["Action"], allowed["Resource"]) == ("sns:Publish", f"<{topic}>")
    assert inner(allowed, "Condition", "StringEquals") == {"aws:SourceAccount": "<AWS::AccountId>"}
    for key in template.all_of("AWS::KMS::Key"):
        assert "cloudwatch.amazonaws.com" in str(template.one("AWS::KMS::Key", key)[1]["KeyPolicy"])


def test_no_metric_has_a_dimension_of_ours(full: Template) -> None:
    ours = [one for one in alarms(full).values() if one["Namespace"] == "Smartcam"]
    assert ours
    assert not any(one.get("Dimensions") for one in ours)


def test_the_dashboard_shows_alerts_devices_and_failures(full: Template) -> None:
    _, page = full.one("AWS::CloudWatch::Dashboard")
    body = str(plain(page["DashboardBody"]))
    for name in ("AlertsSent", "DevicesSilent", "CamerasLost", "OldestEventWaiting", "Dead letters"):
        assert name in body


@pytest.mark.parametrize(
    "given",
    [
        "snapshots=maybe",
        "snapshot_days=0",
        "operations_email=nobody",
        "sms_a_day=-1",
        "sms_a_day_per_thing=10001",
        "sms_a_day_per_thing=many",
        "offline_grace_seconds=x",
        "monitoring=on",
        "key=mine",
        "reserved_concurrency=4",
        "reserved_concurrency=maybe",
    ],
)
def test_a_wrong_setting_of_the_site_is_one_line(
    given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-c", given, "-o", str(tmp_path / "cdk.out")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {given.split('=', maxsplit=1)[0]} = ")
