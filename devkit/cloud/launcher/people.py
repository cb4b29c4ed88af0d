"""SNS's last step to a person, which ministack only logs: e-mail, SMS, and the asking whether one wants them."""

import functools
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from devkit.cloud.launcher.post import Email, Text

# ministack's records are plain dictionaries.
Record = dict[str, Any]

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
    attributes: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SnsRules:
    """How SNS reads a publication: ministack's own functions, handed in."""

    text_for: Callable[[str, str, str], str]  # (message, structure, protocol) -> text
    wanted: Callable[
        [Record, Mapping[str, Any], str], bool
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
        return Text(to, text, *source, attributes)
    if subscription["protocol"] == "email-json":
        text = rules.envelope(*reversed(source), text, publication.subject, dict(publication.attributes), False)
    return Email(to, publication.subject, text, *source, attributes)


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


def reach_people(sns: Any, handlers: Record, post: Callable[[Email | Text], None], gateway: str) -> None:  # noqa: ANN401
    """Put the last step behind ministack's fan-out, and the asking behind every way to subscribe."""
    rules = SnsRules(sns._resolve_message_for_protocol, sns._matches_filter_policy, sns._build_envelope)  # noqa: SLF001
    fan_out, subscribe = sns._fanout, sns._subscribe  # noqa: SLF001

    def ask(topics: Iterable[Record]) -> None:
        for topic in list(topics):
            for mail in ask_for_confirmation(topic, gateway):
                sns._refresh_subscription_counts(topic)  # noqa: SLF001
                post(mail)

    @functools.wraps(fan_out)
    def fan_out_to_all(
        topic_arn: str,
        msg_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: Record | None = None,
        **fifo: str,
    ) -> None:
        fan_out(topic_arn, msg_id, message, subject, message_structure, message_attributes, **fifo)
        topic = sns._topic_by_arn_any_scope(topic_arn)  # noqa: SLF001
        if topic is None:
            return
        # However a subscription came about, nobody gets mail before having been asked.
        ask([topic])
        publication = Publication(
            topic_arn, msg_id, message, subject or "", message_structure or "", message_attributes or {}
        )
        for delivery in deliveries(publication, topic["subscriptions"], rules):
            post(delivery)

    @functools.wraps(subscribe)
    def subscribe_and_ask(params: Record) -> Any:  # noqa: ANN401
        status, headers, body = subscribe(params)
        ask(sns._topics.values())  # noqa: SLF001
        protocol = params.get("Protocol", "")
        pending = (protocol[0] if isinstance(protocol, list) else protocol) in _EMAIL and b"pending" not in body
        return status, headers, _as_pending(body) if pending else body

    sns._fanout, sns._subscribe = fan_out_to_all, subscribe_and_ask  # noqa: SLF001
    for resource in ("AWS::SNS::Topic", "AWS::SNS::Subscription"):
        for step in ("create", "update"):
            handlers[resource][step] = _then(handlers[resource][step], lambda: ask(sns._topics.values()))  # noqa: SLF001


def _as_pending(body: bytes) -> bytes:
    """SNS names no ARN before the confirmation."""
    return re.sub(
        rb"<SubscriptionArn>.*?</SubscriptionArn>", b"<SubscriptionArn>pending confirmation</SubscriptionArn>", body
    )


def _then(step: Callable[..., Any], after: Callable[[], None]) -> Callable[..., Any]:
    @functools.wraps(step)
    def both(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        result = step(*arguments, **options)
        after()
        return result

    return both
