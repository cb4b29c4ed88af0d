"""What a language must bring along: words and templates for `str.format`. How they are put together is `layout.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.alerts.runtime.words.fitting import Alphabet
from smartcam.contract.event import EventKind, Severity


@dataclass(frozen=True, slots=True)
class WordTable:
    """One language. `at` in a template is a local time, `zone` its abbreviation, `count` a number as text."""

    sms: Alphabet
    subject: Alphabet
    months: Sequence[str]
    days: Sequence[str]
    short_time: str
    long_time: str

    kinds: Mapping[EventKind, str]
    severities: Mapping[Severity, str]
    causes: Mapping[tuple[EventKind, str], str]
    """Reasons by what the device says in one word."""
    reasons: Mapping[EventKind, str]
    """Reasons of events whose device says no such word."""
    recognised: str
    """The reason of any other kind."""

    comma: str
    critical: str
    brackets: tuple[str, str]
    labels: Mapping[str, str]
    """The beginnings of an e-mail's lines."""

    many_devices: str
    device: str
    camera: str
    in_zone: str
    label: str

    heading: str
    alert: str
    """What follows the place in an alert's SMS and subject."""
    uncertain: str
    uncertain_clock: str
    held_before: str
    scored: str
    model: str
    link_lasts: str
    picture_late: str
    suppressed: str
    held_back: str
    sms_withheld: str
    more_events: str
    silence: Sequence[str]

    kind_count: str
    event_count: str

    closing: str
    """What follows the place in a closing message's SMS and subject."""
    closing_since: str
    closing_kinds: str
    closing_device: str
    closing_what: str
    closing_when: str

    digest_sms: str
    digest_places: tuple[str, str]
    digest: str
    one_place: str
    many_places: str
