import pytest
from awsiot.greengrasscoreipc.model import PublishMessage, ServiceError, UnauthorizedError

from standins.nucleus.testbed import RunningNucleus, access_control
from tests.conformance.target import PATIENCE_S, Line, Target, eventually

TOPIC = "conformance/local/a"


def test_bytes_arrive_as_they_were_with_their_topic(line: Line) -> None:
    heard = line.subscribe(TOPIC)
    line.publish(TOPIC, bytes(range(256)))
    assert heard.messages(1) == [(TOPIC, bytes(range(256)))]


def test_json_arrives_as_it_was(line: Line) -> None:
    heard = line.subscribe(TOPIC)
    document = {"text": "Grüße", "number": 5, "list": [1.5, None, True], "inner": {"empty": {}}}
    line.publish_json(TOPIC, document)
    (event,) = heard.events(1)
    assert event.json_message.message == document
    assert event.json_message.context.topic == TOPIC


def test_messages_arrive_in_their_order(line: Line, target: Target) -> None:
    with Line(target) as other:
        heard = other.subscribe(TOPIC)
        expected = [(TOPIC, str(number).encode()) for number in range(200)]
        for topic, payload in expected:
            line.publish(topic, payload)
        assert heard.messages(200) == expected


@pytest.mark.parametrize(
    ("topic_filter", "topics"),
    [
        ("conformance/local/+", ["conformance/local/a", "conformance/local/b"]),
        ("conformance/local/#", ["conformance/local/a", "conformance/local/b", "conformance/local/a/b"]),
        ("conformance/local/+/b", ["conformance/local/a/b"]),
    ],
)
def test_wildcards_of_mqtt_work_in_local_subscriptions(line: Line, topic_filter: str, topics: list[str]) -> None:
    heard = line.subscribe(topic_filter)
    for topic in ("conformance/local/a", "conformance/local/b", "conformance/local/a/b"):
        line.publish(topic, b"x")
    line.publish(topics[-1], b"last")
    assert [topic for topic, _ in heard.messages(len(topics) + 1)] == [*topics, topics[-1]]


def test_every_subscriber_gets_a_message(line: Line, target: Target) -> None:
    with Line(target) as other:
        subscribers = [line.subscribe(TOPIC), line.subscribe(TOPIC), other.subscribe(TOPIC)]
        line.publish(TOPIC, b"x")
        assert [heard.messages(1) for heard in subscribers] == [[(TOPIC, b"x")]] * 3


def test_a_subscription_that_was_closed_gets_nothing_more(line: Line) -> None:
    heard, other = line.subscribe(TOPIC), line.subscribe(TOPIC)
    heard.close()
    assert heard.closed.wait(PATIENCE_S)
    line.publish(TOPIC, b"x")
    other.messages(1)
    assert heard.events(0) == []


def test_a_message_that_nobody_wants_is_taken(line: Line) -> None:
    line.publish("conformance/local/nobody", b"x")
    assert not line.gone.is_set()


@pytest.mark.parametrize("topic", ["other/topic", "conformance/locale"])
def test_a_topic_that_no_policy_names_is_refused(line: Line, topic: str) -> None:
    with pytest.raises(UnauthorizedError):
        line.publish(topic, b"x")
    with pytest.raises(UnauthorizedError):
        line.subscribe(topic)


@pytest.mark.parametrize("topic", ["conformance/local/a?b", "conformance/local/${x}"])
def test_what_a_later_lite_refuses_is_taken_by_2_6_0(line: Line, topic: str) -> None:
    heard = line.subscribe(topic)
    line.publish(topic, b"x")
    assert heard.messages(1) == [(topic, b"x")]


def test_errors_carry_no_readable_text_on_lite(line: Line) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        line.publish("other/topic", b"x")
    assert caught.value.message is None


def test_a_refused_call_leaves_the_connection_as_it_is(line: Line) -> None:
    heard = line.subscribe(TOPIC)
    with pytest.raises(UnauthorizedError):
        line.publish("other/topic", b"x")
    line.publish(TOPIC, b"x")
    assert heard.messages(1) == [(TOPIC, b"x")]


def test_a_topic_of_256_characters_is_the_longest(line: Line) -> None:
    longest = "conformance/local/".ljust(256, "a")
    heard = line.subscribe(longest)
    line.publish(longest, b"x")
    assert heard.messages(1) == [(longest, b"x")]
    with pytest.raises(ServiceError):
        line.publish(longest + "a", b"x")
    with pytest.raises(ServiceError):
        line.subscribe(longest + "a")


def test_a_message_without_content_is_a_service_error(line: Line) -> None:
    with pytest.raises(ServiceError):
        line.ipc.publish_to_topic(topic=TOPIC, publish_message=PublishMessage())


def test_one_component_may_not_do_what_another_may(nucleus: RunningNucleus, target: Target) -> None:
    reader = nucleus.add_component("test.Reader", access_control(subscribe=["conformance/local/a"]))
    with Line(target, reader["SVCUID"]) as other, Line(target) as line:
        heard = other.subscribe(TOPIC)
        with pytest.raises(UnauthorizedError):
            other.publish(TOPIC, b"x")
        line.publish(TOPIC, b"x")
        assert heard.messages(1) == [(TOPIC, b"x")]
    assert [entry["component"] for entry in nucleus.journal("denied")] == ["test.Reader"]


def test_a_new_policy_counts_at_once(nucleus: RunningNucleus, line: Line) -> None:
    with pytest.raises(UnauthorizedError):
        line.publish("more/topic", b"x")
    more = {"aws.greengrass.ipc.pubsub": {"more": {"operations": ["*"], "resources": ["more/*"]}}}
    nucleus.merge_configuration("smartcam.Conformance", {"accessControl": more})
    line.publish("more/topic", b"x")


def test_the_subscriptions_of_a_connection_end_with_it(nucleus: RunningNucleus, target: Target) -> None:
    with Line(target) as line:
        line.subscribe(TOPIC)
        line.subscribe(TOPIC)
        assert nucleus.subscriptions() == 2
    assert eventually(lambda: nucleus.subscriptions() == 0)
