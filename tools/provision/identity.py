"""A device's identity in AWS IoT: thing, membership, policies, certificate. What exists is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.fleet.core_device import Account, device_policies
from infra.names import core_policy_name
from smartcam.contract.errors import SmartcamError
from smartcam.contract.ids import ThingName
from tools.command_line import Say
from tools.session import error_code

MOST_VERSIONS: Final = 5
"""The most versions that AWS keeps of a policy."""

Client = Any


class ProvisionError(SmartcamError):
    """A device cannot be provisioned: what failed, and the remedy."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of AWS IoT with its key."""

    arn: str
    pem: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a device connects to."""

    data: str
    credentials: str


def endpoints(iot: Client) -> Endpoints:
    """The account's endpoints."""
    kinds = ("iot:Data-ATS", "iot:CredentialProvider")
    return Endpoints(*(str(iot.describe_endpoint(endpointType=kind)["endpointAddress"]) for kind in kinds))


def ensure_thing(iot: Client, thing: ThingName, group: str, say: Say) -> None:
    """The thing, as a member of the group. Raises ProvisionError, with nothing changed, when there is no such group."""
    if not _exists(lambda: iot.describe_thing_group(thingGroupName=group)):
        raise ProvisionError(f"there is no thing group {group!r}; deploy the stack SmartcamFleet first")
    known = _exists(lambda: iot.describe_thing(thingName=thing))
    iot.create_thing(thingName=thing)
    say(f"thing {thing}: {'exists' if known else 'created'}")
    groups = [each["groupName"] for each in iot.list_thing_groups_for_thing(thingName=thing)["thingGroups"]]
    if group not in groups:
        iot.add_thing_to_thing_group(thingName=thing, thingGroupName=group)
    say(f"group {group}: {'already a member' if group in groups else 'joined'}")


def ensure_policies(iot: Client, thing: ThingName, place: Account, say: Say) -> tuple[str, ...]:
    """The device's policies, with its literal name; returns their names.

    The policy about what the suite publishes and subscribes to may belong to the alerts stack: an existing one is kept.
    """
    for name, document in device_policies(thing, place).items():
        if not _exists(partial(iot.get_policy, policyName=name)):
            iot.create_policy(policyName=name, policyDocument=document)
            say(f"policy {name}: created")
        elif name != core_policy_name(thing) or iot.get_policy(policyName=name)["policyDocument"] == document:
            say(f"policy {name}: exists")
        else:
            _make_room(iot, name)
            iot.create_policy_version(policyName=name, policyDocument=document, setAsDefault=True)
            say(f"policy {name}: updated")
    return tuple(device_policies(thing, place))


def ensure_certificate(iot: Client, kept: str | None, say: Say) -> Certificate | None:
    """A new certificate, or None where the bundle's own is active."""
    if kept is not None and _is_active(iot, kept):
        say(f"certificate {_short(kept)}: exists, active")
        return None
    made = iot.create_keys_and_certificate(setAsActive=True)
    arn = str(made["certificateArn"])
    say(f"certificate {_short(arn)}: created")
    return Certificate(arn, made["certificatePem"].encode(), made["keyPair"]["PrivateKey"].encode())


def bind(iot: Client, thing: ThingName, arn: str, policies: tuple[str, ...], say: Say) -> None:
    """Attach policies and thing to a certificate; doing so twice changes nothing."""
    for policy in policies:
        iot.attach_policy(policyName=policy, target=arn)
    iot.attach_thing_principal(thingName=thing, principal=arn)
    say(f"certificate {_short(arn)}: bound to {thing} and {len(policies)} policies")


def remove(iot: Client, thing: ThingName, place: Account, say: Say) -> None:
    """Remove a device's identity: it can no longer connect, and its name is free."""
    names = tuple(device_policies(thing, place))
    if _exists(lambda: iot.describe_thing(thingName=thing)):
        for arn in iot.list_thing_principals(thingName=thing)["principals"]:
            _drop_certificate(iot, thing, arn)
            say(f"certificate {_short(arn)}: deleted")
        iot.delete_thing(thingName=thing)
        say(f"thing {thing}: deleted")
    else:
        say(f"thing {thing}: there is none in this account and region")
    for name in names:
        if _exists(partial(iot.get_policy, policyName=name)):
            for version in iot.list_policy_versions(policyName=name)["policyVersions"]:
                if not version.get("isDefaultVersion"):
                    iot.delete_policy_version(policyName=name, policyVersionId=version["versionId"])
            iot.delete_policy(policyName=name)
            say(f"policy {name}: deleted")


def _drop_certificate(iot: Client, thing: ThingName, arn: str) -> None:
    identity = arn.rpartition("/")[2]
    iot.update_certificate(certificateId=identity, newStatus="INACTIVE")
    for policy in iot.list_attached_policies(target=arn)["policies"]:
        iot.detach_policy(policyName=policy["policyName"], target=arn)
    iot.detach_thing_principal(thingName=thing, principal=arn)
    iot.delete_certificate(certificateId=identity, forceDelete=True)


def _make_room(iot: Client, name: str) -> None:
    versions = iot.list_policy_versions(policyName=name)["policyVersions"]
    old = sorted(
        (each for each in versions if not each.get("isDefaultVersion")), key=lambda each: int(each["versionId"])
    )
    for version in old[: len(versions) - MOST_VERSIONS + 1]:
        iot.delete_policy_version(policyName=name, policyVersionId=version["versionId"])


def _is_active(iot: Client, arn: str) -> bool:
    found = _found(partial(iot.describe_certificate, certificateId=arn.rpartition("/")[2]))
    return found is not None and bool(found["certificateDescription"]["status"] == "ACTIVE")


def _exists(ask: Callable[[], object]) -> bool:
    return _found(ask) is not None


def _found(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - boto3's answers have no common type
    """The answer; None where there is no such thing."""
    try:
        return ask()
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise


def _short(arn: str) -> str:
    return arn.rpartition("/")[2][:8]
