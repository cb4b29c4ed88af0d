"""What is special about the Greengrass bus: its connection, its threads, and what other components may send."""

import gc
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest
from awsiot.eventstreamrpc import ClientOperation
from awsiot.greengrasscoreipc import connect
from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import BinaryMessage, JsonMessage, PublishMessage

from smartcam.contract.errors import BusRefused, BusUnavailable
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.bus.streams import Patience
from standins.nucleus.profile import PROFILES, Profile
from standins.nucleus.testbed import RunningNucleus, access_control, running_nucleus
from tests.fakes.bus import Hearing
from tests.waiting import until

QUICK = Patience(request_s=10.0, first_retry_s=0.02, longest_retry_s=0.1, refused_s=0.1, burst_s=0.05)
IMPATIENT = replace(QUICK, request_s=0.3)
SOCKET = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"


class Connect(Protocol):
    """A bus that is closed at the end of the test."""

    def __call__(self, environment: Mapping[str, str], patience: Patience = QUICK) -> GreengrassBus: ...


@pytest.fixture(scope="module")
def nucleus() -> Iterator[RunningNucleus]:
    with running_nucleus() as it:
        yield it


@pytest.fixture
def environment(nucleus: RunningNucleus) -> Mapping[str, str]:
    topics = ["a/*"]
    return nucleus.add_component("test.A", access_control(publish=topics, subscribe=topics, subscribe_cloud=topics))


@pytest.fixture
def start() -> Iterator[Connect]:
    buses: list[GreengrassBus] = []

    def begin(environment: Mapping[str, str], patience: Patience = QUICK) -> GreengrassBus:
        buses.append(GreengrassBus(environment, patience=patience))
        return buses[-1]

    yield begin
    for bus in buses:
        bus.close()


def heard_after_publishing(bus: GreengrassBus, heard: Hearing) -> bool:
    try:
        bus.publish_local("a/b", b"1")
    except BusUnavailable:
        time.sleep(0.01)
        return False
    return bool(heard.wait(1, 0.05))


def test_what_starts_outside_a_nucleus_is_refused_with_the_reason() -> None:
    with pytest.raises(BusRefused, match=f"{SOCKET} is not set: the component must be started by a Greengrass nucleus"):
        GreengrassBus({"SVCUID": "token"})
    with pytest.raises(BusRefused, match="SVCUID is not set"):
        GreengrassBus({SOCKET: "/somewhere"})


def test_a_start_without_nucleus_is_quick_and_goes_on_when_it_comes(start: Connect) -> None:
    with running_nucleus() as nucleus:
        environment = nucleus.add_component("test.A", access_control(publish=["a/*"], subscribe=["a/*"]))
        nucleus.hide_server()
        began = time.monotonic()
        bus, heard = start(environment), Hearing()
        bus.subscribe_local("a/b", heard)
        assert time.monotonic() - began < QUICK.request_s
        with pytest.raises(BusUnavailable, match="not connected to the nucleus"):
            bus.publish_local("a/b", b"")
        nucleus.show_server()
        until(lambda: heard_after_publishing(bus, heard))
        bus.close()


def test_a_dropped_connection_is_made_again_with_its_subscriptions(
    start: Connect, nucleus: RunningNucleus, environment: Mapping[str, str]
) -> None:
    bus = start(environment)
    ears = [Hearing() for _ in range(3)]
    for ear in ears:
        bus.subscribe_local("a/b", ear)
        nucleus.drop_connections()
        until(partial(heard_after_publishing, bus, ear))
    assert nucleus.subscriptions() == 3


def test_a_closed_subscription_does_not_come_back_with_the_connection(
    start: Connect, nucleus: RunningNucleus, environment: Mapping[str, str]
) -> None:
    bus, closed, heard = start(environment), Hearing(), Hearing()
    subscription = bus.subscribe_local("a/b", closed)
    bus.subscribe_local("a/b", heard)
    subscription.close()
    nucleus.drop_connections()
    until(lambda: heard_after_publishing(bus, heard))
    assert closed.messages == []
    assert nucleus.subscriptions() == 1


