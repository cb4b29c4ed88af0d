"""Which events a filter may hold back at all, whatever its network says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import MAY_BE_HELD_BACK, Severity
from smartcam.contract.reading import Fields
from smartcam.model.rows.columns import WIDEST, Row, cell, check_differ, objects, words_in
from smartcam.model.rows.known import FEATURES

MOST_WORDS_OF_FALSE: Final = 1000
"""Of one column: things, cameras, zones and rules of a large site."""
_SEVERITIES: Final = tuple(map(str, Severity))


@dataclass(frozen=True, slots=True)
class SpanOfFalse:
    """Which values a column has had in false events: some words, and numbers between two, which may be none."""

    name: str
    words: frozenset[str] = frozenset()
    low: float | None = None
    high: float | None = None

    def holds(self, text: str) -> bool:
        """Whether a value is among them."""
        if text in self.words or self.low is None or self.high is None:
            return text in self.words
        try:
            return self.low <= float(text) <= self.high
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class HoldingRule:
    """Never what is as severe as `never_from`, nor what lies outside of what was called false in any respect.

    A network goes on in a straight line where it has seen nothing; an event there may be anything.
    """

    never_from: Severity
    spans: tuple[SpanOfFalse, ...]

    def may_hold_back(self, row: Row, known: Row) -> bool:
        """Whether an event's row, of which `known` are the features, may be held back."""
        if row.get("kind", "") not in MAY_BE_HELD_BACK or not is_below(row.get("severity", ""), self.never_from):
            return False
        return is_near(self.spans, known)


def is_near(spans: Sequence[SpanOfFalse], known: Row) -> bool:
    """Whether features lie within what was called false, in every respect."""
    return all(span.holds(known.get(span.name, "")) for span in spans)


def is_below(severity: str, limit: Severity) -> bool:
    """Whether a severity is known and below another."""
    return severity in _SEVERITIES and _SEVERITIES.index(severity) < _SEVERITIES.index(str(limit))


def dump_spans(spans: Sequence[SpanOfFalse]) -> list[Mapping[str, object]]:
    """Spans as JSON."""
    return [
        {"name": span.name, "words": sorted(span.words)}
        | ({} if span.low is None else {"low": span.low, "high": span.high})
        for span in spans
    ]


def read_spans(fields: Fields) -> tuple[SpanOfFalse, ...]:
    """The inverse of `dump_spans`. Raises ContractError naming the first wrong field.

    All that can be known of an event has a span: in what has none, a filter would hold back what it has never seen.
    """
    spans = tuple(_span(each) for each in objects(fields, "spans"))
    names = [span.name for span in spans]
    check_differ(names, fields.name("spans"))
    missing = sorted(FEATURES - set(names))
    if missing:
        raise ContractError(fields.name("spans"), f"must say what {missing[0]} has been in false events")
    return spans


def _span(fields: Fields) -> SpanOfFalse:
    name = feature(fields)
    words = frozenset(words_in(fields, MOST_WORDS_OF_FALSE))
    if not fields.has("low") and not fields.has("high"):
        return SpanOfFalse(name, words)
    low, high = (fields.number(key, -WIDEST, WIDEST) for key in ("low", "high"))
    if low > high:
        raise ContractError(fields.name("high"), "must not be below low")
    return SpanOfFalse(name, words, low, high)


def feature(fields: Fields) -> str:
    """The name of a column of a filter. Raises ContractError."""
    name = cell(fields, "name")
    if name not in FEATURES:
        raise ContractError(fields.name("name"), f"{name!r} is nothing that is known of an event")
    return name
