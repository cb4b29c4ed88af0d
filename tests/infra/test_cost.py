"""The cost page adds up, and says as many calls as the functions make."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra.alerts.asset import ROOT
from infra.alerts.infrastructure import MOST_AT_ONCE
from infra.alerts.runtime import handler
from infra.alerts.runtime.audience import Audience
from infra.alerts.runtime.aws.windows import entries
from infra.alerts.runtime.facts import HeldEvent
from infra.alerts.runtime.guarding import CRITICAL_RESERVE, MOST_A_DAY, MOST_CAMERAS
from infra.fleet.runtime import handler as fleet
from infra.fleet.runtime.codec import dump_device
from infra.fleet.runtime.desk import LOOK_EVERY_S
from infra.fleet.runtime.device import MOST_CAMERAS_KEPT, Device, KnownCamera, Outage, OutageKind, derived_id
from infra.fleet.runtime.folding import heard
from infra.fleet.runtime.pace import HEALTH_PACE
from infra.fleet.runtime.watching import measures
from infra.settings import DEFAULT_COOLDOWN_S
from infra.site import SiteSettings
from infra.subscribers import MOST_GROUPS
from smartcam.contract.event import LARGEST_EVENT_BYTES, EventKind, Severity
from smartcam.contract.health import MOST_CAMERAS as MOST_CAMERAS_LISTED
from smartcam.contract.health import CameraCondition, SceneHealth, SceneStage
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from tests.fakes.aws import Interruption
from tests.infra import test_handler
from tests.infra.conftest import Template
from tests.infra.fleet_yard import health, health_document
from tests.infra.sample import NOON, raised, rule_output
from tests.infra.test_handler import Account, Calls, by_queue, whole
from tests.infra.world import EVERYONE, Cloud
from tools.train.job import LONGEST_RUN_S

PAGE = ROOT / "docs/cost.md"
CENT = 0.005
HOME = "a home's month with one camera"
FULL = "more a month with monitoring=full"
MILLION = "a million events, each alerting one e-mail address"
FLOOD = "a stolen device's day of events, at most"
GROUP = "a further group on such a day, at most"
HEALTH_FLOOD = "a stolen device's day of health messages, at most"
KEYS_BYTES = 500
"""Of a device's item beside its document: two keys, the thing, a time and a revision."""
LONGEST_NAME = 64
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
    assert len(costs()) == 10
    for rows in costs().values():
        for line, price, many, dollars, *_ in rows[:-1]:
            each, per = known[price]
            assert float(many.replace(",", "")) * each / per == pytest.approx(float(dollars), abs=0.0001), line
        assert float(rows[-1][3]) == pytest.approx(sum(float(row[3]) for row in rows[:-1]), abs=CENT)


def total(table: str) -> float:
    return float(costs()[table][-1][3])


def test_an_hour_of_training_and_a_job_that_hangs_cost_what_the_page_says() -> None:
    rows = costs()["an hour of training on one ml.m5.xlarge"]
    an_hour = sum(float(row[3]) for row in rows if row[0] in {"machine", "disk"})
    assert f"${an_hour * LONGEST_RUN_S / 3600:.2f} at most" in PAGE.read_text()


def test_a_home_with_one_camera_costs_less_than_a_dollar_a_month_at_list_price() -> None:
    assert total(HOME) < 1
    lines = {row[0] for row in costs()[HOME]}
    assert {row[0] for row in costs()["a further camera's month"][:-1]} < lines


def test_a_stolen_device_costs_no_more_than_25_dollars_a_day_on_either_topic() -> None:
    assert total(FLOOD) <= 25
    assert total(HEALTH_FLOOD) <= 25
    messages = quantity(FLOOD, "messages")
    assert messages == 100 * 86_400
    assert quantity(FLOOD, "queue") == 3 * messages


def test_the_page_says_for_how_many_groups_a_stolen_devices_day_costs_no_more_than_that() -> None:
    assert total(FLOOD) + 2 * total(GROUP) <= 25 < total(FLOOD) + 3 * total(GROUP)
    most = total(FLOOD) + (MOST_GROUPS - 1) * total(GROUP)
    page = " ".join(PAGE.read_text().split())
    assert f"below $25 with three groups; with the most that there can be, {MOST_GROUPS}, it costs ${most:.2f}." in page


