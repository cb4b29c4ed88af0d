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
from smartcam.contract.snapshot import CLIPS_PREFIX, SNAPSHOTS_PREFIX

OWN_PREFIXES: Final = tuple(f"{prefix}${{credentials-iot:ThingName}}/*" for prefix in (SNAPSHOTS_PREFIX, CLIPS_PREFIX))
"""The credentials provider fills in the name of the thing whose certificate asked: no device can name another."""


_SHOWN: Final = (SNAPSHOTS_PREFIX, CLIPS_PREFIX)
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
            *(allow(["s3:GetObject"], self.bucket.arn_for_objects(f"{prefix}*")) for prefix in _SHOWN),
            allow(["s3:ListBucket"], self.bucket.bucket_arn),
        ]

    def acknowledge_links(self, rights: iam.Policy) -> None:
        """Say why a policy with `link_rights` names many objects."""
        for prefix in _SHOWN:
            acknowledge(
                rights,
                f"IAM5[Resource::<{logical_id(self.bucket)}.Arn>/{prefix}*]",
                "It makes links to the pictures and clips of every device's events, and to nothing beside them.",
            )

    def _key_rights(self) -> list[iam.PolicyStatement]:
        """What an upload needs of the site's own key; S3's own needs nothing."""
        if self._key is None:
            return []
        # To decrypt: S3 joins the pieces of a large clip.
        via_s3 = {
            "StringEquals": {
                "kms:ViaService": via("s3"),
                "kms:EncryptionContext:aws:s3:arn": self.bucket.bucket_arn,
            }
        }
        return [allow(["kms:GenerateDataKey", "kms:Decrypt"], self._key.key_arn, via_s3)]

    def _uploads(self) -> iam.ManagedPolicy:
        """What the devices' common role needs: each device under its own prefix, by S3 and for this bucket only.

        A named policy, so that it can also be attached to a role that Greengrass's own installer made.
        """
        policy = iam.ManagedPolicy(
            self,
            "Uploads",
            managed_policy_name=UPLOADS_POLICY,
            # Clips too; but another description would be another policy, and the name is taken.
            description="Smartcam: a device may write pictures below the prefix that bears its own name",
            statements=[
                *(allow(["s3:PutObject"], self.bucket.arn_for_objects(prefix)) for prefix in OWN_PREFIXES),
                *self._key_rights(),
            ],
        )
        for prefix in OWN_PREFIXES:
            acknowledge(
                policy,
                f"IAM5[Resource::<{logical_id(self.bucket)}.Arn>/{prefix.replace('${', '<').replace('}', '>')}]",
                "A device writes pictures and clips of many events, all of them below prefixes that bear its own name.",
            )
        return policy
