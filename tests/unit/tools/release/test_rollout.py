"""deploy, status and rollback, as a user types them, against the stand-ins."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from smartcam import __version__
from standins.greengrass_api.plane import DeploymentEnd
from tests.fakes.fleet import REGION, Account, small_build
from tests.fakes.shops import Street
from tests.unit.tools.release.conftest import deploy
from tools.build.suite import Built
from tools.release import verbs
from tools.release.aws import Aws, ReleaseError
from tools.release.deployment import Deployment
from tools.release.rollout import read_group, read_groups
from tools.release.status import DeviceOutcome, outcomes_of

OURS = ("smartcam.Capture", "smartcam.Inference", "smartcam.Model", "smartcam.Runtime", "smartcam.Suite")
FAILED = DeploymentEnd("FAILED", "COMPONENT_BROKEN")


def running(there: Account, group: str) -> Deployment | None:
    return read_group(group, there.aws).current


def history(there: Account, group: str) -> int:
    return len(there.aws.deployments_of(there.aws.group_arn(group)))


def test_a_group_gets_every_component_after_a_plan(
    published: Built, there: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    there.group("yard", "one", "two")
    assert deploy(published, "--group", "yard") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "group yard: 2 things"
    assert [line.strip() for line in said[1:6]] == [f"+ {name} {__version__}" for name in OURS]
    assert [line.split() for line in said if line.startswith(("one", "two"))][-2:] == [
        ["one", "SUCCEEDED", "runs", __version__],
        ["two", "SUCCEEDED", "runs", __version__],
    ]
    latest = read_group("yard", there.aws).latest
    made = there.deployment(str(latest))
    assert made["deploymentPolicies"]["failureHandlingPolicy"] == "ROLLBACK"
    assert made["components"]["smartcam.Capture"]["configurationUpdate"]["reset"] == ["/accessControl"]
    assert set(made["components"]) == set(OURS)


def test_the_same_again_deploys_nothing(published: Built, there: Account, capsys: pytest.CaptureFixture[str]) -> None:
    there.group("yard", "one")
    assert deploy(published, "--group", "yard") == deploy(published, "--group", "yard") == 0
    assert "nothing changes" in capsys.readouterr().out
    assert history(there, "yard") == 1


def test_a_plan_alone_changes_nothing(published: Built, there: Account) -> None:
    there.group("yard", "one")
    assert deploy(published, "--group", "yard", "--plan") == 0
    assert running(there, "yard") is None


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", 3), ("no", 3)])
def test_a_person_is_asked(
    answer: str, code: int, published: Built, there: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.group("yard", "one")
    monkeypatch.setattr("builtins.input", lambda _: answer)
    given = ["--region", REGION, "--build", str(published.folder), "--group", "yard"]
    assert verbs.deploy(given) == code
    assert (running(there, "yard") is None) == (code == 3)


def test_the_configuration_is_checked_as_the_component_will_check_it(
    published: Built, there: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there.group("yard", "one")
    config = tmp_path / "config.yaml"
    for text, complaint in (
        ("smartcam.Captre: {}", "there is no component 'smartcam.Captre'; did you mean 'smartcam.Capture'?"),
        ("smartcam.Capture: {camras: {}}", "camras"),
        ("smartcam.Capture: 5", "smartcam.Capture: must be an object of keys"),
        ("[]", "must be an object: component name -> its configuration"),
        ("a: [", "config.yaml:1: is not YAML (expected the node content, but found '<stream end>')\n"),
        ("smartcam.Model: {day: 2026-01-01}", "put dates in quotes"),
    ):
        config.write_text(text)
        assert deploy(published, "--group", "yard", "--config", str(config)) == 2
        assert complaint in capsys.readouterr().err
    config.write_text("smartcam.Capture: {cameras: {yard: {source: file, path: /clip.mp4}}}")
    assert deploy(published, "--group", "yard", "--config", str(config)) == 0
    merge = there.deployment(str(read_group("yard", there.aws).latest))["components"]["smartcam.Capture"]
    assert json.loads(merge["configurationUpdate"]["merge"]) == {
        "cameras": {"yard": {"source": "file", "path": "/clip.mp4"}}
    }


@pytest.mark.usefixtures("there")
def test_a_wrong_configuration_is_told_before_aws_is_asked_for_the_group(
    published: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("smartcam.Capture:\n  cameras:\n    1: {source: picamera}\n")
    assert deploy(published, "--group", "nowhere", "--config", str(config)) == 2
    assert capsys.readouterr().err.startswith(f"smartcam deploy: {config}:3: smartcam.Capture.cameras: the key '1'")


def test_somebody_elses_components_stay(published: Built, there: Account) -> None:
    arn = there.group("yard", "one")
    nucleus = {"aws.greengrass.Nucleus": {"componentVersion": "2.13.0"}}
    there.aws.greengrass.create_deployment(targetArn=arn, components=nucleus)
    assert deploy(published, "--group", "yard") == 0
    current = running(there, "yard")
    assert current is not None
    assert current.components["aws.greengrass.Nucleus"].version == "2.13.0"


def test_what_is_not_published_is_not_deployed(
    tmp_path: Path, there: Account, street: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    del street
    there.group("yard", "one")
    assert deploy(small_build(tmp_path), "--group", "yard") == 2
    assert "is not published; run `smartcam publish` first" in capsys.readouterr().err


def test_the_canary_is_first_and_the_rest_follows(published: Built, there: Account) -> None:
    there.group("canary", "one")
    there.group("rest", "two", "three")
    assert deploy(published, "--group", "rest", "--canary", "canary") == 0
    assert running(there, "canary") == running(there, "rest") is not None


def test_a_failed_canary_is_undone_and_the_rest_is_spared(
    published: Built, there: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    before = there.group("canary", "one")
    there.group("rest", "two")
    nucleus = {"aws.greengrass.Nucleus": {"componentVersion": "2.13.0"}}
    there.aws.greengrass.create_deployment(targetArn=before, components=nucleus)
    there.devices.special["one"] = FAILED
    assert deploy(published, "--group", "rest", "--canary", "canary") == 1
    assert running(there, "rest") is None
    current = running(there, "canary")
    assert current is not None
    assert set(current.components) == {"aws.greengrass.Nucleus"}
    said = capsys.readouterr().out
    assert "COMPONENT_BROKEN" in said
    assert "canary: rolled back by deployment" in said


def test_a_first_canary_that_fails_is_canceled(published: Built, there: Account) -> None:
    there.group("canary", "one")
    there.group("rest", "two")
    there.devices.special["one"] = FAILED
    assert deploy(published, "--group", "rest", "--canary", "canary") == 1
    latest = str(read_group("canary", there.aws).latest)
    assert there.deployment(latest)["deploymentStatus"] == "CANCELED"


def test_what_was_canceled_is_deployed_again_and_never_given_back(published: Built, there: Account) -> None:
    there.group("canary", "one")
    there.group("rest", "two")
    there.devices.special["one"] = FAILED
    for _ in range(2):
        assert deploy(published, "--group", "rest", "--canary", "canary") == 1
        assert there.deployment(str(read_group("canary", there.aws).latest))["deploymentStatus"] == "CANCELED"
    there.devices.special.clear()
    assert deploy(published, "--group", "rest", "--canary", "canary") == 0
    assert (history(there, "canary"), history(there, "rest")) == (3, 1)


def test_an_interrupted_rollout_goes_on_behind_a_canary_that_has_taken_it(published: Built, there: Account) -> None:
    there.group("canary", "one")
    there.group("rest", "two")
    assert deploy(published, "--group", "canary") == 0
    assert deploy(published, "--group", "rest", "--canary", "canary") == 0
    assert (history(there, "canary"), history(there, "rest")) == (1, 1)


def test_an_interrupted_rollout_does_not_go_on_behind_a_canary_that_failed(published: Built, there: Account) -> None:
    there.group("canary", "one")
    there.group("rest", "two")
    there.devices.special["one"] = FAILED
    assert deploy(published, "--group", "canary") == 1
    assert deploy(published, "--group", "rest", "--canary", "canary") == 1
    assert running(there, "rest") is None


def test_an_offline_canary_holds_the_rollout(
    published: Built, there: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    there.group("canary", "one")
    there.group("rest", "two")
    there.devices.special["one"] = None
    assert deploy(published, "--group", "rest", "--canary", "canary") == 1
    assert "canary: failed: not one of its things was heard from" in capsys.readouterr().out
    assert running(there, "rest") is None


def test_an_empty_canary_proves_nothing(published: Built, there: Account, capsys: pytest.CaptureFixture[str]) -> None:
    there.group("canary")
    there.group("rest", "two")
    assert deploy(published, "--group", "rest", "--canary", "canary") == 1
    assert running(there, "rest") is None
    assert "canary: failed: a canary without things proves nothing" in capsys.readouterr().out


def test_an_empty_group_has_the_deployment_ready_for_those_who_join(
    published: Built, there: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    there.group("yard")
    assert deploy(published, "--group", "yard") == 0
    assert running(there, "yard") is not None
    assert "yard: has no things; those that join will get it" in capsys.readouterr().out
    assert verbs.status(["--region", REGION, "--group", "yard"]) == 1
    assert "yard: has no things" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (NoCredentialsError(), 2, "smartcam deploy: Unable to locate credentials; remedy: set AWS_PROFILE"),
        (
            EndpointConnectionError(endpoint_url="https://x"),
            2,
            "smartcam deploy: AWS: Could not connect to the endpoint",
        ),
        (
            S3UploadFailedError("Failed to upload: AccessDenied"),
            2,
            "smartcam deploy: AWS: Failed to upload: AccessDenied",
        ),
        (OSError(5, "Input/output error"), 2, "smartcam deploy: [Errno 5] Input/output error"),
        (KeyboardInterrupt(), 130, "smartcam deploy: AWS finishes what has begun"),
    ],
)
def test_a_fault_in_the_middle_is_one_line_and_the_same_command_goes_on(
    fault: BaseException,
    code: int,
    said: str,
    published: Built,
    there: Account,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there.group("canary", "one")
    there.group("rest", "two")
    asked = iter([fault])

    def cut(sent: Mapping[str, str], group_arn: str, aws: Aws) -> Mapping[str, DeviceOutcome]:
        for each in asked:
            raise each
        return outcomes_of(sent, group_arn, aws)

    monkeypatch.setattr("tools.release.watching.outcomes_of", cut)
    assert deploy(published, "--group", "rest", "--canary", "canary") == code
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert err.count("\n") == 1
    assert running(there, "rest") is None
    assert deploy(published, "--group", "rest", "--canary", "canary") == 0
    assert history(there, "canary") == 1
    assert running(there, "rest") is not None


def test_a_thing_in_both_groups_is_refused(there: Account) -> None:
    there.group("canary", "one")
    there.group("rest", "two")
    there.aws.iot.add_thing_to_thing_group(thingGroupName="rest", thingName="one")
    with pytest.raises(ReleaseError, match=r"one is in canary and in rest: a thing may be in only one"):
        read_groups(["canary", "rest"], there.aws)


def test_status_waits_and_shows_each_device(
    published: Built, there: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    there.group("yard", "one", "two")
    there.devices.special["two"] = FAILED
    assert deploy(published, "--group", "yard", "--wait", "0") == 0
    capsys.readouterr()
    assert verbs.status(["--region", REGION, "--group", "yard", "--wait", "30"]) == 1
    said = capsys.readouterr().out
    assert f"one  SUCCEEDED     runs {__version__}" in said
    assert "two  FAILED        COMPONENT_BROKEN" in said


def test_status_of_a_group_that_has_nothing_or_is_not_there(
    there: Account, street: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    del street
    there.group("yard", "one")
    assert verbs.status(["--region", REGION, "--group", "yard"]) == 2
    assert "yard: has no deployment" in capsys.readouterr().err
    assert verbs.status(["--region", REGION, "--group", "none"]) == 2
    assert "there is no thing group 'none'" in capsys.readouterr().err


def test_a_rollback_brings_the_earlier_configuration_back(
    published: Built, there: Account, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there.group("yard", "one")
    config = tmp_path / "config.yaml"
    for fps in (5, 4):
        config.write_text(f"smartcam.Capture: {{cameras: {{yard: {{source: file, path: /a, analyse_fps: {fps}}}}}}}")
        assert deploy(published, "--group", "yard", "--config", str(config)) == 0
    capsys.readouterr()
    rollback = ["--region", REGION, "--group", "yard"]
    assert verbs.rollback([*rollback, "--plan"]) == 0
    assert "/cameras/yard/analyse_fps: 4 -> 5" in capsys.readouterr().out
    assert verbs.rollback([*rollback, "--yes"]) == 0
    current = running(there, "yard")
    assert current is not None
    assert current.components["smartcam.Capture"].merge["cameras"]["yard"]["analyse_fps"] == 5
    assert current.components["smartcam.Capture"].reset == ("",)


def test_there_is_no_way_back_from_a_first_deployment(
    published: Built, there: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    there.group("yard", "one")
    assert deploy(published, "--group", "yard") == 0
    assert verbs.rollback(["--region", REGION, "--group", "yard", "--yes"]) == 2
    assert "there is no earlier deployment to go back to" in capsys.readouterr().err


def test_a_deployment_that_is_not_there_is_named(
    published: Built, there: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    there.group("yard", "one")
    assert deploy(published, "--group", "yard") == 0
    group = ["--region", REGION, "--group", "yard"]
    assert verbs.status([*group, "--deployment", "nosuch"]) == 2
    assert capsys.readouterr().err == f"smartcam status: there is no deployment 'nosuch' in {REGION}\n"
    assert verbs.rollback([*group, "--to", "nosuch", "--yes"]) == 2
    assert "yard: there is no earlier deployment 'nosuch' to go back to" in capsys.readouterr().err