def test_closing_a_subscription_takes_it_off_the_nucleus(
    start: Connect, nucleus: RunningNucleus, environment: Mapping[str, str]
) -> None:
    subscription = start(environment).subscribe_local("a/b", Hearing())
    assert nucleus.subscriptions() == 1
    subscription.close()
    until(lambda: nucleus.subscriptions() == 0)


def test_a_nucleus_that_refuses_the_token_is_tried_again_and_harms_nobody(
    start: Connect, environment: Mapping[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bus = start({**environment, "SVCUID": "wrong"})
    with pytest.raises(BusUnavailable):
        bus.publish_local("a/b", b"")
    until(lambda: caplog.text.count("connect failed") > 2)
    assert caplog.text.count("nucleus_refuses_token") == 1, "an outage is one line, however long it lasts"


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_how_long_the_token_is_refused_is_known_and_another_outage_ends_it(profile: Profile, start: Connect) -> None:
    with running_nucleus(profile) as nucleus:
        environment = nucleus.add_component("test.A", access_control(publish=["a/*"]))
        bus, refused = start(environment), start({**environment, "SVCUID": "wrong"})
        until(lambda: refused.refused_s() > 0.2)
        assert bus.refused_s() == 0.0
        assert (bus.is_connected(), refused.is_connected()) == (True, False)
        nucleus.stop_server()
        until(lambda: not bus.is_connected() and not refused.refused_s())
        time.sleep(3 * QUICK.longest_retry_s)
        assert bus.refused_s() == refused.refused_s() == 0.0, "a nucleus that is away refuses nobody"
        nucleus.start_server()
        until(lambda: refused.refused_s() > 0)


def test_a_listener_that_never_answers_does_not_hold_up_the_start_or_the_end(start: Connect, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        began = time.monotonic()
        bus = start({SOCKET: str(path), "SVCUID": "token"}, IMPATIENT)
        with pytest.raises(BusUnavailable):
            bus.publish_local("a/b", b"")
        bus.close()
        assert time.monotonic() - began < 30


def test_a_nucleus_that_stops_answering_costs_the_time_out_and_no_more(
    start: Connect, nucleus: RunningNucleus, environment: Mapping[str, str]
) -> None:
    bus = start(environment, IMPATIENT)

    def answers() -> bool:
        try:
            bus.publish_local("a/b", b"")
        except BusUnavailable:
            return False
        return True

    until(answers)
    answers_again = threading.Event()
    nucleus._loop.call_soon_threadsafe(answers_again.wait, 60)
    with pytest.raises(BusUnavailable, match=r"publish a/b: no answer within 0\.3 s"):
        bus.publish_local("a/b", b"")
    answers_again.set()
    until(answers)


def test_a_cloud_subscription_waits_for_the_cloud(
    start: Connect, nucleus: RunningNucleus, environment: Mapping[str, str]
) -> None:
    nucleus.cloud.disconnect()
    bus, heard = start(environment), Hearing()
    bus.subscribe_cloud("a/ack", heard)
    nucleus.cloud.connect()

    def inject() -> bool:
        nucleus.cloud.inject("a/ack", b"1")
        return bool(heard.wait(1, 0.05))

    until(inject)
    assert set(heard.messages) == {("a/ack", b"1")}


def test_a_refusal_names_the_topic_and_the_remedy(
    start: Connect, environment: Mapping[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    start(environment).subscribe_local("other/+", Hearing())
    assert "subscription_refused" in caplog.text
    assert "other/+" in caplog.text
    assert "accessControl" in caplog.text


def test_what_is_refused_or_fails_again_and_again_is_said_once(
    start: Connect, nucleus: RunningNucleus, environment: Mapping[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    nucleus.cloud.disconnect()
    bus = start(environment)
    bus.subscribe_local("other/+", Hearing())
    bus.subscribe_cloud("a/ack", Hearing())
    time.sleep(20 * QUICK.longest_retry_s)
    nucleus.cloud.connect()
    said = [record.getMessage().split()[0] for record in caplog.records]
    assert (said.count("subscription_refused"), said.count("subscription_failed")) == (1, 1)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (PublishMessage(json_message=JsonMessage(message={"state": "open"})), b'{"state": "open"}'),
        (PublishMessage(binary_message=BinaryMessage(message=b"")), b""),
    ],
    ids=["a JSON message", "an empty message"],
)
def test_what_another_component_sends_arrives_as_bytes(
    start: Connect,
    nucleus: RunningNucleus,
    environment: Mapping[str, str],
    message: PublishMessage,
    expected: bytes,
) -> None:
    heard = Hearing()
    start(environment).subscribe_local("a/b", heard)
    client = GreengrassCoreIPCClientV2(connect(ipc_socket=str(nucleus.socket_path), authtoken=environment["SVCUID"]))
    client.publish_to_topic(topic="a/b", publish_message=message)
    client.close().result(30)
    assert heard.wait(1) == [("a/b", expected)]


def test_a_closed_bus_leaves_no_thread(environment: Mapping[str, str]) -> None:
    def threads() -> set[str]:
        names = [path.read_text(encoding="ascii").strip() for path in Path("/proc/self/task").glob("*/comm")]
        return {thread.name for thread in threading.enumerate()} | {name for name in names if "Loop" in name}

    before = threads()
    bus = GreengrassBus(environment, patience=QUICK)
    bus.subscribe_local("a/b", Hearing())
    bus.on_configuration_change(lambda: None)
    bus.publish_local("a/b", b"")
    assert {"bus-supervisor"} <= threads() - before
    bus.close()
    until(lambda: {name for name in threads() if not name.startswith("Dummy")} <= before)


def test_closing_from_several_threads_is_one_closing(environment: Mapping[str, str]) -> None:
    bus = GreengrassBus(environment, patience=QUICK)
    closers = [threading.Thread(target=bus.close) for _ in range(4)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join(60)
    assert not any(closer.is_alive() for closer in closers)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_component_that_has_failed_tells_its_nucleus_and_one_that_is_away_is_no_reason_to_wait(
    profile: Profile, start: Connect
) -> None:
    with running_nucleus(profile) as nucleus:
        told: list[tuple[str, str]] = []
        nucleus._nucleus.operations.state_listener = lambda component, state: told.append((component, state))
        bus = start(nucleus.add_component("test.A", access_control(), {}))
        bus.report_errored()
        assert told == [("test.A", "ERRORED")]
        nucleus.stop_server()
        until(lambda: not bus.is_connected())
        with pytest.raises(BusUnavailable):
            bus.report_errored()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_call_that_was_answered_leaves_nothing_behind(profile: Profile) -> None:
    # Lite does not end the stream of a call, and the client keeps every stream that is open.
    with running_nucleus(profile) as nucleus:
        allowed = access_control(publish=["a"], publish_cloud=["a"])
        bus = GreengrassBus(nucleus.add_component("test.A", allowed, {}))
        for _ in range(50):
            bus.publish_local("a", b"x")
            bus.publish_cloud("a", b"x")
            bus.configuration()
        gc.collect()
        # The answer of the last few may still be on its way through the client's own thread.
        kept = [each for each in gc.get_objects() if isinstance(each, ClientOperation)]
        bus.close()
    assert len(kept) <= 3


def test_a_message_that_is_never_taken_is_seen_and_an_idle_bus_has_no_loop_to_watch(start: Connect) -> None:
    released = threading.Event()

    def hear(_topic: str, _payload: bytes) -> None:
        released.wait()

    with running_nucleus() as nucleus:
        bus = start(nucleus.add_component("test.A", access_control(publish=["a"], subscribe=["a"]), {}))
        bus.subscribe_local("a", hear)
        bus.publish_local("a", b"x")
        until(lambda: [pulse.name for pulse in bus.loops.pulses()] == ["bus-callbacks"])
        released.set()
        until(lambda: not bus.loops.pulses())
