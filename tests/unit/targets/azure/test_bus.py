"""The bus of the module with a hub that records: what an event becomes, and when it is acknowledged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import BusRefused, BusUnavailable
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import UtcNs
from smartcam.contract.topics import ack_topic, event_topic, health_topic
from smartcam.edge.memory_file import MemoryFile
from targets.azure.bus import Module, ModuleBus
from targets.azure.methods import event_of_a_test
from targets.azure.port import Outgoing
from targets.azure.twin import CAPTURE, INFERENCE, Desired
from tests.fakes.bus import Hearing

THING, CAMERA = ThingName("yard-1"), CameraId("yard")
EVENT = event_of_a_test(
    EventId("01890a5d-ac96-774b-bcce-b302099a8057"), THING, CAMERA, UtcNs(1_700_000_000_000_000_000), synced=True
)


class RecordingHub:
    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.is_away = False

    def send(self, message: Outgoing) -> None:
        if self.is_away:
            raise BusUnavailable("away")
        self.sent.append(message)


class Pair:
    """The two buses of a module."""

    def __init__(self, folder: Path) -> None:
        self.hub = RecordingHub()
        self.desired = Desired(MemoryFile(folder / "twin"))
        self.module = Module(self.hub, self.desired)
        self.capture, self.inference = ModuleBus(self.module, CAPTURE), ModuleBus(self.module, INFERENCE)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.capture.close()
    made.inference.close()


def test_an_event_is_acknowledged_when_the_hub_has_it(pair: Pair) -> None:
    heard = Hearing()
    pair.inference.subscribe_cloud(ack_topic(THING), heard)
    pair.inference.publish_cloud(event_topic(THING, CAMERA), EVENT.to_json())
    ((topic, payload),) = heard.wait(1)
    assert topic == ack_topic(THING)
    wanted = Acknowledgement(EVENT.event_id, EVENT.phase, AckStatus.ACCEPTED, revision=0)
    assert Acknowledgement.from_json(payload) == wanted
    (message,) = pair.hub.sent
    assert (message.output, message.identity) == ("event", f"{EVENT.event_id}/raised/0")


def test_an_event_that_the_hub_has_not_is_not_acknowledged(pair: Pair) -> None:
    heard = Hearing()
    pair.inference.subscribe_cloud(ack_topic(THING), heard)
    pair.hub.is_away = True
    with pytest.raises(BusUnavailable):
        pair.inference.publish_cloud(event_topic(THING, CAMERA), EVENT.to_json())
    assert heard.wait(1, 0.1) == []


def test_what_is_no_event_goes_out_and_is_not_acknowledged(pair: Pair) -> None:
    heard = Hearing()
    pair.inference.subscribe_cloud(ack_topic(THING), heard)
    pair.inference.publish_cloud(health_topic(THING), b"{}")
    assert [(message.output, message.identity) for message in pair.hub.sent] == [("health", None)]
    assert heard.wait(1, 0.1) == []


def test_an_event_that_cannot_be_read_is_refused_and_not_called_delivered(pair: Pair) -> None:
    with pytest.raises(BusRefused, match="event"):
        pair.inference.publish_cloud(event_topic(THING, CAMERA), b"{}")
    assert pair.hub.sent == []


def test_a_twin_that_was_never_read_gives_no_settings(pair: Pair) -> None:
    with pytest.raises(BusUnavailable, match="twin"):
        pair.capture.configuration()


def test_only_the_component_whose_section_has_changed_is_told(pair: Pair) -> None:
    capture, inference = Hearing(), Hearing()
    pair.module.changed(pair.desired.take({"capture": {"cameras": {}}, "$version": 1}))
    pair.capture.on_configuration_change(lambda: capture("changed", b""))
    pair.inference.on_configuration_change(lambda: inference("changed", b""))
    pair.module.changed(pair.desired.take({"capture": {"cameras": {}}, "inference": {"x": 1}, "$version": 2}))
    assert len(inference.wait(1)) == 1
    assert capture.wait(1, 0.1) == []
