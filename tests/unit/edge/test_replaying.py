"""What the console says before somebody saves: the device's own reader and the journal's own rows."""

from collections.abc import Mapping

import pytest

from smartcam.contract.errors import SettingsError
from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.ids import CameraId
from smartcam.edge.replaying import Replayed, replayed, rules_of
from smartcam.inference.settings import read_settings
from smartcam.vision.journal import JournalRow, replay

YARD, GATE = CameraId("yard"), CameraId("gate")
LEFT = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
MONDAY_NOON = 1_772_452_800  # 2026-03-02, 12:00 UTC


def walk(number: int, x: float, label: str = "person", camera: CameraId = YARD) -> list[JournalRow]:
    """Somebody who stands for five seconds at x of the picture's width."""
    box = NormalBox(x - 0.05, 0.4, x + 0.05, 0.8)
    kind = EventKind.PERSON if label == "person" else EventKind.VEHICLE
    start = MONDAY_NOON + 60 * number
    return [JournalRow(camera, start + second, number, kind, label, box, 0.9) for second in range(5)]


ROWS = [*walk(1, 0.2), *walk(2, 0.8), *walk(3, 0.3, "car"), *walk(4, 0.2, camera=GATE)]


def test_a_zone_that_is_drawn_says_how_many_events_there_would_have_been() -> None:
    assert replayed(YARD, ROWS, {}, {"zones": {"left": LEFT}}) == Replayed(3, 2, 124 / 86_400)
    assert replayed(YARD, ROWS, {"zones": {"left": LEFT}}, {"labels": ["car"]}).events_then == 1


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"zones": {"left": LEFT}},
        {"labels": "person", "zones": {"left": LEFT}},
        {
            "rules": {"stays": {"loiter_s": "3", "labels": ["car"]}, "left": {"zones": ["left"]}},
            "zones": {"left": LEFT},
        },
        {"lines": {"gate": [[0.5, 0], [0.5, 1]]}, "rules": {"in": {"line": "gate", "direction": "both"}}},
        {"schedule": {"daily": ["13:00-14:00"]}},
        {"schedule": {"daily": ["12:00-13:00"]}, "rules": {"cars": {"labels": ["car"]}}},
        {"raise_at": 0.5, "normal": True, "armed": False},
    ],
)
@pytest.mark.parametrize("timezone", ["UTC", "Asia/Shanghai"])
def test_the_same_rules_are_read_as_the_device_reads_them(settings: Mapping[str, object], timezone: str) -> None:
    document = {"timezone": timezone, "cameras": {"yard": {**settings, "armed": True}}}
    device = read_settings(document).camera(YARD).effective_rules()
    assert rules_of(YARD, settings, timezone) == device
    events = len(replay([row for row in ROWS if row.camera == YARD], device))
    assert replayed(YARD, ROWS, {}, settings, timezone).events_then == events


@pytest.mark.parametrize(
    "settings",
    [
        {"zones": {"left": [[0, 0], [1, 1]]}, "rules": {"a": {"loiter": 3}, "b": {"zones": ["lft"]}}},
        {"zones": 3, "lines": {"x": 4}, "labels": 7},
        {"schedule": {"moonday": ["1"]}},
    ],
)
def test_what_is_wrong_is_said_in_the_devices_words(settings: Mapping[str, object]) -> None:
    with pytest.raises(SettingsError) as device:
        read_settings({"cameras": {"yard": settings}})
    with pytest.raises(SettingsError) as here:
        rules_of(YARD, settings)
    said = [str(each) for each in (device.value, *device.value.also)]
    assert [str(each) for each in (here.value, *here.value.also)] == said
    with pytest.raises(SettingsError):
        replayed(YARD, ROWS, {}, settings)
    assert replayed(YARD, ROWS, settings, {}).events_now == 0


def test_an_empty_journal_is_no_day_and_no_event() -> None:
    assert replayed(YARD, [], {}, {}) == Replayed(0, 0, 0.0)
