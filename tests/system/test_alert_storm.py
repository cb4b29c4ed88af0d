"""A storm over the deployed alerting: many events from fifty cameras, what a person gets of it, and what it costs."""

import json
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Final

import pytest

from smartcam.contract.event import Event
from tests.infra.local_site import FAILURES, Device, Site, deployed, fresh, wait_until
from tools.command_line import ROOT

CAMERAS: Final = 50
COOLDOWN_S: Final = 20
IN_FLIGHT: Final = 64
SMS_A_DAY: Final = 40
SNS_EMAILS_PER_SECOND: Final = 10
OWN_MS: Final = 25.0
MEMORY_MB: Final = 256
PATIENCE_S: Final = 180.0

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".venv-cloud").is_dir(), reason="the local cloud is not set up (.venv-cloud)"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    context = {"cooldown_seconds": str(COOLDOWN_S), "sms_a_day": str(SMS_A_DAY)}
    with deployed(tmp_path_factory.mktemp("storm"), context) as there:
        there.run_by(Path(__file__).with_name("measuring.py"))
        yield there


@pytest.fixture(scope="module")
def device(site: Site) -> Device:
    return site.connect()


@dataclass
class Storm:
    """Sends as fast as the cloud accepts."""

    site: Site
    device: Device
    accepted: int = 0

    def send(self, events: list[Event]) -> float:
        """Returns how many seconds it took until all were accepted."""
        begun, in_flight = time.monotonic(), 0
        for event in events:
            self.device.send(event)
            in_flight += 1
            while in_flight >= IN_FLIGHT:
                in_flight -= self.wait_for_one()
        while in_flight:
            in_flight -= self.wait_for_one()
        return time.monotonic() - begun

    def wait_for_one(self) -> int:
        try:
            assert self.device.replies.get(timeout=30.0).status == "accepted"
        except Empty:
            self.site.cloud.check()
            raise
        self.accepted += 1
        return 1


@dataclass(frozen=True)
class Own:
    """What the function's invocations cost of their own."""

    warm_ms: list[float]
    memory_mb: int

    def __str__(self) -> str:
        median, most = statistics.median(self.warm_ms), self.warm_ms[len(self.warm_ms) * 99 // 100]
        many = f"{len(self.warm_ms)} warm invocations"
        return f"{many}: p50 {median:.1f} ms, p99 {most:.1f} ms of CPU; memory at most {self.memory_mb} MB"


def own(site: Site) -> Own:
    """As the handler of the measuring writes it into the log."""
    lines = [line.split("figures ", 1)[1] for line in site.cloud.log.read_text().splitlines() if "figures {" in line]
    figures = [json.loads(line) for line in lines]
    return Own(sorted(one["cpu_ms"] for one in figures if one["warm"]), max(one["memory_mb"] for one in figures))


def told_of(site: Site) -> int:
    """How many events the mails tell of, alerts and closing messages together."""
    alerts, closings = site.told("alert"), site.told("closing")
    before = [int(found[1]) for mail in alerts if (found := re.search(r"^Held back: (\d+) ", mail.body, re.MULTILINE))]
    after = [int(found[1]) for mail in closings if (found := re.search(r": (\d+) more after alert", mail.subject))]
    return len(alerts) + sum(before) + sum(after)


@pytest.mark.parametrize("number", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_a_person_gets_at_most_what_grouping_and_cooldown_allow_and_the_storm_is_drained(
    site: Site, device: Device, number: int
) -> None:
    told_before, mails_before = told_of(site), len(site.cloud.emails())
    storm = Storm(site, device)
    took_s = storm.send([fresh(f"camera-{each % CAMERAS}") for each in range(number)])
    wait_until(lambda: told_of(site) - told_before >= number, PATIENCE_S)
    mails = site.cloud.emails()[mails_before:]
    windows = int((took_s + 3 * COOLDOWN_S) / COOLDOWN_S) + 1
    times = [mail.delivered_at_ns for mail in mails]
    busiest = max(sum(begin <= one < begin + 10**9 for one in times) for begin in times)
    print(  # noqa: T201 - measured for the docs
        f"{number} events in {took_s:.0f} s ({number / took_s:.0f}/s): {len(mails)} mails"
        f" of {2 * CAMERAS * windows} allowed, at most {busiest} in a second, {len(site.cloud.texts())} SMS\n"
        f"{own(site)}"
    )
    assert told_of(site) - told_before == number
    assert storm.accepted == number
    assert len(mails) <= 2 * CAMERAS * windows
    assert len({mail.event_id for mail in site.told("alert")}) == len(site.told("alert"))
    assert busiest <= SNS_EMAILS_PER_SECOND
    assert len(site.cloud.texts()) <= SMS_A_DAY
    assert {queue: site.waiting(queue) for queue in FAILURES} == {queue: [] for queue in FAILURES}


def test_an_invocation_costs_little_of_its_own(site: Site) -> None:
    figures = own(site)
    print(figures)  # noqa: T201 - measured for the docs
    assert len(figures.warm_ms) >= 500
    assert statistics.median(figures.warm_ms) <= OWN_MS
    assert figures.memory_mb < MEMORY_MB
