"""What every bus keeps: the one in memory, and the Greengrass adapter with its real client on the stand-in nucleus."""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Protocol

import pytest

from smartcam.contract.errors import BusRefused, BusUnavailable, MessageTooLarge
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.bus.port import LARGEST_PAYLOAD, Bus
from smartcam.edge.bus.streams import Patience
from standins.nucleus.profile import PROFILES
from standins.nucleus.testbed import RunningNucleus, access_control, running_nucleus
from tests.fakes.bus import FakeNucleus, Hearing
from tests.waiting import until

COMPONENT, OTHER = "test.Component", "test.Other"
QUICK = Patience(request_s=30.0, first_retry_s=0.02, longest_retry_s=0.1, refused_s=0.1, burst_s=0.6)
DOCUMENT: Mapping[str, object] = {"depth": {"one": "1", "two": "2"}}
WHILE_S = 0.15
"""How long a test listens for what must not come."""


class World(Protocol):
    """A nucleus on which `allowed/#` may be used, `forbidden/#` not."""

    @property
    def spools(self) -> bool:
        """Whether it takes messages for a cloud that is away, and keeps them in memory."""

    def bus(self, component: str = COMPONENT) -> Bus: ...
    def go_away(self) -> None: ...
    def come_back(self) -> None: ...
    def switch_cloud(self, *, on: bool) -> None: ...
    def inject(self, topic: str, payload: bytes) -> None: ...
    def sent_to_cloud(self) -> list[tuple[str, bytes]]: ...
    def configure(self) -> None:
        """Change both leaves of DOCUMENT to 9."""

    def allow_everything(self) -> None: ...
    def close(self) -> None: ...


class FakeWorld:
    spools = False

    def __init__(self) -> None:
        self.nucleus = FakeNucleus(refused={"forbidden/#"})
        self.nucleus.configure(COMPONENT, DOCUMENT)

    def bus(self, component: str = COMPONENT) -> Bus:
        return self.nucleus.bus(component)

    def go_away(self) -> None:
        self.nucleus.away = True

    def come_back(self) -> None:
        self.nucleus.away = False

    def switch_cloud(self, *, on: bool) -> None:
        self.nucleus.cloud_away = not on

    def inject(self, topic: str, payload: bytes) -> None:
        self.nucleus.deliver(topic, payload)

    def sent_to_cloud(self) -> list[tuple[str, bytes]]:
        return [(item.topic, item.payload) for item in self.nucleus.published_cloud]

    def configure(self) -> None:
        self.nucleus.configure(COMPONENT, {"depth": {"one": "9", "two": "9"}})

    def allow_everything(self) -> None:
        self.nucleus.refused.clear()

    def close(self) -> None:
        pass


class GreengrassWorld:
    def __init__(self, nucleus: RunningNucleus, *, spools: bool) -> None:
        self.nucleus = nucleus
        self.spools = spools
        self.buses: list[GreengrassBus] = []
        policy = _allow("allowed/*")
        self.environments = {
            name: nucleus.add_component(name, policy, DOCUMENT if name == COMPONENT else {})
            for name in (COMPONENT, OTHER)
        }

    def bus(self, component: str = COMPONENT) -> Bus:
        bus = GreengrassBus(self.environments[component], patience=QUICK)
        self.buses.append(bus)
        return bus

    def go_away(self) -> None:
        self.nucleus.hide_server()
        until(lambda: not any(can_publish(bus) for bus in self.buses))

    def come_back(self) -> None:
        self.nucleus.show_server()
        until(lambda: all(can_publish(bus) for bus in self.buses))

    def switch_cloud(self, *, on: bool) -> None:
        (self.nucleus.cloud.connect if on else self.nucleus.cloud.disconnect)()

    def inject(self, topic: str, payload: bytes) -> None:
        self.nucleus.cloud.inject(topic, payload)

    def sent_to_cloud(self) -> list[tuple[str, bytes]]:
        return [(item.topic, item.payload) for item in self.nucleus.cloud.published]

    def configure(self) -> None:
        self.nucleus.merge_configuration(COMPONENT, {"depth": {"one": "9", "two": "9"}})

    def allow_everything(self) -> None:
        self.nucleus.merge_configuration(COMPONENT, {"accessControl": _allow("*")})

    def close(self) -> None:
        for bus in self.buses:
            bus.close()


