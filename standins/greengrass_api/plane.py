"""The state behind the stand-in: what is published, what is deployed, and what state the devices are in."""

import datetime as dt
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from standins.greengrass_api.components import ComponentCatalogue
from standins.greengrass_api.paging import page
from standins.greengrass_api.wire import Fields, Refusal, invalid

ACCOUNT: Final = "123456789012"
_RUNNING: Final = ("QUEUED", "IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class DeploymentEnd:
    """How a deployment ends on a device."""

    status: str = "SUCCEEDED"
    reason: str = "SUCCESSFUL"


Judge = Callable[[str, Fields], DeploymentEnd | None]
"""How a deployment of components (second) ends on a device (first); None when the device is offline."""
Members = Callable[[str], Sequence[str]]
"""The things of a group, by the group's ARN."""


@dataclass(slots=True)
class DeploymentRecord:
    """One deployment, with what each device has reported so far."""

    fields: dict[str, Any]
    devices: dict[str, str]
    ends: Mapping[str, DeploymentEnd]
    reasons: dict[str, str] = field(default_factory=dict)

    def step(self, device: str) -> None:
        """Advance a device by one step; called whenever its state is read."""
        state = self.devices[device]
        if state not in _RUNNING or self.fields["deploymentStatus"] == "CANCELED":
            return
        if state == "QUEUED":
            self.devices[device] = "IN_PROGRESS" if device in self.ends else "QUEUED"
        else:
            self.devices[device] = self.ends[device].status
            self.reasons[device] = self.ends[device].reason


class ControlPlane:
    """Answers requests; one at a time."""

    def __init__(self, shelf: ComponentCatalogue, members: Members, judge: Judge, region: str = "eu-west-1") -> None:
        self._shelf = shelf
        self._members = members
        self._judge = judge
        self._region = region
        self._deployments: list[DeploymentRecord] = []
        self._tokens: dict[str, DeploymentRecord] = {}
        self._numbers = itertools.count(1)
        self._clock = itertools.count(1_800_000_000)

    def handle(self, operation: str, fields: Fields) -> Fields:
        """The answer's fields. Raises Refusal."""
        own: Mapping[str, Callable[[Fields], Fields]] = {
            "CreateDeployment": self._create_deployment,
            "GetDeployment": lambda said: self._find(said["deploymentId"]).fields,
            "ListDeployments": self._list_deployments,
            "CancelDeployment": self._cancel,
            "ListCoreDevices": self._list_core_devices,
            "ListEffectiveDeployments": self._list_effective,
            "ListInstalledComponents": self._list_installed,
        }
        if operation in own:
            return own[operation](fields)
        return self._shelf.handle(operation, fields, self._now())

    def _create_deployment(self, said: Fields) -> Fields:
        token = said.get("clientToken", "")
        if token in self._tokens:
            return _receipt(self._tokens[token])
        components = said.get("components", {})
        for name, wanted in components.items():
            self._shelf.check_deployable(name, wanted["componentVersion"])
            _check_update(name, wanted.get("configurationUpdate", {}))
        target = said["targetArn"]
        for other in self._deployments:
            if other.fields["targetArn"] == target and other.fields["isLatestForTarget"]:
                other.fields["isLatestForTarget"] = False
                other.fields["deploymentStatus"] = "INACTIVE"
        number = next(self._numbers)
        kept = {key: value for key, value in said.items() if key != "clientToken"}
        job = f"job-{number}"
        fields: dict[str, Any] = {
            "deploymentName": f"DeploymentRecord for {target.rpartition('/')[2]}",
            "components": {},
            "deploymentPolicies": {},
            "iotJobConfiguration": {},
            "tags": {},
            **kept,
            "deploymentId": f"00000000-0000-4000-8000-{number:012d}",
            "revisionId": str(number),
            "iotJobId": job,
            "iotJobArn": f"arn:aws:iot:{self._region}:{ACCOUNT}:job/{job}",
            "deploymentStatus": "ACTIVE",
            "isLatestForTarget": True,
            "creationTimestamp": self._now(),
        }
        devices = self._devices(target)
        ends = {device: self._judge(device, components) for device in devices}
        online = {device: end for device, end in ends.items() if end is not None}
        deployment = DeploymentRecord(fields, dict.fromkeys(devices, "QUEUED"), online)
        self._deployments.append(deployment)
        if token:
            self._tokens[token] = deployment
        return _receipt(deployment)

    def _devices(self, target: str) -> Sequence[str]:
        kind, _, name = target.rpartition(":")[2].partition("/")
        return [name] if kind == "thing" else self._members(target)

    def _list_deployments(self, said: Fields) -> Fields:
        found = [
            {key: value for key, value in each.fields.items() if key in _SUMMARY}
            for each in reversed(self._deployments)
            if said.get("targetArn") in {None, each.fields["targetArn"]}
            and (said.get("historyFilter") == "ALL" or each.fields["isLatestForTarget"])
        ]
        return page("deployments", found, said)

    def _cancel(self, said: Fields) -> Fields:
        deployment = self._find(said["deploymentId"])
        if deployment.fields["deploymentStatus"] != "ACTIVE":
            raise Refusal(
                "ConflictException",
                "only an active deployment can be canceled",
                resourceId=said["deploymentId"],
                resourceType="DEPLOYMENT",
            )
        deployment.fields["deploymentStatus"] = "CANCELED"
        for device, state in deployment.devices.items():
            if state in _RUNNING:
                deployment.devices[device] = "CANCELED"
        return {"message": "canceled"}

    def _list_core_devices(self, said: Fields) -> Fields:
        group = said.get("thingGroupArn")
        states = self._states(self._members(group) if group else None)
        devices = [
            {
                "coreDeviceThingName": device,
                "status": "HEALTHY",
                "lastStatusUpdateTimestamp": self._now(),
                "platform": "linux",
                "architecture": "aarch64",
                "runtime": "aws_nucleus_lite",
            }
            for device in sorted(device for device, deployments in states.items() if deployments)
        ]
        return page("coreDevices", devices, said)

    def _states(self, wanted: Iterable[str] | None) -> Mapping[str, list[DeploymentRecord]]:
        """Every core device with its deployments. A thing that is not a core device has none."""
        devices = {device for each in self._deployments for device in each.devices}
        chosen = devices if wanted is None else devices & set(wanted)
        return {device: [each for each in self._deployments if device in each.devices] for device in chosen}

    def _list_effective(self, said: Fields) -> Fields:
        device = said["coreDeviceThingName"]
        found = []
        for each in self._states([device]).get(device, []):
            each.step(device)
            found.append(
                {
                    "deploymentId": each.fields["deploymentId"],
                    "deploymentName": each.fields["deploymentName"],
                    "iotJobId": each.fields["iotJobId"],
                    "iotJobArn": each.fields["iotJobArn"],
                    "targetArn": each.fields["targetArn"],
                    "coreDeviceExecutionStatus": each.devices[device],
                    "reason": each.reasons.get(device, ""),
                    "creationTimestamp": each.fields["creationTimestamp"],
                    "modifiedTimestamp": self._now(),
                }
            )
        return page("effectiveDeployments", list(reversed(found)), said)

    def _list_installed(self, said: Fields) -> Fields:
        device = said["coreDeviceThingName"]
        done = [each for each in self._states([device]).get(device, []) if each.devices[device] == "SUCCEEDED"]
        components = done[-1].fields["components"] if done else {}
        installed = [
            {"componentName": name, "componentVersion": each["componentVersion"], "isRoot": True}
            for name, each in components.items()
        ]
        return page("installedComponents", installed, said)

    def _find(self, deployment: str) -> DeploymentRecord:
        for each in self._deployments:
            if each.fields["deploymentId"] == deployment:
                return each
        raise Refusal(
            "ResourceNotFoundException", "no such deployment", resourceId=deployment, resourceType="DEPLOYMENT"
        )

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(next(self._clock), dt.UTC)


_SUMMARY: Final = frozenset(
    {
        "targetArn",
        "revisionId",
        "deploymentId",
        "deploymentName",
        "creationTimestamp",
        "deploymentStatus",
        "isLatestForTarget",
    }
)


def _receipt(deployment: DeploymentRecord) -> Fields:
    return {name: deployment.fields[name] for name in ("deploymentId", "iotJobId", "iotJobArn")}


def _check_update(name: str, update: Fields) -> None:
    """A merge is a JSON document in text, a reset a list of JSON pointers."""
    try:
        merge = json.loads(update.get("merge", "{}"))
    except ValueError as error:
        raise invalid(f"{name}: merge is not JSON") from error
    if not isinstance(merge, dict):
        raise invalid(f"{name}: merge is no object")
    for pointer in update.get("reset", []):
        if pointer and not pointer.startswith("/"):
            raise invalid(f"{name}: reset {pointer}")
