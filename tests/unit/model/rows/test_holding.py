"""Which events a filter may hold back at all."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind, Severity
from smartcam.contract.reading import Fields, parse_object
from smartcam.model.rows.holding import HoldingRule, SpanOfFalse, dump_spans, is_below, is_near, read_spans
from smartcam.model.rows.known import FEATURES, WORDS

ANYTHING = tuple(
    SpanOfFalse(name, frozenset({"", "person", "gate", "warning"}), None if name in WORDS else -9, 9)
    for name in sorted(FEATURES)
)
cells = st.text(max_size=8)
limits = st.floats(-1e6, 1e6)


@st.composite
def spans(draw: st.DrawFn, name: str) -> SpanOfFalse:
    words = frozenset(draw(st.lists(cells, max_size=4)))
    if draw(st.booleans()):
        return SpanOfFalse(name, words)
    low, high = sorted((draw(limits), draw(limits)))
    return SpanOfFalse(name, words, low, high)


all_spans = st.tuples(*map(spans, sorted(FEATURES)))


def read(document: object) -> tuple[SpanOfFalse, ...]:
    return read_spans(Fields(parse_object(json.dumps(document), "columns")))


@given(all_spans)
@settings(max_examples=20)
def test_spans_are_read_as_they_were_written(written: tuple[SpanOfFalse, ...]) -> None:
    assert read({"spans": dump_spans(written)}) == written


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("never_from", Severity)
def test_no_severity_from_the_named_one_on_and_no_fault_is_ever_held_back(
    kind: EventKind, severity: Severity, never_from: Severity
) -> None:
    seen = {"person", "vehicle", "animal", "anomaly", "motion"}
    order = list(Severity)
    expected = kind in seen and order.index(severity) < order.index(never_from)
    assert HoldingRule(never_from, ()).may_hold_back({"kind": kind, "severity": severity}, {}) == expected


def test_what_does_not_say_its_kind_or_severity_is_never_held_back() -> None:
    rule = HoldingRule(Severity.CRITICAL, ())
    assert not rule.may_hold_back({"kind": "person", "severity": "dreadful"}, {})
    assert not rule.may_hold_back({"severity": "info"}, {})
    assert not is_below("", Severity.CRITICAL)


@pytest.mark.parametrize(
    ("text", "near"),
    [("0.5", True), ("0.7", False), ("", False), ("nan", False), ("inf", False), ("none", True), ("5e-1", True)],
)
def test_only_a_value_like_those_of_false_events_is_near(text: str, near: bool) -> None:  # noqa: FBT001
    assert is_near([SpanOfFalse("x", frozenset({"none"}), 0.4, 0.6)], {"x": text}) == near


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "colour"}, "'colour' is nothing that is known of an event"),
        ({"name": None}, "name: must be a text"),
        ({"words": 7}, "words: must be a list"),
        ({"words": [7]}, r"words\.0: must be a text"),
        ({"low": 3.0, "high": 2.0}, "high: must not be below low"),
        ({"low": 3.0, "high": None}, "high: must be a number"),
        ({"low": "3"}, "low: must be a number"),
    ],
)
def test_wrong_spans_are_refused_with_the_field(change: dict[str, Any], said: str) -> None:
    document = [dict(each) for each in dump_spans(ANYTHING)]
    document[0] |= change
    with pytest.raises(ContractError, match=said):
        read({"spans": document})


def test_a_filter_that_does_not_say_what_false_events_were_like_in_some_respect_is_refused() -> None:
    with pytest.raises(ContractError, match="spans: must say what bottom has been in false events"):
        read({"spans": dump_spans([span for span in ANYTHING if span.name != "bottom"])})
    with pytest.raises(ContractError, match="spans: is missing"):
        read({})
