"""What each device may say and hear: a policy of its own with its literal name.

Thing variables are not an option, because AWS does not support them for Greengrass core devices.
"""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iot as iot
from constructs import Construct

from infra.names import ANY_CAMERA, ROLE_ALIAS, policy_name
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import ack_topic, event_topic, health_topic


class DevicePolicies(Construct):
    """One policy a thing, to be attached to its certificate when the device is provisioned."""

    def __init__(self, scope: Construct, construct_id: str, *, things: Sequence[ThingName], may_exchange: bool) -> None:
        super().__init__(scope, construct_id)
        self._may_exchange = may_exchange
        for thing in things:
            iot.CfnPolicy(self, thing, policy_name=policy_name(thing), policy_document=self._document(thing))

    def _document(self, thing: ThingName) -> dict[str, object]:
        def arn(resource: str, name: str) -> str:
            return cdk.Stack.of(self).format_arn(service="iot", resource=resource, resource_name=name)

        spoken = [event_topic(thing, ANY_CAMERA), health_topic(thing)]
        exchange = [_allow("iot:AssumeRoleWithCertificate", [arn("rolealias", ROLE_ALIAS)])]
        return {
            "Version": "2012-10-17",
            "Statement": [
                *(exchange if self._may_exchange else []),
                _allow("iot:Connect", [arn("client", thing)]),
                # The wildcard stands for the device's own cameras, which are configured on the device.
                _allow("iot:Publish", [arn("topic", topic) for topic in spoken]),
                _allow("iot:Subscribe", [arn("topicfilter", ack_topic(thing))]),
                _allow("iot:Receive", [arn("topic", ack_topic(thing))]),
            ],
        }


def _allow(action: str, resources: list[str]) -> dict[str, object]:
    return {"Effect": "Allow", "Action": [action], "Resource": resources}