def _allow(topics: str) -> Mapping[str, object]:
    return access_control(publish=[topics], subscribe=[topics], publish_cloud=[topics], subscribe_cloud=[topics])


def can_publish(bus: Bus) -> bool:
    try:
        bus.publish_local("allowed/probe", b"")
    except BusUnavailable:
        return False
    return True


@pytest.fixture(params=["in memory", *sorted(PROFILES)])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "in memory":
        yield FakeWorld()
        return
    with running_nucleus(profile=PROFILES[request.param]) as nucleus:
        greengrass = GreengrassWorld(nucleus, spools=PROFILES[request.param].spool is not None)
        try:
            yield greengrass
        finally:
            greengrass.close()


def test_a_message_arrives_byte_by_byte_with_its_topic(world: World) -> None:
    bus, heard = world.bus(), Hearing()
    bus.subscribe_local("allowed/a", heard)
    world.bus(OTHER).publish_local("allowed/a", bytes(range(256)))
    assert heard.wait(1) == [("allowed/a", bytes(range(256)))]


def test_a_plus_stands_for_one_level(world: World) -> None:
    bus, heard = world.bus(), Hearing()
    bus.subscribe_local("allowed/+", heard)
    for topic in ("allowed/a/deeper", "allowed/a", "allowed/b/deeper", "allowed/b"):
        bus.publish_local(topic, topic.encode())
    assert [topic for topic, _ in heard.wait(2)] == ["allowed/a", "allowed/b"]


def test_messages_arrive_in_the_order_of_their_publishing(world: World) -> None:
    bus, heard = world.bus(), Hearing()
    bus.subscribe_local("allowed/+", heard)
    for number in range(100):
        bus.publish_local(f"allowed/{number % 3}", b"%d" % number)
    assert [int(payload) for _, payload in heard.wait(100)] == list(range(100))


def test_every_subscriber_hears_the_message(world: World) -> None:
    bus, other = world.bus(), world.bus(OTHER)
    ears = [Hearing(), Hearing(), Hearing()]
    bus.subscribe_local("allowed/a", ears[0])
    bus.subscribe_local("allowed/+", ears[1])
    other.subscribe_local("allowed/a", ears[2])
    bus.publish_local("allowed/a", b"1")
    assert [ear.wait(1) for ear in ears] == [[("allowed/a", b"1")]] * 3


def test_a_closed_subscription_hears_nothing_more(world: World) -> None:
    bus, heard, still = world.bus(), Hearing(), Hearing()
    subscription = bus.subscribe_local("allowed/a", heard)
    bus.subscribe_local("allowed/a", still)
    bus.publish_local("allowed/a", b"1")
    heard.wait(1)
    subscription.close()
    subscription.close()
    bus.publish_local("allowed/a", b"2")
    assert len(still.wait(2)) == 2
    assert heard.messages == [("allowed/a", b"1")]


def test_a_callback_that_raises_does_not_cost_the_next_message(world: World) -> None:
    bus, heard = world.bus(), Hearing()

    def stumble(topic: str, payload: bytes) -> None:
        heard(topic, payload)
        raise RuntimeError("a fault in the callback")

    bus.subscribe_local("allowed/a", stumble)
    bus.publish_local("allowed/a", b"1")
    bus.publish_local("allowed/a", b"2")
    assert len(heard.wait(2)) == 2


def test_a_callback_may_use_the_bus(world: World) -> None:
    bus, heard = world.bus(), Hearing()

    def answer(_topic: str, payload: bytes) -> None:
        assert bus.configuration()
        bus.subscribe_local("allowed/answer", heard)
        bus.publish_local("allowed/answer", payload)

    bus.subscribe_local("allowed/question", answer)
    bus.publish_local("allowed/question", b"?")
    assert heard.wait(1) == [("allowed/answer", b"?")]


def test_callbacks_come_one_after_the_other(world: World) -> None:
    bus, busy, overlaps, heard = world.bus(), threading.Lock(), [], Hearing()

    def slow(topic: str, payload: bytes) -> None:
        if not busy.acquire(blocking=False):
            overlaps.append(topic)
            return
        time.sleep(0.005)
        busy.release()
        heard(topic, payload)

    bus.subscribe_local("allowed/a", slow)
    bus.subscribe_local("allowed/+", slow)
    for _ in range(5):
        bus.publish_local("allowed/a", b"")
    assert len(heard.wait(10)) == 10
    assert overlaps == []


