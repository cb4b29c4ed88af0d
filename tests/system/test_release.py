"""publish, deploy, status and rollback as a user runs them, with the local cloud and the control-plane stand-in."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smartcam import __version__
from standins.cloud.endpoint import ACCOUNT, REGION
from standins.cloud.local_cloud import LocalCloud
from standins.greengrass_api.components import ComponentCatalogue
from standins.greengrass_api.plane import ControlPlane, DeploymentEnd
from standins.greengrass_api.server import serving
from tests.fakes.fleet import Devices, digest_in
from tools.build.suite import DEMO_BUNDLE, build_suite
from tools.command_line import ROOT
from tools.setup import setup_cloud

pytestmark = [pytest.mark.cloud, pytest.mark.slow]
BUCKET = "artifacts-of-a-release"


@dataclass(frozen=True)
class Site:
    folder: Path
    environment: Mapping[str, str]
    devices: Devices
    storage: Any

    def run(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "front", verb, "--region", REGION, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with LocalCloud(tmp_path / "cloud", setup_cloud()) as cloud:
        storage, iot, devices = cloud.client("s3"), cloud.client("iot"), Devices()
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
            yield Site(tmp_path, environment, devices, storage)


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
    first = site.run("deploy", *build, *groups, "--yes", "--wait", "60")
    assert first.returncode == 0, first.stdout + first.stderr
    assert f"+ smartcam.Suite {__version__}" in first.stdout
    site.devices.special["porch"] = DeploymentEnd("FAILED", "the camera is gone")
    second = site.run("deploy", *build, *groups, "--config", str(config), "--yes", "--wait", "60")
    assert second.returncode == 1, second.stdout + second.stderr
    assert '/cameras: {"gate": {"source": "file", "path": "/clip.mp4"}}' in second.stdout
    assert "porch  FAILED        the camera is gone" in second.stdout
    assert "canary: rolled back by deployment" in second.stdout
    assert site.run("status", "--group", "rest").returncode == 0
    site.devices.special.clear()
    assert (
        site.run("deploy", *build, "--group", "rest", "--config", str(config), "--yes", "--wait", "60").returncode == 0
    )
    back = site.run("rollback", "--group", "rest", "--yes", "--wait", "60")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "-> the default" in back.stdout
