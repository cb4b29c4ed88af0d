"""SNS's last step to a person, which ministack only logs: e-mail, SMS, and the requests to confirm a subscription."""

import functools
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from standins.cloud.launcher.post import Email, Text
from standins.cloud.launcher.seams import Untyped

# ministack's records are plain dictionaries.
Record = dict[str, Untyped]

_EMAIL: Final = ("email", "email-json")
_ASKED: Final = "confirmation_asked"


@dataclass(frozen=True, slots=True)
class Publication:
    """One call of Publish."""

    topic_arn: str
    message_id: str
    message: str
    subject: str
    structure: str
    attributes: Mapping[str, Mapping[str, Untyped]]
    display_name: str = ""  # of the topic: who a person sees as the sender


@dataclass(frozen=True, slots=True)
class SnsRules:
    """How SNS reads a publication: ministack's own functions, handed in."""

    text_for: Callable[[str, str, str], str]  # (message, structure, protocol) -> text
    wanted: Callable[
        [Record, Mapping[str, Untyped], str], bool
    ]  # (subscription, attributes, text) -> filter policy says yes
    envelope: Callable[..., str]


def deliveries(publication: Publication, subscriptions: Iterable[Record], rules: SnsRules) -> list[Email | Text]:
    """What people get: confirmed subscriptions only, past their filter policies, with the text for their protocol."""
    found: list[Email | Text] = []
    for subscription in subscriptions:
        protocol = subscription.get("protocol", "")
        if protocol not in (*_EMAIL, "sms") or not subscription.get("confirmed"):
            continue
        text = rules.text_for(publication.message, publication.structure, protocol)
        if rules.wanted(subscription, publication.attributes, text):
            found.append(_delivery(publication, subscription, text, rules))
    return found


def _delivery(publication: Publication, subscription: Record, text: str, rules: SnsRules) -> Email | Text:
    attributes = {name: str(value.get("StringValue") or "") for name, value in publication.attributes.items()}
    to, source = subscription["endpoint"], (publication.message_id, publication.topic_arn)
    if subscription["protocol"] == "sms":
        prefix = f"{publication.display_name}> " if publication.display_name else ""
        return Text(to, prefix + text, *source, attributes)
    if subscription["protocol"] == "email-json":
        text = rules.envelope(*reversed(source), text, publication.subject, dict(publication.attributes), False)
    return Email(to, publication.subject, text, *source, attributes, sender_name=publication.display_name)


def display_name(topic: Record) -> str:
    """The topic's display name; ministack puts the topic's own name where none was given."""
    name = str(topic["attributes"].get("DisplayName") or "")
    return "" if name == topic["name"] else name


def ask_for_confirmation(topic: Record, gateway: str) -> list[Email]:
    """Hold back each new e-mail subscription until its owner confirms it. Returns the mails that ask for it."""
    mails = []
    for subscription in topic["subscriptions"]:
        if subscription["protocol"] not in _EMAIL or subscription.get(_ASKED):
            continue
        token = uuid.uuid4().hex
        subscription |= {"confirmed": False, "token": token, _ASKED: True}
        subscription["attributes"] |= {"PendingConfirmation": "true", "ConfirmationWasAuthenticated": "false"}
        mails.append(_confirmation(topic["arn"], subscription["endpoint"], token, gateway))
    return mails


def _confirmation(topic_arn: str, endpoint: str, token: str, gateway: str) -> Email:
    link = f"{gateway}/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}"
    body = f"You have chosen to subscribe to the topic:\n{topic_arn}\n\nTo confirm this subscription, visit:\n{link}\n"
    return Email(
        endpoint, "AWS Notification - Subscription Confirmation", body, uuid.uuid4().hex, topic_arn, token=token
    )


class People:
    """Stands behind ministack's SNS module and takes its messages the last step."""

    def __init__(self, sns: Untyped, post: Callable[[Email | Text], None], gateway: str) -> None:
        self._sns = sns
        self._post = post
        self._gateway = gateway
        self._rules = SnsRules(sns._resolve_message_for_protocol, sns._matches_filter_policy, sns._build_envelope)  # noqa: SLF001
        self._fan_out, self._subscribe = sns._fanout, sns._subscribe  # noqa: SLF001
        self._list = sns._list_subscriptions_by_topic  # noqa: SLF001

    def attach(self, handlers: Record) -> None:
        """Put the last step behind the fan-out, and the confirmation request behind every way to subscribe.

        `handlers` are CloudFormation's, by resource type and step.
        """
        self._sns._fanout, self._sns._subscribe = self.fan_out, self.subscribe  # noqa: SLF001
        self._sns._list_subscriptions_by_topic = self.list_by_topic  # noqa: SLF001
        for resource in ("AWS::SNS::Topic", "AWS::SNS::Subscription"):
            for step in ("create", "update"):
                handlers[resource][step] = _then(handlers[resource][step], self.ask_everywhere)

    def fan_out(
        self,
        topic_arn: str,
        msg_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: Record | None = None,
        message_group_id: str = "",
        message_dedup_id: str = "",
    ) -> None:
        """As ministack's, and then to people."""
        texts = (topic_arn, msg_id, message, subject or "", message_structure or "")
        self._fan_out(*texts, message_attributes, message_group_id, message_dedup_id)
        topic = self._sns._topic_by_arn_any_scope(topic_arn)  # noqa: SLF001
        if topic is None:
            return
        # However a subscription came about, nobody gets mail before confirming it.
        self._ask(topic)
        publication = Publication(*texts, message_attributes or {}, display_name(topic))
        for delivery in deliveries(publication, topic["subscriptions"], self._rules):
            self._post(delivery)

    def subscribe(self, params: Record) -> Untyped:
        """As ministack's, but an e-mail subscription is pending."""
        status, headers, body = self._subscribe(params)
        self.ask_everywhere()
        protocol = params.get("Protocol", "")
        by_mail = (protocol[0] if isinstance(protocol, list) else protocol) in _EMAIL
        return status, headers, _as_pending(body) if by_mail else body

    def list_by_topic(self, params: Record) -> Untyped:
        """As ministack's, but what waits for its confirmation shows no ARN, as with SNS."""
        status, headers, body = self._list(params)
        for topic in list(self._sns._topics.values()):  # noqa: SLF001
            for one in topic["subscriptions"]:
                if not one.get("confirmed"):
                    shown = b"<SubscriptionArn>%s</SubscriptionArn>"
                    body = body.replace(shown % one["arn"].encode(), shown % b"PendingConfirmation")
        return status, headers, body

    def ask_everywhere(self) -> None:
        """Send confirmation requests to everyone subscribed since the last call."""
        for topic in list(self._sns._topics.values()):  # noqa: SLF001
            self._ask(topic)

    def _ask(self, topic: Record) -> None:
        mails = ask_for_confirmation(topic, self._gateway)
        if mails:
            self._sns._refresh_subscription_counts(topic)  # noqa: SLF001
        for mail in mails:
            self._post(mail)


def _as_pending(body: Untyped) -> Untyped:
    """SNS names no ARN before the confirmation."""
    return re.sub(
        rb"<SubscriptionArn>.*?</SubscriptionArn>", b"<SubscriptionArn>pending confirmation</SubscriptionArn>", body
    )


def _then(step: Callable[..., Untyped], after: Callable[[], None]) -> Callable[..., Untyped]:
    @functools.wraps(step)
    def both(*arguments: Untyped, **options: Untyped) -> Untyped:
        result = step(*arguments, **options)
        after()
        return result

    return both
