"""The connection to the edge hub, by Azure's own client, with TLS, tokens and MQTT."""

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smartcam.contract.errors import BusRefused, BusUnavailable
from smartcam.edge.bus.streams import Patience
from standins.azure.testbed import EdgeDevice
from standins.azure.twins import TwinRefused
from standins.cloud.certificate import make_certificate

pytest.importorskip("azure.iot.device", reason="needs .venv-azure")

from targets.azure.hub import EdgeHub
from targets.azure.port import MethodAnswer, Outgoing
from tests.waiting import until

pytestmark = pytest.mark.targets

QUICK = Patience(request_s=10.0, first_retry_s=0.05, longest_retry_s=0.2, refused_s=0.2, burst_s=0.3)


class Connected:
    """A connection that remembers what the twin said."""

    def __init__(self, device: EdgeDevice, patience: Patience = QUICK) -> None:
        self.device = device
        self.twins: list[Mapping[str, Any]] = []
        self.report: Mapping[str, object] = {"heard": True}
        self.methods: list[tuple[str, object]] = []
        self.hub = EdgeHub(self._twin, self._method, device.environment, patience=patience)
        self.hub.start()

    def send(self, number: int) -> None:
        self.hub.send(Outgoing("event", json.dumps(number).encode(), f"id-{number}", {"topic": "a/b?&=ü"}))

    def send_at_last(self, number: int) -> None:
        until(lambda: self._has_gone(number))

    def _has_gone(self, number: int) -> bool:
        try:
            self.send(number)
        except BusUnavailable:
            return False
        return True

    def _twin(self, document: Mapping[str, object]) -> Mapping[str, object]:
        self.twins.append(document)
        return self.report

    def _method(self, name: str, payload: object) -> MethodAnswer:
        self.methods.append((name, payload))
        return MethodAnswer(200, {"asked": name})


@pytest.fixture
def connected(device: EdgeDevice) -> Iterator[Connected]:
    made = Connected(device)
    try:
        until(lambda: made.twins)
        yield made
    finally:
        made.hub.close()


def test_a_message_arrives_with_its_output_identity_and_properties(connected: Connected) -> None:
    connected.send(1)
    (received,) = connected.device.hub.received
    assert (received.output, received.identity, received.payload) == ("event", "id-1", b"1")
    assert received.properties == {"topic": "a/b?&=ü"}
    assert connected.device.hub.refused == []


def test_sending_fails_at_once_while_the_hub_is_away_and_goes_on_when_it_is_back(connected: Connected) -> None:
    connected.device.hub.stop()
    until(lambda: not connected.hub.is_connected())
    with pytest.raises(BusUnavailable, match="not connected"):
        connected.send(1)
    connected.device.hub.start()
    connected.send_at_last(2)
    assert [item.identity for item in connected.device.hub.received] == ["id-2"]


def test_a_message_whose_acknowledgement_is_lost_is_not_called_sent(connected: Connected) -> None:
    connected.device.hub.cuts_after = "event"
    with pytest.raises(BusUnavailable):
        connected.send(1)
    connected.send_at_last(1)
    assert [item.identity for item in connected.device.hub.received] == ["id-1", "id-1"]


def test_a_hub_that_is_silent_costs_no_more_than_the_patience(device: EdgeDevice) -> None:
    made = Connected(device, Patience(request_s=2.0, first_retry_s=0.05, longest_retry_s=0.2, burst_s=0.1))
    try:
        until(lambda: made.twins)
        device.hub.is_deaf = True
        with pytest.raises(BusUnavailable, match="TimeoutError"):
            made.send(1)
        device.hub.is_deaf = False
        made.send_at_last(2)
    finally:
        made.hub.close()
    assert {item.identity for item in device.hub.received} >= {"id-2"}


def test_what_waits_for_a_silent_hub_is_told_when_the_module_ends(device: EdgeDevice) -> None:
    made = Connected(device, replace(QUICK, request_s=600.0))
    until(lambda: made.device.hub.reported.document().get("heard"))
    device.hub.is_deaf = True
    errors: list[BaseException] = []

    def send() -> None:
        try:
            made.send(1)
        except BusUnavailable as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    until(lambda: device.hub.unanswered)
    made.hub.close()
    thread.join(60)
    assert len(errors) == 1, "it was to be told long before its patience ends"


def test_changes_of_the_twin_are_heard_once_per_burst(connected: Connected) -> None:
    heard, began = len(connected.twins), time.monotonic()
    for number in range(20):
        connected.device.hub.desire({"capture": {"number": number}})
    until(lambda: connected.twins[-1].get("capture") == {"number": 19})
    # However slow the machine is: no reading comes sooner than a burst's time after a change.
    assert (len(connected.twins) - heard) * QUICK.burst_s <= time.monotonic() - began


def test_a_change_of_the_twin_during_an_outage_is_heard_afterwards(connected: Connected) -> None:
    connected.device.hub.stop()
    connected.device.hub.desire({"capture": {"one": 1}})
    connected.device.hub.start()
    until(lambda: connected.twins[-1].get("capture") == {"one": 1})


def test_a_report_that_the_hub_refuses_keeps_no_event_from_going_out(connected: Connected) -> None:
    connected.report = {"a.b": 1}
    connected.device.hub.desire({"capture": {"one": 1}})
    until(lambda: connected.device.hub.refused)
    connected.send(1)
    assert connected.hub.is_connected()
    with pytest.raises(TwinRefused):
        connected.device.hub.desire({"smartcam.Capture": {}})


def test_a_direct_method_is_answered(connected: Connected) -> None:
    assert connected.device.hub.invoke("testEvent", {"camera": "yard"}) == (200, {"asked": "testEvent"})
    assert connected.methods == [("testEvent", {"camera": "yard"})]


def test_outside_an_edge_device_the_missing_variables_are_named(device: EdgeDevice) -> None:
    environment = {name: value for name, value in device.environment.items() if name != "IOTEDGE_WORKLOADURI"}
    with pytest.raises(BusRefused, match="IOTEDGE_WORKLOADURI not set"):
        EdgeHub(lambda twin: twin, lambda *_: MethodAnswer(200, {}), environment)


def test_a_module_of_another_generation_is_not_let_in(
    device: EdgeDevice, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("IOTEDGE_MODULEGENERATIONID", "2")
    made = Connected(device)
    try:
        until(lambda: "edge_hub_unreachable" in caplog.text)
        assert not made.hub.is_connected()
        with pytest.raises(BusUnavailable):
            made.send(1)
    finally:
        made.hub.close()


def test_a_hub_with_a_certificate_that_the_device_does_not_trust_gets_nothing(
    device: EdgeDevice, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = make_certificate(tmp_path, dt.datetime.now(dt.UTC))
    device.workload.trust(foreign.authority.read_text(encoding="ascii"))
    made = Connected(device)
    try:
        until(lambda: "edge_hub_unreachable" in caplog.text)
        assert not made.hub.is_connected()
        assert (device.hub.received, device.hub.refused) == ([], [])
    finally:
        made.hub.close()
