"""What is known of an event when it is raised, as a row."""

from dataclasses import replace

import pytest
from hypothesis import given

from smartcam.contract.event import Event, NormalBox
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.model.rows.known import FEATURES, event_row, features
from tests.infra.sample import NOON, raised
from tests.strategies import events


def test_an_event_is_known_by_its_words_its_hour_its_numbers_and_its_place() -> None:
    at = UtcNs(NOON - 6 * 3600 * NS_PER_S)
    event = raised(label="cat, large", box=NormalBox(0.1, 0.2, 0.3, 0.4), started_at=at)
    known = features(event_row(event))
    assert (known["camera"], known["label"], known["rule"]) == ("gate", "cat, large", "")
    assert (known["x"], known["bottom"], known["width"], known["height"]) == ("0.2000", "0.4000", "0.2000", "0.2000")
    assert float(known["hour_sin"]) == pytest.approx(1)  # six in the morning
    assert float(known["hour_cos"]) == pytest.approx(0, abs=1e-3)
    assert (known["score"], known["threshold"], known["suppressed"]) == ("0.9100", "0.5000", "0")
    assert known.keys() == FEATURES


@given(events())
def test_of_any_event_nothing_is_known_but_what_a_filter_may_look_at(event: Event) -> None:
    known = features(event_row(event))
    assert known.keys() <= FEATURES
    assert ("x" in known) == (event.box is not None)


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx"])
def test_no_text_of_a_device_is_run_by_a_spreadsheet(formula: str) -> None:
    assert event_row(replace(raised(), label=formula))["label"] == f"'{formula}"
    assert event_row(replace(raised(), label="person"))["label"] == "person"


def test_the_name_of_an_event_its_end_and_its_verdict_are_not_known_when_it_is_raised() -> None:
    row = event_row(raised()) | {"event_id": "7", "seconds": "4.0", "alert_state": "SENT", "verdict": "false"}
    assert not {"event_id", "seconds", "alert_state", "verdict", "started_at"} & features(row).keys()
    bare = features({"started_at": "yesterday", "x1": ""})
    assert "hour_sin" not in bare
    assert "x" not in bare
