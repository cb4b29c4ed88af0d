"""The ways out: SNS to people, MQTT to devices."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from infra.alerts.runtime.agreed import SMS_ALLOWED, SMS_ATTRIBUTE
from infra.alerts.runtime.audience import Group
from infra.alerts.runtime.ports import NotPublished, NotReplied
from infra.alerts.runtime.words.render import AlertText
from smartcam.contract.ack import Acknowledgement
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import ack_topic

if TYPE_CHECKING:
    from mypy_boto3_iot_data import IoTDataPlaneClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

_SERVER_FAULT: Final = 500


@dataclass(frozen=True, slots=True)
class SnsNotifier:
    """A `Notifier`. The client must not retry by itself: a request that timed out may have been taken."""

    client: "SNSClient"

    def publish(self, group: Group, alert: AlertText, facts: Mapping[str, str], *, texts: bool) -> None:
        """See Notifier."""
        words = {
            "default": alert.email,
            "email": alert.email,
            "sms": alert.sms,
            "https": alert.document,
        }
        try:
            self.client.publish(
                TopicArn=group.topic_arn,
                Subject=alert.subject,
                Message=json.dumps(words, ensure_ascii=False),
                MessageStructure="json",
                MessageAttributes=message_attributes(alert, facts, texts=texts),
            )
        except (BotoCoreError, ClientError) as error:
            raise NotPublished(
                f"alert {alert.number} to {group.name}: {error}", doubtful=_may_be_taken(error)
            ) from error


def message_attributes(
    alert: AlertText, facts: Mapping[str, str], *, texts: bool
) -> "dict[str, MessageAttributeValueTypeDef]":
    """What subscriptions filter by, and what tells SNS that an alarm is no advertisement."""
    named = {
        **facts,
        "purpose": str(alert.purpose),
        "alert_number": alert.number,
        SMS_ATTRIBUTE: SMS_ALLOWED if texts else "withheld",
        "AWS.SNS.SMS.SMSType": "Transactional",
    }
    return {name: {"DataType": "String", "StringValue": value} for name, value in named.items()}


def _may_be_taken(error: BotoCoreError | ClientError) -> bool:
    """Whether SNS may have acted on a request that it did not confirm."""
    if isinstance(error, ClientError):
        return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_FAULT) >= _SERVER_FAULT
    return not isinstance(error, ConnectTimeoutError | EndpointConnectionError)


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
