"""Where pictures are stored: private, encrypted, over TLS only, and not for long."""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.buckets import logged_bucket, logical_id
from infra.functions import acknowledge, allow
from infra.keys import via
from smartcam.contract.snapshot import SNAPSHOTS_PREFIX

OWN_PREFIX: Final = SNAPSHOTS_PREFIX + "${credentials-iot:ThingName}/*"
"""The credentials provider fills in the name of the thing whose certificate asked: no device can name another."""


UPLOADS_POLICY: Final = f"SmartcamUploads-{cdk.Aws.REGION}"


class SnapshotBucket(Construct):
    """The bucket and its access log. A picture is deleted after `days`; without versions, deleted means gone."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey | None, days: int) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        rule = s3.LifecycleRule(
            expiration=cdk.Duration.days(days), abort_incomplete_multipart_upload_after=cdk.Duration.days(1)
        )
        self.bucket = logged_bucket(self, rule=rule, key=key)
        self.uploads = self._uploads()

    def link_rights(self) -> list[iam.PolicyStatement]:
        """What a function needs to make links; the listing distinguishes absent from forbidden."""
        return [
            allow(["s3:GetObject"], self.bucket.arn_for_objects(f"{SNAPSHOTS_PREFIX}*")),
            allow(["s3:ListBucket"], self.bucket.bucket_arn),
        ]

    def acknowledge_links(self, rights: iam.Policy) -> None:
        """Say why a policy with `link_rights` names many objects."""
        acknowledge(
            rights,
            f"IAM5[Resource::<{logical_id(self.bucket)}.Arn>/{SNAPSHOTS_PREFIX}*]",
            "It makes links to the pictures of every device's events, and to nothing beside the pictures.",
        )

    def _key_rights(self) -> list[iam.PolicyStatement]:
        """What an upload needs of the site's own key; S3's own needs nothing."""
        if self._key is None:
            return []
        via_s3 = {
            "StringEquals": {
                "kms:ViaService": via("s3"),
                "kms:EncryptionContext:aws:s3:arn": self.bucket.bucket_arn,
            }
        }
        return [allow(["kms:GenerateDataKey"], self._key.key_arn, via_s3)]

    def _uploads(self) -> iam.ManagedPolicy:
        """What the devices' common role needs: each device under its own prefix, by S3 and for this bucket only.

        A named policy, so that it can also be attached to a role that Greengrass's own installer made.
        """
        policy = iam.ManagedPolicy(
            self,
            "Uploads",
            managed_policy_name=UPLOADS_POLICY,
            description="Smartcam: a device may write pictures below the prefix that bears its own name",
            statements=[
                allow(["s3:PutObject"], self.bucket.arn_for_objects(OWN_PREFIX)),
                *self._key_rights(),
            ],
        )
        acknowledge(
            policy,
            f"IAM5[Resource::<{logical_id(self.bucket)}.Arn>/{OWN_PREFIX.replace('${', '<').replace('}', '>')}]",
            "A device writes pictures of many events, all of them below the prefix that bears its own name.",
        )
        return policy
