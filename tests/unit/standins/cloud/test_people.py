"""Who gets what of a publication, on records as ministack keeps them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from standins.cloud.launcher.people import (
    People,
    Publication,
    Record,
    SnsRules,
    ask_for_confirmation,
    deliveries,
    display_name,
)
from standins.cloud.launcher.post import Email, Text

TOPIC = "arn:aws:sns:eu-west-1:000000000000:alerts"
GATEWAY = "https://127.0.0.1:1"


def _text_for(message: str, structure: str, protocol: str) -> str:
    if structure != "json":
        return message
    texts = json.loads(message)
    return str(texts.get(protocol, texts["default"]))


def _wanted(subscription: Record, attributes: Mapping[str, Any], _text: str) -> bool:
    policy = json.loads(subscription["attributes"].get("FilterPolicy") or "{}")
    return all(attributes.get(name, {}).get("StringValue") in allowed for name, allowed in policy.items())


def _envelope(*arguments: object) -> str:
    return json.dumps(arguments)


RULES = SnsRules(_text_for, _wanted, _envelope)


def subscription(protocol: str, endpoint: str, *, confirmed: bool = True, **attributes: str) -> Record:
    return {"protocol": protocol, "endpoint": endpoint, "confirmed": confirmed, "attributes": {**attributes}}


def publication(message: str = "m", structure: str = "", display: str = "", **attributes: str) -> Publication:
    values = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    return Publication(TOPIC, "id-1", message, "S", structure, values, display)


def test_a_person_gets_the_text_for_the_protocol() -> None:
    message = json.dumps({"default": "d", "email": "long", "sms": "short"})
    subscriptions = [subscription("email", "a@b"), subscription("sms", "+49")]
    assert deliveries(publication(message, "json", event_id="e"), subscriptions, RULES) == [
        Email("a@b", "S", "long", "id-1", TOPIC, {"event_id": "e"}),
        Text("+49", "short", "id-1", TOPIC, {"event_id": "e"}),
    ]


def test_nobody_gets_anything_before_confirming() -> None:
    assert deliveries(publication(), [subscription("email", "a@b", confirmed=False)], RULES) == []


def test_a_filter_policy_is_honoured() -> None:
    picky = subscription("sms", "+49", FilterPolicy='{"kind": ["person"]}')
    assert deliveries(publication(kind="vehicle"), [picky], RULES) == []
    assert len(deliveries(publication(kind="person"), [picky], RULES)) == 1


def test_queues_and_functions_are_left_to_ministack() -> None:
    assert deliveries(publication(), [subscription("sqs", "arn"), subscription("lambda", "arn")], RULES) == []


def test_a_topic_with_a_display_name_signs_its_messages() -> None:
    mail, text = deliveries(
        publication(display="Cam"), [subscription("email", "a@b"), subscription("sms", "+4")], RULES
    )
    assert isinstance(mail, Email)
    assert (mail.sender_name, text.body) == ("Cam", "Cam> m")


def test_mail_as_json_is_the_whole_notification() -> None:
    (mail,) = deliveries(publication("m"), [subscription("email-json", "a@b")], RULES)
    assert json.loads(mail.body) == [TOPIC, "id-1", "m", "S", {}, False]


@pytest.mark.parametrize(("given", "shown"), [("alerts", ""), ("", ""), ("Smartcam", "Smartcam")])
def test_a_topics_own_name_is_no_display_name(given: str, shown: str) -> None:
    assert display_name({"name": "alerts", "attributes": {"DisplayName": given}}) == shown


def test_a_new_mail_subscription_waits_for_its_confirmation_and_is_asked_once() -> None:
    new, phone = subscription("email", "a@b"), subscription("sms", "+49")
    topic = {"arn": TOPIC, "subscriptions": [new, phone]}
    (mail,) = ask_for_confirmation(topic, GATEWAY)
    assert (new["confirmed"], new["attributes"]["PendingConfirmation"], phone["confirmed"]) == (False, "true", True)
    assert mail.to == "a@b"
    assert mail.token == new["token"]
    assert f"{GATEWAY}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={mail.token}" in mail.body
    assert ask_for_confirmation(topic, GATEWAY) == []


class FakeSns:
    """The part of ministack's SNS module that is used."""

    def __init__(self) -> None:
        self.topic: Record = {"arn": TOPIC, "name": "alerts", "attributes": {}, "subscriptions": []}
        self._topics = {TOPIC: self.topic}
        self._resolve_message_for_protocol = _text_for
        self._matches_filter_policy = _wanted
        self._build_envelope = _envelope
        self.fanned: list[str] = []
        self.counted = 0

    def _fanout(self, _arn: str, _id: str, message: str, *_more: object) -> None:
        self.fanned.append(message)

    def _subscribe(self, params: Record) -> tuple[int, Record, bytes]:
        self.topic["subscriptions"].append(subscription(params["Protocol"][0], params["Endpoint"][0]))
        return 200, {}, b"<SubscriptionArn>arn:1</SubscriptionArn>"

    def _list_subscriptions_by_topic(self, _params: Record) -> tuple[int, Record, bytes]:
        shown = [f"<SubscriptionArn>{one['arn']}</SubscriptionArn>" for one in self.topic["subscriptions"]]
        return 200, {}, "".join(shown).encode()

    def _topic_by_arn_any_scope(self, arn: str) -> Record | None:
        return self._topics.get(arn)

    def _refresh_subscription_counts(self, _topic: Record) -> None:
        self.counted += 1


