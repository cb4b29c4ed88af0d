import json
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.names import core_policy_name
from smartcam.contract.ids import ThingName
from tools.provision.command import main
from tools.provision.identity import Client

REGION = "eu-west-1"


@pytest.fixture
def iot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws() as mocked:
        # Another module's account may still be there: this one begins empty all the same.
        mocked.reset()
        client = boto3.client("iot", region_name=REGION)
        client.create_thing_group(thingGroupName="Smartcam")
        yield client


def run(folder: Path, *more: str) -> int:
    return main(["yard-1", "--region", REGION, "--out", str(folder), *more])


def test_a_device_gets_thing_membership_policies_certificate_and_bundle(iot: Client, tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    assert iot.list_things_in_thing_group(thingGroupName="Smartcam")["things"] == ["yard-1"]
    [arn] = iot.list_thing_principals(thingName="yard-1")["principals"]
    attached = {each["policyName"] for each in iot.list_attached_policies(target=arn)["policies"]}
    assert attached == {"smartcam-yard-1", "smartcam_core-yard-1"}
    document = json.loads(iot.get_policy(policyName="smartcam-yard-1")["policyDocument"])
    assert document["Statement"][0]["Resource"] == [f"arn:aws:iot:{REGION}:123456789012:client/yard-1"]
    folder = tmp_path / "smartcam-yard-1"
    assert json.loads((folder / "identity.json").read_text()) == {"certificate": arn}
    assert (folder / "device.key").read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")


def test_nobody_else_can_read_the_bundle(iot: Client, tmp_path: Path) -> None:
    del iot
    assert run(tmp_path) == 0
    folder, archive = tmp_path / "smartcam-yard-1", tmp_path / "smartcam-yard-1.tar"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in (archive, *folder.iterdir())} == {0o600}
    with tarfile.open(archive) as held:
        assert {entry.mode for entry in held.getmembers()} == {0o600}
        assert {Path(name).name for name in held.getnames()} == {file.name for file in folder.iterdir()}


def test_a_second_time_changes_nothing(iot: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 0
    key = (tmp_path / "smartcam-yard-1" / "device.key").read_bytes()
    capsys.readouterr()
    assert run(tmp_path) == 0
    assert "created" not in capsys.readouterr().out
    assert (tmp_path / "smartcam-yard-1" / "device.key").read_bytes() == key
    assert len(iot.list_certificates()["certificates"]) == 1


def test_a_certificate_that_was_switched_off_is_replaced(iot: Client, tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    [before] = iot.list_thing_principals(thingName="yard-1")["principals"]
    iot.update_certificate(certificateId=before.rpartition("/")[2], newStatus="INACTIVE")
    assert run(tmp_path) == 0
    after = json.loads((tmp_path / "smartcam-yard-1" / "identity.json").read_text())["certificate"]
    assert after != before
    assert after in iot.list_thing_principals(thingName="yard-1")["principals"]


def test_an_outdated_core_policy_is_brought_up_to_date_and_the_stacks_own_is_kept(iot: Client, tmp_path: Path) -> None:
    old = json.dumps({"Version": "2012-10-17", "Statement": []})
    core = core_policy_name(ThingName("yard-1"))
    for name in ("smartcam-yard-1", core):
        iot.create_policy(policyName=name, policyDocument=old)
    for _ in range(4):
        iot.create_policy_version(policyName=core, policyDocument=old)
    assert run(tmp_path) == 0
    assert iot.get_policy(policyName="smartcam-yard-1")["policyDocument"] == old
    assert "rolealias/SmartcamTokenExchange" in iot.get_policy(policyName=core)["policyDocument"]


def test_without_its_group_a_device_says_what_to_deploy_and_leaves_nothing_behind(
    iot: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--group", "Nowhere") == 1
    said = capsys.readouterr()
    assert "'Nowhere'; deploy the stack SmartcamFleet first" in said.err
    assert said.out == ""
    assert iot.list_things()["things"] == []


def test_a_device_can_be_removed_again(iot: Client, tmp_path: Path) -> None:
    assert run(tmp_path) == 0
    assert run(tmp_path, "--remove") == 0
    assert iot.list_things()["things"] == []
    assert iot.list_certificates()["certificates"] == []
    assert iot.list_policies()["policies"] == []
    assert run(tmp_path, "--remove") == 0


def test_a_name_that_aws_does_not_take_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["yard 1", "--region", REGION]) == 2
    assert capsys.readouterr().err == (
        "smartcam provision: thing: must be 1 to 128 letters, digits, ':', '-' or '_', not 'yard 1'\n"
    )


def test_an_authority_that_is_not_there_is_named_and_nothing_is_made(
    iot: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--root-ca", "/nowhere.pem") == 2
    said = "smartcam provision: --root-ca /nowhere.pem: cannot be read (No such file or directory)\n"
    assert capsys.readouterr().err == said
    assert iot.list_things()["things"] == []


@pytest.mark.parametrize(("kind", "service"), [("lite", "NucleusLite"), ("classic", "Nucleus")])
def test_the_nucleus_is_told_where_and_who(iot: Client, tmp_path: Path, kind: str, service: str) -> None:
    del iot
    assert run(tmp_path, "--nucleus", kind) == 0
    config = json.loads((tmp_path / "smartcam-yard-1" / "config.yaml").read_text())
    assert config["system"]["thingName"] == "yard-1"
    assert config["system"]["privateKeyPath"].endswith("/device.key")
    nucleus = config["services"][f"aws.greengrass.{service}"]["configuration"]
    assert (nucleus["awsRegion"], nucleus["iotRoleAlias"]) == (REGION, "SmartcamTokenExchange")
    assert nucleus["iotDataEndpoint"]
    assert "credentials" in nucleus["iotCredEndpoint"]
