"""The stack `SmartcamFleet`: what devices belong to, are provisioned by, and load their components from.

In a stack of its own, because no stand-in knows role aliases and provisioning templates.
"""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_iot as iot
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.buckets import logged_bucket, logical_id
from infra.fleet.core_device import VERSION, Account, claim_statements, provisioning_template
from infra.functions import acknowledge, allow
from infra.names import CANARY_GROUP, GROUP, ROLE_ALIAS
from infra.outputs import add_outputs
from infra.snapshots.infrastructure import UPLOADS_POLICY

STACK_NAME: Final = "SmartcamFleet"
TEMPLATE: Final = "SmartcamDevice"
CLAIM_POLICY: Final = "SmartcamClaim"
ARTIFACT_PREFIX: Final = "smartcam."
"""Artifacts lie below their component's name: `smartcam.Capture/0.1.0/...`."""


class FleetStack(cdk.Stack):
    """The cloud side of deploying; `uploads`: devices may also write pictures, as the alerts stack says."""

    def __init__(self, scope: Construct, construct_id: str, *, uploads: bool) -> None:
        super().__init__(
            scope, construct_id, description="Smartcam: devices and what they load", analytics_reporting=False
        )
        account = Account(self.partition, self.region, self.account)
        iot.CfnThingGroup(self, "Group", thing_group_name=GROUP)
        iot.CfnThingGroup(self, "Canary", thing_group_name=CANARY_GROUP)
        # Versioned, because a component version never changes. Code and models are no secrets; with a key of ours every
        # device would need a right to it.
        rule = s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(1))
        bucket = logged_bucket(Construct(self, "Artifacts"), rule=rule, versioned=True)
        role = TokenExchangeRole(self, "TokenExchange", account=account, bucket=bucket, uploads=uploads).role
        ClaimProvisioning(self, "Claim", account=account)
        add_outputs(
            self,
            {
                "GroupName": GROUP,
                "CanaryGroupName": CANARY_GROUP,
                "ArtifactBucketName": bucket.bucket_name,
                "RoleAlias": ROLE_ALIAS,
                "RoleName": role.role_name,
                "TemplateName": TEMPLATE,
                "ClaimPolicyName": CLAIM_POLICY,
            },
        )


def _for_this_account(service: str, account: Account, *, where_said: bool = False) -> iam.ServicePrincipal:
    """A service of AWS IoT, on behalf of this account alone: what AWS says against confused deputies.

    `where_said`: the service may leave out for whom it asks.
    """
    optional = "IfExists" if where_said else ""
    conditions = {
        f"StringEquals{optional}": {"aws:SourceAccount": account.account},
        f"ArnLike{optional}": {"aws:SourceArn": account.arn("*")},
    }
    return iam.ServicePrincipal(service, conditions=conditions)


class TokenExchangeRole(Construct):
    """The role that all devices share, and the alias by which they ask for its credentials."""

    def __init__(
        self, scope: Construct, construct_id: str, *, account: Account, bucket: s3.Bucket, uploads: bool
    ) -> None:
        super().__init__(scope, construct_id)
        granted = [iam.ManagedPolicy.from_managed_policy_name(self, "Uploads", UPLOADS_POLICY)] if uploads else []
        self.role = iam.Role(
            self,
            "Role",
            # AWS does not document that this service says it, and without its credentials no device loads anything.
            assumed_by=_for_this_account("credentials.iot.amazonaws.com", account, where_said=True),
            managed_policies=granted,
        )
        rights = iam.Policy(
            self,
            "Rights",
            statements=[allow(["s3:GetObject"], bucket.arn_for_objects(f"{ARTIFACT_PREFIX}*"))],
        )
        rights.attach_to_role(self.role)
        acknowledge(
            rights,
            f"IAM5[Resource::<{logical_id(bucket)}.Arn>/{ARTIFACT_PREFIX}*]",
            "A device loads the artifacts of any of the suite's components, in whatever version it is deployed.",
        )
        iot.CfnRoleAlias(
            self,
            "Alias",
            role_alias=ROLE_ALIAS,
            role_arn=self.role.role_arn,
            credential_duration_seconds=int(cdk.Duration.hours(1).to_seconds()),
        )


class ClaimProvisioning(Construct):
    """Fleet provisioning: what a claim certificate may do, the template, and the role that carries it out."""

    def __init__(self, scope: Construct, construct_id: str, *, account: Account) -> None:
        super().__init__(scope, construct_id)
        policy = {"Version": VERSION, "Statement": claim_statements(account, TEMPLATE)}
        iot.CfnPolicy(self, "Policy", policy_name=CLAIM_POLICY, policy_document=policy)
        role = iam.Role(
            self,
            "Role",
            assumed_by=_for_this_account("iot.amazonaws.com", account),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AWSIoTThingsRegistration")],
        )
        acknowledge(
            role,
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSIoTThingsRegistration]",
            "AWS keeps this policy in step with what its own provisioning service does; it is made for this role only.",
        )
        iot.CfnProvisioningTemplate(
            self,
            "Template",
            template_name=TEMPLATE,
            description="Smartcam: a core device with a policy of its own",
            enabled=True,
            provisioning_role_arn=role.role_arn,
            template_body=cdk.Stack.of(self).to_json_string(provisioning_template(account, GROUP)),
        )
