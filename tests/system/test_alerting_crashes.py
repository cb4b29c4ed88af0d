"""The deployed alerting in processes that die between any two steps: nothing lost, doubled only where excused."""

import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from smartcam.contract.event import Event
from smartcam.contract.ids import ThingName
from tests.infra.local_site import FAILURES, Device, Site, deployed, fresh, ids_of, wait_until
from tools.command_line import ROOT

DUPLICATES: Final = 0.3
IN_FLIGHT: Final = 24
THINGS: Final = tuple(ThingName(f"yard-{number}") for number in range(1, 31))
"""A device may send 60 messages at once."""

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".venv-cloud").is_dir(), reason="the local cloud is not set up (.venv-cloud)"),
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    context = {"cooldown_seconds": "0", "sms_a_day": "10000", "sms_a_day_per_thing": "10000"}
    context["things"] = ",".join(THINGS)
    with deployed(tmp_path / "site", context) as there:
        yield there


def crashed_after_publishing(crashes: Path) -> Counter[str]:
    """The events whose process died when SNS had taken the alert and SENT was not stored yet."""
    found = Counter[str]()
    for note in crashes.glob("*.json"):
        crash = json.loads(note.read_text())
        *_, since = " ".join(crash["trace"]).rpartition("after Publish")
        if crash["published"] and "after UpdateItem" not in since:
            found[crash["published"]] += 1  # by whatever job: a round of waiting alerts publishes too
    return found


@pytest.mark.parametrize(
    ("number", "things", "percent", "patience_s"),
    [(24, 4, 60, 300.0), pytest.param(1000, 30, 30, 1800.0, marks=pytest.mark.soak)],
)
def test_processes_that_die_anywhere_lose_nothing_and_double_only_where_excused(
    site: Site, tmp_path: Path, number: int, things: int, percent: int, patience_s: float
) -> None:
    notes = tmp_path / "crashes"
    devices = {thing: site.connect(thing) for thing in THINGS[:things]}
    notes.mkdir()
    site.configure(CRASH_FOLDER=str(notes), CRASH_PERCENT=str(percent))
    site.run_by(Path(__file__).with_name("crashing.py"))
    # A timer whose process died comes back soon instead of in three minutes.
    timers = site.outputs["TimerQueueUrl"]
    site.client("sqs").set_queue_attributes(QueueUrl=timers, Attributes={"VisibilityTimeout": "5"})
    # Each process dies for the sake of one event, and is known by it.
    functions = site.client("lambda")
    [mapping] = functions.list_event_source_mappings(FunctionName=site.outputs["FunctionName"])["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], BatchSize=1)
    events = [fresh(f"dying-{each % 10}", thing=THINGS[each % things]) for each in range(number)]
    send_in_any_order(site, devices, events)
    wait_until(lambda: all(site.state_of(event) == "SENT" for event in events), patience_s)
    wait_until(lambda: ids_of(events) <= {mail.event_id for mail in site.told("alert")})
    mails = [mail for mail in site.told("alert") if mail.event_id in ids_of(events)]
    alerts, excused = Counter(mail.event_id for mail in mails), crashed_after_publishing(notes)
    crashes = len(list(notes.glob("*.json")))
    print(f"events {number}, crashes {crashes}, excused {excused.total()}, doubled {alerts.total() - number}")  # noqa: T201
    assert crashes >= number * percent // 200
    assert set(alerts) == ids_of(events)  # lost: 0
    assert all(count <= 1 + excused[event] for event, count in alerts.items())
    assert len({(mail.event_id, mail.attributes["alert_number"]) for mail in mails}) == number
    assert {queue: site.waiting(queue) for queue in FAILURES} == {queue: [] for queue in FAILURES}


def send_in_any_order(site: Site, devices: Mapping[ThingName, Device], events: list[Event]) -> None:
    """Each event, and some of them twice; so many at once as a broker hands to a handful of workers."""
    luck = random.Random(1)  # noqa: S311 - not for secrets
    deliveries = events + luck.sample(events, int(len(events) * DUPLICATES))
    luck.shuffle(deliveries)
    for begin in range(0, len(deliveries), IN_FLIGHT):
        batch = deliveries[begin : begin + IN_FLIGHT]
        for event in batch:
            devices[event.thing].send(event)
        site.cloud.check()
        for thing, device in devices.items():
            device.accepted(len(ids_of([event for event in batch if event.thing == thing])), 120.0)
