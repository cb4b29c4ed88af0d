import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import boto3
import pytest
from moto import mock_aws

from infra.alerts.runtime.agreed import ARRIVALS_INDEX, ARRIVED_AT, ARRIVED_DAY, CAMERA_KEY, ITEM_KEY
from tests.made_once import made_once
from tools.command_line import ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION = "eu-west-1"
ASSEMBLY = "cdk.out"
SUBSCRIBERS = """
[camera_zones]
"yard-1/gate" = "Europe/Berlin"

[[group]]
name = "night-watch"
language = "zh"
time_zone = "Asia/Shanghai"
quiet = "22:00-07:00"
emails = ["wei@example.org"]
urls = ["https://example.org/alerts"]
cameras = ["yard-1/gate"]
kinds = ["person"]
severity = "warning"
"""
CONTEXT = {"email": "anna@example.org,ben@example.org", "phone": "+4915112345678", "things": "yard-1,cellar:2"}

Resource = Mapping[str, object]


@dataclass(frozen=True)
class Template:
    """A synthesised template, read by meaning: tokens are resolved to the logical names they point at."""

    path: Path
    document: Mapping[str, object]

    def all_of(self, kind: str) -> dict[str, Mapping[str, object]]:
        """Logical id to resource."""
        resources = cast("Mapping[str, Mapping[str, object]]", self.document["Resources"])
        return {name: one for name, one in resources.items() if one["Type"] == kind}

    def one(self, kind: str, beginning: str = "") -> tuple[str, Mapping[str, object]]:
        """The logical id and the properties of the only such resource."""
        [(name, resource)] = [(name, one) for name, one in self.all_of(kind).items() if name.startswith(beginning)]
        return name, cast("Mapping[str, object]", plain(resource["Properties"]))

    def whole(self, kind: str, beginning: str) -> Mapping[str, object]:
        """The only such resource with everything about it."""
        [resource] = [one for name, one in self.all_of(kind).items() if name.startswith(beginning)]
        return cast("Mapping[str, object]", plain(resource))


def plain(value: object) -> object:
    """The value with references written as text: `<LogicalId>` and `<LogicalId.Attribute>`."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return f"<{value['Ref']}>"
    if set(value) == {"Fn::GetAtt"}:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    if set(value) == {"Fn::Join"}:
        separator, parts = value["Fn::Join"]
        return separator.join(str(plain(part)) for part in parts)
    return {key: plain(one) for key, one in value.items()}


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program's assembly, made once: what a home gets that says no more than who is alerted."""
    return made_once(tmp_path_factory, "infra", lambda place: synthesised(place, {})) / ASSEMBLY


@pytest.fixture(scope="session")
def full_assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with every alarm, a key of its own, reserved executions and a bound on SMS."""
    context = {"monitoring": "full", "key": "own", "reserved_concurrency": "on", "sms_a_day_per_thing": "7"}
    return made_once(tmp_path_factory, "full", lambda place: synthesised(place, context)) / ASSEMBLY


def synthesised(place: Path, more: Mapping[str, str]) -> Path:
    """An assembly, made without credentials and with every way out closed.

    By a process of its own: the CDK takes seconds to import, and keeps Node.js beside the tests that never ask for it.
    """
    folder = place / ASSEMBLY
    subscribers = folder.with_name("subscribers.toml")
    subscribers.write_text(SUBSCRIBERS)
    context = {**CONTEXT, "subscribers": str(subscribers), **more}
    arguments = [text for key, value in context.items() for text in ("--context", f"{key}={value}")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    closed = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "infra.app", *arguments, "--output", str(folder)]
    subprocess.run(command, cwd=ROOT, env=environment | closed, check=True)
    return folder


@pytest.fixture(scope="session")
def template(assembly: Path) -> Template:
    return template_in(assembly)


@pytest.fixture(scope="session")
def full(full_assembly: Path) -> Template:
    return template_in(full_assembly)


def template_in(assembly: Path, stack: str = "SmartcamAlerts") -> Template:
    """A stack's template."""
    path = assembly / f"{stack}.template.json"
    return Template(path, json.loads(path.read_text()))


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """An AWS account in this process; no request leaves it. Per module, because clients are slow to make."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            environment.delenv(name)
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        with mock_aws():
            yield


@pytest.fixture(scope="module")
def dynamodb_client(aws: None) -> "DynamoDBClient":  # noqa: ARG001 - the account must be there first
    return boto3.client("dynamodb")


@pytest.fixture
def dynamodb(dynamodb_client: "DynamoDBClient") -> Iterator["DynamoDBClient"]:
    """An empty table as the template makes it."""
    dynamodb_client.create_table(
        TableName="history",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in (CAMERA_KEY, ITEM_KEY, ARRIVED_DAY, ARRIVED_AT)
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": ARRIVALS_INDEX,
                "KeySchema": [
                    {"AttributeName": ARRIVED_DAY, "KeyType": "HASH"},
                    {"AttributeName": ARRIVED_AT, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        KeySchema=[
            {"AttributeName": CAMERA_KEY, "KeyType": "HASH"},
            {"AttributeName": ITEM_KEY, "KeyType": "RANGE"},
        ],
    )
    yield dynamodb_client
    dynamodb_client.delete_table(TableName="history")
