"""What each device may publish and receive: a policy of its own with its literal name.

Thing variables are not an option, because AWS does not support them for Greengrass core devices.
"""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iot as iot
from constructs import Construct

from infra.fleet.core_device import VERSION, Account, allow_on, suite_statements
from infra.names import ROLE_ALIAS, policy_name
from smartcam.contract.ids import ThingName


class DevicePolicies(Construct):
    """One policy a thing, to be attached to its certificate when the device is provisioned."""

    def __init__(self, scope: Construct, construct_id: str, *, things: Sequence[ThingName], may_exchange: bool) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        account = Account(stack.partition, stack.region, stack.account)
        exchange = [allow_on(["iot:AssumeRoleWithCertificate"], [account.arn(f"rolealias/{ROLE_ALIAS}")])]
        for thing in things:
            statements = [*(exchange if may_exchange else []), *suite_statements(thing, account)]
            document = {"Version": VERSION, "Statement": statements}
            iot.CfnPolicy(self, thing, policy_name=policy_name(thing), policy_document=document)
