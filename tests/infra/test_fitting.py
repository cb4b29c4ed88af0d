import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.words.fitting import GSM7, UCS2, one_line, ucs2_units
from infra.alerts.runtime.words.gsm7 import BASIC, EXTENDED, septets, to_ascii, to_gsm7

texts = st.text(st.characters(codec="utf-8"), max_size=60)


@settings(deadline=None)
@given(texts)
def test_any_text_becomes_gsm7_on_one_line(text: str) -> None:
    plain = to_gsm7(text)
    assert set(plain) <= BASIC | EXTENDED
    assert not set(plain) & set("\n\r\f")
    assert to_gsm7(plain) == plain


@settings(deadline=None)
@given(texts)
def test_any_text_becomes_printable_ascii(text: str) -> None:
    assert all(" " <= character <= "~" for character in to_ascii(text))


@settings(deadline=None)
@given(texts.map(to_gsm7), st.integers(0, 40))
def test_cut_text_fits_and_keeps_its_beginning(text: str, room: int) -> None:
    short = GSM7.cut(text, room)
    assert septets(short) <= room
    assert short == text or text.startswith(short.rstrip(".")[: max(room - 3, 0)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Straße Nr. 5", "Straße Nr. 5"),
        ("façade", "facade"),
        ("Łódź", "Lódz".replace("ó", "o")),
        ("„Tor“ – hinten…", '"Tor" - hinten...'),  # noqa: RUF001 - the typographic characters are the point
        ("a\nb\tc", "a b c"),
        ("门", "?"),
        ("€5 {x}", "€5 {x}"),
        ("½", "1?2"),
    ],
)
def test_letters_that_an_sms_does_not_know_become_ones_that_it_knows(text: str, expected: str) -> None:
    assert to_gsm7(text) == expected


def test_an_extended_character_takes_two_septets() -> None:
    assert septets("a€b") == 4
    assert GSM7.cut("€€€€", 7) == "€€..."


def test_text_outside_the_alphabet_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="GSM-7"):
        septets("门")


@settings(deadline=None)
@given(texts, st.integers(0, 40))
def test_text_that_is_cut_by_units_fits_and_keeps_its_beginning(text: str, units: int) -> None:
    short = UCS2.cut(one_line(text), units)
    assert ucs2_units(short) <= units
    assert short == one_line(text) or one_line(text).startswith(short.removesuffix("…"))


def test_a_character_outside_of_the_basic_plane_takes_two_units() -> None:
    assert ucs2_units("门🚗") == 3
    assert UCS2.cut("🚗🚗🚗", 5) == "🚗🚗…"
