import json
import socket
from dataclasses import replace

import pytest
from awscrt.exceptions import AwsCrtError
from awsiot.greengrasscoreipc.model import ServiceError

from standins.nucleus.eventstream import Packet, Splitter, encode, int32
from standins.nucleus.testbed import RunningNucleus
from tests.conformance.target import COMPONENT, PATIENCE_S, Line, Target, eventually
from tests.conformance.wire import CONNECT_ACK, connect_packet, packet, plug


def is_closed(opened: socket.socket) -> bool:
    try:
        return opened.recv(4096) == b""
    except ConnectionResetError:
        return True


def read_packet(opened: socket.socket) -> Packet:
    splitter = Splitter()
    while True:
        for found in splitter.feed(opened.recv(4096)):
            return found


def test_the_acknowledgement_is_the_published_one_byte_for_byte(target: Target) -> None:
    with plug(target, greeted=False) as opened:
        opened.sendall(connect_packet(target.token))
        assert opened.recv(4096) == CONNECT_ACK


def test_an_unknown_token_is_refused(target: Target) -> None:
    with pytest.raises(AwsCrtError, match="AWS_IO_SOCKET_CLOSED"):
        Line(target, token="AAAAAAAAAAAAAAAA")  # noqa: S106  it opens nothing


def test_a_missing_socket_is_told_by_its_own_error(target: Target) -> None:
    with pytest.raises(RuntimeError, match="AWS_ERROR_FILE_INVALID_PATH"):
        Line(replace(target, socket_path=target.socket_path + ".none"))


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        packet(0, 1, payload=b"{}", operation="aws.greengrass#GetConfiguration"),
        packet(4, 1, payload=b"{}"),
        packet(4, payload=b"not JSON"),
        packet(4, payload=b"{}"),
        packet(4, payload=b'{"authToken": 5}'),
        packet(9),
        connect_packet("AAAAAAAAAAAAAAAA"),
        encode(Packet((int32(":message-type", 4),), b"{}")),
    ],
)
def test_a_wrong_greeting_closes_the_connection_without_a_word(target: Target, first: bytes) -> None:
    with plug(target, greeted=False) as opened:
        opened.sendall(first)
        assert is_closed(opened)


def test_another_protocol_version_is_refused(target: Target) -> None:
    with plug(target, greeted=False) as opened:
        opened.sendall(connect_packet(target.token, "0.2.0"))
        assert is_closed(opened)


@pytest.mark.parametrize(
    "wrong",
    [packet(0, 1, payload=b"{}")[:-1] + b"\0", packet(2), packet(0, 0, payload=b"{}"), b"\0" * 16],
)
def test_broken_packets_close_the_connection_and_no_other(target: Target, line: Line, wrong: bytes) -> None:
    with plug(target) as opened:
        opened.sendall(wrong)
        assert is_closed(opened)
    assert line.ipc.get_configuration(key_path=["number"]).value == {"number": "5"}


@pytest.mark.parametrize(
    "request_packet",
    [
        packet(0, 1, payload=b"{}", operation="aws.greengrass#NoSuchOperation"),
        packet(0, 1, payload=b"{}"),
        packet(0, 1, payload=b"[]", operation="aws.greengrass#GetConfiguration"),
        packet(0, 1, payload=b"\xff", operation="aws.greengrass#GetConfiguration"),
        packet(0, 1, payload=b'{"keyPath": 5}', operation="aws.greengrass#GetConfiguration"),
        packet(0, 1, payload=b'{"keyPath": [5]}', operation="aws.greengrass#SubscribeToConfigurationUpdate"),
        packet(0, 1, payload=b'{"topic": 5}', operation="aws.greengrass#SubscribeToTopic"),
        packet(0, 1, payload=b'{"topicName": "a", "payload": "%%"}', operation="aws.greengrass#PublishToIoTCore"),
        packet(1, 1, payload=b"{}", operation="aws.greengrass#GetConfiguration"),
    ],
)
def test_a_wrong_request_is_a_service_error_on_its_own_stream(target: Target, request_packet: bytes) -> None:
    with plug(target) as opened:
        opened.sendall(request_packet)
        answer = read_packet(opened)
        assert answer.text("service-model-type") == "aws.greengrass#ServiceError"
        assert (answer.integer(":message-type"), answer.integer(":message-flags")) == (1, 2)
        assert answer.integer(":stream-id") == 1
        assert set(json.loads(answer.payload)) == {"_message", "_errorCode"}


def test_the_end_of_a_stream_that_never_was_is_ignored(target: Target) -> None:
    with plug(target) as opened:
        opened.sendall(packet(0, 7, flags=2))
        opened.sendall(packet(0, 8, payload=b'{"keyPath": ["number"]}', operation="aws.greengrass#GetConfiguration"))
        answer = read_packet(opened)
        assert answer.integer(":stream-id") == 8
        assert json.loads(answer.payload)["value"] == {"number": "5"}


def test_the_response_to_a_subscription_comes_before_its_first_event(target: Target) -> None:
    with plug(target) as opened:
        topic = '{"topic": "conformance/local/a"'
        publish = topic + ', "publishMessage": {"jsonMessage": {"message": 1}}}'
        opened.sendall(
            packet(0, 1, payload=f"{topic}}}".encode(), operation="aws.greengrass#SubscribeToTopic")
            + packet(0, 2, payload=publish.encode(), operation="aws.greengrass#PublishToTopic")
        )
        splitter, found = Splitter(), list[Packet]()
        while len(found) < 3:
            found += splitter.feed(opened.recv(4096))
        assert [answer.text("service-model-type") for answer in found if answer.integer(":stream-id") == 1] == [
            "aws.greengrass#SubscribeToTopicResponse",
            "aws.greengrass#SubscriptionResponseMessage",
        ]


@pytest.mark.parametrize(
    "operation",
    [
        lambda ipc: ipc.get_component_details(component_name="a"),
        lambda ipc: ipc.list_components(),
        lambda ipc: ipc.defer_component_update(deployment_id="a"),
        lambda ipc: ipc.pause_component(component_name="a"),
        lambda ipc: ipc.get_thing_shadow(thing_name="a", shadow_name="b"),
    ],
)
def test_what_only_classic_knows_is_a_service_error(line: Line, operation: object) -> None:
    assert callable(operation)
    with pytest.raises(ServiceError):
        operation(line.ipc)


def test_an_ipc_server_that_was_started_again_knows_no_token_until_the_component_starts_again(
    nucleus: RunningNucleus, target: Target
) -> None:
    with Line(target) as before:
        heard = before.subscribe("conformance/local/a")
        nucleus.stop_server()
        assert before.gone.wait(PATIENCE_S)
        assert heard.closed.wait(PATIENCE_S)
        with pytest.raises(RuntimeError, match="AWS_ERROR_FILE_INVALID_PATH"):
            Line(target)
        nucleus.start_server()
    with pytest.raises(AwsCrtError, match="AWS_IO_SOCKET_CLOSED"):
        Line(target)
    with Line(target, nucleus.environment(COMPONENT)["SVCUID"]) as started_again:
        started_again.publish("conformance/local/a", b"x")
        assert nucleus.subscriptions() == 0
    with pytest.raises(AwsCrtError, match="AWS_IO_SOCKET_CLOSED"):
        Line(target)


def test_a_dropped_connection_is_noticed_by_the_client(nucleus: RunningNucleus, line: Line) -> None:
    nucleus.drop_connections()
    assert line.gone.wait(PATIENCE_S)
    assert eventually(lambda: len(nucleus.journal("connection_closed")) == 1)
