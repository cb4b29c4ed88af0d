"""What is filled in is checked in the words of the verbs, and becomes their commands."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smartcam.contract.errors import SmartcamError
from smartcam.contract.reading import Fields
from tests.fakes.fleet import REGION, Account, accounts, small_build
from tools.alerts.reach import Reach
from tools.alerts.stack import STACK_NAME, AlertsSite, StackMissing
from tools.build.suite import BuildError
from tools.console import ordering
from tools.console.ordering import FLEET, WizardCommand, deployed, planned, read_order
from tools.release.aws import ReleaseError
from tools.setup import Toolchain

CAMERAS = "smartcam.Capture:\n  cameras:\n    yard: {source: rtsp, url: 'rtsp://192.0.2.7/s1'}\n"
FILLED = {"cameras": CAMERAS, "group": "Smartcam", "tells": True, "email": "anna@example.org", "language": "zh"}
TOOLS = Toolchain(Path("/node"), ("/node", "/cdk"), Path("/python"))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_build(tmp_path_factory.mktemp("build")).folder


@pytest.fixture(autouse=True)
def _build(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "BUILD", build)
    monkeypatch.setenv("AWS_REGION", REGION)


@pytest.fixture(scope="module")
def fresh() -> Iterator[Callable[[], Account]]:
    with accounts() as found:
        yield found


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> dict[str, AlertsSite]:
    """Those that are deployed, by name."""
    found: dict[str, AlertsSite] = {}

    def find(name: str = STACK_NAME, _region: str | None = None) -> AlertsSite:
        if name not in found:
            raise StackMissing(f"stack {name} is not deployed in this account and region; remedy: make cloud")
        return found[name]

    monkeypatch.setattr(ordering, "find_site", find)
    return found


def shown(steps: Iterator[str | WizardCommand]) -> list[str]:
    return [each if isinstance(each, str) else each.shown for each in steps]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cameras": ""}, "names no cameras"),
        ({"cameras": "smartcam.Capture: ["}, "line 1"),
        ({"cameras": CAMERAS.replace("rtsp,", "rstp,")}, "smartcam.Capture: cameras.yard.source = 'rstp'"),
        ({"cameras": CAMERAS + "smartcam.Captrue: {}\n"}, "no component 'smartcam.Captrue'"),
        ({"email": "anna"}, "email = 'anna': give an address such as"),
        ({"email": ""}, "nobody would get alerts"),
        ({"phone": "0171"}, "phone = '0171': give a number in the form of E.164"),
        ({"time_zone": "Berlin"}, "time_zone = 'Berlin': give an IANA name"),
        ({"tells": "yes"}, "tells"),
    ],
)
def test_what_a_verb_would_refuse_is_refused_in_its_words_and_nothing_is_written(
    change: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(SmartcamError) as refused:
        read_order(Fields({**FILLED, **change}), tmp_path / "setup")
    assert words in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_without_a_build_it_is_said_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "BUILD", tmp_path)
    with pytest.raises(BuildError, match="has no build; make one with `smartcam build`"):
        read_order(Fields(FILLED), tmp_path / "setup")


def test_the_configuration_is_kept_for_later_deployments_for_its_owner_alone(
    tmp_path: Path, fresh: Callable[[], Account], stacks: dict[str, AlertsSite]
) -> None:
    fresh()
    order = read_order(Fields({**FILLED, "tells": False}), tmp_path / "setup")
    assert not order.config.exists()
    with pytest.raises(ReleaseError, match="no thing group"):
        list(planned(order))
    assert order.config.read_text() == CAMERAS
    assert order.config.stat().st_mode & 0o777 == 0o600
    order.config.write_text("something else since")
    stacks[FLEET] = AlertsSite({"ArtifactBucketName": "the-bucket"})
    assert len(list(deployed(order, lambda: TOOLS))) == 2
    assert order.config.read_text() == CAMERAS


def test_who_is_told_of_alerts_is_told_of_faults_of_the_cloud_side_too_as_make_cloud_has_it(tmp_path: Path) -> None:
    order = read_order(Fields(FILLED), tmp_path)
    assert order.context == {"email": "anna@example.org", "operations_email": "anna@example.org", "language": "zh"}


def test_at_the_very_first_use_the_plan_names_everything_that_would_be_made_and_asks_only(
    tmp_path: Path, fresh: Callable[[], Account], stacks: dict[str, AlertsSite]
) -> None:
    fresh()
    assert stacks == {}
    lines = shown(planned(read_order(Fields(FILLED), tmp_path)))
    assert lines[0].endswith(f", region {REGION}")
    assert lines[1] == "told of alerts: anna@example.org"
    assert lines[2].startswith("$ cdk bootstrap aws://")
    assert lines[3].startswith("$ cdk deploy SmartcamAlerts SmartcamFleet -c email=anna@example.org")
    assert lines[4].startswith("$ smartcam publish")
    assert lines[5].startswith("$ smartcam deploy --group Smartcam")
    assert lines[6].startswith("there is no thing group 'Smartcam'")
    assert "SmartcamFleet makes it" in lines[6]
    assert len(lines) == 7


def test_later_the_plan_says_who_would_be_told_no_more_and_shows_what_the_devices_would_get(
    tmp_path: Path, fresh: Callable[[], Account], stacks: dict[str, AlertsSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = fresh()
    there.group("Smartcam", "yard-1")
    stacks[STACK_NAME] = AlertsSite({})
    told = [Reach("everyone", 1, (), ("anna@example.org", "ben@example.org"))]
    monkeypatch.setattr(ordering, "reach_of", lambda _site: told)
    *said, last = planned(read_order(Fields(FILLED), tmp_path))
    assert "told no more: ben@example.org" in said
    assert "all other keys of the alerting become what cdk.json says, or their defaults" in said
    assert isinstance(last, WizardCommand)
    assert last.command[-1] == "--plan"


def test_another_group_that_is_not_there_and_an_account_that_nobody_can_enter_are_named(
    tmp_path: Path,
    fresh: Callable[[], Account],
    stacks: dict[str, AlertsSite],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh()
    assert stacks == {}
    order = read_order(Fields({**FILLED, "group": "Smratcam"}), tmp_path)
    with pytest.raises(ReleaseError, match="no thing group 'Smratcam'"):
        list(planned(order))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ReleaseError, match="no region"):
        list(planned(order))


def test_what_is_done_is_the_cloud_then_the_bucket_that_it_has_made_then_the_rollout(
    tmp_path: Path, fresh: Callable[[], Account], stacks: dict[str, AlertsSite]
) -> None:
    fresh()
    stacks[FLEET] = AlertsSite({"ArtifactBucketName": "the-bucket"})
    order = read_order(Fields(FILLED), tmp_path)
    *steps, last = deployed(order, lambda: TOOLS)
    boot, cloud, publish, rollout = (each for each in steps if isinstance(each, WizardCommand))
    assert boot.command[:3] == ("/node", "/cdk", "bootstrap")
    assert cloud.command[2:5] == ("deploy", "SmartcamAlerts", "SmartcamFleet")
    assert ("-c", "email=anna@example.org") in zip(cloud.command, cloud.command[1:], strict=False)
    assert cloud.environment["JSII_NODE"] == "/node"
    assert publish.command[-2:] == ("--bucket", "the-bucket")
    assert rollout.command[-1] == "--yes"
    assert "confirmed" in str(last)
    alone = [each.shown for each in deployed(read_order(Fields({**FILLED, "tells": False}), tmp_path), lambda: TOOLS)
             if isinstance(each, WizardCommand)]  # fmt: skip
    assert [line.split()[1:3] for line in alone] == [["smartcam", "publish"], ["smartcam", "deploy"]]
