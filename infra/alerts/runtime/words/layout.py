"""The messages to people, put together the same way in every language."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from infra.alerts.runtime.facts import (
    MOST_LISTED,
    MOST_PLACES,
    RECOGNISED,
    SIGHTINGS,
    AlertFacts,
    ClosingFacts,
    DigestFacts,
    HeldEvent,
    count_text,
    counted,
    zone_name,
)
from infra.alerts.runtime.words.fitting import Parts, fit
from infra.alerts.runtime.words.table import WordTable
from infra.alerts.runtime.words.unlinked import unlinked
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Event, EventKind, Severity
from smartcam.contract.ids import EventId
from smartcam.contract.times import format_utc

_LONGEST_SUBJECT_PLACE: Final = 32
_LONGEST_PLACE: Final = 64
"""As long as a camera's id may be."""


def alert_sms(words: WordTable, facts: AlertFacts) -> str:
    """Where, what, when and the number always; then the count, then as much of the zone as fits."""
    parts = Parts(
        head=facts.where[:_LONGEST_PLACE],
        rest=_alert(words, facts, "" if facts.when.certain else words.text("uncertain")),
        place=facts.event.zone or "",
        brackets=words.brackets,
        extra=words.text("held_before", count=count_text(facts.held_back)) if facts.held_back else "",
    )
    return fit(parts, words.sms)


def alert_subject(words: WordTable, facts: AlertFacts) -> str:
    """Where, what, when and the number."""
    return _subject(words, _in_subject(words, facts.where) + _alert(words, facts, ""))


def alert_email(words: WordTable, facts: AlertFacts) -> str:
    """Where, what, when, why, the picture, and how to silence."""
    event, labels, what = facts.event, words.labels, _what(words, facts.event)
    lines = [
        words.text("heading", where=facts.where, what=what),
        "",
        labels["where"] + _place(words, event),
        labels["what"] + what + _in_brackets(words, words.text("comma").join(_details(words, event))),
        labels["when"] + _long(words, facts.at) + ("" if facts.when.certain else words.text("uncertain_clock")),
        labels["utc"] + format_utc(facts.when.at),
        labels["why"] + _why(words, event),
        *_scene(words, event),
        *([labels["rule"] + event.rule] if event.rule else []),
        *_picture(words, facts),
        *_clip(words, facts),
        *([words.text("suppressed", count=event.suppressed)] if event.suppressed else []),
        *([words.text("held_back", events=_several(words, facts.held_back))] if facts.held_back else []),
        *([words.text("sms_withheld")] if facts.sms_withheld else []),
    ]
    return _email(words, lines, "alert", facts.number, facts.event_ids)


def closing_sms(words: WordTable, facts: ClosingFacts) -> str:
    """Where, how many since which alert; then of which kinds."""
    since = "" if facts.at is None else words.text("closing_since", at=facts.at, zone=zone_name(facts.at))
    parts = Parts(
        head=facts.where[:_LONGEST_PLACE],
        rest=_closing(words, facts, since),
        extra=words.text("closing_kinds", kinds=_kinds(words, facts.held_back)),
    )
    return fit(parts, words.sms)


def closing_subject(words: WordTable, facts: ClosingFacts) -> str:
    """Where, and how many since which alert."""
    return _subject(words, _in_subject(words, facts.where) + _closing(words, facts, ""))


def closing_email(words: WordTable, facts: ClosingFacts) -> str:
    """What followed an alert."""
    place = "closing_device" if facts.camera == WHOLE_DEVICE else "camera"
    lines = [
        closing_subject(words, facts),
        "",
        words.labels["where"] + words.text(place, thing=facts.thing, camera=facts.camera),
        words.labels["what"] + words.text("closing_what", events=_several(words, facts.held_back)),
    ]
    if facts.at is not None:
        lines.append(words.labels["when"] + words.text("closing_when", at=_long(words, facts.at)))
    return _email(words, lines, "alert", facts.number, [one.event_id for one in facts.held_back])


def digest_sms(words: WordTable, facts: DigestFacts) -> str:
    """How many in the quiet hours; then at which cameras."""
    parts = Parts(
        head=words.text("digest_sms", count=count_text(facts.held), at=facts.at, zone=zone_name(facts.at)),
        rest="",
        place=words.text("comma").join(
            f"{unlinked(name)} {count_text(held)}" for name, held in facts.by_place()[:MOST_PLACES]
        ),
        brackets=words.digest_brackets,
    )
    return fit(parts, words.sms)


def digest_subject(words: WordTable, facts: DigestFacts) -> str:
    """How many events at how many places, and until when."""
    count = len(facts.by_place())
    places = words.text("one_place" if count == 1 else "many_places", count=count)
    return _subject(words, words.text("digest", count=len(facts.held), places=places, at=_short(words, facts.at)))


