"""Captions of a clip: which events of its camera were on at which second, as WebVTT (W3C) that every player shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from smartcam.contract.clip import ClipRequest
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import EventId
from smartcam.contract.reading import printable
from smartcam.contract.times import NS_PER_MS, NS_PER_S, MonotonicNs

LARGEST_CAPTIONS_BYTES: Final = 64_000
"""Some hundreds of cues; a clip with more has none for what comes last."""
_HEAD: Final = "WEBVTT\n"
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_LONGEST_NAME: Final = 64
_SHORTEST_NS: Final = NS_PER_S
"""What is over at once is shown for so long: nobody can read less."""
_MOST_EVENTS: Final = 256
_MOST_SAID: Final = 64
"""Of one event: beyond that the last one stays."""


@dataclass(frozen=True, slots=True, order=True)
class Cue:
    """A line of text from one time to another, in nanoseconds from the clip's first picture."""

    begin_ns: int
    end_ns: int
    text: str


@dataclass(slots=True)
class _Spell:
    """From when to when an event is, and what was said of it since when."""

    to_ns: int
    said: list[tuple[int, str]]


class EventTimes:
    """What the requests for a camera's clips say of its newest events."""

    def __init__(self) -> None:
        self._spells: dict[EventId, _Spell] = {}

    def hear(self, request: ClipRequest, now: MonotonicNs) -> None:
        """Take note. What a renewed request says of the event otherwise holds from now on."""
        text, event_id = caption_of(request.event), request.event.event_id
        to_ns = max(request.to_mono, request.from_mono + _SHORTEST_NS)
        spell = self._spells.get(event_id)
        if spell is None:
            self._spells[event_id] = _Spell(to_ns, [(request.from_mono, text)])
            if len(self._spells) > _MOST_EVENTS:
                del self._spells[next(iter(self._spells))]
            return
        spell.to_ns = max(to_ns, spell.said[0][0] + _SHORTEST_NS)
        is_over = request.event.phase is Phase.CLEARED
        if not is_over and text != spell.said[-1][1] and len(spell.said) < _MOST_SAID:
            spell.said.append((now, text))

    def cues(self, began: MonotonicNs, length_ns: int) -> list[Cue]:
        """The cues of a clip that began then, in the order of their beginnings."""
        found = []
        for spell in self._spells.values():
            ends = [since for since, _ in spell.said[1:]] + [spell.to_ns]
            for (since, text), until in zip(spell.said, ends, strict=True):
                begin_ns, end_ns = max(since - began, 0), min(until - began, spell.to_ns - began, length_ns)
                if begin_ns < end_ns:
                    found.append(Cue(begin_ns, end_ns, text))
        return sorted(found)


def caption_of(event: Event) -> str:
    """What is said of an event in one line: label or kind, score, rule. Any text of it may come from outside."""
    parts = [f"{_line(event.label or '') or event.kind} {event.score:.2f}"]
    rule = _line(event.rule or "")
    return ", ".join([*parts, f"rule {rule}"] if rule else parts)


def webvtt(cues: Iterable[Cue], most_bytes: int = LARGEST_CAPTIONS_BYTES) -> bytes:
    """The cues, which come in order, as a file in UTF-8 of at most so many bytes; those that do not fit are left out.

    Times are rounded down to milliseconds; what is over within one is left out.
    """
    content = _HEAD.encode()
    for cue in cues:
        begin, end = cue.begin_ns // NS_PER_MS, cue.end_ns // NS_PER_MS
        block = f"\n{_time(begin)} --> {_time(end)}\n{cue.text.translate(_ESCAPES)}\n".encode()
        if begin < end:
            if len(content) + len(block) > most_bytes:
                break
            content += block
    return content


def _line(text: str) -> str:
    """A name in one line: a line break would end the cue."""
    return " ".join(printable(text, " ").split())[:_LONGEST_NAME]


def _time(ms: int) -> str:
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"
