"""publish, deploy, status and rollback as a user runs them, with the local cloud and the control-plane stand-in."""

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from front.main import main
from infra.alerts.runtime.agreed import CAMERA_KEY, ITEM_KEY
from infra.alerts.runtime.aws.dynamo import Table
from infra.fleet.runtime.aws import DynamoRegistry
from smartcam import __version__
from smartcam.contract.times import UtcNs
from standins.cloud.endpoint import ACCOUNT, REGION
from standins.cloud.local_cloud import LocalCloud
from standins.greengrass_api.components import ComponentCatalogue
from standins.greengrass_api.plane import ControlPlane, DeploymentEnd
from standins.greengrass_api.server import serving
from tests.fakes.fleet import Devices, digest_in
from tests.fakes.shops import Shop, Street
from tools.alerts.stack import STACK_NAME
from tools.build.suite import DEMO_BUNDLE, build_suite
from tools.setup import setup_cloud

pytestmark = [pytest.mark.cloud, pytest.mark.slow]
BUCKET = "artifacts-of-a-release"
TABLE = "history-of-a-release"
KEYS = ((CAMERA_KEY, "HASH"), (ITEM_KEY, "RANGE"))
ALERTS = {
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": TABLE,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in KEYS],
                "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in KEYS],
            },
        }
    },
    "Outputs": {"TableName": {"Value": {"Ref": "Table"}}},
}
"""Of the alerting's stack, what the rollout asks for."""


class LiveStreet(Street):
    """Devices at this machine's clock, which take a deployment within a second and report every second."""

    def now(self) -> UtcNs:
        return UtcNs(time.time_ns())

    def shop(self, thing: str) -> Shop:
        return self.shops.setdefault(thing, Shop(thing, every_s=1, installs_in_s=1))

    def live(self, stop: threading.Event) -> None:
        while not stop.wait(1):
            self.sleep(1)


JUDGED = ("--wait", "300", "--steady", "3")


@dataclass(frozen=True)
class Ran:
    """What came of a verb."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Site:
    folder: Path
    environment: Mapping[str, str]
    devices: Devices
    street: Street

    def run(self, verb: str, *arguments: str) -> Ran:
        """In this process, which has imported the clients of AWS already."""
        said, complained = StringIO(), StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(complained):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", StringIO())  # nobody answers
            code = main([verb, "--region", REGION, *arguments])
        return Ran(code, said.getvalue(), complained.getvalue())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with LocalCloud(tmp_path / "cloud", setup_cloud()) as cloud:
        storage, iot, devices = cloud.client("s3"), cloud.client("iot"), Devices()
        cloud.client("cloudformation").create_stack(StackName=STACK_NAME, TemplateBody=json.dumps(ALERTS))
        street = LiveStreet(DynamoRegistry(Table(cloud.client("dynamodb"), TABLE)))
        street.serve(devices)
        storage.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for group, things in {"canary": ["porch"], "rest": ["yard", "shed"]}.items():
            iot.create_thing_group(thingGroupName=group)
            for thing in things:
                iot.create_thing(thingName=thing)
                iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)

        def members(arn: str) -> list[str]:
            name = arn.rpartition("/")[2]
            things: list[str] = iot.list_things_in_thing_group(thingGroupName=name)["things"]
            return things

        shelf = ComponentCatalogue(lambda bucket, key: digest_in(storage, bucket, key), REGION, ACCOUNT)
        with serving(ControlPlane(shelf, members, devices.judge, REGION).handle) as url:
            environment = {**cloud.environment(), "AWS_ENDPOINT_URL_GREENGRASSV2": url}
            stop = threading.Event()
            living = threading.Thread(target=street.live, args=(stop,))
            living.start()
            yield Site(tmp_path, environment, devices, street)
            stop.set()
            living.join()


def test_a_release_goes_from_a_build_to_the_canary_to_the_rest_and_back(site: Site) -> None:
    built = build_suite(site.folder / "build", DEMO_BUNDLE)
    build = ["--build", str(built.folder)]
    for said in ("created", "already published"):
        published = site.run("publish", *build, "--bucket", BUCKET)
        assert published.returncode == 0, published.stderr
        assert published.stdout.count(said) == len(built.components)
    config = site.folder / "config.yaml"
    config.write_text("smartcam.Capture: {cameras: {gate: {source: file, path: /clip.mp4}}}\n")
    groups = ["--canary", "canary", "--group", "rest"]
    refused = site.run("deploy", *build, *groups)
    assert refused.returncode == 3
    assert "no terminal to ask on; give --yes" in refused.stderr
    first = site.run("deploy", *build, *groups, "--yes", *JUDGED)
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"+ smartcam.Suite {__version__}" in first.stdout
    site.devices.special["porch"] = DeploymentEnd("FAILED", "the camera is gone")
    second = site.run("deploy", *build, *groups, "--config", str(config), "--yes", *JUDGED)
    assert second.returncode == 1, second.stdout + second.stderr
    assert '/cameras: {"gate": {"source": "file", "path": "/clip.mp4"}}' in second.stdout
    assert "porch  FAILED        the camera is gone" in second.stdout
    assert "canary: rolled back by deployment" in second.stdout
    status = site.run("status", "--group", "rest")
    assert status.returncode == 0, status.stdout + status.stderr
    assert f"yard  SUCCEEDED     runs {__version__}" in status.stdout
    site.devices.special.clear()
    site.street.shops["porch"].refuses = {__version__: "smartcam.Capture: golden output differs"}
    third = site.run("deploy", *build, *groups, "--config", str(config), "--yes", *JUDGED)
    assert third.returncode == 1, third.stdout + third.stderr
    assert f"porch: SUCCEEDED, refused the release: {__version__}: smartcam.Capture" in third.stdout
    assert site.run("deploy", *build, "--group", "rest", "--config", str(config), "--yes", *JUDGED).returncode == 0
    back = site.run("rollback", "--group", "rest", "--yes", *JUDGED)
    assert back.returncode == 0, back.stdout + back.stderr
    assert "-> the default" in back.stdout
    site.street.shops["porch"].refuses = {}
    sites = site.folder / "sites"
    sites.mkdir()
    for thing in ("porch", "yard", "shed"):
        (sites / f"{thing}.yaml").write_text(f"smartcam.Capture: {{cameras: {{{thing}: {{source: picamera}}}}}}\n")
    each = site.run("deploy", *build, *groups, "--sites", str(sites), "--yes", *JUDGED)
    assert each.returncode == 0, each.stdout + each.stderr
    assert "rest: runs on 2 things" in each.stdout
    assert "leaves the suite to the things' own" in each.stdout
    last = site.run("status", "--group", "rest")
    assert last.returncode == 0, last.stdout + last.stderr
    merge = site.street.shops["yard"].configuration["smartcam.Capture"]["configurationUpdate"]["merge"]
    assert json.loads(merge) == {"cameras": {"yard": {"source": "picamera"}}}
