"""An account with a control-plane stand-in, S3, IoT and STS in memory, and devices that take deployments as told."""

import atexit
import dataclasses
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from standins.greengrass_api.components import ComponentCatalogue
from standins.greengrass_api.plane import ACCOUNT, ControlPlane, DeploymentEnd
from standins.greengrass_api.server import serving
from standins.greengrass_api.wire import Fields
from tools.build.suite import Built, build_suite
from tools.release.aws import Aws, Client, connect

REGION = "eu-west-1"
BUCKET = "artifacts-of-tests"


@dataclass
class Devices:
    """How each device takes deployments: by thing name, else `usual`; None is offline."""

    usual: DeploymentEnd | None = field(default_factory=DeploymentEnd)
    special: dict[str, DeploymentEnd | None] = field(default_factory=dict)
    on_sent: Callable[[str, Mapping[str, Any], DeploymentEnd | None], None] = lambda *_: None

    def judge(self, device: str, components: Mapping[str, Any]) -> DeploymentEnd | None:
        end = self.special.get(device, self.usual)
        self.on_sent(device, components, end)
        return end


@dataclass(frozen=True)
class Account:
    aws: Aws
    devices: Devices
    url: str

    def group(self, name: str, *things: str) -> str:
        arn: str = self.aws.iot.create_thing_group(thingGroupName=name)["thingGroupArn"]
        for thing in things:
            self.aws.iot.create_thing(thingName=thing)
            self.aws.iot.add_thing_to_thing_group(thingGroupName=name, thingName=thing)
        return arn

    def deployment(self, identity: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self.aws.greengrass.get_deployment(deploymentId=identity)
        return answer

    def objects(self) -> dict[str, str]:
        """Key -> ETag of everything in the bucket."""
        return {
            each["Key"]: each["ETag"] for each in self.aws.storage.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        }


def digest_in(storage: Client, bucket: str, key: str) -> bytes | None:
    try:
        return hashlib.sha256(storage.get_object(Bucket=bucket, Key=key)["Body"].read()).digest()
    except ClientError:
        return None


@contextmanager
def accounts() -> Iterator[Callable[[], Account]]:
    """Gives fresh accounts one after another; clients and server, which take a second to make, are made once."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        patch.delenv("AWS_PROFILE", raising=False)
        # Afterwards, or what moto sets would be put back as what was there before.
        mocked = stack.enter_context(mock_aws())
        switch = Switch()
        with serving(switch.handle) as url:
            patch.setenv("AWS_ENDPOINT_URL_GREENGRASSV2", url)
            aws = connect(REGION)

            def fresh() -> Account:
                mocked.reset()
                aws.storage.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
                devices = Devices()
                shelf = ComponentCatalogue(lambda bucket, key: digest_in(aws.storage, bucket, key), REGION, ACCOUNT)
                switch.plane = ControlPlane(
                    shelf, lambda arn: aws.things_of(arn.rpartition("/")[2]), devices.judge, REGION
                )
                return Account(dataclasses.replace(aws), devices, url)

            yield fresh


class Switch:
    """Hands requests to the plane of the test that runs."""

    plane: ControlPlane

    def handle(self, operation: str, fields: Fields) -> Fields:
        return self.plane.handle(operation, fields)


def small_build(folder: Path, content: str = "{}") -> Built:
    """A build with this manifest in place of a bundle, in a folder of the test's own."""
    made, target = _built_once(content), folder / "greengrass-build"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(made.folder, target)
    return dataclasses.replace(made, folder=target)


@cache
def _built_once(content: str) -> Built:
    """It takes half a second, and dozens of tests want one."""
    folder = Path(tempfile.mkdtemp(prefix="small-build-"))
    atexit.register(shutil.rmtree, folder)
    bundle = folder / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text(content)
    return build_suite(folder / "greengrass-build", bundle)
