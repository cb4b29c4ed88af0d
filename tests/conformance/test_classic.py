"""Where the classic nucleus answers otherwise than lite: read in its source, spoken with the SDK's own client."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from awscrt.exceptions import AwsCrtError
from awsiot.eventstreamrpc import AccessDeniedError
from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import (
    FailedUpdateConditionCheckError,
    InvalidArgumentsError,
    PublishMessage,
    ServiceError,
    UnauthorizedError,
)

from standins.nucleus.profile import CLASSIC
from standins.nucleus.testbed import RunningNucleus, running_nucleus
from tests.conformance.target import ACCESS_CONTROL, COMPONENT, CONFIGURATION, PATIENCE_S, Line, Target, eventually
from tests.conformance.test_handshake import read_packet
from tests.conformance.wire import packet, plug

LOCAL, CLOUD = "conformance/local/a", "conformance/cloud/a"
NOT_NATIVE = {"number": 5, "flag": True}


@pytest.fixture
def target() -> Iterator[Target]:
    with running_nucleus(CLASSIC) as nucleus:
        environment = nucleus.add_component(COMPONENT, ACCESS_CONTROL, dict(CONFIGURATION) | NOT_NATIVE)
        yield Target(str(nucleus.socket_path), environment["SVCUID"], nucleus)


@pytest.fixture
def nucleus(target: Target) -> RunningNucleus:
    assert target.nucleus is not None
    return target.nucleus


def test_an_unknown_token_is_refused(target: Target) -> None:
    # Which of the two depends on whether the client sees the answer or the end first.
    with pytest.raises((AccessDeniedError, AwsCrtError)):
        Line(target, token="AAAAAAAAAAAAAAAA")  # noqa: S106  it opens nothing


def test_the_answer_of_a_call_without_events_ends_its_stream(target: Target) -> None:
    with plug(target) as opened:
        opened.sendall(packet(0, 1, payload=b"{}", operation="aws.greengrass#GetConfiguration"))
        assert read_packet(opened).integer(":message-flags") == 2


def test_errors_can_be_read(line: Line) -> None:
    with pytest.raises(UnauthorizedError) as caught:
        line.publish("other/topic", b"x")
    assert caught.value.message


@pytest.mark.parametrize(
    "operation",
    [
        lambda ipc: ipc.get_component_details(component_name="a"),
        lambda ipc: ipc.list_local_deployments(),
        lambda ipc: ipc.restart_component(component_name="a"),
        lambda ipc: ipc.list_components(),
        lambda ipc: ipc.subscribe_to_component_updates(on_stream_event=print),
    ],
)
def test_what_only_the_stand_in_lacks_is_said_so_and_journalled(
    line: Line, nucleus: RunningNucleus, operation: Callable[[GreengrassCoreIPCClientV2], object]
) -> None:
    with pytest.raises(ServiceError) as caught:
        operation(line.ipc)
    assert "the stand-in of nucleus classic does not have" in caught.value.message
    (entry,) = nucleus.journal("unsupported")
    assert str(entry["operation"]) in caught.value.message
    assert entry["component"] == COMPONENT


def test_scalars_keep_their_types(line: Line) -> None:
    value = line.ipc.get_configuration().value
    assert {key: value[key] for key in NOT_NATIVE} == NOT_NATIVE


def test_a_large_message_passes(line: Line) -> None:
    heard = line.subscribe(LOCAL)
    line.publish(LOCAL, b"x" * 300_000)
    assert heard.messages(1) == [(LOCAL, b"x" * 300_000)]


def test_there_is_no_limit_of_subscriptions_and_topics(line: Line) -> None:
    long = "conformance/local/".ljust(1000, "a")
    heard = [line.subscribe(long) for _ in range(101)]
    line.publish(long, b"x")
    assert heard[-1].messages(1) == [(long, b"x")]


@pytest.mark.parametrize("topic", ["conformance/local/+", "conformance/local/#", "conformance/local/*"])
def test_a_wildcard_cannot_be_published_to(line: Line, topic: str) -> None:
    with pytest.raises(InvalidArgumentsError):
        line.publish(topic, b"x")


def test_malformed_requests_are_invalid_arguments(line: Line) -> None:
    with pytest.raises(InvalidArgumentsError):
        line.ipc.publish_to_topic(topic=LOCAL, publish_message=PublishMessage())
    with pytest.raises(InvalidArgumentsError):
        line.ipc.publish_to_iot_core(topic_name=CLOUD, qos="3", payload=b"x")


def test_a_wildcard_subscription_leaves_out_its_own_components_messages_unless_it_asks(line: Line) -> None:
    by_default, plain = line.subscribe("conformance/local/+"), line.subscribe(LOCAL)
    line.publish(LOCAL, b"x")
    assert plain.messages(1) == [(LOCAL, b"x")]
    assert by_default.events(0) == []


def test_an_older_update_is_told(line: Line) -> None:
    now = dt.datetime.now(dt.UTC)
    line.ipc.update_configuration(timestamp=now + dt.timedelta(seconds=10), value_to_merge={"aged": "new"})
    with pytest.raises(FailedUpdateConditionCheckError):
        line.ipc.update_configuration(timestamp=now, value_to_merge={"aged": "old"})
    assert line.ipc.get_configuration(key_path=["aged"]).value == {"aged": "new"}


def test_what_is_published_without_connection_is_kept_and_sent_in_order(line: Line, nucleus: RunningNucleus) -> None:
    nucleus.cloud.disconnect()
    for number in range(10):
        line.ipc.publish_to_iot_core(topic_name=CLOUD, qos="1", payload=b"%d" % number)
    assert not nucleus.cloud.published
    nucleus.cloud.connect()
    assert nucleus.cloud.wait_for(lambda published: len(published) == 10)
    assert [sent.payload for sent in nucleus.cloud.published] == [b"%d" % number for number in range(10)]


def test_what_was_accepted_and_not_yet_sent_is_lost_with_the_nucleus() -> None:
    # Not in pytest's folder: a socket's path has 107 characters at most.
    with tempfile.TemporaryDirectory(prefix="nucleus-") as root:
        for payload in (b"accepted and lost", b"after it"):
            nucleus = RunningNucleus(Path(root), CLASSIC, "thing")
            try:
                environment = nucleus.add_component(COMPONENT, ACCESS_CONTROL, CONFIGURATION)
                if payload == b"accepted and lost":
                    nucleus.cloud.disconnect()
                with Line(Target(str(nucleus.socket_path), environment["SVCUID"], nucleus)) as line:
                    line.ipc.publish_to_iot_core(topic_name=CLOUD, qos="1", payload=payload)
            finally:
                if payload == b"after it":
                    assert nucleus.cloud.wait_for(lambda published: len(published) == 1)
                nucleus.close()
        assert [sent.payload for sent in nucleus.cloud.published] == [b"after it"]
        (lost,) = nucleus.journal("spool_lost")
        assert lost["messages"] == 1


def test_quality_0_is_dropped_without_connection(line: Line, nucleus: RunningNucleus) -> None:
    nucleus.cloud.disconnect()
    with pytest.raises(ServiceError):
        line.ipc.publish_to_iot_core(topic_name=CLOUD, qos="0", payload=b"x")


def test_a_full_spool_and_a_message_over_128_kib_are_service_errors(line: Line, nucleus: RunningNucleus) -> None:
    nucleus.cloud.disconnect()
    most = 128 * 1024
    with pytest.raises(ServiceError):
        line.ipc.publish_to_iot_core(topic_name=CLOUD, qos="1", payload=b"x" * (most + 1))
    for _ in range(20):
        line.ipc.publish_to_iot_core(topic_name=CLOUD, qos="1", payload=b"x" * most)
    with pytest.raises(ServiceError):
        line.ipc.publish_to_iot_core(topic_name=CLOUD, qos="1", payload=b"x")


def test_a_subscription_to_the_cloud_waits_for_the_connection(line: Line, nucleus: RunningNucleus) -> None:
    nucleus.cloud.disconnect()
    future, _ = line.ipc.subscribe_to_iot_core_async(
        topic_name=CLOUD, qos="1", on_stream_event=lambda _event: None, on_stream_error=lambda _error: True
    )
    assert not future.done()
    nucleus.cloud.connect()
    future.result(PATIENCE_S)
    assert eventually(lambda: nucleus.cloud.filters == {CLOUD})


def test_a_subscription_that_was_given_up_meanwhile_leaves_nothing_behind(line: Line, nucleus: RunningNucleus) -> None:
    nucleus.cloud.disconnect()
    _, operation = line.ipc.subscribe_to_iot_core_async(
        topic_name=CLOUD, qos="1", on_stream_event=lambda _event: None, on_stream_error=lambda _error: True
    )
    assert eventually(lambda: nucleus.subscriptions() == 1)
    operation.close()
    assert eventually(lambda: nucleus.subscriptions() == 0)
    nucleus.cloud.connect()
    line.ipc.publish_to_iot_core(topic_name=CLOUD, qos="1", payload=b"x")
    assert nucleus.cloud.wait_for(lambda published: len(published) == 1)
    assert eventually(lambda: nucleus.cloud.filters == frozenset())