def test_a_message_of_the_longest_texts_in_a_growing_window_writes_as_much_as_the_page_says() -> None:
    [entry] = entries([HeldEvent.of(raised(kind=max(EventKind, key=len), severity=Severity.CRITICAL))])
    taken, cooldown_s = MOST_A_DAY + CRITICAL_RESERVE, DEFAULT_COOLDOWN_S
    held = range(1, cooldown_s + 1)  # one a second
    window = sum(math.ceil((WINDOW_BYTES + len(entry) * many) / 1024) for many in held) / cooldown_s
    history = math.ceil((LARGEST_EVENT_BYTES + KEYS_BYTES) / 1024)  # recorded, leased, settled, and once in the index
    cameras = math.ceil((MOST_CAMERAS * LONGEST_NAME + KEYS_BYTES) / 1024)
    assert quantity(FLOOD, "writes") == taken * math.ceil(3 * history + 1 + cameras + 2 * window)
    assert quantity(GROUP, "writes") == taken * math.ceil(history + 2 * window)
    assert quantity(FLOOD, "guard: reads") == MOST_AT_ONCE * 86_400 * math.ceil(cameras / 4)
    assert quantity(FLOOD, "alerts") == quantity(GROUP, "alerts") == quantity(GROUP, "e-mails") == taken


@pytest.mark.parametrize("groups", [1, 3])
def test_a_message_that_is_held_back_takes_three_writes_for_each_further_group(groups: int) -> None:
    everyone = tuple(replace(EVERYONE, name=f"group-{number}") for number in range(groups))
    cloud = Cloud(DEFAULT_COOLDOWN_S, Audience(everyone))
    for number in (1, 2):
        cloud.deliver(raised(number))
    between = Interruption()
    cloud.deliver(raised(3), between)
    made = Counter(name.removeprefix("before ") for name in between.names if name.startswith("before "))
    assert (made["claim"], made["hold_back"], made["mark"] + made["settle"]) == (groups, groups, groups)


def test_a_sent_alert_and_its_end_take_as_many_calls_as_the_page_says(account: Account, calls: Calls) -> None:
    handler.handle(by_queue(whole("person_raised")), None)
    assert calls == {"GetItem": 1, "UpdateItem": 9, "Publish": 2}  # to SNS, and to the device
    calls.clear()
    handler.handle(by_queue(whole("person_cleared")), None)
    assert calls == {"GetItem": 1, "UpdateItem": 2, "Publish": 1}
    assert account.states() == ["SENT"]
    writes = quantity(MILLION, "history: writes") / 1e6
    assert writes == (9 + 2) * 2 + 1
    assert quantity(HOME, "20 events a day: writes") == 20 * 30 * writes


def test_an_event_in_the_cooldown_takes_no_more_and_publishes_nothing_to_people(account: Account, calls: Calls) -> None:
    handler.handle(by_queue(whole("person_raised")), None)
    calls.clear()
    for number in (2, 3):
        handler.handle(by_queue(rule_output(raised(number).to_json())), None)
    assert calls == {"GetItem": 2, "UpdateItem": 7 + 6, "SendMessage": 1, "Publish": 2}  # answers to the device
    assert len(account.messages(account.alerts)) == 1


