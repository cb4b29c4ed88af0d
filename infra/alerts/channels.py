"""The ways from the function to people, and the queues for what could not be delivered."""

from collections.abc import Sequence
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.alerts.runtime.agreed import DISPLAY_NAME, SMS_ALLOWED, SMS_ATTRIBUTE, TIMEOUT_S
from infra.functions import acknowledge
from infra.keys import encrypt_with_key_of_sns, queue_encryption
from infra.subscribers import SubscriberGroup

FAILURES_KEPT: Final = cdk.Duration.days(14)
MOST_RECEIVED: Final = 30
"""Half an hour, in which a table that does not answer may come back."""


class Failures(Construct):
    """Where messages go that could not be delivered or were not taken."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self.undelivered = self._queue("Undelivered", key)
        """What the rule could not hand to the function."""
        self.unhandled = self._queue("Unhandled", key)
        """What the function failed on, or refused."""
        self.untimely = self._queue("Untimely", key)
        """Events and timers that the function failed on."""
        self.unreached = self._queue("Unreached", key)
        """Messages that SNS could not deliver to a subscriber."""
        if key is not None:
            key.add_to_resource_policy(_sns_may_fill_queues(cdk.Stack.of(self)))

    @property
    def queues(self) -> dict[str, sqs.IQueue]:
        """All of them, by what is in them."""
        return {
            "Undelivered": self.undelivered,
            "Unhandled": self.unhandled,
            "Untimely": self.untimely,
            "Unreached": self.unreached,
        }

    def _queue(self, name: str, key: kms.IKey | None) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            name,
            encryption=queue_encryption(key),
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=FAILURES_KEPT,
        )
        acknowledge(queue, "SQS3", "It is a dead-letter queue itself: a person empties it.")
        return queue


def _sns_may_fill_queues(stack: cdk.Stack) -> iam.PolicyStatement:
    """What SNS needs to put an undelivered message into an encrypted queue, on behalf of this account only."""
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal("sns.amazonaws.com")],
        actions=["kms:Decrypt", "kms:GenerateDataKey"],
        resources=["*"],  # in a key's own policy: this key
        conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
    )


class Recipients(Construct):
    """A topic for each group, and the people and machines behind it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey | None,
        groups: Sequence[SubscriberGroup],
        unreached: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        self.by_group = [(group, self._topic(group, key, unreached)) for group in groups]

    @property
    def topics(self) -> list[sns.Topic]:
        """The topics in the order of their groups."""
        return [topic for _, topic in self.by_group]

    def _topic(self, group: SubscriberGroup, key: kms.IKey | None, unreached: sqs.IQueue) -> sns.Topic:
        topic = sns.Topic(self, group.label("Topic"), display_name=DISPLAY_NAME, master_key=key, enforce_ssl=True)
        if key is None:
            encrypt_with_key_of_sns(topic)
        email, sms, https = sns.SubscriptionProtocol.EMAIL, sns.SubscriptionProtocol.SMS, sns.SubscriptionProtocol.HTTPS
        ways = {email: group.emails, sms: group.phones, https: group.urls}
        allowed = {SMS_ATTRIBUTE: sns.SubscriptionFilter.string_filter(allowlist=[SMS_ALLOWED])}
        for protocol, endpoints in ways.items():
            for endpoint in endpoints:
                sns.Subscription(
                    topic,
                    endpoint,
                    topic=topic,
                    protocol=protocol,
                    endpoint=endpoint,
                    filter_policy=allowed if protocol is sms else None,
                    dead_letter_queue=unreached,
                )
        return topic


class Clockwork(Construct):
    """The queue of events, and of delayed messages: the timers of closing messages, digests and later tries."""

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey | None, untimely: sqs.IQueue) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Timers",
            encryption=queue_encryption(key),
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=FAILURES_KEPT,
            # Longer than a function may run and a lease may last; no longer, because an alarm whose process died waits
            # for it. (Lambda's advice of six times as long is for pollers that outrun the function: ours are limited.)
            visibility_timeout=cdk.Duration.seconds(2 * TIMEOUT_S),
            dead_letter_queue=sqs.DeadLetterQueue(queue=untimely, max_receive_count=MOST_RECEIVED),
        )
