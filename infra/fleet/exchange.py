"""How a device comes to AWS credentials: its certificate buys those of a role, for an hour and for its own things only.

In a stack of its own, because no stand-in knows role aliases.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_iot as iot
from constructs import Construct

from infra.devices import ROLE_ALIAS
from infra.snapshots.infrastructure import UPLOADS_POLICY

STACK_NAME = "SmartcamExchange"


class ExchangeStack(cdk.Stack):
    """The role that all devices share, and the alias by which they ask for it."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope, construct_id, description="Smartcam: credentials for the devices", analytics_reporting=False
        )
        uploads = iam.ManagedPolicy.from_managed_policy_name(self, "Uploads", UPLOADS_POLICY)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("credentials.iot.amazonaws.com"),
            managed_policies=[uploads],
        )
        iot.CfnRoleAlias(
            self,
            "Alias",
            role_alias=ROLE_ALIAS,
            role_arn=role.role_arn,
            credential_duration_seconds=int(cdk.Duration.hours(1).to_seconds()),
        )
        cdk.CfnOutput(self, "RoleAlias", value=ROLE_ALIAS)
        cdk.CfnOutput(self, "RoleName", value=role.role_name)