@pytest.fixture
def fleet_handler(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The fleet's functions on the account, with the queues and the topic that they look at."""
    queues = {"Unhandled": account.refused, "Timers": account.timers}
    monkeypatch.setenv("ALERTER", "alerter")
    monkeypatch.setenv("QUEUES", json.dumps(queues))
    monkeypatch.setenv("OPERATIONS_TOPIC_ARN", account.topic_arn)
    for made in (fleet._hearing, fleet._watching):
        made.cache_clear()
    yield
    for made in (fleet._hearing, fleet._watching):
        made.cache_clear()


@pytest.mark.usefixtures("fleet_handler")
def test_a_sign_of_life_is_one_read_and_one_write(calls: Calls) -> None:
    assert fleet.hear(health_document(health(), NOON), None) == "kept"
    assert calls == {"GetItem": 1, "UpdateItem": 1}


def largest_device() -> Device:
    """What a device can make of its item: as many cameras as are kept, silent, and the longest words."""
    names = [CameraId(f"{number:x<64}") for number in range(MOST_CAMERAS_KEPT)]
    kept = tuple(KnownCamera(name, CameraCondition.AWAITED, NOON, 1e6 / 3, armed=False) for name in names)
    silent = Outage(derived_id(NOON, "x"), OutageKind.CAMERAS, NOON, NOON, cameras=tuple(names))
    reasons = {"bundle_refused": "x" * 160, "configuration_refused": "x" * 160, "release_refused": "x" * 160}
    known = heard(None, health("x" * 128, run="x" * 64, version="x" * 128, capture_version="x" * 128, **reasons), NOON)
    scene = SceneHealth(SceneStage.RELEARNING, 1e6, 1e6, 1e6 / 3, 2**63 - 1, drift=False)
    listed = tuple(replace(one, scene=scene) for one in kept[:MOST_CAMERAS_LISTED])
    return replace(known, cameras=listed + kept[MOST_CAMERAS_LISTED:], camera_outage=silent, model="x" * 257)


@pytest.mark.usefixtures("fleet_handler")
def test_a_hundred_signs_of_life_in_a_second_are_read_and_seldom_written(calls: Calls) -> None:
    for seq in range(100):
        fleet.hear(health_document(health(seq=seq + 1), UtcNs(NOON + seq * NS_PER_MS)), None)
    assert calls["GetItem"] == 100
    assert calls["UpdateItem"] <= HEALTH_PACE.burst + 1
    a_day = HEALTH_PACE.burst + 86_400 // HEALTH_PACE.every_s
    units = math.ceil((len(dump_device(largest_device())) + KEYS_BYTES) / 1024)
    assert quantity(HEALTH_FLOOD, "writes") == a_day * units
    assert quantity(HEALTH_FLOOD, "reads") == 100 * 86_400 * math.ceil(units / 4)


@pytest.mark.usefixtures("fleet_handler")
def test_a_check_is_two_reads_and_every_fifth_looks_at_the_queues_too(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time_ns", lambda: NOON + 60 * NS_PER_S)
    fleet.watch({}, None)
    assert calls == {"GetItem": 1, "Query": 1}
    calls.clear()
    monkeypatch.setattr("time.time_ns", lambda: NOON + 300 * NS_PER_S)
    fleet.watch({}, None)
    assert calls == {"GetItem": 2, "Query": 2, "GetQueueAttributes": 2}  # the stack gives five queues
    looks = 30 * 86_400 // LOOK_EVERY_S
    assert quantity(HOME, "operators' desk: queues") == looks * 5
    assert quantity(HOME, "operators' desk: reads") == looks * 2


@pytest.mark.usefixtures("fleet_handler")
def test_the_switch_writes_metrics_only_where_they_are_paid_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.watch({}, None)
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("METRICS", "on")
    fleet.watch({}, None)
    assert "DevicesKnown" in capsys.readouterr().out


def test_alarms_metrics_and_keys_are_as_many_as_the_page_says(template: Template, full: Template) -> None:
    more_groups = len(full.all_of("AWS::SNS::Topic")) - len(["operations", "one group"])
    plain = len(template.all_of("AWS::CloudWatch::Alarm"))
    assert quantity(HOME, "alarms") == plain == 3
    assert quantity(FULL, "alarms") == len(full.all_of("AWS::CloudWatch::Alarm")) - more_groups - plain
    assert quantity(FULL, "the fleet's metrics") == len(measures([]))
    assert not template.all_of("AWS::KMS::Key")
    assert quantity("more a month with key=own", "one key for everything") == len(full.all_of("AWS::KMS::Key"))
    assert quantity(HOME, "operators' desk: queues") == 8640 * len(template.all_of("AWS::SQS::Queue"))


def test_the_storm_is_bounded_by_the_guards_that_it_names() -> None:
    storm, defaults = "10,000 events at once, at most", SiteSettings()
    assert quantity(storm, "SMS") == defaults.sms_a_day
    assert quantity(FLOOD, "SMS") == defaults.sms_a_day_per_thing
    assert quantity(storm, "alerts") == (len(Severity) + 1) * 50
    assert total(storm) < 1


def test_a_window_grows_by_as_much_as_the_page_says() -> None:
    storm, cameras, events = "10,000 events at once, at most", 50, 200
    [entry] = entries([HeldEvent.of(raised())])
    units = sum(2 * math.ceil((WINDOW_BYTES + len(entry) * held) / 1024) for held in range(1, events + 1))
    counted_already = 2 * 2 * events
    assert quantity(storm, "writes: growing windows") == (units - counted_already) * cameras
