"""What those who run the cloud side must hear of, and when: once as it begins, once a day while it lasts, once after.

Pure: what is wrong now and what was known before give the mail and what is known from then on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from infra.alerts.runtime.troubles import Trouble
from infra.fleet.runtime.device import Device, Fleet
from smartcam.contract.reading import printable
from smartcam.contract.times import NS_PER_S, UtcNs, format_utc

MOST_STANDING: Final = 100
"""Kept one by one; what is beyond is told of when there is room again."""
AGAIN_S: Final = 86_400
QUIET_S: Final = 3600
"""What is only counted is over when it has not been counted for an hour."""
LATE_S: Final = 240
"""An event that is seen waiting at two looks, five minutes apart, waits too long."""
_LONGEST_SUBJECT: Final = 100
"""Characters that SNS takes of a subject."""
_LONGEST_LINE: Final = 600
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Concern:
    """Something wrong by its `name`, which stays the same while it lasts: what it means, and what to do.

    It is told of when it has been seen for `after_s` seconds.
    """

    name: str
    means: str
    remedy: str
    after_s: int = 0


@dataclass(frozen=True, slots=True)
class KnownConcern:
    """A concern that is known. `told_at` is None until somebody was told."""

    since: UtcNs
    means: str
    told_at: UtcNs | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """What operators get."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages wait in a queue to be taken, and how many are being looked at."""

    waiting: int
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Noted:
    """A trouble that another function has counted."""

    word: str
    subject: str
    count: int
    first_at: UtcNs
    last_at: UtcNs


_REDRIVE: Final = (
    "smartcam alerts redrive --dry-run lists them with the reason, smartcam alerts redrive tries them again"
)
_LETTERS: Final = {
    "Undelivered": ("messages of devices that the broker could not hand over", _REDRIVE),
    "Unhandled": (
        "messages that a function failed on, or refused because they break the contract",
        f"{_REDRIVE}; what was refused only with --refused, after an update",
    ),
    "Untimely": ("events and timers that the alerting failed on again and again", _REDRIVE),
    "Unreached": (
        "alerts that SNS could not deliver to somebody",
        "smartcam alerts redrive --dry-run lists them: look whether the address still exists; SNS tries no further",
    ),
}
_OF_NO_THING: Final = "digests"
_NOTED: Final[Mapping[str, tuple[str, str]]] = {
    Trouble.OVER_BOUND: (
        "{subject} sends far more than a camera does: its messages are held back",
        "look at the device; if it is not yours any more: smartcam alerts devices revoke --thing {subject}",
    ),
    Trouble.PUBLISH_FAILED: (
        "SNS did not take an alert to {subject}; it is tried again",
        "see the alerting function's log",
    ),
    Trouble.ALERT_WAITS: (
        "an alert to {subject} is not delivered for over five minutes",
        "see the alerting function's log and the state of SNS in your region",
    ),
    Trouble.SMS_WITHHELD: (
        "SMS of {subject} were held back, as its share of the day or the site's is used up: e-mail alone goes out",
        "smartcam alerts tail shows which cameras alert; raise sms_a_day_per_thing or sms_a_day if that is meant",
    ),
    Trouble.SMS_NEARLY: (
        "four fifths of the day's SMS are used up",
        "smartcam alerts tail shows which cameras alert; raise sms_a_day if that is meant",
    ),
    Trouble.SCHEMA_UNKNOWN: (
        "{subject} speaks another version than the cloud side: its events are refused",
        "deploy the cloud side of its release, then: smartcam alerts redrive --refused",
    ),
    Trouble.REFUSED: (
        "messages of {subject} break the contract and were refused",
        "smartcam alerts redrive --dry-run shows them with the reason",
    ),
}


