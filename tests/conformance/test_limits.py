import contextlib
from contextlib import ExitStack

import pytest
from awscrt.exceptions import AwsCrtError
from awsiot.greengrasscoreipc.model import ServiceError

from standins.nucleus.eventstream import Packet, encode, int32, string
from standins.nucleus.rpc import to_json
from standins.nucleus.testbed import RunningNucleus
from tests.conformance.target import PATIENCE_S, Line, Target, eventually
from tests.conformance.wire import plug

TOPIC = "conformance/local/a"
MOST_AFTER_PRELUDE = 10_000


def request_length(payload: int) -> int:
    """How many bytes follow the prelude of a publish with so many bytes of binary payload."""
    text = "A" * ((payload + 2) // 3 * 4)
    body = to_json({"topic": TOPIC, "publishMessage": {"binaryMessage": {"message": text}}})
    # The client writes its JSON with blanks.
    spaced = body.replace(b'":', b'": ').replace(b',"', b', "')
    headers = (
        *(int32(":message-type", 0), int32(":message-flags", 0), int32(":stream-id", 1)),
        string(":content-type", "application/json"),
        string("operation", "aws.greengrass#PublishToTopic"),
        string("service-model-type", "aws.greengrass#PublishToTopicRequest"),
    )
    return len(encode(Packet(headers, spaced))) - 12


def largest() -> int:
    """The largest payload whose event still fits: a notice or chunk must stay below it."""
    return max(size for size in range(7000, 7400) if request_length(size) <= MOST_AFTER_PRELUDE)


def test_seven_thousand_bytes_pass(line: Line) -> None:
    heard = line.subscribe(TOPIC)
    line.publish(TOPIC, b"x" * 7000)
    assert heard.messages(1) == [(TOPIC, b"x" * 7000)]


def test_an_oversized_message_kills_the_connection_and_all_its_subscriptions(line: Line, target: Target) -> None:
    heard = line.subscribe(TOPIC)
    with Line(target) as other:
        other_heard = other.subscribe(TOPIC)
        with pytest.raises(Exception, match=r".*"):
            line.publish(TOPIC, b"x" * 8000)
        assert line.gone.wait(PATIENCE_S)
        assert heard.closed.wait(PATIENCE_S)
        other.publish(TOPIC, b"still there")
        assert other_heard.messages(1) == [(TOPIC, b"still there")]
    assert heard.events(0) == []


def test_the_limit_lies_at_ten_thousand_bytes_after_the_prelude(nucleus: RunningNucleus, target: Target) -> None:
    size = largest()
    assert 7000 < size < 7400
    with Line(target) as line:
        line.publish(TOPIC, b"x" * size)
        with contextlib.suppress(Exception):
            line.publish(TOPIC, b"x" * (size + 3))
        assert line.gone.wait(PATIENCE_S)
    reasons = [str(entry["reason"]) for entry in nucleus.journal("connection_closed")]
    assert [reason for reason in reasons if "packet too large" in reason] == reasons[:1]


def test_a_response_over_the_limit_is_a_service_error(nucleus: RunningNucleus, line: Line) -> None:
    nucleus.merge_configuration("smartcam.Conformance", {"long": "x" * 10_000})
    with pytest.raises(ServiceError):
        line.ipc.get_configuration()
    assert line.ipc.get_configuration(key_path=["number"]).value == {"number": "5"}


def test_the_hundred_and_first_subscription_is_a_service_error(nucleus: RunningNucleus, line: Line) -> None:
    first = [line.subscribe(TOPIC) for _ in range(100)]
    with pytest.raises(ServiceError):
        line.subscribe(TOPIC)
    first[0].close()
    assert eventually(lambda: nucleus.subscriptions() == 99)
    line.subscribe(TOPIC)


def test_the_fifty_first_connection_is_refused_and_a_free_place_is_used_again(
    nucleus: RunningNucleus, target: Target
) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(target)) for _ in range(50)]
        with pytest.raises(AwsCrtError):
            Line(target)
        lines[0].ipc.close().exception(PATIENCE_S)
        assert eventually(lambda: len(nucleus.journal("connection_refused")) == 1)

        def a_place_is_free() -> bool:
            try:
                stack.enter_context(Line(target))
            except AwsCrtError:
                return False
            return True

        assert eventually(a_place_is_free)


def test_a_component_that_no_longer_reads_is_cut_off_and_the_others_go_on(
    nucleus: RunningNucleus, target: Target, line: Line
) -> None:
    with plug(target) as deaf:
        body = to_json({"topic": TOPIC})
        headers = (int32(":message-type", 0), int32(":message-flags", 0), int32(":stream-id", 1))
        deaf.sendall(encode(Packet((*headers, string("operation", "aws.greengrass#SubscribeToTopic")), body)))
        assert eventually(lambda: nucleus.subscriptions() == 1)
        for _ in range(700):
            line.publish(TOPIC, b"x" * 7000)
        assert eventually(lambda: nucleus.subscriptions() == 0)
    assert "does not read" in str(nucleus.journal("connection_closed")[0]["reason"])
    line.publish(TOPIC, b"x")
