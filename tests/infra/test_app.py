import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_sns as sns

from infra.alerts.asset import ROOT, assemble, carry_zones
from infra.alerts.runtime.zones import zone
from infra.app import build_app, main
from infra.context import feature_flags

BOTO = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
PROBE = """
import json, sys
sys.path[:0] = sys.argv[1:3]
from infra.alerts.runtime import handler
from infra.fleet.runtime import handler as fleet
from infra.alerts.runtime.delivery import Delivery
delivery = Delivery.from_rule(json.load(open(sys.argv[3])))
assert callable(handler.handle) and callable(fleet.hear) and callable(fleet.watch)
print(delivery.event().kind, sorted({name.split(".")[0] for name in sys.modules} & {"aws_cdk", "cdk_nag", "yaml"}))
print(sys.modules["smartcam"].__file__.startswith(sys.argv[1]))
"""


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def asset(assembly: Path) -> Path:
    [folder] = [path for path in assembly.glob("asset.*") if path.is_dir()]
    return folder


def test_the_asset_runs_beside_boto3_alone(asset: Path, tmp_path: Path) -> None:
    site = Path(boto3.__file__).parents[1]
    boto = tmp_path / "boto"
    boto.mkdir()
    for name in BOTO:
        (boto / name).symlink_to(site / name)
    event = ROOT / "tests/events/rule_person_raised.json"
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", PROBE, str(asset), str(boto), str(event)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert finished.stderr == ""
    assert finished.stdout.splitlines() == ["person []", "True"]


def test_the_asset_holds_the_runtime_and_the_contract_and_nothing_else(asset: Path) -> None:
    places = {str(path.parent.relative_to(asset)) for path in asset.rglob("*") if path.is_file()}
    features = {f"infra/{name}{part}" for name in ("alerts", "fleet", "snapshots") for part in ("", "/runtime")}
    zones = {"zones/Europe", "zones/Asia"}
    rooms = {"infra/alerts/runtime/aws", "infra/alerts/runtime/words"}
    assert places == {"infra", *features, *rooms, "smartcam", "smartcam/contract", *zones}
    assert {path.suffix for path in asset.rglob("*") if path.is_file() and "zones" not in path.parts} == {".py"}


def test_the_asset_carries_the_time_zones_of_the_settings(asset: Path) -> None:
    there = zone("Asia/Shanghai", asset / "zones")
    assert there.utcoffset(datetime(2026, 3, 1)) == timedelta(hours=8)  # noqa: DTZ001 - on the wall
    assert sorted(path.name for path in (asset / "zones").rglob("*") if path.is_file()) == ["Berlin", "Shanghai"]


def test_the_asset_is_the_same_every_time(asset: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    assemble(again)
    carry_zones(again, ["Asia/Shanghai", "UTC", "Europe/Berlin", "Nowhere/Else"])
    assert snapshot(again) == snapshot(asset)


def test_what_cdk_nag_finds_stops_the_synthesis(tmp_path: Path) -> None:
    (tmp_path / "asset").mkdir()
    assemble(tmp_path / "asset")
    app = build_app({"nobody": "on"}, tmp_path / "asset", tmp_path / "cdk.out")
    sns.Topic(cdk.Stack(app, "Careless"), "Open")
    with pytest.raises(RuntimeError, match="AwsSolutions-SNS3"):
        app.synth()


@pytest.mark.parametrize("setting", ["assembly", "full_assembly"])
def test_only_four_findings_are_accepted_each_with_a_reason(setting: str, request: pytest.FixtureRequest) -> None:
    assembly: Path = request.getfixturevalue(setting)
    [report] = json.loads((assembly / "validation-report.json").read_text())["pluginReports"]
    assert (report["pluginName"], report["conclusion"], report["violations"]) == ("AwsSolutions", "success", [])
    accepted = {one["ruleName"].split("[")[0]: one["reason"] for one in report["suppressedViolations"]}
    assert set(accepted) == {"AwsSolutions-L1", "AwsSolutions-SQS3", "AwsSolutions-IAM4", "AwsSolutions-IAM5"}
    assert all(len(reason.split()) >= 8 for reason in accepted.values())


def test_a_wrong_context_is_one_line_and_no_assembly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-c", "phone=12345", "--output", str(tmp_path / "cdk.out")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: phone = '12345': give a number in the form of E.164")
    assert not (tmp_path / "cdk.out/manifest.json").exists()