def concerns(
    depths: Mapping[str, Depth], noted: Sequence[Noted], devices: Sequence[Device], fleet: Fleet, now: UtcNs
) -> list[Concern]:
    """What is wrong now, the worst first."""
    damaged = [_damaged(one.thing, one.damage) for one in devices if one.damage]
    if fleet.damage:
        means = f"what is stored of the whole fleet cannot be read ({fleet.damage}): outages are judged anew"
        damaged.insert(0, Concern("unreadable#", means, "the check has mended it: nothing is to be done"))
    loud = {one.thing for one in devices if one.loud_at and now - one.loud_at <= QUIET_S * NS_PER_S}
    counted = [one for one in noted if now - one.last_at <= QUIET_S * NS_PER_S]
    told = {one.subject for one in counted if one.word == Trouble.OVER_BOUND}
    counted += [Noted(Trouble.OVER_BOUND, thing, 0, now, now) for thing in sorted(loud - told)]
    return [*damaged, *_waiting(depths), *map(_counted, counted)]


def _damaged(whose: str, why: str) -> Concern:
    return Concern(
        f"unreadable#{whose}",
        f"what is stored of {whose} cannot be read whole ({why}): it is judged by what can be read",
        f"its next health message mends it; where none comes: smartcam alerts devices reinstate --thing {whose}",
    )


def _waiting(depths: Mapping[str, Depth]) -> list[Concern]:
    found = []
    for name, depth in depths.items():
        letters = _LETTERS.get(name)
        many = depth.waiting + depth.taken
        if letters is not None and many:
            means, remedy = letters
            found.append(Concern(f"letters#{name}", f"{many} in {name}: {means}; deleted when 14 days old", remedy))
        elif letters is None and depth.waiting:
            remedy = "see whether the alerting function is throttled, and its log"
            means = f"{depth.waiting} events or timers are due and nobody takes them"
            found.append(Concern(f"waiting#{name}", means, remedy, after_s=LATE_S))
    return found


def _counted(one: Noted) -> Concern:
    subject, word = printable(one.subject) or _OF_NO_THING, printable(one.word)
    means, remedy = _NOTED.get(one.word) or (
        "the alerting notes {word} of {subject}",
        "see the alerting function's log",
    )
    times = f" ({one.count} times since {format_utc(one.first_at)})" if one.count else ""
    name = printable(f"{one.word}#{one.subject}")[:_LONGEST_NAME]
    return Concern(name, means.format(subject=subject, word=word) + times, remedy.format(subject=subject))


def review(
    known: Mapping[str, KnownConcern], found: Sequence[Concern], now: UtcNs
) -> tuple[dict[str, KnownConcern], Mail | None]:
    """What is known from now on, and the mail that is due; None where there is nothing new to say."""
    standing: dict[str, KnownConcern] = {}
    begun, lasting = [], []
    for one in found:
        before = known.get(one.name)
        if one.name in standing or (before is None and len(known.keys() | standing.keys()) >= MOST_STANDING):
            continue
        now_known = KnownConcern(now, one.means) if before is None else replace(before, means=one.means)
        if _is_due(one, now_known, now):
            if now_known.told_at is None:
                begun.append(f"{one.means}.\n    {one.remedy}")
            else:
                lasting.append(f"{one.means}, since {format_utc(now_known.since)}.\n    {one.remedy}")
            now_known = replace(now_known, told_at=now)
        standing[one.name] = now_known
    over = [
        f"{one.means} (since {format_utc(one.since)})"
        for name, one in known.items()
        if name not in standing and one.told_at is not None
    ]
    return standing, _mail(begun, lasting, over)


def _is_due(one: Concern, known: KnownConcern, now: UtcNs) -> bool:
    """Whether it has lasted for as long as it must, or was told of long ago."""
    if known.told_at is None:
        return now - known.since >= one.after_s * NS_PER_S
    return now - known.told_at >= AGAIN_S * NS_PER_S


def _mail(begun: Sequence[str], lasting: Sequence[str], over: Sequence[str]) -> Mail | None:
    parts = (("New", begun), ("Still so", lasting), ("Over", over))
    if not any(lines for _, lines in parts):
        return None
    said = [[f"{title}:", *(f"- {line[:_LONGEST_LINE]}" for line in lines)] for title, lines in parts if lines]
    text = "\n\n".join("\n".join(lines) for lines in said)
    first = (*begun, *lasting, *over)[0].split("\n")[0]
    ascii_only = "".join(letter if letter.isascii() else "?" for letter in first)
    prefix = "Smartcam operations: " if begun or lasting else "Smartcam operations: over: "
    return Mail((prefix + ascii_only)[:_LONGEST_SUBJECT], text + "\n")