def test_the_largest_payload_passes_and_one_byte_more_is_refused_before_it_harms(world: World) -> None:
    bus, heard = world.bus(), Hearing()
    bus.subscribe_local("allowed/a", heard)
    for publish in (bus.publish_local, bus.publish_cloud):
        with pytest.raises(MessageTooLarge, match=r"7001 bytes for allowed/a"):
            publish("allowed/a", bytes(LARGEST_PAYLOAD + 1))
    bus.publish_local("allowed/a", bytes(LARGEST_PAYLOAD))
    assert heard.wait(1) == [("allowed/a", bytes(LARGEST_PAYLOAD))]


def test_publishing_without_permission_is_refused_by_name(world: World) -> None:
    bus = world.bus()
    with pytest.raises(BusRefused, match="forbidden/a"):
        bus.publish_local("forbidden/a", b"")
    with pytest.raises(BusRefused, match="forbidden/a"):
        bus.publish_cloud("forbidden/a", b"")


@pytest.mark.parametrize("topic", ["", "allowed/+", "allowed/#"])
def test_what_is_no_topic_is_refused(world: World, topic: str) -> None:
    bus = world.bus()
    with pytest.raises(BusRefused):
        bus.publish_local(topic, b"")
    with pytest.raises(BusRefused):
        bus.publish_cloud(topic, b"")


def test_a_refused_subscription_begins_when_the_recipe_is_mended(world: World) -> None:
    bus, heard, allowed = world.bus(), Hearing(), Hearing()
    bus.subscribe_local("forbidden/a", heard)
    bus.subscribe_local("allowed/a", allowed)
    bus.publish_local("allowed/a", b"1")
    assert allowed.wait(1)
    world.allow_everything()

    def publish_and_listen() -> bool:
        bus.publish_local("forbidden/a", b"1")
        return bool(heard.wait(1, 0.05))

    until(publish_and_listen)


def test_publishing_fails_at_once_while_the_nucleus_is_away(world: World) -> None:
    bus = world.bus()
    until(bus.is_connected)
    world.go_away()
    until(lambda: not bus.is_connected())
    began = time.monotonic()
    with pytest.raises(BusUnavailable):
        bus.publish_local("allowed/a", b"")
    with pytest.raises(BusUnavailable):
        bus.publish_cloud("allowed/a", b"")
    with pytest.raises(BusUnavailable):
        bus.configuration()
    assert time.monotonic() - began < QUICK.request_s


def test_subscriptions_go_on_when_the_nucleus_is_back(world: World) -> None:
    bus, local, cloud = world.bus(), Hearing(), Hearing()
    bus.subscribe_local("allowed/a", local)
    bus.subscribe_cloud("allowed/c", cloud)
    for turn in (b"1", b"2"):
        world.go_away()
        world.come_back()

        def publish_and_listen(turn: bytes = turn) -> bool:
            bus.publish_local("allowed/a", turn)
            world.inject("allowed/c", turn)
            return all(turn in {payload for _, payload in ear.wait(100, 0.02)} for ear in (local, cloud))

        until(publish_and_listen)
    assert set(local.messages) == {("allowed/a", b"1"), ("allowed/a", b"2")}
    assert set(cloud.messages) == {("allowed/c", b"1"), ("allowed/c", b"2")}


def test_a_subscription_made_while_the_nucleus_is_away_begins_when_it_is_back(world: World) -> None:
    bus, heard = world.bus(), Hearing()
    world.go_away()
    bus.subscribe_local("allowed/a", heard)
    world.come_back()

    def publish_and_listen() -> bool:
        bus.publish_local("allowed/a", b"1")
        return bool(heard.wait(1, 0.05))

    until(publish_and_listen)
    assert set(heard.messages) == {("allowed/a", b"1")}


def test_a_message_goes_to_the_cloud(world: World) -> None:
    world.bus().publish_cloud("allowed/event", b"\x00\xff")
    until(lambda: world.sent_to_cloud() != [])
    assert world.sent_to_cloud() == [("allowed/event", b"\x00\xff")]


