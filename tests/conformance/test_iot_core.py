import time

import pytest
from awsiot.greengrasscoreipc.model import PublishToIoTCoreResponse, ServiceError, UnauthorizedError

from standins.nucleus.cloud import CloudMessage
from standins.nucleus.testbed import RunningNucleus
from tests.conformance.target import Line, eventually

TOPIC = "conformance/cloud/a"


def test_what_is_published_comes_back_to_a_subscription(line: Line, nucleus: RunningNucleus) -> None:
    heard = line.subscribe_cloud(TOPIC)
    line.ipc.publish_to_iot_core(topic_name=TOPIC, qos="1", payload=b"\0binary\xff")
    assert nucleus.cloud.published == (CloudMessage(TOPIC, b"\0binary\xff", 1),)
    nucleus.cloud.inject(TOPIC, b"\0answer\xff")
    (event,) = heard.events(1)
    assert (event.message.topic_name, event.message.payload) == (TOPIC, b"\0answer\xff")


@pytest.mark.parametrize("qos", ["0", "1"])
def test_a_publish_of_both_qualities_is_accepted(line: Line, qos: str) -> None:
    answer = line.ipc.publish_to_iot_core(topic_name=TOPIC, qos=qos, payload=b"x")
    assert isinstance(answer, PublishToIoTCoreResponse)


def test_an_empty_payload_is_published(line: Line, nucleus: RunningNucleus) -> None:
    line.ipc.publish_to_iot_core(topic_name=TOPIC, qos="0")
    assert nucleus.cloud.published[0].payload == b""


@pytest.mark.parametrize("topic", ["other", "conformance/cloud/a/b", "conformance/cloud"])
def test_a_topic_that_no_policy_names_is_refused(line: Line, topic: str) -> None:
    with pytest.raises(UnauthorizedError):
        line.ipc.publish_to_iot_core(topic_name=topic, qos="1", payload=b"x")
    with pytest.raises(UnauthorizedError):
        line.subscribe_cloud(topic)


def test_a_wrong_quality_is_a_service_error(line: Line) -> None:
    with pytest.raises(ServiceError):
        line.ipc.publish_to_iot_core(topic_name=TOPIC, qos="3", payload=b"x")


def test_without_connection_publish_and_subscribe_fail_at_once(line: Line, nucleus: RunningNucleus) -> None:
    nucleus.cloud.disconnect()
    began = time.monotonic()
    for qos in ("0", "1"):
        with pytest.raises(ServiceError):
            line.ipc.publish_to_iot_core(topic_name=TOPIC, qos=qos, payload=b"x")
    with pytest.raises(ServiceError):
        line.subscribe_cloud(TOPIC)
    assert time.monotonic() - began < 30
    assert nucleus.subscriptions() == 0


def test_nothing_is_spooled_while_the_connection_is_away(line: Line, nucleus: RunningNucleus) -> None:
    heard = line.subscribe_cloud(TOPIC)
    nucleus.cloud.disconnect()
    with pytest.raises(ServiceError):
        line.ipc.publish_to_iot_core(topic_name=TOPIC, qos="1", payload=b"lost")
    nucleus.cloud.inject(TOPIC, b"lost too")
    nucleus.cloud.connect()
    line.ipc.publish_to_iot_core(topic_name=TOPIC, qos="1", payload=b"new")
    nucleus.cloud.inject(TOPIC, b"after")
    assert [event.message.payload for event in heard.events(1)] == [b"after"]
    assert [message.payload for message in nucleus.cloud.published] == [b"new"]


def test_a_message_over_five_thousand_bytes_is_lost_on_its_way_in(line: Line, nucleus: RunningNucleus) -> None:
    heard = line.subscribe_cloud(TOPIC)
    nucleus.cloud.inject(TOPIC, b"x" * 5001)
    nucleus.cloud.inject(TOPIC, b"x" * 5000)
    assert [len(event.message.payload) for event in heard.events(1)] == [5000]
    assert nucleus.journal("cloud_receive")[0]["lost"] == "too large"


def test_the_last_subscriber_takes_the_brokers_subscription_away(line: Line, nucleus: RunningNucleus) -> None:
    first, second = line.subscribe_cloud(TOPIC), line.subscribe_cloud(TOPIC)
    first.close()
    nucleus.cloud.inject(TOPIC, b"x")
    second.events(1)
    assert nucleus.cloud.filters == {TOPIC}
    second.close()
    assert eventually(lambda: nucleus.cloud.filters == frozenset())


def test_the_journal_keeps_what_went_to_the_cloud(line: Line, nucleus: RunningNucleus) -> None:
    line.ipc.publish_to_iot_core(topic_name=TOPIC, qos="1", payload=b"event")
    (entry,) = nucleus.journal("cloud_publish")
    expected = {"topic": TOPIC, "payload": "ZXZlbnQ=", "qos": 1, "ok": True, "component": "smartcam.Conformance"}
    assert {key: entry[key] for key in expected} == expected
