"""The ways out: SNS to people, MQTT to devices, a queue for what was refused."""

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.ports import NotPublished, NotReplied
from infra.alerts.runtime.render import AlertText
from smartcam.contract.ack import Acknowledgement
from smartcam.contract.event import Event
from smartcam.contract.ids import ThingName
from smartcam.contract.times import NS_PER_MS
from smartcam.contract.topics import ack_topic

if TYPE_CHECKING:
    from mypy_boto3_iot_data import IoTDataPlaneClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef


@dataclass(frozen=True, slots=True)
class SnsNotifier:
    """A `Notifier`. The client must not retry by itself: a request that timed out may have been taken."""

    client: "SNSClient"
    topic_arn: str

    def publish(self, event: Event, alert: AlertText) -> None:
        """See Notifier."""
        words = {"default": alert.email, "email": alert.email, "sms": alert.sms}
        try:
            self.client.publish(
                TopicArn=self.topic_arn,
                Subject=alert.subject,
                Message=json.dumps(words),
                MessageStructure="json",
                MessageAttributes=message_attributes(event, alert),
            )
        except (BotoCoreError, ClientError) as error:
            raise NotPublished(f"alert {alert.number} of event {event.event_id}: {error}") from error


def message_attributes(event: Event, alert: AlertText) -> "dict[str, MessageAttributeValueTypeDef]":
    """What subscribers can filter by, and what tells SNS that an alarm is no advertisement."""
    facts = {
        "event_id": event.event_id,
        "thing": event.thing,
        "camera_id": event.camera_id,
        "kind": event.kind,
        "severity": event.severity,
        "alert_number": alert.number,
        "AWS.SNS.SMS.SMSType": "Transactional",
    }
    return {name: {"DataType": "String", "StringValue": str(value)} for name, value in facts.items()}


@dataclass(frozen=True, slots=True)
class IotReplies:
    """`Replies` by the broker, at least once."""

    client: "IoTDataPlaneClient"

    def send(self, thing: ThingName, acknowledgement: Acknowledgement) -> None:
        """See Replies."""
        try:
            self.client.publish(topic=ack_topic(thing), qos=1, payload=acknowledgement.to_json())
        except (BotoCoreError, ClientError) as error:
            raise NotReplied(str(error)) from error


class QueueClient(Protocol):
    """The one call we make to SQS."""

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> object:  # noqa: N803 - the names are AWS's
        """Put one message into a queue."""


@dataclass(frozen=True, slots=True)
class SqsRefusals:
    """`Refusals` in the on-failure queue, in the shape in which Lambda puts its own failures there."""

    client: QueueClient
    queue_url: str

    def keep(self, delivery: Delivery, reason: str) -> None:
        """See Refusals."""
        body = {
            "version": "1.0",
            "requestContext": {"condition": "Refused"},
            "requestPayload": {
                "topic_thing": delivery.thing,
                "topic_camera": delivery.camera,
                "arrived_ms": delivery.arrived_at // NS_PER_MS,
                "payload": base64.b64encode(delivery.payload).decode(),
            },
            "responsePayload": {"errorType": "ContractError", "errorMessage": reason},
        }
        self.client.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(body))
