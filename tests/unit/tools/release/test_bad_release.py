"""A release that a device refuses, as a user meets it: three things, of which one is the canary.

The devices' health goes through the fleet's own code into a registry, and the verbs read it from there. That is
in memory, and for two tests a table, which takes long to read.
"""

from pathlib import Path

import pytest

from smartcam import __version__
from tests.fakes.alerts_stack import TABLE, make_table
from tests.fakes.fleet import REGION, Account
from tests.fakes.shops import Street
from tests.unit.tools.release.conftest import at_the_clock_of, deploy
from tools.alerts.stack import STACK_NAME, AlertsSite, StackError
from tools.build.suite import Built
from tools.release import verbs
from tools.release.rollout import read_group
from tools.session import aws_session

OLD = "0.0.9"
FOREIGN = "aws.greengrass.Nucleus"
"""What the groups had before, so that there is something to go back to."""
REASON = "smartcam.Capture: golden output differs"


def site_of(stack: str, region: str | None) -> AlertsSite:
    if stack != STACK_NAME:
        raise StackError(f"stack {stack} is not deployed in this account and region; remedy: make cloud")
    return AlertsSite({"TableName": TABLE}, region)


in_a_table = pytest.mark.parametrize("street", ["table"], indirect=True)
find_fleet = verbs.find_fleet


@pytest.fixture
def street(request: pytest.FixtureRequest, street: Street, there: Account, monkeypatch: pytest.MonkeyPatch) -> Street:
    if not hasattr(request, "param"):
        return street
    street = Street(make_table(aws_session(REGION).client("dynamodb")))
    monkeypatch.setattr(verbs, "find_site", site_of)
    monkeypatch.setattr(verbs, "find_fleet", find_fleet)
    at_the_clock_of(street, there, monkeypatch)
    return street


@pytest.fixture
def three(there: Account, street: Street, published: Built) -> Street:
    """A canary and two others. Which nucleus they have makes no difference to the cloud: on neither does an
    installation fail because the release is bad."""
    del published
    there.group("canary", "porch")
    there.group("rest", "yard", "shed")
    street.runs(OLD, "porch", "yard", "shed")
    for group in ("canary", "rest"):
        arn = there.aws.group_arn(group)
        there.aws.greengrass.create_deployment(targetArn=arn, components={FOREIGN: {"componentVersion": "2.13.0"}})
    return street


def components(there: Account, group: str) -> set[str]:
    current = read_group(group, there.aws).current
    assert current is not None
    return set(current.components)


