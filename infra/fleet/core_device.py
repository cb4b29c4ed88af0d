"""What a Greengrass core device may do, with its literal name: its policies, and the template that makes them.

AWS's own minimal policy for core devices, narrowed to one name. Where that has `<thing>*`, which lets `yard-1` speak
for `yard-10`, this has the name and the connections that the nucleus numbers (`<thing>#2`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.names import ANY_CAMERA, ROLE_ALIAS, core_policy_name, policy_name
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import ack_topic, event_topic, health_topic

VERSION: Final = "2012-10-17"
DATA_PLANE: Final = (
    "greengrass:GetComponentVersionArtifact",
    "greengrass:GetDeploymentConfiguration",
    "greengrass:ListThingGroupsForCoreDevice",
    "greengrass:ResolveComponentCandidates",
)
HEALTH_OF_THE_NUCLEUS: Final = ("greengrass/health/json", "greengrassv2/health/json")
"""The older name is what nuclei before 2.10 use."""

ANY_UUID: Final = "-".join("?" * count for count in (8, 4, 4, 4, 12))
"""A client's name in a policy: `?` is any one character."""

Statement = dict[str, object]


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a policy is for."""

    partition: str
    region: str
    account: str

    def arn(self, resource: str) -> str:
        """The name of a resource of AWS IoT."""
        return f"arn:{self.partition}:iot:{self.region}:{self.account}:{resource}"


def device_policies(thing: ThingName, account: Account) -> dict[str, str]:
    """The device's two policy documents, as JSON by policy name: one alone is too long for AWS with a long name."""
    documents = {policy_name(thing): suite_statements(thing, account)}
    documents[core_policy_name(thing)] = core_statements(thing, account)
    return {name: _document(statements) for name, statements in documents.items()}


def suite_statements(thing: ThingName, account: Account) -> list[Statement]:
    """What the suite publishes and receives."""
    spoken = [event_topic(thing, ANY_CAMERA), health_topic(thing)]
    return [
        allow_on(["iot:Connect"], [account.arn(f"client/{thing}")]),
        # The wildcard stands for the device's own cameras, which are configured on the device.
        allow_on(["iot:Publish"], [account.arn(f"topic/{topic}") for topic in spoken]),
        allow_on(["iot:Subscribe"], [account.arn(f"topicfilter/{ack_topic(thing)}")]),
        allow_on(["iot:Receive"], [account.arn(f"topic/{ack_topic(thing)}")]),
    ]


def core_statements(thing: ThingName, account: Account) -> list[Statement]:
    """What a core device needs to be deployed to."""
    own = f"$aws/things/{thing}"
    health = [f"{own}/{topic}" for topic in HEALTH_OF_THE_NUCLEUS]
    both = [f"{own}/jobs/*", f"{own}/shadow/*"]
    return [
        allow_on(["iot:Connect"], [account.arn(f"client/{thing}#*")]),
        allow_on(["iot:Publish"], [account.arn(f"topic/{topic}") for topic in health]),
        allow_on(["iot:Publish", "iot:Receive"], [account.arn(f"topic/{topic}") for topic in both]),
        allow_on(["iot:Subscribe"], [account.arn(f"topicfilter/{topic}") for topic in both]),
        allow_on(["iot:AssumeRoleWithCertificate"], [account.arn(f"rolealias/{ROLE_ALIAS}")]),
        # Only some of these can be limited to resources, and AWS's own components are in no account of ours.
        allow_on(list(DATA_PLANE), ["*"]),
    ]


def provisioning_template(account: Account, group: str) -> dict[str, object]:
    """A fleet provisioning template: thing, membership, certificate and policies with the thing's literal name.

    A device that is provisioned by claim names itself (`ThingName`), which AWS refuses where the thing exists with
    other certificates only if a pre-provisioning hook says so: claim certificates are to be kept like keys.
    """
    name: dict[str, object] = {"Ref": "ThingName"}
    return {
        "Parameters": {"ThingName": {"Type": "String"}, "AWS::IoT::Certificate::Id": {"Type": "String"}},
        "Resources": {
            "thing": {
                "Type": "AWS::IoT::Thing",
                "OverrideSettings": {"AttributePayload": "MERGE", "ThingGroups": "MERGE", "ThingTypeName": "FAIL"},
                "Properties": {"ThingName": name, "ThingGroups": [group], "AttributePayload": {}},
            },
            "certificate": {
                "Type": "AWS::IoT::Certificate",
                "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"},
            },
            **{
                label: {"Type": "AWS::IoT::Policy", "Properties": {"PolicyDocument": _joined(document, name)}}
                for label, document in zip(
                    ("policy", "core"), device_policies(_PLACEHOLDER, account).values(), strict=True
                )
            },
        },
    }


# Not a name that AWS allows, so that it is found wherever the name is used.
_PLACEHOLDER: Final = ThingName("\u0001")


def _joined(document: str, name: dict[str, object]) -> dict[str, object]:
    """The document with the name put in by the service: the only way to get a literal name."""
    parts: list[object] = []
    for part in document.split(json.dumps(_PLACEHOLDER)[1:-1]):
        parts += [part, name]
    return {"Fn::Join": ["", parts[:-1]]}


def claim_statements(account: Account, template: str) -> list[Statement]:
    """What a claim certificate may do: ask for a certificate and for this template, and nothing else.

    Both nuclei connect to provision under a random UUID (the plugin by claim unless its `deviceId` is set, which must
    be left out). Under any name, a claim could push a device off its connection and speak in presence events for it.
    """
    topics = ("certificates/create/*", f"provisioning-templates/{template}/provision/*")
    names = [f"$aws/{topic}" for topic in topics]
    return [
        allow_on(["iot:Connect"], [account.arn(f"client/{ANY_UUID}")]),
        allow_on(["iot:Publish", "iot:Receive"], [account.arn(f"topic/{name}") for name in names]),
        allow_on(["iot:Subscribe"], [account.arn(f"topicfilter/{name}") for name in names]),
    ]


def _document(statements: Sequence[Statement]) -> str:
    return json.dumps({"Version": VERSION, "Statement": list(statements)}, separators=(",", ":"))


def allow_on(actions: Sequence[str], resources: Sequence[str]) -> Statement:
    """One right of a policy of AWS IoT."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
