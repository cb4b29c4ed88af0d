import json
import math

import pytest

from measure.demo.report import (
    DeliveredAlert,
    FrameTotals,
    PublishedEvent,
    RunObservations,
    quantile,
    settle,
)
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs

START = UtcNs(1_700_000_000 * NS_PER_S)
OUTCOME = RunObservations(START, FrameTotals(10, 5, 4, 1))


def event(number: int, phase: Phase = Phase.RAISED) -> Event:
    started_at = UtcNs(START + number * NS_PER_S)
    return Event(
        event_id=new_event_id(started_at, bytes(10)),
        thing=ThingName("porch"),
        camera_id=CameraId("yard"),
        kind=EventKind.ANOMALY,
        phase=phase,
        severity=Severity.WARNING,
        started_at=started_at,
        expires_at=UtcNs(started_at + NS_PER_S),
        ended_at=UtcNs(started_at + NS_PER_S) if phase is Phase.CLEARED else None,
        score=0.9,
        threshold=0.5,
        clock_synced=True,
    )


def published(number: int, after_ms: int = 40, phase: Phase = Phase.RAISED) -> PublishedEvent:
    one = event(number, phase)
    return PublishedEvent(one, UtcNs(one.started_at + after_ms * NS_PER_MS))


def alert(number: int, channel: str, after_ms: int = 140) -> DeliveredAlert:
    one = event(number)
    return DeliveredAlert(one.event_id, channel, "someone", UtcNs(one.started_at + after_ms * NS_PER_MS))


def both(number: int) -> list[DeliveredAlert]:
    return [alert(number, "email"), alert(number, "sms")]


def test_one_alert_per_event_and_channel_is_complete() -> None:
    report = settle([published(1), published(1, phase=Phase.CLEARED), published(2)], [*both(1), *both(2)], OUTCOME)
    assert report.complete
    assert (len(report.raised), report.lost, report.duplicates) == (2, 0, 0)


def test_a_channel_that_stayed_silent_is_a_loss() -> None:
    report = settle([published(1), published(2)], [*both(1), alert(2, "email")], OUTCOME)
    assert (report.lost, report.complete) == (1, False)


def test_an_alert_that_came_twice_is_a_duplicate() -> None:
    report = settle([published(1)], [*both(1), alert(1, "sms")], OUTCOME)
    assert (report.duplicates, report.complete) == (1, False)


def test_an_alert_that_nobody_raised_is_a_duplicate_too() -> None:
    report = settle([published(1)], [*both(1), *both(2)], OUTCOME)
    assert (report.duplicates, report.complete) == (2, False)


def test_an_event_that_was_sent_twice_counts_once() -> None:
    report = settle([published(1, 40), published(1, 5000)], both(1), OUTCOME)
    assert report.complete
    assert report.latencies.capture_to_publish_p50 == 40


def test_what_the_cooldown_held_is_no_loss_but_must_stay_silent() -> None:
    outcome = RunObservations(START, FrameTotals(), held=frozenset({event(2).event_id}))
    assert settle([published(1), published(2)], both(1), outcome).complete
    assert settle([published(1), published(2)], [*both(1), *both(2)], outcome).duplicates == 2


@pytest.mark.parametrize(
    "outcome",
    [
        RunObservations(START, FrameTotals(), unsent=1),
        RunObservations(START, FrameTotals(), refused=1),
        RunObservations(START, FrameTotals(), faults=("smartcam.Capture broke",)),
    ],
)
def test_what_is_unsent_refused_or_broken_makes_a_run_incomplete(outcome: RunObservations) -> None:
    assert not settle([published(1)], both(1), outcome).complete


def test_the_report_has_the_shape_that_tools_read() -> None:
    document = json.loads(settle([published(1)], both(1), OUTCOME).to_json())
    assert document["events"] == [
        {
            "event_id": event(1).event_id,
            "camera_id": "yard",
            "kind": "anomaly",
            "started_at_ns": event(1).started_at,
            "clip_seconds": 1.0,
        }
    ]
    assert document["alerts"][0] == {
        "event_id": event(1).event_id,
        "channel": "email",
        "to": "someone",
        "delivered_at_ns": event(1).started_at + 140 * NS_PER_MS,
        "why": [],
    }
    assert document["frames"] == {"read": 10, "announced": 5, "analysed": 4, "dropped": 1}
    assert document["latency_ms"] == {
        "capture_to_publish_p50": 40.0,
        "capture_to_publish_p99": 40.0,
        "publish_to_person_p50": 100.0,
    }


def test_what_was_not_measured_is_null() -> None:
    document = json.loads(settle([], [], OUTCOME).to_json())
    assert document["latency_ms"]["publish_to_person_p50"] is None


def test_a_quantile_is_a_value_that_occurred() -> None:
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile([3, 1, 2], 0.99) == 3
    assert math.isnan(quantile([], 0.5))
