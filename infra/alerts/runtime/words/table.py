"""What a language must bring along: its words, and templates for `str.format`. `layout.py` puts them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.alerts.runtime.words.fitting import Alphabet
from smartcam.contract.event import EventKind, Severity


@dataclass(frozen=True, slots=True)
class WordTable:
    """One language; all of them have the same keys.

    `causes`: reasons by what the device says in one word, as its cause or its label; `reasons` where it says no such
    word. In the templates, `at` is a local time, `zone` its abbreviation, `count` a number as text.
    """

    sms: Alphabet
    subject: Alphabet
    months: Sequence[str]
    days: Sequence[str]
    kinds: Mapping[EventKind, str]
    severities: Mapping[Severity, str]
    causes: Mapping[tuple[EventKind, str], str]
    reasons: Mapping[EventKind, str]
    brackets: tuple[str, str]
    digest_brackets: tuple[str, str]
    silence: Sequence[str]
    labels: Mapping[str, str]
    texts: Mapping[str, str]

    def text(self, name: str, /, **values: object) -> str:
        """A template with its values."""
        return self.texts[name].format(**values)
