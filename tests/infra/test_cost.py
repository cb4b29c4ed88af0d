"""The cost page adds up, and says as many calls as the functions make."""

import math
from collections.abc import Iterator

import pytest

from infra.alerts.asset import ROOT
from infra.alerts.runtime import handler
from infra.alerts.runtime.aws.windows import entries
from infra.alerts.runtime.facts import HeldEvent
from infra.fleet.runtime import handler as fleet
from infra.fleet.runtime.watching import measures
from infra.site import SiteSettings
from smartcam.contract.event import Severity
from tests.infra import test_handler
from tests.infra.conftest import Template
from tests.infra.fleet_yard import health, health_document
from tests.infra.sample import NOON, raised, rule_output
from tests.infra.test_handler import Account, Calls, by_queue, whole

PAGE = ROOT / "docs/cost.md"
CENT = 0.005
WINDOW_BYTES = 300
"""Of a window in which nothing is held back: its key, times and holder."""
account, calls = test_handler.account, test_handler.calls


def tables() -> Iterator[list[list[str]]]:
    """Every table of the page, row by row."""
    for block in PAGE.read_text().split("\n\n"):
        rows = [line.strip("| ").split("|") for line in block.splitlines() if line.startswith("| ")]
        if rows:
            yield [[cell.strip().strip("*") for cell in row] for row in rows]


def prices() -> dict[str, tuple[float, float]]:
    """Each price in dollars, and for how many."""
    [table] = [table for table in tables() if table[0][:2] == ["price", "$"]]
    found = {}
    for name, dollars, per, source in (row[:4] for row in table[1:]):
        assert source.startswith("aws.amazon.com/")
        many = {"1 M": 1e6, "1,000": 1e3}
        found[name] = float(dollars), next((value for word, value in many.items() if per.startswith(word)), 1.0)
    return found


def costs() -> dict[str, list[list[str]]]:
    """The tables of costs by what they sum up; the last row is the sum."""
    return {table[-1][0]: table[1:] for table in tables() if table[0][0] == "line"}


def quantity(table: str, line: str) -> float:
    [row] = [row for row in costs()[table] if row[0] == line]
    return float(row[2].replace(",", ""))


def test_every_line_is_its_price_times_its_quantity_and_every_sum_is_its_lines() -> None:
    known = prices()
    assert len(costs()) == 4
    for rows in costs().values():
        for line, price, many, dollars, *_ in rows[:-1]:
            each, per = known[price]
            assert float(many.replace(",", "")) * each / per == pytest.approx(float(dollars), abs=0.0001), line
        assert float(rows[-1][3]) == pytest.approx(sum(float(row[3]) for row in rows[:-1]), abs=CENT)


def test_a_sent_alert_and_its_end_take_as_many_calls_as_the_page_says(account: Account, calls: Calls) -> None:
    handler.handle(by_queue(whole("person_raised")), None)
    assert calls == {"GetItem": 1, "UpdateItem": 9, "Publish": 2}  # to SNS, and to the device
    calls.clear()
    handler.handle(by_queue(whole("person_cleared")), None)
    assert calls == {"GetItem": 1, "UpdateItem": 2, "Publish": 1}
    assert account.states() == ["SENT"]


def test_an_event_in_the_cooldown_takes_no_more_and_publishes_nothing_to_people(account: Account, calls: Calls) -> None:
    handler.handle(by_queue(whole("person_raised")), None)
    calls.clear()
    for number in (2, 3):
        handler.handle(by_queue(rule_output(raised(number).to_json())), None)
    assert calls == {"GetItem": 2, "UpdateItem": 7 + 6, "SendMessage": 1, "Publish": 2}  # answers to the device
    assert len(account.messages(account.alerts)) == 1


def test_a_sign_of_life_is_one_read_and_one_write(
    account: Account, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    del account
    fleet._hearing.cache_clear()
    assert fleet.hear(health_document(health(), NOON), None) == "kept"
    assert calls == {"GetItem": 1, "UpdateItem": 1}
    calls.clear()
    monkeypatch.setenv("ALERTER", "alerter")
    fleet._watching.cache_clear()
    fleet.watch({}, None)
    assert calls == {"GetItem": 1, "Query": 1}
    fleet._hearing.cache_clear()
    fleet._watching.cache_clear()


def test_alarms_and_metrics_are_as_many_as_the_page_says(template: Template) -> None:
    site = "a site's month without devices"
    more_groups = len(template.all_of("AWS::SNS::Topic")) - len(["operations", "one group"])
    assert quantity(site, "alarms") == len(template.all_of("AWS::CloudWatch::Alarm")) - more_groups
    assert quantity(site, "the fleet's metrics") == len(measures([]))
    assert quantity(site, "one key for everything") == len(template.all_of("AWS::KMS::Key"))


def test_the_storm_is_bounded_by_the_guards_that_it_names() -> None:
    storm, defaults = "10,000 events at once, at most", SiteSettings()
    assert quantity(storm, "SMS") == defaults.sms_a_day
    assert quantity(storm, "alerts") == (len(Severity) + 1) * 50
    assert float(costs()[storm][-1][3]) < 1


def test_a_window_grows_by_as_much_as_the_page_says() -> None:
    storm, cameras, events = "10,000 events at once, at most", 50, 200
    [entry] = entries([HeldEvent.of(raised())])
    units = sum(2 * math.ceil((WINDOW_BYTES + len(entry) * held) / 1024) for held in range(1, events + 1))
    counted_already = 2 * 2 * events
    assert quantity(storm, "writes: growing windows") == (units - counted_already) * cameras