@in_a_table
def test_a_good_release_is_on_all_three_only_after_it_has_run_for_five_minutes(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    began = three.second
    assert deploy(published, "--group", "rest", "--canary", "canary") == 0
    assert three.second - began >= 2 * 300
    assert [three.shops[name].version for name in ("porch", "yard", "shed")] == [__version__] * 3
    said = capsys.readouterr().out
    assert f"porch  SUCCEEDED     runs {__version__}, for 0 s of 300 s so far" in said
    assert "canary: runs on 1 thing" in said
    assert "rest: runs on 2 things" in said
    assert "smartcam.Inference" in components(there, "rest")


def test_a_refused_release_never_leaves_the_canary_though_its_deployment_succeeds(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    three.shops["porch"].refuses = {__version__: REASON}
    assert deploy(published, "--group", "rest", "--canary", "canary") == 1
    said = capsys.readouterr().out
    assert f"canary: failed: porch: SUCCEEDED, refused the release: {__version__}: {REASON}" in said
    assert "canary: rolled back by deployment" in said
    assert components(there, "canary") == components(there, "rest") == {FOREIGN}
    assert [shop.versions for shop in three.shops.values()] == [[OLD]] * 3


def test_a_thing_of_the_last_stage_that_refuses_takes_the_stage_back(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    three.shops["shed"].refuses = {__version__: REASON}
    assert deploy(published, "--group", "rest", "--canary", "canary") == 1
    assert "rest: rolled back by deployment" in capsys.readouterr().out
    assert components(there, "rest") == {FOREIGN}
    assert "smartcam.Inference" in components(there, "canary")


def test_a_release_that_keeps_restarting_or_whose_capture_stays_behind_never_becomes_steady(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    three.shops["porch"].restarts_every_s = 100
    assert deploy(published, "--group", "rest", "--canary", "canary", "--wait", "700") == 1
    assert "canary: failed: not finished in time: porch: SUCCEEDED, runs" in capsys.readouterr().out
    three.shops["porch"].restarts_every_s, three.shops["porch"].capture_stays = 0, True
    three.shops["porch"].capture_version = OLD
    assert deploy(published, "--group", "rest", "--canary", "canary", "--wait", "700") == 1
    assert f"runs {__version__}, but its capture's version is {OLD}" in capsys.readouterr().out
    assert components(there, "canary") == {FOREIGN}


def test_a_silent_thing_is_named_and_does_not_hold_the_others(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    three.shops["shed"].on = False
    three.sleep(700)
    there.devices.special["shed"] = None
    assert deploy(published, "--group", "rest", "--canary", "canary") == 0
    said = capsys.readouterr().out
    assert "shed  NOT HEARD OF  was silent since" in said or "shed  QUEUED        was silent since" in said
    assert "rest: runs on 1 thing" in said
    assert "smartcam.Inference" in components(there, "rest")
    assert verbs.status(["--region", REGION, "--group", "rest"]) == 1


def test_no_rollback_leads_to_a_release_that_failed_unless_it_is_named(
    published: Built, there: Account, three: Street, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    for fps, code in ((5, 0), (4, 0), (3, 1)):
        three.shops["porch"].refuses = {__version__: REASON} if code else {}
        config.write_text(f"smartcam.Capture: {{cameras: {{gate: {{source: file, path: /a, analyse_fps: {fps}}}}}}}")
        assert deploy(published, "--group", "canary", "--config", str(config)) == code
    failed = there.aws.deployments_of(there.aws.group_arn("canary"))[1]["deploymentId"]
    rollback = ["--region", REGION, "--group", "canary", "--plan"]
    capsys.readouterr()
    assert verbs.rollback(rollback) == 0
    assert "/cameras/gate/analyse_fps: 4 -> 5" in capsys.readouterr().out
    assert verbs.rollback([*rollback, "--to", failed]) == 0
    assert "/cameras/gate/analyse_fps: 4 -> 3" in capsys.readouterr().out


def test_a_canary_that_is_silent_fails_the_stage(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    three.shops["porch"].on = False
    three.sleep(700)
    assert deploy(published, "--group", "rest", "--canary", "canary", "--wait", "600") == 1
    assert "canary: failed: not one of its things was heard from" in capsys.readouterr().out
    assert components(there, "rest") == {FOREIGN}


def test_a_time_that_cannot_be_enough_is_refused_before_anything_is_sent(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    three.shops["shed"].every_s = 1800
    three.sleep(301)
    assert deploy(published, "--group", "rest", "--canary", "canary") == 2
    assert "--wait 1800 is too short for shed, which reports every 1800 s: give 3900 or more" in capsys.readouterr().err
    assert deploy(published, "--group", "rest", "--wait", "10") == 2
    said = "--wait 10 is too short: a device's health must name the version for 300 s (--steady)"
    assert said in capsys.readouterr().err
    assert components(there, "canary") == components(there, "rest") == {FOREIGN}


def test_a_version_that_was_refused_once_may_be_sent_again(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    three.shops["porch"].refuses = {__version__: "smartcam.Capture: no space left on device"}
    assert deploy(published, "--group", "rest", "--canary", "canary") == 1
    assert three.shops["porch"].refused
    three.shops["porch"].refuses = {}
    three.sleep(10)
    assert deploy(published, "--group", "rest", "--canary", "canary") == 0, capsys.readouterr().out
    assert "smartcam.Inference" in components(there, "rest")


def test_status_shows_what_runs_beside_what_the_nucleus_says(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    three.shops["yard"].refuses = {__version__: REASON}
    assert deploy(published, "--group", "rest", "--wait", "0") == 0
    three.sleep(60)
    capsys.readouterr()
    assert verbs.status(["--region", REGION, "--group", "rest", "--wait", "600"]) == 1
    said = capsys.readouterr().out
    assert f"shed  SUCCEEDED     runs {__version__}" in said
    assert f"yard  SUCCEEDED     refused the release: {__version__}: {REASON}" in said
    assert there.devices.special == {}


def test_the_deployment_alone_is_trusted_where_one_says_so(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    three.shops["porch"].refuses = {__version__: REASON}
    assert deploy(published, "--group", "rest", "--canary", "canary", "--trust-deployment") == 0
    assert "each thing is judged by its deployment alone" in capsys.readouterr().out
    assert "smartcam.Inference" in components(there, "rest")


@in_a_table
def test_without_the_alerting_the_remedies_are_named_before_anything_is_sent(
    published: Built, there: Account, three: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    del three
    assert deploy(published, "--group", "rest", "--stack", "Elsewhere") == 2
    said = capsys.readouterr().err
    assert "stack Elsewhere is not deployed in this account and region; remedy: make cloud" in said
    assert "--trust-deployment does without, and takes a device that refused the release for one that runs it" in said
    assert components(there, "rest") == {FOREIGN}
