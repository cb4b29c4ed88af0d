"""Alerts in English."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from infra.alerts.runtime.facts import (
    RECOGNISED,
    AlertFacts,
    ClosingFacts,
    DigestFacts,
    HeldEvent,
    count_text,
    counted,
    listed,
    zone_name,
)
from infra.alerts.runtime.words.fitting import GSM7, Parts, fit
from infra.alerts.runtime.words.gsm7 import cut, to_ascii
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Event, EventKind, Severity
from smartcam.contract.ids import EventId
from smartcam.contract.times import format_utc

_LONGEST_SUBJECT: Final = 99
_LONGEST_PLACE: Final = 32
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Not strftime's: those follow the machine's locale."""

WHAT: Final = {
    EventKind.PERSON: "Person",
    EventKind.VEHICLE: "Vehicle",
    EventKind.ANIMAL: "Animal",
    EventKind.ANOMALY: "Anomaly",
    EventKind.MOTION: "Motion",
    EventKind.TAMPER: "Tampering",
    EventKind.CAMERA_LOST: "Camera lost",
    EventKind.CAMERA_RESTORED: "Camera restored",
    EventKind.DEVICE_LOST: "Device lost",
    EventKind.DEVICE_RESTORED: "Device restored",
    EventKind.FLEET_LOST: "Many devices lost",
    EventKind.FLEET_RESTORED: "Devices restored",
    EventKind.TEST: "Test alert",
}
_CAUSE: Final = {
    (EventKind.MOTION, "motion"): "Something moved, and nothing that the camera knows by name",
    (EventKind.MOTION, "dark"): "Something moved where it is too dark to tell what",
    (EventKind.MOTION, "defocused"): "Something moved, and the picture is too blurred to tell what",
    (EventKind.ANOMALY, "unusual"): "The picture is unlike what this camera has learned as normal",
    (EventKind.TAMPER, "covered"): "Something covers the lens",
    (EventKind.TAMPER, "defocused"): "The camera is out of focus",
    (EventKind.TAMPER, "moved"): "The camera looks somewhere else: it has been turned or moved",
    (EventKind.TAMPER, "frozen"): "The picture stands still: the same one comes again and again",
    (EventKind.TAMPER, "black"): "The picture is black",
    (EventKind.TAMPER, "glare"): "Something shines into the lens",
}
"""What a device says in one word."""
_WHY: Final = {
    EventKind.ANOMALY: "The picture is unlike what this camera has learned as normal",
    EventKind.MOTION: "Something moved, and nothing that the camera knows by name",
    EventKind.TAMPER: "The camera seems to be covered, blinded, moved, out of focus or frozen",
    EventKind.CAMERA_LOST: "No pictures come from the camera",
    EventKind.CAMERA_RESTORED: "Pictures come from the camera again",
    EventKind.DEVICE_LOST: "The device has not been heard of",
    EventKind.DEVICE_RESTORED: "The device is heard of again",
    EventKind.FLEET_LOST: "Many devices fell silent together, so the fault may lie between them and the cloud",
    EventKind.FLEET_RESTORED: "Devices that had fallen silent together are heard of again",
    EventKind.TEST: "Somebody tried whether alerts arrive",
}
_SCORED: Final = frozenset(
    {EventKind.PERSON, EventKind.VEHICLE, EventKind.ANIMAL, EventKind.ANOMALY, EventKind.MOTION, EventKind.TAMPER}
)
_SILENCE: Final = (
    "To silence: what follows on this camera is held back for a while by itself. For quiet hours, filters or",
    "an end of these alerts, ask whoever keeps the list of subscribers, or use the link below to unsubscribe.",
)


def alert_sms(facts: AlertFacts) -> str:
    """Where, what, when and the number always; then the count, then as much of the zone as fits."""
    doubt = "" if facts.when.certain else " (time uncertain)"
    return fit(
        Parts(
            head=cut_plain(facts.where),
            rest=f": {_what(facts.event)}, {_short(facts.at)}{doubt}, alert {facts.number}",
            place=facts.event.zone or "",
            extra=f", {count_text(facts.held_back)} more before" if facts.held_back else "",
        ),
        GSM7,
    )


def alert_subject(facts: AlertFacts) -> str:
    """ASCII, which every mail program shows."""
    where = _in_subject(facts.where)
    return _subject(f"{where}: {_what(facts.event)}, {_short(facts.at)}, alert {facts.number}")


def alert_email(facts: AlertFacts) -> str:
    """Where, what, when, why, the picture, and how to silence."""
    event = facts.event
    doubt = "" if facts.when.certain else " (uncertain: the device's clock could not be trusted)"
    lines = [
        f"{facts.where}: {_what(event)}",
        "",
        f"Where:     {_place(event)}",
        f"What:      {_what(event)} ({', '.join(_details(event))})",
        f"When:      {_long(facts.at)}{doubt}",
        f"UTC:       {format_utc(facts.when.at)}",
        f"Why:       {_why(event)}",
        *([f"Rule:      {event.rule}"] if event.rule else []),
        *_picture(facts),
    ]
    if event.suppressed:
        lines.append(f"On device: {event.suppressed} more of the same raised no event of their own")
    if facts.held_back:
        lines.append(f"Held back: {_several(facts.held_back)} more since the last alert, by the cooldown")
    if facts.sms_withheld:
        lines.append("SMS:       none was sent, because today's number of SMS is used up")
    return "\n".join([*lines, f"Alert:     {facts.number}", *_ids(facts.event_ids), "", *_SILENCE, ""])


