"""Following the history: everything once, and once more when its alert has come further."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

import pytest

from infra.alerts.runtime.ports import AlertState
from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc
from tests.infra.sample import NOON, raised
from tools.alerts.history import HistoryRecord, Key, days, first_id_of, last_id_of, line, read_record
from tools.alerts.tail import Follower, main, seconds

KEY = ("yard-1/gate", f"event#{raised().event_id}")
FRESH = HistoryRecord(KEY, format_utc(NOON), AlertState.RECORDED, raised())
SENT = replace(FRESH, state=AlertState.SENT)


@dataclass
class FakeReader:
    records: dict[Key, HistoryRecord] = field(default_factory=dict)
    reads: int = 0

    def arrivals(self, since: UtcNs, now: UtcNs) -> Iterator[Key]:
        for key, record in sorted(self.records.items(), key=lambda item: item[1].arrived_at):
            if format_utc(since) <= record.arrived_at <= format_utc(now):
                yield key

    def record(self, key: Key) -> HistoryRecord | None:
        self.reads += 1
        return self.records.get(key)


def after(seconds_: float) -> UtcNs:
    return UtcNs(NOON + round(seconds_ * NS_PER_S))


def test_an_event_is_shown_when_it_arrives_and_when_its_alert_is_sent_and_when_it_is_over() -> None:
    reader = FakeReader()
    follower = Follower(reader, NOON)
    assert follower.poll(after(1)) == []
    reader.records[KEY] = FRESH
    assert follower.poll(after(2)) == [FRESH]
    assert follower.poll(after(3)) == []
    reader.records[KEY] = SENT
    assert follower.poll(after(60)) == [SENT]
    over = replace(SENT, ended_at=format_utc(after(70)))
    reader.records[KEY] = over
    assert follower.poll(after(80)) == [over]
    reads = reader.reads
    assert follower.poll(after(81)) == []
    assert reader.reads == reads


def test_what_shows_up_late_in_the_index_is_shown_all_the_same() -> None:
    reader = FakeReader()
    follower = Follower(reader, NOON)
    follower.poll(after(100))
    reader.records[KEY] = replace(SENT, arrived_at=format_utc(after(90)))
    assert len(follower.poll(after(101))) == 1
    assert follower.poll(after(102)) == []


def test_who_never_comes_further_is_left_alone_after_an_hour() -> None:
    reader = FakeReader({KEY: SENT})
    follower = Follower(reader, NOON)
    follower.poll(after(1))
    follower.poll(after(3700))
    reads = reader.reads
    follower.poll(after(3800))
    assert reader.reads == reads


@pytest.mark.parametrize(("camera", "count"), [("gate", 1), ("yard-1/gate", 1), ("door", 0), ("yard-2/gate", 0)])
def test_one_camera_can_be_followed(camera: str, count: int) -> None:
    assert len(Follower(FakeReader({KEY: SENT}), NOON, camera).poll(after(1))) == count


def test_what_is_gone_by_the_time_it_is_read_is_not_shown() -> None:
    reader = FakeReader({KEY: SENT})
    follower = Follower(reader, NOON)
    reader.record = lambda _key: None  # type: ignore[method-assign, assignment]
    assert follower.poll(after(1)) == []


def test_a_line_tells_when_where_what_and_how_far() -> None:
    event = raised(zone="drive", label="person")
    record = HistoryRecord(KEY, "2026-03-01T12:00:00.000Z", "SENT", event, ("people=SENT",), "2026-03-01T12:00:05.000Z")
    assert line(record) == (
        '2026-03-01T12:00:00.000Z yard-1/gate person warning zone=drive label="person"'
        f" ended=2026-03-01T12:00:05.000Z SENT people=SENT {event.event_id}"
    )
    judged = line(replace(record, verdict=False))
    assert "ended=2026-03-01T12:00:05.000Z verdict=false SENT" in judged
    assert "verdict=true" in line(replace(record, verdict=True))
    assert line(replace(record, event=None)) == "2026-03-01T12:00:00.000Z yard-1/gate unreadable SENT"


def test_a_line_tells_by_which_filter_an_event_is_held_back_unless_it_was_sent_before() -> None:
    event = raised(held_back="events 3")
    record = HistoryRecord(KEY, "2026-03-01T12:00:00.000Z", "UNWANTED", event, ("people=UNWANTED",))
    assert f"warning held back by events 3 people=UNWANTED {event.event_id}" in line(record)
    assert "held back" not in line(replace(record, state="SENT"))
    assert "held back" not in line(replace(record, event=replace(event, kind=EventKind.TAMPER)))


def test_an_item_of_the_table_is_read_and_a_strange_one_is_no_reason_to_stop() -> None:
    item: dict[str, dict[str, object]] = {
        "recorded_at": {"S": "2026-03-01T12:00:00.000Z"},
        "alert_state": {"S": "SENT"},
        "told": {"SS": ["b=SENT@1", "a=HELD", "b=UNWANTED"]},
        "raised": {"S": raised().to_json().decode()},
    }
    record = read_record(KEY, item)
    assert (record.event, record.told, record.is_final) == (raised(), ("a=HELD", "b=SENT"), True)
    assert read_record(KEY, {**item, "raised": {"S": "{}"}}).event is None
    assert record.verdict is None
    assert read_record(KEY, {**item, "verdict": {"BOOL": False}}).verdict is False
    assert read_record(KEY, {**item, "verdict": {"S": "false"}}).verdict is None


def test_days_are_the_days_of_utc() -> None:
    assert list(days(NOON, after(86_400))) == ["2026-03-01", "2026-03-02"]
    assert list(days(NOON, NOON)) == ["2026-03-01"]


def test_the_ids_of_a_day_are_between_its_first_and_its_last() -> None:
    day = date(2026, 3, 1)
    assert first_id_of(day) <= raised().event_id <= last_id_of(day)
    assert last_id_of(date(2026, 2, 28)) < first_id_of(day)
    assert last_id_of(day) < first_id_of(date(2026, 3, 2))


@pytest.mark.parametrize(("text", "value"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86_400)])
def test_times_are_given_with_their_unit(text: str, value: int) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "m", "1w", "-1h", "1.5h"])
def test_times_without_one_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        seconds(text)


def test_a_day_that_is_none_is_refused_with_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--camera", "yard-1/gate", "--day", "yesterday"])
    assert ended.value.code == 2
    assert "--day: 'yesterday' is not a date: give a UTC day such as 2026-03-01" in capsys.readouterr().err
