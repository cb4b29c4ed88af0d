"""The AWS services that a release talks to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from smartcam.contract.errors import SmartcamError
from tools.session import aws_session, error_code

# boto3 makes its clients at run time, from the service model.
Client = Any
# Adaptive: a client that AWS throttles slows down by itself. Two hundred sites are a thousand calls.
_CONFIG: Final = Config(connect_timeout=10, read_timeout=60, retries={"mode": "adaptive", "max_attempts": 10})
FAULTS: Final = (BotoCoreError, ClientError, Boto3Error)


class ReleaseError(SmartcamError):
    """A release cannot go on: what failed, and the remedy."""


@dataclass(frozen=True, slots=True)
class Aws:
    """Clients of one account and region."""

    region: str
    greengrass: Client
    storage: Client
    iot: Client
    identity: Client

    def component_arn(self, name: str, version: str) -> str:
        """The ARN of a component version of this account."""
        caller = self.identity.get_caller_identity()
        partition = caller["Arn"].split(":")[1]  # `aws-cn` in China, `aws-us-gov` in GovCloud
        return f"arn:{partition}:greengrass:{self.region}:{caller['Account']}:components:{name}:versions:{version}"

    def group_arn(self, group: str) -> str:
        """The ARN of a thing group. Raises ReleaseError when there is none."""
        try:
            return str(self.iot.describe_thing_group(thingGroupName=group)["thingGroupArn"])
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                raise ReleaseError(f"there is no thing group {group!r} in {self.region}") from error
            raise

    def groups_named(self, prefix: str) -> dict[str, str]:
        """The thing groups whose name begins so, with their ARNs."""
        found = self._pages(self.iot.list_thing_groups, "thingGroups", namePrefixFilter=prefix)
        return {each["groupName"]: each["groupArn"] for each in found}

    def make_group(self, group: str, things: Sequence[str]) -> str:
        """A thing group with these things in it, which may be there already; gives its ARN."""
        try:
            arn = str(self.iot.create_thing_group(thingGroupName=group)["thingGroupArn"])
        except self.iot.exceptions.ResourceAlreadyExistsException:
            arn = self.group_arn(group)
        for thing in things:
            self.iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)
        return arn

    def things_of(self, group: str) -> tuple[str, ...]:
        """The things in a group."""
        return tuple(self._pages(self.iot.list_things_in_thing_group, "things", thingGroupName=group))

    def deployments_of(self, target: str) -> list[Mapping[str, Any]]:
        """Every deployment to a target, the newest first."""
        found = list(
            self._pages(self.greengrass.list_deployments, "deployments", targetArn=target, historyFilter="ALL")
        )
        return sorted(found, key=lambda each: each["creationTimestamp"], reverse=True)

    def deployment(self, identity: str) -> Mapping[str, Any]:
        """A deployment as Greengrass keeps it. Raises ReleaseError when there is none."""
        try:
            found: Mapping[str, Any] = self.greengrass.get_deployment(deploymentId=identity)
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                raise ReleaseError(f"there is no deployment {identity!r} in {self.region}") from error
            raise
        return found

    def effective(self, device: str) -> Iterator[Mapping[str, Any]]:
        """What a core device reports of its deployments."""
        return self._pages(
            self.greengrass.list_effective_deployments, "effectiveDeployments", coreDeviceThingName=device
        )

    def core_devices(self, group_arn: str) -> tuple[str, ...]:
        """The things of a group that have reported as core devices."""
        pages = self._pages(self.greengrass.list_core_devices, "coreDevices", thingGroupArn=group_arn)
        return tuple(each["coreDeviceThingName"] for each in pages)

    def _pages(self, call: Client, name: str, **arguments: str) -> Iterator[Any]:
        following: dict[str, str] = {}
        while True:
            answer = call(**arguments, **following)
            yield from answer[name]
            if not answer.get("nextToken"):
                return
            following = {"nextToken": answer["nextToken"]}


def connect(region: str | None) -> Aws:
    """Clients as the environment says: profile, keys, endpoints. Raises ReleaseError without a region."""
    session = aws_session(region)
    if session.region_name is None:
        raise ReleaseError("no region: give --region, or set AWS_REGION")

    def client(service: str) -> Client:
        make: Client = session.client
        return make(service, config=_CONFIG)

    return Aws(session.region_name, *(client(service) for service in ("greengrassv2", "s3", "iot", "sts")))
