"""`smartcam deploy --sites`: each thing gets a deployment of its own, with the same canary and the same way back."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from smartcam import __version__
from standins.greengrass_api.plane import ControlPlane
from standins.greengrass_api.wire import Fields, Refusal
from tests.fakes.fleet import REGION, Account
from tests.fakes.shops import Street
from tests.unit.tools.release.conftest import deploy
from tools.build.suite import Built
from tools.release import rollout, verbs
from tools.release.aws import Aws, ReleaseError
from tools.release.deployment import Release
from tools.release.rollout import read_group
from tools.release.site_groups import site_group

COMMON = 'smartcam.Capture: {cameras: {gate: {source: rtsp, url: "rtsp://192.168.1.20/stream"}}}\n'
CAPTURE = "smartcam.Capture"
WAYS = ("--group", "rest", "--canary", "canary")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "sites"
    folder.mkdir()
    (folder / "common.yaml").write_text(COMMON)
    for number, thing in enumerate(("porch", "yard", "shed")):
        own = f"smartcam.Capture: {{cameras: {{gate: {{analyse_fps: {number + 1}}}}}}}\n"
        (folder / f"{thing}.yaml").write_text(own)
    return folder


@pytest.fixture
def three(there: Account, street: Street, published: Built) -> Street:
    """Three things that run the build already, by their groups' deployments."""
    there.group("canary", "porch")
    there.group("rest", "yard", "shed")
    street.runs(__version__, "porch", "yard", "shed")
    assert deploy(published, *WAYS, "--wait", "1000") == 0
    return street


def deploy_sites(built: Built, folder: Path, *arguments: str) -> int:
    return deploy(built, *WAYS, "--sites", str(folder), *arguments)


def fps_of(there: Account, thing: str) -> object:
    current = read_group(site_group(thing), there.aws).current
    assert current is not None
    gate: Mapping[str, object] = current.components[CAPTURE].merge["cameras"]["gate"]
    return gate.get("analyse_fps")


def components(there: Account, group: str) -> Mapping[str, Any]:
    current = read_group(group, there.aws).current
    return {} if current is None else current.components


def history(there: Account, thing: str) -> int:
    return len(there.aws.deployments_of(there.aws.group_arn(site_group(thing))))


