"""The stack `SmartcamFleet`: what devices belong to, are provisioned by, and load their components from.

In a stack of its own, because no stand-in knows role aliases and provisioning templates.
"""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_iot as iot
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.fleet.core_device import VERSION, Place, claim_statements, provisioning_template
from infra.functions import acknowledge, allow
from infra.names import CANARY_GROUP, GROUP, ROLE_ALIAS
from infra.snapshots.infrastructure import UPLOADS_POLICY

STACK_NAME: Final = "SmartcamFleet"
TEMPLATE: Final = "SmartcamDevice"
CLAIM_POLICY: Final = "SmartcamClaim"
ARTIFACT_PREFIX: Final = "smartcam."
"""Artifacts lie below their component's name: `smartcam.Capture/0.1.0/...`."""
_ACCESS_LOG_DAYS: Final = 90


class FleetStack(cdk.Stack):
    """The cloud side of deploying; `uploads`: devices may also write pictures, as the stack of the alerts says."""

    def __init__(self, scope: Construct, construct_id: str, *, uploads: bool) -> None:
        super().__init__(
            scope, construct_id, description="Smartcam: devices and what they load", analytics_reporting=False
        )
        place = Place(self.partition, self.region, self.account)
        iot.CfnThingGroup(self, "Group", thing_group_name=GROUP)
        iot.CfnThingGroup(self, "Canary", thing_group_name=CANARY_GROUP)
        bucket = ArtifactBucket(self, "Artifacts").bucket
        role = TokenExchange(self, "TokenExchange", bucket=bucket, uploads=uploads).role
        Claim(self, "Claim", place=place)
        cdk.CfnOutput(self, "GroupName", value=GROUP)
        cdk.CfnOutput(self, "CanaryGroupName", value=CANARY_GROUP)
        cdk.CfnOutput(self, "ArtifactBucketName", value=bucket.bucket_name)
        cdk.CfnOutput(self, "RoleAlias", value=ROLE_ALIAS)
        cdk.CfnOutput(self, "RoleName", value=role.role_name)
        cdk.CfnOutput(self, "TemplateName", value=TEMPLATE)
        cdk.CfnOutput(self, "ClaimPolicyName", value=CLAIM_POLICY)


class ArtifactBucket(Construct):
    """Versioned, because a component version never changes; it outlives the stack, as devices may load from it."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        access_log = s3.Bucket(
            self,
            "AccessLog",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(_ACCESS_LOG_DAYS))],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            # Code and models are no secrets; with a key of ours every device would need a right to it.
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            server_access_logs_bucket=access_log,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(1))],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )


class TokenExchange(Construct):
    """The role that all devices share, and the alias by which they ask for its credentials."""

    def __init__(self, scope: Construct, construct_id: str, *, bucket: s3.Bucket, uploads: bool) -> None:
        super().__init__(scope, construct_id)
        granted = [iam.ManagedPolicy.from_managed_policy_name(self, "Uploads", UPLOADS_POLICY)] if uploads else []
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("credentials.iot.amazonaws.com"),
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
            f"IAM5[Resource::<{_logical_id(bucket)}.Arn>/{ARTIFACT_PREFIX}*]",
            "A device loads the artifacts of any of the suite's components, in whatever version it is deployed.",
        )
        iot.CfnRoleAlias(
            self,
            "Alias",
            role_alias=ROLE_ALIAS,
            role_arn=self.role.role_arn,
            credential_duration_seconds=int(cdk.Duration.hours(1).to_seconds()),
        )


class Claim(Construct):
    """Fleet provisioning: what a claim certificate may do, the template, and the role that carries it out."""

    def __init__(self, scope: Construct, construct_id: str, *, place: Place) -> None:
        super().__init__(scope, construct_id)
        policy = {"Version": VERSION, "Statement": claim_statements(place, TEMPLATE)}
        iot.CfnPolicy(self, "Policy", policy_name=CLAIM_POLICY, policy_document=policy)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("iot.amazonaws.com"),
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
            template_body=cdk.Stack.of(self).to_json_string(provisioning_template(place, GROUP)),
        )


def _logical_id(bucket: s3.Bucket) -> str:
    element = bucket.node.default_child
    assert isinstance(element, cdk.CfnElement)  # noqa: S101  a bucket's only child is its CloudFormation resource
    return cdk.Stack.of(bucket).get_logical_id(element)
