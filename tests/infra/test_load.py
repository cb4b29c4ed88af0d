"""What ten thousand devices write of a key, counted on few; and what is told first when very many fall silent."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient

from infra.alerts.runtime import handler
from infra.alerts.runtime.troubles import PARTITION
from measure.load.fleet import FleetFigures, Simulation
from measure.load.memory_table import MOST_UNITS_A_SECOND
from measure.load.tables import fleet_table
from smartcam.contract.health import HEALTH_EVERY_S
from tests.infra import test_handler
from tests.infra.test_handler import Account, by_queue, whole

MANY = 10_000
FEW = 30
EVENTS_A_DAY = 20
account = test_handler.account


@pytest.fixture(scope="module")
def figures() -> FleetFigures:
    return Simulation(FEW).run()


def test_ten_thousand_devices_write_less_of_their_key_than_it_takes(figures: FleetFigures) -> None:
    a_sign = math.ceil(figures.item_bytes / 1024)
    assert figures.calm_writes <= figures.calm_signs * a_sign
    assert MANY / HEALTH_EVERY_S * a_sign < MOST_UNITS_A_SECOND


def test_an_outage_of_many_is_told_of_before_each_device_is_marked(figures: FleetFigures) -> None:
    assert figures.updates_before_told == 1  # the outage itself


def test_nobody_is_told_of_later_than_by_the_next_check(figures: FleetFigures) -> None:
    assert 0 <= figures.fleet_late_s <= 60
    assert 0 <= figures.device_late_s <= 60
    assert figures.alerts == 5 + 2  # each that died, and the half as it went and as it came back
    assert f"| alerts in all | {figures.alerts} |" in fleet_table(figures)


def test_an_alert_and_its_end_write_five_times_where_all_things_share_a_key(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: Counter[str] = Counter()
    real: Callable[..., object] = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(client: BaseClient, operation: str, arguments: dict[str, Any]) -> object:
        if operation == "UpdateItem":
            written[arguments["Key"]["camera"]["S"]] += 1
        return real(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", counting)
    handler.handle(by_queue(whole("person_raised")), None)
    handler.handle(by_queue(whole("person_cleared")), None)
    assert account.states() == ["SENT"]
    assert written[PARTITION] == 5
    assert MANY * EVENTS_A_DAY / 86_400 * written[PARTITION] < MOST_UNITS_A_SECOND