def test_each_thing_gets_its_own_configuration_and_the_groups_hand_over(
    published: Built, there: Account, three: Street, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy_sites(published, folder) == 0
    assert [fps_of(there, thing) for thing in ("porch", "yard", "shed")] == [1, 2, 3]
    assert there.aws.things_of("SmartcamSite-yard") == ("yard",)
    assert components(there, "rest") == components(there, "canary") == {}
    assert "rest: runs on 2 things" in capsys.readouterr().out
    merge = three.shops["yard"].configuration[CAPTURE]["configurationUpdate"]["merge"]
    assert json.loads(merge)["cameras"]["gate"] == {
        "source": "rtsp",
        "url": "rtsp://192.168.1.20/stream",
        "analyse_fps": 2,
    }


def test_the_plan_shows_what_is_common_once_and_then_what_each_thing_has_for_itself(
    published: Built, there: Account, three: Street, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del three
    capsys.readouterr()
    assert deploy_sites(published, folder, "--plan") == 0
    assert capsys.readouterr().out.splitlines() == [
        "group canary: 1 thing",
        f"  ~ smartcam.Capture {__version__}",
        '      /cameras: {"gate": {"source": "rtsp", "url": "rtsp://192.168.1.20/stream", "analyse_fps": 1}}',
        "  = 4 components as they are",
        "      reset of smartcam.Capture: /accessControl",
        "      reset of smartcam.Inference: /accessControl",
        "group rest: 2 things",
        f"  ~ smartcam.Capture {__version__}",
        "  = 4 components as they are",
        "      reset of smartcam.Capture: /accessControl",
        "      reset of smartcam.Inference: /accessControl",
        "  yard",
        f"    ~ smartcam.Capture {__version__}",
        '        /cameras: {"gate": {"source": "rtsp", "url": "rtsp://192.168.1.20/stream", "analyse_fps": 2}}',
        "  shed",
        f"    ~ smartcam.Capture {__version__}",
        '        /cameras: {"gate": {"source": "rtsp", "url": "rtsp://192.168.1.20/stream", "analyse_fps": 3}}',
        "each thing is judged after 300 s, by its health; a group in which one fails gets back what it had",
    ]
    with pytest.raises(ReleaseError):
        read_group("SmartcamSite-yard", there.aws)


def test_the_next_release_goes_from_the_canary_to_the_rest_and_only_what_differs_is_sent(
    published: Built, there: Account, three: Street, folder: Path
) -> None:
    assert deploy_sites(published, folder) == 0
    (folder / "shed.yaml").write_text("smartcam.Capture: {cameras: {gate: {analyse_fps: 9}}}")
    assert deploy_sites(published, folder) == 0
    assert [fps_of(there, thing) for thing in ("porch", "yard", "shed")] == [1, 2, 9]
    assert [history(there, thing) for thing in ("porch", "yard", "shed")] == [1, 1, 2]
    assert three.shops["shed"].refused == ""


def test_a_canary_that_refuses_its_configuration_gets_its_old_one_back_and_the_rest_is_spared(
    published: Built, there: Account, three: Street, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy_sites(published, folder) == 0
    for thing in ("porch", "yard", "shed"):
        (folder / f"{thing}.yaml").write_text("smartcam.Capture: {cameras: {gate: {analyse_fps: 9}}}")
    three.shops["porch"].refuses_configuration = "cameras.gate.url: must be the address"
    assert deploy_sites(published, folder, "--wait", "700") == 1
    said = capsys.readouterr().out
    assert "canary: failed: not finished in time: porch: SUCCEEDED, refuses its configuration" in said
    assert "porch: rolled back by deployment" in said
    assert [fps_of(there, thing) for thing in ("porch", "yard", "shed")] == [1, 2, 3]
    assert [history(there, thing) for thing in ("porch", "yard", "shed")] == [3, 1, 1]


def test_one_site_that_aws_does_not_let_go_back_keeps_no_other_from_it(
    published: Built,
    there: Account,
    three: Street,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert deploy_sites(published, folder) == 0
    for thing in ("yard", "shed"):
        (folder / f"{thing}.yaml").write_text("smartcam.Capture: {cameras: {gate: {analyse_fps: 9}}}")
    three.shops["shed"].refuses_configuration = "cameras.gate.url: must be the address"
    sent = rollout.create

    def throttled(part: rollout.Part, name: str, aws: Aws) -> str:
        if part.name == "shed" and name.endswith("rolled back"):
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "CreateDeployment")
        return sent(part, name, aws)

    monkeypatch.setattr(rollout, "create", throttled)
    assert deploy_sites(published, folder, "--wait", "700") == 1
    said = capsys.readouterr().out
    assert "shed: not rolled back: An error occurred (ThrottlingException)" in said
    assert "remedy: `smartcam rollback --group SmartcamSite-shed`" in said
    assert [fps_of(there, thing) for thing in ("yard", "shed")] == [2, 9]


def test_a_first_rollout_by_site_that_fails_gives_the_groups_configuration_back(
    published: Built, there: Account, three: Street, folder: Path
) -> None:
    three.shops["porch"].refuses_configuration = "cameras: too many"
    assert deploy_sites(published, folder, "--wait", "700") == 1
    assert components(there, "SmartcamSite-porch")[CAPTURE].merge == {}
    assert components(there, "SmartcamSite-porch")[CAPTURE].reset == ("",)
    assert CAPTURE in components(there, "rest")


def test_an_interrupted_rollout_sends_the_rest_and_judges_all(
    published: Built,
    there: Account,
    three: Street,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del three
    made: list[str] = []
    whole = there.aws.make_group

    def cut(_: object, group: str, things: tuple[str, ...]) -> str:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(group)
        return whole(group, things)

    with monkeypatch.context() as patch:
        patch.setattr("tools.release.aws.Aws.make_group", cut)
        assert deploy_sites(published, folder) == 130
    assert "the same command continues where it stopped" in capsys.readouterr().err
    assert deploy_sites(published, folder) == 0
    assert "yard: deployment 00000000-0000-4000-8000-000000000004, nothing changes" in (capsys.readouterr().out)
    assert [history(there, thing) for thing in ("porch", "yard", "shed")] == [1, 1, 1]


def test_a_configuration_that_may_be_too_large_for_lite_is_named(
    published: Built, there: Account, three: Street, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del three, there
    masks = {f"corner-{number}": [[0, 0], [0.1, 0], [0.1, 0.1]] for number in range(16)}
    cameras = {
        f"gate-{number}": {"source": "v4l2", "device": f"/dev/video{number}", "ignored": masks} for number in range(5)
    }
    (folder / "yard.yaml").write_text(json.dumps({CAPTURE: {"cameras": cameras}}))
    assert deploy_sites(published, folder, "--plan") == 0
    assert "warning: over 3000 bytes, which may be too much for nucleus lite: yard" in capsys.readouterr().out


def test_a_group_that_was_made_without_its_thing_gets_it(
    published: Built, there: Account, three: Street, folder: Path
) -> None:
    del three
    there.aws.iot.create_thing_group(thingGroupName="SmartcamSite-yard")
    assert deploy_sites(published, folder) == 0
    assert there.aws.things_of("SmartcamSite-yard") == ("yard",)


def test_another_version_than_the_groups_own_is_refused_before_anything_is_sent(
    published: Built, there: Account, street: Street, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del street
    there.group("canary", "porch")
    arn = there.group("rest", "yard", "shed")
    there.aws.greengrass.create_deployment(targetArn=arn, components={CAPTURE: {"componentVersion": __version__}})
    newer = Built(published.folder, "0.9.0", published.components)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verbs, "find_built", lambda _: newer)
        patch.setattr(verbs, "release_of", lambda *_: Release("0.9.0", (CAPTURE,), frozenset()))
        assert deploy_sites(published, folder) == 2
    assert f"rest itself deploys {CAPTURE} {__version__}, and nucleus lite refuses two versions" in (
        capsys.readouterr().err
    )


def test_once_by_site_the_group_alone_is_refused_and_status_shows_each_thing(
    published: Built, there: Account, three: Street, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del three
    assert deploy_sites(published, folder) == 0
    capsys.readouterr()
    assert deploy(published, "--group", "rest") == 2
    assert "yard of rest has a deployment of its own: use `smartcam deploy --sites`, or --group SmartcamSite-yard" in (
        capsys.readouterr().err
    )
    assert verbs.rollback(["--region", REGION, "--group", "rest", "--yes"]) == 2
    assert verbs.status(["--region", REGION, "--group", "rest"]) == 0
    said = capsys.readouterr().out
    assert f"shed  SUCCEEDED     runs {__version__}" in said
    assert said.count("deployment 0000") == 2
    (folder / "shed.yaml").write_text("smartcam.Capture: {cameras: {gate: {analyse_fps: 9}}}")
    assert deploy_sites(published, folder) == 0
    assert verbs.rollback(["--region", REGION, "--group", "SmartcamSite-shed", "--yes"]) == 0
    assert fps_of(there, "shed") == 3


def test_many_shops_are_shown_in_few_lines(
    published: Built, there: Account, street: Street, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shops = [f"shop-{number:02}" for number in range(24)]
    there.group("rest", *shops)
    folder = tmp_path / "sites"
    folder.mkdir()
    for shop in shops:
        (folder / f"{shop}.yaml").write_text(COMMON)
    street.runs(__version__, *shops)
    street.shops["shop-07"].on = False
    street.sleep(700)
    assert deploy(published, "--group", "rest", "--sites", str(folder)) == 0
    said = capsys.readouterr().out
    assert "group rest: 24 things" in said
    assert said.count("rtsp://192.168.1.20/stream") == 1
    assert said.count("shop-07  SUCCEEDED     was silent since") == 1
    assert "23 of 24 run it; 1 silent: shop-07" in said
    assert "rest: runs on 23 things" in said
    assert said.count("\n") < 50


def test_a_name_that_leaves_no_room_for_a_group_is_refused() -> None:
    assert site_group("x" * 115) == "SmartcamSite-" + "x" * 115
    with pytest.raises(ReleaseError, match="its name is too long for a group of its own"):
        site_group("x" * 116)


def test_calls_that_aws_throttles_are_tried_again(
    published: Built, there: Account, three: Street, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del three
    answer, refused = ControlPlane.handle, iter(range(2))

    def busy(plane: ControlPlane, operation: str, fields: Fields) -> Fields:
        if operation == "CreateDeployment" and next(refused, None) is not None:
            raise Refusal("ThrottlingException", "slow down")
        return answer(plane, operation, fields)

    monkeypatch.setattr(ControlPlane, "handle", busy)
    assert deploy_sites(published, folder) == 0
    assert next(refused, None) is None
    assert [history(there, thing) for thing in ("porch", "yard", "shed")] == [1, 1, 1]
