"""Making a text fit into one SMS: 160 characters of GSM-7, or 70 of UCS-2 as soon as one is outside of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infra.alerts.runtime.agreed import DISPLAY_NAME
from infra.alerts.runtime.words.gsm7 import septets, to_ascii, to_gsm7
from smartcam.contract.reading import printable

_PREFIX: Final = len(DISPLAY_NAME + "> ")
"""SNS writes the topic's display name before the text."""
_SHORTEST_PLACE: Final = 4
_LONGEST_SUBJECT: Final = 99


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How an SMS or a subject counts its characters: `room` is what SNS leaves for the text."""

    room: int
    clean: Callable[[str], str]
    size: Callable[[str], int]
    ellipsis: str

    def cut(self, text: str, room: int) -> str:
        """The text, or as much of it as fits into the room with an ellipsis at its end."""
        if self.size(text) <= room:
            return text
        kept = text[: max(room, 0)]  # each character takes one at least; a night's list of cameras has 100,000
        while kept and self.size(kept) > room - len(self.ellipsis):
            kept = kept[:-1]
        return (kept + self.ellipsis)[: max(room, 0)]


def ucs2_units(text: str) -> int:
    """How much of an SMS's 70 UCS-2 characters the text takes."""
    return len(text.encode("utf-16-be")) // 2


def one_line(text: str) -> str:
    """The text on one line, with a space for what cannot be seen."""
    return printable(text, " ")


GSM7: Final = Alphabet(160 - _PREFIX, to_gsm7, septets, "...")
UCS2: Final = Alphabet(70 - _PREFIX, one_line, ucs2_units, "…")
SUBJECT_ASCII: Final = Alphabet(_LONGEST_SUBJECT, to_ascii, septets, "...")
SUBJECT_UNICODE: Final = Alphabet(_LONGEST_SUBJECT, one_line, ucs2_units, "…")


@dataclass(frozen=True, slots=True)
class Parts:
    """An SMS in the order of reading. `head` is cut last, `place` first; `extra` is all or nothing."""

    head: str
    rest: str
    place: str = ""
    brackets: tuple[str, str] = (" (", ")")
    extra: str = ""


def fit(parts: Parts, alphabet: Alphabet) -> str:
    """The text of one SMS, where the head, the rest, the extra and the place have room in this order."""
    rest = alphabet.clean(parts.rest)
    room = alphabet.room - alphabet.size(rest)
    head = alphabet.cut(alphabet.clean(parts.head), room)
    room -= alphabet.size(head)
    extra = alphabet.clean(parts.extra)
    if alphabet.size(extra) > room:
        extra = ""
    opening, closing = parts.brackets
    room -= alphabet.size(extra) + len(opening + closing)
    place = ""
    if parts.place and room >= _SHORTEST_PLACE:
        place = opening + alphabet.cut(alphabet.clean(parts.place), room) + closing
    return head + place + rest + extra