@pytest.mark.parametrize("given", ["emial=anna@example.org", "email"])
def test_an_unknown_key_names_the_known_ones(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-c", given]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "email, phone, things, cooldown_seconds, time_zone, language, quiet, subscribers" in line


@pytest.mark.parametrize(
    ("given", "meant"),
    [("emial", "email"), ("operations-email", "operations_email"), ("Phone", "phone"), ("subscriber", "subscribers")],
)
def test_a_mistyped_key_names_the_one_that_was_meant(
    given: str, meant: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-c", "email=anna@example.org", "-c", f"{given}=x", "-o", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {given} = 'x': there is no such key; did you mean {meant}? The keys are email, ")


def test_a_key_that_is_given_twice_on_the_command_line_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = ["-c", "email=anna@example.org", "-c", "email=ben@example.org"]
    assert main([*twice, "-o", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert (
        line == "error: --context = 'email=ben@example.org': give email once: several values stand in one, with commas"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"context": {"email": "anna@example.org",\n"email": "ben@example.org"}}',
         "line 2: the key 'email' is given twice"),
        ('{"context": []}', 'must be an object with "context": {...}'),
        ("[]", 'must be an object with "context": {...}'),
        ("{", "is not JSON"),
    ],
)  # fmt: skip
def test_a_cdk_json_that_is_wrong_is_one_complaint(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cdk.json").write_text(text)
    monkeypatch.setattr("infra.context.CDK_JSON", tmp_path / "cdk.json")
    assert main(["-c", "email=anna@example.org", "-o", str(tmp_path / "out")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: cdk.json = ")
    assert said in line


def synthesised_by_the_cli(folder: Path, context: dict[str, object]) -> subprocess.CompletedProcess[str]:
    """What the CDK CLI does with cdk.json's program; jsii hands on the environment that it was started with."""
    environment = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(folder)}
    command = [sys.executable, "-m", "infra.app"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_mistyped_key_is_found_in_what_the_cli_hands_over_too(tmp_path: Path) -> None:
    ran = synthesised_by_the_cli(tmp_path, {**feature_flags(), "emial": "anna@example.org"})
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: emial = 'anna@example.org': there is no such key; did you mean email? ")


def test_the_keys_that_the_cdk_adds_are_its_own_business(tmp_path: Path) -> None:
    added = {
        "aws:cdk:bundling-stacks": ["**"],
        "aws:cdk:version-reporting": True,
        "availability-zones:account=000000000000:region=eu-west-1": ["eu-west-1a"],
        "acknowledged-issue-numbers": [34892],
        "cdk-migrate": False,
    }
    ran = synthesised_by_the_cli(tmp_path, {**feature_flags(), **added, "email": "anna@example.org"})
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("given", [[], ["email="], ["nobody=off", "operations_email=ops@example.org"]])
def test_to_tell_nobody_is_refused_because_it_removes_who_is_there(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = [text for one in given for text in ("-c", one)]
    assert main([*context, "-o", str(tmp_path / "cdk.out")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: email = '': nobody would get alerts")
    for part in ("remove every existing subscriber", "-c email=", "-c subscribers=FILE", "-c nobody=on"):
        assert part in line
    assert not (tmp_path / "cdk.out/manifest.json").exists()


def test_more_phones_than_a_devices_share_of_sms_are_refused_before_anything_is_deployed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phones = ",".join(f"+4915112345{number:03}" for number in range(17))
    assert main(["-c", f"phone={phones}", "-o", str(tmp_path / "cdk.out")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: sms_a_day_per_thing = 20: group everyone has 17 phones")
    assert not (tmp_path / "cdk.out/manifest.json").exists()


def test_what_deploys_nothing_needs_no_recipients(tmp_path: Path) -> None:
    (tmp_path / "asset").mkdir()
    assemble(tmp_path / "asset")
    # So `cdk destroy`, `cdk bootstrap` and `cdk list` say that no stack is looked at closely.
    assert build_app({"aws:cdk:bundling-stacks": []}, tmp_path / "asset", tmp_path / "cdk.out")


def test_the_cdk_cli_runs_the_same_program_with_the_same_flags() -> None:
    document = json.loads((ROOT / "cdk.json").read_text())
    assert document["app"] == ".venv/bin/python -m infra.app"
    assert document["context"] == feature_flags()


def test_a_context_without_people_has_no_subscription(tmp_path: Path) -> None:
    assert main(["-c", "cooldown_seconds=0", "-c", "nobody=on", "-o", str(tmp_path / "cdk.out")]) == 0
    template = json.loads((tmp_path / "cdk.out/SmartcamAlerts.template.json").read_text())
    [function] = [one for name, one in template["Resources"].items() if name.startswith("AlerterFunction")]
    assert function["Properties"]["Environment"]["Variables"]["COOLDOWN_SECONDS"] == "0"
    assert not {"AWS::SNS::Subscription", "AWS::IoT::Policy"} & {one["Type"] for one in template["Resources"].values()}