def _attached() -> tuple[Any, list[Email | Text], Record]:
    sns: Any = FakeSns()
    posted: list[Email | Text] = []
    handlers: Record = {
        kind: {"create": lambda: "made", "update": lambda: "changed"}
        for kind in ("AWS::SNS::Topic", "AWS::SNS::Subscription")
    }
    People(sns, posted.append, GATEWAY).attach(handlers)
    return sns, posted, handlers


def test_a_publication_still_reaches_what_ministack_serves() -> None:
    sns, posted, _ = _attached()
    sns._fanout(TOPIC, "id", "hello", "")
    assert (sns.fanned, posted) == (["hello"], [])


def test_subscribing_by_mail_is_pending_and_by_phone_is_not() -> None:
    sns, posted, _ = _attached()
    _, _, by_mail = sns._subscribe({"Protocol": ["email"], "Endpoint": ["a@b"]})
    _, _, by_phone = sns._subscribe({"Protocol": ["sms"], "Endpoint": ["+49"]})
    assert (by_mail, by_phone) == (
        b"<SubscriptionArn>pending confirmation</SubscriptionArn>",
        b"<SubscriptionArn>arn:1</SubscriptionArn>",
    )
    assert [message.to for message in posted] == ["a@b"]
    assert sns.counted == 1


def test_what_waits_for_its_confirmation_is_listed_without_an_arn() -> None:
    sns, _, _ = _attached()
    people = [("arn:1", "email", False), ("arn:11", "email", True), ("arn:2", "sms", True)]
    sns.topic["subscriptions"] += [subscription(kind, "x", confirmed=yes) | {"arn": arn} for arn, kind, yes in people]
    _, _, body = sns._list_subscriptions_by_topic({"TopicArn": [TOPIC]})
    arns = (b"PendingConfirmation", b"arn:11", b"arn:2")
    assert body == b"".join(b"<SubscriptionArn>%s</SubscriptionArn>" % arn for arn in arns)


def test_a_subscription_from_a_template_is_asked_as_well() -> None:
    sns, posted, handlers = _attached()
    sns.topic["subscriptions"].append(subscription("email", "a@b"))
    assert handlers["AWS::SNS::Subscription"]["create"]() == "made"
    assert [message.to for message in posted] == ["a@b"]


def test_a_subscription_that_came_another_way_gets_the_question_and_not_the_message() -> None:
    sns, posted, _ = _attached()
    sns.topic["subscriptions"] += [subscription("email", "a@b"), subscription("sms", "+49")]
    sns._fanout(TOPIC, "id", "hello", "Subject", message_attributes={})
    assert [(type(message), message.body) for message in posted[1:]] == [(Text, "hello")]
    assert isinstance(posted[0], Email)
    assert posted[0].token


def test_a_topic_that_is_gone_reaches_nobody() -> None:
    sns, posted, _ = _attached()
    sns._fanout("arn:aws:sns:eu-west-1:000000000000:gone", "id", "hello", "")
    assert posted == []
