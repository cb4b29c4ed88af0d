import json
import re
import subprocess
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import pytest

from infra.alerts.asset import ROOT
from infra.fleet.core_device import Account, claim_statements, device_policies
from infra.names import ROLE_ALIAS
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import probe_answers, probe_topic
from tests.infra.conftest import Template

ACCOUNT = Account("aws", "eu-west-1", "111122223333")
ARN = "arn:aws:iot:eu-west-1:111122223333:"


@pytest.fixture(scope="module")
def fleet(assembly: Path) -> Template:
    path = assembly / "SmartcamFleet.template.json"
    return Template(path, json.loads(path.read_text()))


def as_list(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def rights(document: object) -> dict[str, list[str]]:
    statements = cast("Mapping[str, list[dict[str, object]]]", document)["Statement"]
    assert all(one["Effect"] == "Allow" for one in statements)
    found: dict[str, list[str]] = {}
    for one in statements:
        actions, resources = as_list(one["Action"]), as_list(one["Resource"])
        for action in actions:
            found[action] = [*found.get(action, []), *resources]
    return found


def all_rights(thing: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for document in device_policies(ThingName(thing), ACCOUNT).values():
        for action, resources in rights(json.loads(document)).items():
            found[action] = [*found.get(action, []), *resources]
    return found


def test_a_core_device_speaks_for_itself_and_can_be_deployed_to() -> None:
    topics = ("smartcam/v1/yard-1/ack", "$aws/things/yard-1/jobs/*", "$aws/things/yard-1/shadow/*")
    assert all_rights("yard-1") == {
        "iot:Connect": [f"{ARN}client/yard-1", f"{ARN}client/yard-1#*"],
        "iot:Publish": [
            f"{ARN}topic/{topic}"
            for topic in (
                "smartcam/v1/yard-1/*/event",
                "smartcam/v1/yard-1/health",
                "$aws/things/yard-1/greengrass/health/json",
                "$aws/things/yard-1/greengrassv2/health/json",
                "$aws/things/yard-1/jobs/*",
                "$aws/things/yard-1/shadow/*",
            )
        ],
        "iot:Subscribe": [f"{ARN}topicfilter/{topic}" for topic in topics],
        "iot:Receive": [f"{ARN}topic/{topic}" for topic in topics],
        "iot:AssumeRoleWithCertificate": [f"{ARN}rolealias/{ROLE_ALIAS}"],
        "greengrass:GetComponentVersionArtifact": ["*"],
        "greengrass:GetDeploymentConfiguration": ["*"],
        "greengrass:ListThingGroupsForCoreDevice": ["*"],
        "greengrass:ResolveComponentCandidates": ["*"],
    }


def test_yard_1_cannot_speak_for_yard_10() -> None:
    patterns = {one for resources in all_rights("yard-1").values() for one in resources} - {"*"}
    others = (
        "client/yard-10",
        "topic/$aws/things/yard-10/jobs/get",
        "topic/smartcam/v1/yard-10/health",
        "topic/smartcam/v1/yard-10/gate/event",
    )
    for pattern in patterns:
        expression = re.escape(pattern).replace(r"\*", ".*")
        assert not [other for other in others if re.fullmatch(expression, ARN + other)]


def test_the_doctor_may_ask_the_cloud_and_hear_its_answer() -> None:
    thing, may = ThingName("yard-1"), all_rights("yard-1")
    for action, resource in (
        ("iot:Publish", f"topic/{probe_topic(thing)}"),
        ("iot:Subscribe", f"topicfilter/{probe_answers(thing)}"),
        ("iot:Receive", f"topic/{probe_topic(thing)}/rejected"),
    ):
        assert any(fnmatchcase(ARN + resource, pattern) for pattern in may[action]), (action, may[action])


def test_the_policies_of_the_longest_name_fit_into_what_aws_takes() -> None:
    longest = max(map(len, device_policies(ThingName("x" * 128), ACCOUNT).values()))
    assert longest <= 2048


def test_provisioning_makes_the_same_policies_with_the_name_put_in(fleet: Template) -> None:
    _, template = fleet.one("AWS::IoT::ProvisioningTemplate")
    assert (template["TemplateName"], template["Enabled"]) == ("SmartcamDevice", True)
    resources = json.loads(str(template["TemplateBody"]))["Resources"]
    here = Account("<AWS::Partition>", "<AWS::Region>", "<AWS::AccountId>")
    for label, document in zip(("policy", "core"), device_policies(ThingName("yard-1"), here).values(), strict=True):
        separator, parts = resources[label]["Properties"]["PolicyDocument"]["Fn::Join"]
        assert separator.join("yard-1" if part == {"Ref": "ThingName"} else part for part in parts) == document
    thing = resources["thing"]["Properties"]
    assert (thing["ThingName"], thing["ThingGroups"]) == ({"Ref": "ThingName"}, ["Smartcam"])
    assert resources["certificate"]["Properties"]["Status"] == "Active"


def test_a_claim_may_ask_for_a_certificate_and_nothing_else(fleet: Template) -> None:
    _, policy = fleet.one("AWS::IoT::Policy")
    own = "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:"
    topics = ["$aws/certificates/create/*", "$aws/provisioning-templates/SmartcamDevice/provision/*"]
    assert rights(policy["PolicyDocument"]) == {
        "iot:Connect": [f"{own}client/????????-????-????-????-????????????"],
        "iot:Publish": [f"{own}topic/{topic}" for topic in topics],
        "iot:Receive": [f"{own}topic/{topic}" for topic in topics],
        "iot:Subscribe": [f"{own}topicfilter/{topic}" for topic in topics],
    }


def claim_may_connect(client: str) -> bool:
    [connect] = [one for one in claim_statements(ACCOUNT, "SmartcamDevice") if one["Action"] == ["iot:Connect"]]
    [pattern] = as_list(connect["Resource"])
    return fnmatchcase(f"{ARN}client/{client}", pattern)


@pytest.mark.parametrize(
    "client", ["yard-1", "yard-1#2", "cellar:2", "3f2504e0-4f89-11d3-9a0c-0305e82c3301#2", "", "*", "x" * 36]
)
def test_a_claim_never_connects_as_a_device(client: str) -> None:
    assert not claim_may_connect(client)


@pytest.mark.parametrize("client", ["3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3F2504E0-4F89-11D3-9A0C-0305E82C3301"])
def test_a_claim_connects_under_a_random_uuid_as_both_nuclei_do_to_provision(client: str) -> None:
    assert claim_may_connect(client)


def test_the_services_of_aws_iot_take_our_roles_for_this_account_alone(fleet: Template) -> None:
    trusted = {}
    for name in fleet.all_of("AWS::IAM::Role"):
        _, role = fleet.one("AWS::IAM::Role", name)
        [trust] = cast("Mapping[str, list[Mapping[str, object]]]", role["AssumeRolePolicyDocument"])["Statement"]
        trusted[str(trust["Principal"])] = trust.get("Condition")
    here = (
        {"aws:SourceAccount": "<AWS::AccountId>"},
        {"aws:SourceArn": "arn:<AWS::Partition>:iot:<AWS::Region>:<AWS::AccountId>:*"},
    )
    assert trusted == {
        str({"Service": "credentials.iot.amazonaws.com"}): dict(
            zip(("StringEqualsIfExists", "ArnLikeIfExists"), here, strict=True)
        ),
        str({"Service": "iot.amazonaws.com"}): dict(zip(("StringEquals", "ArnLike"), here, strict=True)),
    }


def test_devices_may_load_artifacts_and_nothing_else(fleet: Template) -> None:
    bucket, _ = fleet.one("AWS::S3::Bucket", "ArtifactsBucket")
    [(name, role)] = [(name, one) for name, one in fleet.all_of("AWS::IAM::Role").items() if "TokenExchange" in name]
    _, policy = fleet.one("AWS::IAM::Policy")
    assert policy["Roles"] == [f"<{name}>"]
    assert rights(policy["PolicyDocument"]) == {"s3:GetObject": [f"<{bucket}.Arn>/smartcam.*"]}
    properties = cast("Mapping[str, Mapping[str, list[Mapping[str, object]]]]", role["Properties"])
    assert "ManagedPolicyArns" not in properties
    [trust] = properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "credentials.iot.amazonaws.com"}
    _, alias = fleet.one("AWS::IoT::RoleAlias")
    assert (alias["RoleAlias"], alias["RoleArn"]) == (ROLE_ALIAS, f"<{name}.Arn>")


def test_artifacts_are_versioned_private_and_outlive_the_stack(fleet: Template) -> None:
    _, bucket = fleet.one("AWS::S3::Bucket", "ArtifactsBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    for name, resource in fleet.all_of("AWS::S3::Bucket").items():
        assert resource["DeletionPolicy"] == "Retain"
        _, properties = fleet.one("AWS::S3::Bucket", name)
        assert properties["PublicAccessBlockConfiguration"] == dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
        )


def test_there_is_a_group_and_one_that_hears_it_first(fleet: Template) -> None:
    names = {
        fleet.one("AWS::IoT::ThingGroup", name)[1]["ThingGroupName"] for name in fleet.all_of("AWS::IoT::ThingGroup")
    }
    assert names == {"Smartcam", "SmartcamCanary"}


def test_cfn_lint_has_nothing_to_say_of_the_fleet(fleet: Template) -> None:
    lint = str(Path(sys.executable).with_name("cfn-lint"))
    command = [lint, "--ignore-checks", "W3005", "--template", str(fleet.path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (finished.stdout, finished.returncode) == ("", 0)
