import pytest

from measure.fuzz.target import Unfaithful, decoding


class Refused(Exception):
    pass


def number_of(data: bytes) -> int:
    if not data.isdigit():
        raise Refused
    return 1 // int(data)


def test_the_decoders_own_refusal_is_no_finding() -> None:
    decoding(number_of, Refused)(b"words")


def test_anything_else_that_a_decoder_raises_is_a_finding() -> None:
    with pytest.raises(ZeroDivisionError):
        decoding(number_of, Refused)(b"0")


def test_a_value_that_is_not_read_again_as_it_was_written_is_a_finding() -> None:
    with pytest.raises(Unfaithful):
        decoding(number_of, Refused, lambda value: b"7" if value else b"1")(b"1")


def test_a_value_that_is_read_again_is_no_finding() -> None:
    decoding(bytes, Refused, lambda value: value)(b"anything")
