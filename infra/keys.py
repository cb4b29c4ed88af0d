"""Which key encrypts what: AWS's own by default, or one of the site's (ADR 15)."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.functions import acknowledge, allow


class Encryption(Construct):
    """A customer-managed key for everything that holds events, where the site wants one; else `key` is None."""

    def __init__(self, scope: Construct, construct_id: str, *, is_own: bool) -> None:
        super().__init__(scope, construct_id)
        self.key = self._own() if is_own else None

    def _own(self) -> kms.Key:
        return kms.Key(
            self,
            "Key",
            description="Smartcam: history, alerts and failures",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,  # the table outlives the stack, and needs it to be read
        )


def queue_encryption(key: kms.IKey | None) -> sqs.QueueEncryption:
    """How a queue is encrypted."""
    return sqs.QueueEncryption.SQS_MANAGED if key is None else sqs.QueueEncryption.KMS


def table_encryption(key: kms.IKey | None) -> dynamodb.TableEncryption:
    """How a table is encrypted; DEFAULT is by a key that AWS owns and does not bill."""
    return dynamodb.TableEncryption.DEFAULT if key is None else dynamodb.TableEncryption.CUSTOMER_MANAGED


def encrypt_with_key_of_sns(topic: sns.Topic) -> None:
    """Encrypt a topic that only our functions publish to with the key that SNS makes itself in each account.

    By its short name, by which SNS makes it where nobody has used it yet.
    """
    element = topic.node.default_child
    assert isinstance(element, sns.CfnTopic)  # noqa: S101  a topic's only such child is its CloudFormation resource
    element.kms_master_key_id = "alias/aws/sns"


def via(service: str) -> list[str]:
    """The names by which KMS may see a service of this region; AWS does not say which of the two it sees in China."""
    return [f"{service}.{cdk.Aws.REGION}.{suffix}" for suffix in ("amazonaws.com", cdk.Aws.URL_SUFFIX)]


def read_under_a_former_key(rights: iam.Policy, *, service: str, arn: str) -> None:
    """Let a function read what a former key of the site encrypted, in one queue or bucket and only through its service.

    Without it, a site that leaves its own key could no longer read what waited in the queue at that moment.
    """
    stack = cdk.Stack.of(rights)
    any_key = stack.format_arn(service="kms", resource="key", resource_name="*")
    only = {
        "StringEquals": {
            "kms:ViaService": via(service),
            f"kms:EncryptionContext:aws:{service}:arn": arn,
        }
    }
    rights.add_statements(allow(["kms:Decrypt"], any_key, only))
    acknowledge(
        rights,
        "IAM5[Resource::arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*]",
        "The key that a site had before is not known here; with it, one queue or bucket is read through its service.",
    )
