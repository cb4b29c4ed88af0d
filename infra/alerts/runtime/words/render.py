"""From facts to the texts of one message: a module of words for each language, and JSON for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from infra.alerts.runtime.audience import Language
from infra.alerts.runtime.facts import AlertFacts, ClosingFacts, DigestFacts
from infra.alerts.runtime.words import chinese, english
from smartcam.contract.ids import EventId
from smartcam.contract.times import format_utc

SCHEMA: Final = 1
MOST_IN_DOCUMENT: Final = 2000
"""So many event ids stand in the JSON: SNS takes 256 kB."""


class Words(Protocol):
    """What a language's module offers."""

    def alert_sms(self, facts: AlertFacts) -> str: ...  # noqa: D102 - the modules say it
    def alert_subject(self, facts: AlertFacts) -> str: ...  # noqa: D102
    def alert_email(self, facts: AlertFacts) -> str: ...  # noqa: D102
    def closing_sms(self, facts: ClosingFacts) -> str: ...  # noqa: D102
    def closing_subject(self, facts: ClosingFacts) -> str: ...  # noqa: D102
    def closing_email(self, facts: ClosingFacts) -> str: ...  # noqa: D102
    def digest_sms(self, facts: DigestFacts) -> str: ...  # noqa: D102
    def digest_subject(self, facts: DigestFacts) -> str: ...  # noqa: D102
    def digest_email(self, facts: DigestFacts) -> str: ...  # noqa: D102


_WORDS: Final[Mapping[Language, Words]] = {Language.ENGLISH: english, Language.CHINESE: chinese}


class Purpose(StrEnum):
    """Why somebody gets a message."""

    ALERT = "alert"
    CLOSING = "closing"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class AlertText:
    """One message for every way to a person; `document` is JSON for machines (HTTPS)."""

    purpose: Purpose
    number: str
    subject: str
    email: str
    sms: str
    document: str


def alert_number(event: EventId) -> str:
    """Six digits by which a person recognises an alert that came twice: it follows from the event's id."""
    return f"{int(event.rsplit('-', 1)[1], 16) % 1_000_000:06d}"


def render_alert(facts: AlertFacts, language: Language) -> AlertText:
    """The alert of a raised event, with what was held back before it."""
    words, event = _WORDS[language], facts.event
    document = {
        "thing": event.thing,
        "camera_id": event.camera_id,
        "kind": event.kind,
        "severity": event.severity,
        "at": format_utc(facts.when.at),
        "time_certain": facts.when.certain,
        "zone": event.zone,
        "label": event.label,
        "rule": event.rule,
        "cause": event.cause,
        "score": event.score,
        "threshold": event.threshold,
        "picture": None if facts.picture is None else facts.picture.url,
    }
    return AlertText(
        Purpose.ALERT,
        facts.number,
        words.alert_subject(facts),
        words.alert_email(facts),
        words.alert_sms(facts),
        _document(Purpose.ALERT, facts.number, facts.event_ids, document),
    )


def render_closing(facts: ClosingFacts, language: Language) -> AlertText:
    """How much followed an alert within its cooldown."""
    words = _WORDS[language]
    ids = [one.event_id for one in facts.held_back]
    return AlertText(
        Purpose.CLOSING,
        facts.number,
        words.closing_subject(facts),
        words.closing_email(facts),
        words.closing_sms(facts),
        _document(Purpose.CLOSING, facts.number, ids, {"thing": facts.thing, "camera_id": facts.camera}),
    )


def render_digest(facts: DigestFacts, language: Language) -> AlertText:
    """What quiet hours have held."""
    words = _WORDS[language]
    cameras = {name: len(held) for name, held in facts.by_place()}
    ids = [one.event_id for one in facts.held]
    return AlertText(
        Purpose.DIGEST,
        facts.number,
        words.digest_subject(facts),
        words.digest_email(facts),
        words.digest_sms(facts),
        _document(Purpose.DIGEST, facts.number, ids, {"ended": format_utc(facts.ended), "cameras": cameras}),
    )


def _document(purpose: Purpose, number: str, event_ids: Sequence[EventId], more: Mapping[str, object]) -> str:
    document: dict[str, object] = {
        "schema": SCHEMA,
        "purpose": purpose,
        "alert_number": number,
        "event_count": len(event_ids),
    }
    document |= {"event_ids": list(event_ids[:MOST_IN_DOCUMENT]), **more}
    return json.dumps({key: value for key, value in document.items() if value is not None}, ensure_ascii=False)