def test_a_message_comes_from_the_cloud(world: World) -> None:
    bus, heard, local = world.bus(), Hearing(), Hearing()
    bus.subscribe_cloud("allowed/+/ack", heard)
    bus.subscribe_local("allowed/+/ack", local)
    world.inject("allowed/thing/ack", b"\x00\xff")
    assert heard.wait(1) == [("allowed/thing/ack", b"\x00\xff")]
    assert local.messages == []


def test_without_the_cloud_a_message_is_refused_or_kept_and_the_rest_goes_on(world: World) -> None:
    bus, heard = world.bus(), Hearing()
    bus.subscribe_local("allowed/a", heard)
    world.switch_cloud(on=False)
    if world.spools:
        bus.publish_cloud("allowed/event", b"kept")
        bus.publish_local("allowed/a", b"1")
        assert heard.wait(1)
        assert world.sent_to_cloud() == []
        world.switch_cloud(on=True)
        until(lambda: world.sent_to_cloud() == [("allowed/event", b"kept")])
        return

    def is_refused() -> bool:
        try:
            bus.publish_cloud("allowed/event", b"1")
        except BusUnavailable:
            return True
        return False

    until(is_refused)
    bus.publish_local("allowed/a", b"1")
    assert heard.wait(1)
    world.switch_cloud(on=True)
    until(lambda: not is_refused())


def test_a_cloud_subscription_made_while_the_cloud_is_away_begins_when_it_is_back(world: World) -> None:
    bus, heard, local = world.bus(), Hearing(), Hearing()
    world.switch_cloud(on=False)
    # A nucleus that waits for the cloud must hold up nobody but who asks.
    asking = threading.Thread(target=bus.subscribe_cloud, args=("allowed/c", heard))
    asking.start()
    bus.subscribe_local("allowed/a", local)
    bus.publish_local("allowed/a", b"1")
    assert local.wait(1)
    world.switch_cloud(on=True)

    def inject_and_listen() -> bool:
        world.inject("allowed/c", b"2")
        return bool(heard.wait(1, 0.05))

    until(inject_and_listen)
    asking.join()


def test_the_configuration_is_read_whole(world: World) -> None:
    assert world.bus().configuration()["depth"] == {"one": "1", "two": "2"}


def test_a_component_without_configuration_reads_an_empty_document(world: World) -> None:
    document = world.bus(OTHER).configuration()
    assert set(document) <= {"accessControl"}


def test_one_deployment_that_changes_two_values_is_reported_when_both_are_there(world: World) -> None:
    """How often: `tests/unit/edge/bus/test_streams.py`, by its own clock."""
    bus, told, documents = world.bus(), threading.Event(), []

    def changed() -> None:
        documents.append(bus.configuration()["depth"])
        told.set()

    watch = bus.on_configuration_change(changed)
    assert documents == []
    world.configure()
    assert told.wait(60)
    assert documents[0] == {"one": "9", "two": "9"}
    watch.close()


def test_a_closed_watch_hears_nothing(world: World) -> None:
    bus, calls = world.bus(), list[int]()
    bus.on_configuration_change(lambda: calls.append(1)).close()
    world.configure()
    time.sleep(WHILE_S)
    assert calls == []


def test_whoever_watches_the_configuration_hears_of_it_after_a_loss(world: World) -> None:
    bus, told = world.bus(), threading.Event()
    bus.on_configuration_change(told.set)
    world.go_away()
    world.come_back()
    assert told.wait(60)


def test_a_closed_bus_says_and_hears_nothing(world: World) -> None:
    bus, other, heard = world.bus(), world.bus(OTHER), Hearing()
    bus.subscribe_local("allowed/a", heard)
    bus.close()
    bus.close()
    other.publish_local("allowed/a", b"1")
    with pytest.raises(BusUnavailable, match="closed"):
        bus.publish_local("allowed/a", b"")
    with pytest.raises(BusUnavailable):
        bus.configuration()
    with pytest.raises(BusUnavailable, match="closed"):
        bus.subscribe_local("allowed/a", heard)
    time.sleep(WHILE_S)
    assert heard.messages == []
