"""From facts to the texts of one message: a table of words for each language, and JSON for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from infra.alerts.runtime.audience import Language
from infra.alerts.runtime.facts import MOST_PLACES, AlertFacts, ClosingFacts, DigestFacts
from infra.alerts.runtime.words import layout
from infra.alerts.runtime.words.chinese import CHINESE
from infra.alerts.runtime.words.english import ENGLISH
from infra.alerts.runtime.words.unlinked import named_alert, named_closing
from smartcam.contract.ids import EventId
from smartcam.contract.times import format_utc

SCHEMA: Final = 1
MOST_IN_DOCUMENT: Final = 2000
"""Event ids in the JSON at most: SNS takes 256 kB."""


_TABLES: Final = {Language.ENGLISH: ENGLISH, Language.CHINESE: CHINESE}


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
    words, event = _TABLES[language], facts.event
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
        "scene_score": event.scene_score,
        "scene_reason": event.scene_reason,
        "picture": None if facts.picture is None else facts.picture.url,
        "clip": None if facts.clip is None else facts.clip.url,
    }
    shown = named_alert(facts)
    texts = layout.alert_subject(words, shown), layout.alert_email(words, shown), layout.alert_sms(words, shown)
    return _message(Purpose.ALERT, facts.number, texts, facts.event_ids, document)


def render_closing(facts: ClosingFacts, language: Language) -> AlertText:
    """How much followed an alert within its cooldown."""
    words = _TABLES[language]
    shown = named_closing(facts)
    texts = layout.closing_subject(words, shown), layout.closing_email(words, shown), layout.closing_sms(words, shown)
    more = {"thing": facts.thing, "camera_id": facts.camera}
    return _message(Purpose.CLOSING, facts.number, texts, [one.event_id for one in facts.held_back], more)


def render_digest(facts: DigestFacts, language: Language) -> AlertText:
    """What quiet hours have held."""
    words = _TABLES[language]
    places = facts.by_place()
    cameras = {name: len(held) for name, held in places[:MOST_PLACES]}
    texts = layout.digest_subject(words, facts), layout.digest_email(words, facts), layout.digest_sms(words, facts)
    more = {"ended": format_utc(facts.ended), "camera_count": len(places), "cameras": cameras}
    return _message(Purpose.DIGEST, facts.number, texts, [one.event_id for one in facts.held], more)


def _message(
    purpose: Purpose,
    number: str,
    texts: tuple[str, str, str],
    event_ids: Sequence[EventId],
    more: Mapping[str, object],
) -> AlertText:
    """The message with its texts (subject, e-mail, SMS) and its document."""
    document: dict[str, object] = {
        "schema": SCHEMA,
        "purpose": purpose,
        "alert_number": number,
        "event_count": len(event_ids),
        "event_ids": list(event_ids[:MOST_IN_DOCUMENT]),
        **more,
    }
    present = {key: value for key, value in document.items() if value is not None}
    return AlertText(purpose, number, *texts, json.dumps(present, ensure_ascii=False))