def digest_email(words: WordTable, facts: DigestFacts) -> str:
    """Camera by camera what happened in the quiet hours."""
    found = facts.by_place()
    places = [
        words.text("heading", where=unlinked(name), what=_several(words, held)) for name, held in found[:MOST_PLACES]
    ]
    if len(found) > MOST_PLACES:
        places.append(words.text("more_places", count=len(found) - MOST_PLACES))
    lines = [digest_subject(words, facts), "", *places, ""]
    return _email(words, lines, "digest", facts.number, [one.event_id for one in facts.held])


def _alert(words: WordTable, facts: AlertFacts, doubt: str) -> str:
    what, at = _what(words, facts.event), _short(words, facts.at)
    return words.text("alert", what=what, at=at, doubt=doubt, number=facts.number)


def _closing(words: WordTable, facts: ClosingFacts, since: str) -> str:
    return words.text("closing", count=count_text(facts.held_back), number=facts.number, since=since)


def _email(words: WordTable, lines: Sequence[str], label: str, number: str, event_ids: Sequence[EventId]) -> str:
    """The lines, the message's number, as many event ids as a person reads, and how to silence."""
    shown, more = event_ids[:MOST_LISTED], len(event_ids) - MOST_LISTED
    ids = [words.labels["more" if number else "event"] + one for number, one in enumerate(shown)]
    rest = [words.labels["indent"] + words.text("more_events", count=more)] if more > 0 else []
    return "\n".join([*lines, words.labels[label] + number, *ids, *rest, "", *words.silence, ""])


def _what(words: WordTable, event: Event) -> str:
    return words.kinds[event.kind] + (words.text("critical") if event.severity is Severity.CRITICAL else "")


def _place(words: WordTable, event: Event) -> str:
    if event.thing == WHOLE_FLEET:
        return event.label or words.text("many_devices")
    place = "device" if event.camera_id == WHOLE_DEVICE else "camera"
    zone = words.text("in_zone", zone=event.zone) if event.zone else ""
    return words.text(place, thing=event.thing, camera=event.camera_id) + zone


def _details(words: WordTable, event: Event) -> list[str]:
    label = None if (event.kind, event.label) in words.causes else event.label
    return [words.severities[event.severity], *([words.text("label", label=label)] if label else [])]


def _why(words: WordTable, event: Event) -> str:
    reason = _reason(words, event)
    if event.kind not in SIGHTINGS:
        return reason
    name, version = event.model_name, event.model_version or ""
    model = words.text("model", name=name, version=version).rstrip() if name else ""
    return words.text("scored", reason=reason, score=event.score, threshold=event.threshold, model=model)


def _reason(words: WordTable, event: Event) -> str:
    # The learned scene says in its label why something is unusual.
    for word in (event.label, event.cause):
        known = None if word is None else words.causes.get((event.kind, word))
        if known is not None:
            return known
    reason = words.reasons.get(event.kind) or words.text("recognised", kind=words.kinds[event.kind].lower())
    return reason if event.cause in {None, RECOGNISED} else f"{reason}{_in_brackets(words, str(event.cause))}"


def _scene(words: WordTable, event: Event) -> list[str]:
    """What the learned scene says of what another analysis has raised."""
    if event.scene_reason is None:
        return []
    reason = words.causes.get((EventKind.ANOMALY, event.scene_reason)) or words.reasons[EventKind.ANOMALY]
    return [words.labels["scene"] + words.text("scene", reason=reason, score=event.scene_score or 0.0)]


def _picture(words: WordTable, facts: AlertFacts) -> list[str]:
    if facts.picture is None:
        return []
    lasts, late = words.text("link_lasts", minutes=facts.picture.valid_s // 60), words.text("picture_late")
    note = lasts if facts.picture.arrived else late
    return [words.labels["picture"] + facts.picture.url, words.labels["indent"] + note]


def _clip(words: WordTable, facts: AlertFacts) -> list[str]:
    return (
        []
        if facts.clip is None
        else [words.labels["clip"] + facts.clip.url, words.labels["indent"] + words.text("clip_late")]
    )


def _several(words: WordTable, held: Sequence[HeldEvent]) -> str:
    return words.text("event_count", count=count_text(held), kinds=_kinds(words, held))


def _kinds(words: WordTable, held: Sequence[HeldEvent]) -> str:
    kinds = ((words.kinds[kind].lower(), count) for kind, count in counted(held))
    return words.text("comma").join(words.text("kind_count", kind=kind, count=count) for kind, count in kinds)


def _in_brackets(words: WordTable, text: str) -> str:
    return text.join(words.brackets)


def _in_subject(words: WordTable, where: str) -> str:
    return words.subject.cut(words.subject.clean(where), _LONGEST_SUBJECT_PLACE)


def _subject(words: WordTable, text: str) -> str:
    return words.subject.clean(text)[: words.subject.room]


def _short(words: WordTable, at: datetime) -> str:
    return words.text("short_time", at=at, month=words.months[at.month - 1], zone=zone_name(at))


def _long(words: WordTable, at: datetime) -> str:
    month, day = words.months[at.month - 1], words.days[at.weekday()]
    return words.text("long_time", at=at, month=month, day=day, zone=zone_name(at))
