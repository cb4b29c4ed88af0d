import csv
import io
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.written import UnreadableText, csv_of, json_of, read_text, text_of

LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\{}:\n', max_size=3), inner, max_size=4),
)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_text_in_utf_8_is_taken_with_and_without_a_mark(text: str) -> None:
    assert text_of(text.encode()) == text == text_of(text.encode("utf-8-sig"))


@given(st.binary())
def test_bytes_are_text_or_refused_in_one_line(raw: bytes) -> None:
    said = ""
    try:
        text_of(raw)
    except UnreadableText as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("a: b".encode("utf-16"), "is UTF-16; save the file as UTF-8"),
        ("a: b".encode("utf-16-be"), "line 1: holds a NUL byte, as UTF-16 without a mark does; save the file as UTF-8"),
        ("\ufeffa: b".encode("utf-16-be"), "is UTF-16; save the file as UTF-8"),
        ("a: b".encode("utf-32"), "is UTF-32; save the file as UTF-8"),
        (
            b"one: 1\ntwo: 2 \0 and more than that\n",
            "line 2: holds a NUL byte, as no text does; save the file as UTF-8",
        ),
        (
            "one: 1\npath: /srv/höfe.mp4".encode("latin-1"),
            "line 2: holds the byte 0xF6, which is not UTF-8 (in Latin-1 it is 'ö'); save the file as UTF-8",
        ),
        (
            b"\xef\xbb\xbfa\nb\xff",
            "line 2: holds the byte 0xFF, which is not UTF-8 (in Latin-1 it is 'ÿ'); save the file as UTF-8",
        ),
        (b"a: \x80", "line 1: holds the byte 0x80, which is not UTF-8; save the file as UTF-8"),
    ],
)
def test_another_encoding_is_named_with_the_line_and_the_remedy(raw: bytes, said: str) -> None:
    with pytest.raises(UnreadableText) as caught:
        text_of(raw)
    assert str(caught.value) == said


def test_a_file_that_is_endless_or_too_large_is_not_read_whole(tmp_path: Path) -> None:
    with pytest.raises(UnreadableText, match="has more than 10000000 bytes"):
        read_text(Path("/dev/zero"))
    file = tmp_path / "large.json"
    file.write_bytes(b" " * 101)
    with pytest.raises(UnreadableText, match="has more than 100 bytes"):
        read_text(file, 100)
    assert len(read_text(file, 101)) == 101


@given(VALUES)
def test_every_json_value_is_read_as_it_was_written(value: object) -> None:
    for indent in (None, 1):
        assert json_of(json.dumps(value, indent=indent)) == value
        assert json_of(json.dumps(value, indent=indent, ensure_ascii=False)) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n"a": 1,\n"b": {"a": 2},\n"a": 3}', "line 4: the key 'a' is given twice, first in line 2; one of the two"),
        ('[{"a": 1}, {"b": {"c": 1, "c": {}}}]', "line 1: the key 'c' is given twice, first in line 1"),
        ('{"\\u0061": 1, "a" : 2}', "the key 'a' is given twice"),
        ('{"x": "\\"a\\": {", "a": "}", "a": 2}', "the key 'a' is given twice"),
        ('{"a": NaN}', "is not JSON (NaN is not JSON)"),
        ('{"a": -Infinity}', "is not JSON (-Infinity is not JSON)"),
        ('{"a": 1e999}', "is not JSON (1e999 is too large)"),
        ('{"a": ' + "1" * 5000 + "}", "is not JSON ("),
        ('{"a":\n 1,}', "line 2: is not JSON ("),
        ('{"a": 1} {"a": 1}', "line 1: is not JSON (Extra data)"),
        ("", "line 1: is not JSON (Expecting value)"),
        ("[" * 100_000, "its objects lie too deep in each other"),
        ('{"a": "\\ud800"}', "holds half a character, U+D800"),
    ],
)  # fmt: skip
def test_what_would_be_lost_or_guessed_is_refused_with_the_line(text: str, said: str) -> None:
    with pytest.raises(UnreadableText) as caught:
        json_of(text)
    assert said in str(caught.value)


def test_the_same_key_in_different_objects_is_no_duplicate() -> None:
    assert json_of('{"a": {"a": [{"a": 1}, {"a": 2}]}, "b": {"a": 1}}')


def test_a_large_file_is_read_in_seconds() -> None:
    text = json.dumps({f"clip-{number}": {"person": [[0, 9]] * 20} for number in range(10_000)}, indent=1)
    began = time.process_time()
    json_of(text)
    assert len(text) > 5_000_000
    assert time.process_time() - began < 10


def test_the_place_of_a_fault_is_file_and_line() -> None:
    assert UnreadableText("is odd", 3).within("a.json") == "a.json:3: is odd"
    assert UnreadableText("is odd").within("a.json") == "a.json: is odd"


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6), st.booleans())
def test_a_csv_is_read_as_it_was_written_and_each_row_known_by_the_line_on_which_it_begins(
    rows: list[list[str]],
    ends: bool,  # noqa: FBT001
) -> None:
    text, begins = io.StringIO(newline=""), []
    for row in rows:
        begins.append(len(list(io.StringIO(text.getvalue(), newline=""))) + 1)
        csv.writer(text, quoting=csv.QUOTE_ALL).writerow(row)
    written = text.getvalue() if ends else text.getvalue().removesuffix("\r\n")
    assert list(csv_of(written)) == list(zip(begins, rows, strict=True))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n1,2\n3,"4\n5,6\n', 3),
        ('a,b\n1,2\n"3,4\n5,6\n', 3),
        ('a,b\n1,"\n2"\n3,"4', 4),
        ('"', 1),
        ('a,b\n1,"2""\n', 2),
        ('a,b\n1,"' + "2" * 140_000 + '"\n3,4\n', 2),
    ],
)
def test_a_quotation_mark_that_is_never_closed_is_refused_with_its_line_and_swallows_no_row(
    text: str, line: int
) -> None:
    with pytest.raises(UnreadableText, match="is no CSV") as caught:
        list(csv_of(text))
    assert caught.value.line == line


def test_rows_of_any_width_and_empty_lines_keep_their_lines() -> None:
    assert list(csv_of("a,b\n\n1\n2,3,4\n")) == [(1, ["a", "b"]), (2, []), (3, ["1"]), (4, ["2", "3", "4"])]
    assert list(csv_of("")) == []
    assert list(csv_of("end")) == [(1, ["end"])]


@given(st.text())
def test_any_text_is_rows_or_refused(text: str) -> None:
    try:
        rows = list(csv_of(text))
    except UnreadableText:
        return
    assert len(rows) <= len(list(io.StringIO(text, newline="")))
