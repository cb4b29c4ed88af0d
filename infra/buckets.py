"""Buckets: private, over TLS only, each access logged; they outlive their stack."""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

_ACCESS_LOG_DAYS = 90


def logged_bucket(
    scope: Construct, *, rule: s3.LifecycleRule, key: kms.IKey | None = None, versioned: bool | None = None
) -> s3.Bucket:
    """The bucket `Bucket` with its access log; encrypted with the key, or with S3's own."""
    access_log = s3.Bucket(
        scope,
        "AccessLog",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,  # S3 cannot write its log with a key of ours
        enforce_ssl=True,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(_ACCESS_LOG_DAYS))],
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
    return s3.Bucket(
        scope,
        "Bucket",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=None if key is None else True,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=versioned,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        server_access_logs_bucket=access_log,
        lifecycle_rules=[rule],
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )


def logical_id(bucket: s3.Bucket) -> str:
    """The bucket's name in its template."""
    element = bucket.node.default_child
    assert isinstance(element, cdk.CfnElement)  # noqa: S101  a bucket's only child is its CloudFormation resource
    return cdk.Stack.of(bucket).get_logical_id(element)
