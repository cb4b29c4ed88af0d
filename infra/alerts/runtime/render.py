"""The words of an alert: what, where, when, in this order, because a lock screen shows the beginning."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from infra.alerts.runtime.agreed import DISPLAY_NAME
from infra.alerts.runtime.gsm7 import cut, septets, to_ascii, to_gsm7
from infra.alerts.runtime.timing import Occasion
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Event, EventKind, Severity
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_MS, UtcNs, format_utc

SMS_ROOM: Final = 160 - len(DISPLAY_NAME + "> ")
"""Septets left for us: SNS writes the topic's display name before the text."""
LONGEST_SUBJECT: Final = 99
_SHORTEST_ZONE: Final = 6
_LONGEST_CAMERA_IN_SUBJECT: Final = 32
_LONGEST_PLACE: Final = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_WHAT: Final = {
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
    EventKind.FLEET_LOST: "Devices lost",
    EventKind.FLEET_RESTORED: "Devices restored",
    EventKind.TEST: "Test alert",
}


@dataclass(frozen=True, slots=True)
class AlertText:
    """One alert for every way to a person. `sms` is GSM-7 of at most SMS_ROOM septets, `subject` ASCII."""

    number: str
    subject: str
    email: str
    sms: str


def alert_number(event: EventId) -> str:
    """Six digits by which a person recognises an alert that came twice: it follows from the event's id."""
    return f"{int(event.rsplit('-', 1)[1], 16) % 1_000_000:06d}"


def render_alert(event: Event, when: Occasion, suppressed: int, zone: tzinfo = UTC) -> AlertText:
    """The alert of a raised event; `suppressed` counts the events that the cooldown kept back before it."""
    number = alert_number(event.event_id)
    return AlertText(
        number=number,
        subject=_subject(event, when, number, zone),
        email=_email(event, when, suppressed, number, zone),
        sms=_sms(event, when, suppressed, number, zone),
    )


def _what(event: Event) -> str:
    word = _WHAT[event.kind]
    return f"{word}!" if event.severity is Severity.CRITICAL else word


def _where(event: Event) -> str:
    """The camera; the device where the event is about all of it; how many where it is about a fleet."""
    if event.thing == WHOLE_FLEET and event.label:
        return cut(event.label, _LONGEST_PLACE)
    return cut(event.thing, _LONGEST_PLACE) if event.camera_id == WHOLE_DEVICE else event.camera_id


def _place(event: Event) -> str:
    place = _where(event)
    return f"at camera {place}" if place == event.camera_id else f"({place})"


def _sms(event: Event, when: Occasion, suppressed: int, number: str, zone: tzinfo) -> str:
    """What, camera, time and number always fit; then the count if it does, and as much of the zone as does."""
    doubt = "" if when.certain else " (time uncertain)"
    head = to_gsm7(f"{_what(event)}: {_where(event)}")
    tail = to_gsm7(f", {_short_time(when.at, zone)}{doubt}, alert {number}")
    room = SMS_ROOM - septets(head) - septets(tail)
    count = f", {_count(suppressed)} more before" if suppressed else ""
    if septets(count) > room:
        count = ""
    room -= septets(count) + len(" ()")
    place = f" ({cut(to_gsm7(event.zone), room)})" if event.zone and room >= _SHORTEST_ZONE else ""
    return head + place + tail + count


def _subject(event: Event, when: Occasion, number: str, zone: tzinfo) -> str:
    """SNS takes fewer than 100 ASCII characters that begin with a letter."""
    camera = cut(_where(event), _LONGEST_CAMERA_IN_SUBJECT)
    text = to_ascii(f"{_what(event)}: {camera}, {_short_time(when.at, zone)}, alert {number}")
    return text[:LONGEST_SUBJECT]


def _email(event: Event, when: Occasion, suppressed: int, number: str, zone: tzinfo) -> str:
    doubt = "" if when.certain else " (uncertain: the device's clock could not be trusted)"
    lines = [
        f"{_what(event)} {_place(event)}",
        "",
        f"When:      {_long_time(when.at, zone)}{doubt}",
        f"UTC:       {_utc_text(when.at)}",
        f"Camera:    {event.camera_id} on {event.thing}",
    ]
    if event.zone:
        lines.append(f"Zone:      {event.zone}")
    if event.label:
        lines.append(f"Label:     {event.label}")
    lines.append(f"Severity:  {event.severity}")
    lines.append(f"Score:     {event.score:.2f} (raised at {event.threshold:.2f})")
    if event.model_name:
        lines.append(f"Model:     {event.model_name} {event.model_version or ''}".rstrip())
    if event.suppressed:
        lines.append(f"On device: {event.suppressed} more of the same raised no event of their own")
    if suppressed:
        lines.append(f"Held back: {_count(suppressed)} more since the last alert, by the cooldown")
    return "\n".join([*lines, f"Alert:     {number}", f"Event:     {event.event_id}", ""])


MOST_COUNTED: Final = 999
"""From here on the count is 'at least'."""


def _count(suppressed: int) -> str:
    return f"{MOST_COUNTED}+" if suppressed >= MOST_COUNTED else str(suppressed)


def _local(at: UtcNs, zone: tzinfo) -> datetime:
    moment = _EPOCH + timedelta(milliseconds=at // NS_PER_MS)
    try:
        return moment.astimezone(zone)
    except OverflowError:  # a device's clock may name the year 1 or 9999
        return moment


def _short_time(at: UtcNs, zone: tzinfo) -> str:
    moment = _local(at, zone)
    return f"{moment:%d} {_MONTHS[moment.month - 1]} {moment:%H:%M:%S} {_zone_name(moment)}"


def _long_time(at: UtcNs, zone: tzinfo) -> str:
    moment = _local(at, zone)
    month = _MONTHS[moment.month - 1]
    return f"{_DAYS[moment.weekday()]} {moment.day} {month} {moment.year} {moment:%H:%M:%S} {_zone_name(moment)}"


def _zone_name(moment: datetime) -> str:
    return (moment.tzname() or "UTC")[:6]


def _utc_text(at: UtcNs) -> str:
    return format_utc(at)


_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Not strftime's: those follow the machine's locale."""