def closing_sms(facts: ClosingFacts) -> str:
    """Where, how many since which alert; then of which kinds."""
    since = "" if facts.at is None else f" of {facts.at:%H:%M:%S} {zone_name(facts.at)}"
    kinds = ", ".join(f"{count} {WHAT[kind].lower()}" for kind, count in counted(facts.held_back))
    return fit(
        Parts(
            head=cut_plain(facts.where),
            rest=f": {count_text(facts.held_back)} more after alert {facts.number}{since}",
            extra=f" ({kinds})",
        ),
        GSM7,
    )


def closing_subject(facts: ClosingFacts) -> str:
    """ASCII, which every mail program shows."""
    return _subject(f"{_in_subject(facts.where)}: {count_text(facts.held_back)} more after alert {facts.number}")


def closing_email(facts: ClosingFacts) -> str:
    """What followed an alert."""
    where = facts.where if facts.camera == WHOLE_DEVICE else f"camera {facts.camera} on {facts.thing}"
    lines = [
        closing_subject(facts),
        "",
        f"Where:     {where}",
        f"What:      {_several(facts.held_back)}, held back by the cooldown",
    ]
    if facts.at is not None:
        lines.append(f"When:      after the alert of {_long(facts.at)}")
    ids = [one.event_id for one in facts.held_back]
    return "\n".join([*lines, f"Alert:     {facts.number}", *_ids(ids), "", *_SILENCE, ""])


def digest_sms(facts: DigestFacts) -> str:
    """How many in the quiet hours; then at which cameras."""
    places = facts.by_place()
    return fit(
        Parts(
            head=f"{count_text(facts.held)} held until {facts.at:%H:%M} {zone_name(facts.at)} by quiet hours",
            rest="",
            place=", ".join(f"{name} {count_text(held)}" for name, held in places),
            brackets=(": ", ""),
        ),
        GSM7,
    )


def digest_subject(facts: DigestFacts) -> str:
    """ASCII, which every mail program shows."""
    cameras = len(facts.by_place())
    many = "1 camera" if cameras == 1 else f"{cameras} cameras"
    return _subject(f"Quiet hours: {len(facts.held)} held at {many}, until {_short(facts.at)}")


def digest_email(facts: DigestFacts) -> str:
    """Camera by camera what happened in the quiet hours."""
    lines = [digest_subject(facts), ""]
    lines += [f"{name}: {_several(held)}" for name, held in facts.by_place()]
    ids = [one.event_id for one in facts.held]
    return "\n".join([*lines, "", f"Digest:    {facts.number}", *_ids(ids), "", *_SILENCE, ""])


def cut_plain(text: str) -> str:
    """A place's name, no longer than a camera's id may be."""
    return text[:64]


def _what(event: Event) -> str:
    return f"{WHAT[event.kind]}!" if event.severity is Severity.CRITICAL else WHAT[event.kind]


def _place(event: Event) -> str:
    if event.thing == WHOLE_FLEET:
        return event.label or "many devices"
    place = f"device {event.thing}" if event.camera_id == WHOLE_DEVICE else f"camera {event.camera_id} on {event.thing}"
    return f"{place}, zone {event.zone}" if event.zone else place


def _details(event: Event) -> list[str]:
    return [f"severity {event.severity}", *([f"label {event.label}"] if event.label else [])]


def _why(event: Event) -> str:
    model = f", model {event.model_name} {event.model_version or ''}".rstrip() if event.model_name else ""
    score = f"the score of {event.score:.2f} reached the threshold of {event.threshold:.2f}{model}"
    return f"{_reason(event)}: {score}" if event.kind in _SCORED else _reason(event)


def _reason(event: Event) -> str:
    known = None if event.cause is None else _CAUSE.get((event.kind, event.cause))
    if known is not None:
        return known
    reason = _WHY.get(event.kind, f"The model recognised it as {WHAT[event.kind].lower()}")
    return reason if event.cause in {None, RECOGNISED} else f"{reason} ({event.cause})"


def _picture(facts: AlertFacts) -> list[str]:
    if facts.picture is None:
        return []
    minutes = facts.picture.valid_s // 60
    lines = [f"Picture:   {facts.picture.url}", f"           (the link opens for {minutes} minutes)"]
    if not facts.picture.arrived:
        lines[1:] = ["           The picture had not arrived yet when this was written; the link shows it once it has."]
    return lines


def _several(held: Sequence[HeldEvent]) -> str:
    kinds = ", ".join(f"{count} {WHAT[kind].lower()}" for kind, count in counted(held))
    return f"{count_text(held)} ({kinds})"


def _ids(event_ids: Sequence[EventId]) -> list[str]:
    shown, more = listed(event_ids)
    lines = [f"Event:     {shown[0]}", *(f"           {one}" for one in shown[1:])] if shown else []
    return [*lines, *([f"           and {more} more, which the history lists"] if more else [])]


def _in_subject(where: str) -> str:
    return cut(to_ascii(where), _LONGEST_PLACE)


def _subject(text: str) -> str:
    return to_ascii(text)[:_LONGEST_SUBJECT]


def _short(moment: datetime) -> str:
    return f"{moment:%d} {_MONTHS[moment.month - 1]} {moment:%H:%M:%S} {zone_name(moment)}"


def _long(moment: datetime) -> str:
    month = _MONTHS[moment.month - 1]
    return f"{_DAYS[moment.weekday()]} {moment.day} {month} {moment.year} {moment:%H:%M:%S} {zone_name(moment)}"
