"""What every bus keeps, where it has a meaning for a module: the same tests as for the others, with the real client."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from smartcam.contract.errors import BusUnavailable
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import ack_topic
from smartcam.edge.bus.port import Bus
from smartcam.edge.bus.streams import Patience
from smartcam.edge.memory_file import MemoryFile
from standins.azure.testbed import EdgeDevice
from tests.contract import test_bus as contract
from tests.fakes.bus import Hearing

pytest.importorskip("azure.iot.device", reason="needs .venv-azure")

from targets.azure.bus import TOPIC_PROPERTY, Module, ModuleBus
from targets.azure.hub import EdgeHub
from targets.azure.port import MethodAnswer
from targets.azure.twin import CAPTURE, INFERENCE, Desired

pytestmark = pytest.mark.targets

QUICK = Patience(request_s=10.0, first_retry_s=0.02, longest_retry_s=0.1, burst_s=0.6)
SECTIONS = {contract.COMPONENT: CAPTURE, contract.OTHER: INFERENCE}


class AzureWorld:
    """The module's two buses on one edge hub. Nothing is forbidden here: there is no accessControl."""

    spools = False

    def __init__(self, device: EdgeDevice, folder: Path) -> None:
        self.device = device
        device.hub.desire({CAPTURE: contract.DOCUMENT})
        desired = Desired(MemoryFile(folder / "twin"))
        self.read = threading.Event()

        def on_twin(document: Mapping[str, object]) -> Mapping[str, object]:
            self.module.changed(desired.take(document))
            self.read.set()
            return {}

        hub = EdgeHub(on_twin, lambda *_: MethodAnswer(404, {}), device.environment, patience=QUICK)
        self.hub = hub
        self.module = Module(hub, desired)
        self.buses: list[ModuleBus] = []
        hub.start()
        assert self.read.wait(60)

    def bus(self, component: str = contract.COMPONENT) -> Bus:
        self.buses.append(ModuleBus(self.module, SECTIONS[component]))
        return self.buses[-1]

    def switch_cloud(self, *, on: bool) -> None:
        (self.device.hub.start if on else self.device.hub.stop)()

    def sent_to_cloud(self) -> list[tuple[str, bytes]]:
        return [(item.properties[TOPIC_PROPERTY], item.payload) for item in self.device.hub.received]

    def configure(self) -> None:
        self.device.hub.desire({CAPTURE: {"depth": {"one": "9", "two": "9"}}})

    def close(self) -> None:
        self.hub.close()
        for bus in self.buses:
            bus.close()


@pytest.fixture
def world(device: EdgeDevice, tmp_path: Path) -> Iterator[AzureWorld]:
    made = AzureWorld(device, tmp_path)
    try:
        yield made
    finally:
        made.close()


test_a_message_arrives_byte_by_byte_with_its_topic = contract.test_a_message_arrives_byte_by_byte_with_its_topic
test_a_plus_stands_for_one_level = contract.test_a_plus_stands_for_one_level
test_messages_arrive_in_the_order_of_their_publishing = contract.test_messages_arrive_in_the_order_of_their_publishing
test_every_subscriber_hears_the_message = contract.test_every_subscriber_hears_the_message
test_a_closed_subscription_hears_nothing_more = contract.test_a_closed_subscription_hears_nothing_more
test_a_callback_that_raises = contract.test_a_callback_that_raises_does_not_cost_the_next_message
test_a_callback_may_use_the_bus = contract.test_a_callback_may_use_the_bus
test_callbacks_come_one_after_the_other = contract.test_callbacks_come_one_after_the_other
test_the_largest_payload_passes = contract.test_the_largest_payload_passes_and_one_byte_more_is_refused_before_it_harms
test_what_is_no_topic_is_refused = contract.test_what_is_no_topic_is_refused
test_a_message_goes_to_the_cloud = contract.test_a_message_goes_to_the_cloud
test_without_the_cloud_a_message_is_refused = (
    contract.test_without_the_cloud_a_message_is_refused_or_kept_and_the_rest_goes_on
)
test_the_configuration_is_read_whole = contract.test_the_configuration_is_read_whole
test_a_component_without_configuration = contract.test_a_component_without_configuration_reads_an_empty_document
test_one_change_of_two_values_is_reported = (
    contract.test_one_deployment_that_changes_two_values_is_reported_when_both_are_there
)
test_a_closed_watch_hears_nothing = contract.test_a_closed_watch_hears_nothing


def test_the_other_component_hears_nothing_of_a_change_that_is_not_its_own(world: AzureWorld) -> None:
    told = threading.Event()
    world.bus(contract.OTHER).on_configuration_change(told.set)
    world.configure()
    assert not told.wait(3 * QUICK.burst_s)


def test_settings_are_there_without_a_hub_once_they_were_heard(world: AzureWorld, tmp_path: Path) -> None:
    world.switch_cloud(on=False)
    again = Desired(MemoryFile(tmp_path / "twin"))
    assert again.section(CAPTURE) == contract.DOCUMENT
    assert (tmp_path / "twin").stat().st_mode & 0o777 == 0o600


def test_a_closed_bus_publishes_nothing(world: AzureWorld) -> None:
    bus, heard = world.bus(), Hearing()
    bus.subscribe_cloud(ack_topic(ThingName("yard-1")), heard)
    bus.close()
    with pytest.raises(BusUnavailable):
        bus.publish_cloud("allowed/a", b"{}")
    with pytest.raises(BusUnavailable):
        bus.configuration()
