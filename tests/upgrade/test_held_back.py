"""Devices and clouds of two releases: the older side does not know that an event can be held back."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.delivery import Delivery
from infra.fleet.runtime.device import TAKEN
from smartcam.contract.event import Event
from smartcam.contract.wanted import NOTHING_WANTED, Wanted
from smartcam.inference.wanted import wanted_of_the_device
from tests.fakes.clock import FakeClock
from tests.fakes.row_models import linear, write_filter
from tests.infra.sample import raised
from tests.infra.world import Cloud
from tests.training.tabular.verdicts import event_of, history, judged_history
from tests.unit.inference.judging_device import JudgingDevice
from training.tabular.silencing import learn_filter


def test_what_an_older_device_sends_alerts_as_before() -> None:
    document = json.loads(raised().to_json())
    assert "held_back" not in document
    cloud = Cloud()
    delivered = Delivery(raised().thing, raised().camera_id, json.dumps(document).encode(), cloud.now())
    assert cloud.run(delivered) is Outcome.SENT


def test_an_older_device_hears_a_word_more_and_goes_on() -> None:
    """As every device since the first that listens: words that it does not know are kept, and mean nothing to it."""
    heard = Wanted.from_json(replace(NOTHING_WANTED, takes=(*TAKEN, "of_tomorrow")).to_json())
    assert heard.takes == ("recorded", "held_back", "of_tomorrow")


@pytest.mark.parametrize("takes", [(), ("recorded",), ("recorded", "of_tomorrow")])
def test_an_older_cloud_gets_normal_alerts_without_the_field(takes: tuple[str, ...], tmp_path: Path) -> None:
    filter_of = write_filter(tmp_path / "f", learn_filter(judged_history(), linear))
    events = [event_of(row, number) for number, row in enumerate(history()[:30])]
    sent = JudgingDevice(tmp_path, filter_of, takes).send(events)
    assert len(sent) == 30
    assert not any(b"held_back" in event.to_json() for event in sent.values())


def test_an_older_cloud_that_comes_back_takes_what_waits_for_an_alert() -> None:
    """It keeps the field as one of a newer version and goes by the phase, which is raised."""
    document = json.loads(raised(held_back="events 3").to_json())
    assert document["phase"] == "raised"
    field = document.pop("held_back")
    assert Event.from_json(json.dumps(document | {"of_tomorrow": field})).more == {"of_tomorrow": field}


def test_a_device_that_was_told_knows_it_after_a_restart(tmp_path: Path) -> None:
    wanted_of_the_device(FakeClock(), tmp_path).hear("", replace(NOTHING_WANTED, takes=TAKEN).to_json())
    assert "held_back" in wanted_of_the_device(FakeClock(), tmp_path).takes
