"""The alphabet of an SMS (3GPP TS 23.038): one character outside of it halves the room and doubles the bill."""

import unicodedata
from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED: Final = frozenset("^{}\\[~]|€\f")
"""Characters that take two septets."""

_ALIKE: Final = {
    "‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "`": "'", "´": "'",  # noqa: RUF001
    "–": "-", "—": "-", "−": "-", "…": "...", "•": "*", "°": " deg ", "×": "x", "ł": "l", "Ł": "L",  # noqa: RUF001
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "œ": "oe", "Œ": "OE", "ı": "i", "ẞ": "SS",  # noqa: RUF001
}  # fmt: skip


def septets(text: str) -> int:
    """How much of an SMS's 160 septets the text takes. Raises ValueError outside the alphabet."""
    strangers = set(text) - BASIC - EXTENDED
    if strangers:
        raise ValueError(f"{sorted(strangers)} cannot be sent as GSM-7")
    return len(text) + sum(character in EXTENDED for character in text)


def to_gsm7(text: str) -> str:
    """The text in the alphabet, on one line: accents dropped where need be, '?' for what nothing resembles."""
    return "".join(_letter(character) for character in text)


def to_ascii(text: str) -> str:
    """The text in printable ASCII, on one line."""
    plain = "".join(_plain(character) for character in text)
    return "".join(character if " " <= character <= "~" else "?" for character in plain)


def _letter(character: str) -> str:
    if character in "\n\r\f":
        return " "
    if character in BASIC or character in EXTENDED:
        return character
    plain = _plain(character)
    return "".join(letter if letter in BASIC or letter in EXTENDED else "?" for letter in plain)


def _plain(character: str) -> str:
    """The character without accents, in compatible spelling; a space for what cannot be seen."""
    if character in _ALIKE:
        return _ALIKE[character]
    if unicodedata.category(character)[0] in "ZC":
        return " "
    spelled = unicodedata.normalize("NFKD", character)
    return "".join(letter for letter in spelled if not unicodedata.combining(letter)) or "?"
