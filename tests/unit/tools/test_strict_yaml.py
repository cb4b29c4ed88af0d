import json
import time
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.written import UnreadableText
from tools.strict_yaml import yaml_of

WORDS = st.text(st.sampled_from("01_:.-+eExobyYnNofFtT~ <="), max_size=6) | st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"]), max_size=6
)
SHARES = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | SHARES | WORDS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)


def refusal(text: str) -> str:
    with pytest.raises(UnreadableText) as caught:
        yaml_of(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(VALUES)
def test_what_is_written_with_quotes_around_all_text_is_read_as_it_was(value: object) -> None:
    assert yaml_of(json.dumps(value, ensure_ascii=False)) == value


@given(VALUES)
def test_what_is_written_without_quotes_where_yaml_allows_it_is_read_as_it_was_or_refused(value: object) -> None:
    with suppress(UnreadableText):
        assert yaml_of(yaml.safe_dump(value, allow_unicode=True)) == value


@given(st.lists(WORDS, max_size=8).map("\n".join) | st.text("ab:- {}[],&*<>!#|'\"\n\t", max_size=30))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    said = ""
    try:
        yaml_of(text)
    except UnreadableText as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("word", "meant"),
    [("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("y", "y"), ("n", "n"), ("Off", "Off"),
     ("true", True), ("False", False), ("~", None), ("null", None), ("", None), ("0", 0), ("-7", -7), ("1000", 1000),
     ("0.5", 0.5), (".5", 0.5), ("0.0", 0.0), ("007-gate", "007-gate"),
     ("22:00-06:00", "22:00-06:00"), ("1.2.3", "1.2.3"),
     ("'0777'", "0777"), ('"12:30"', "12:30"), ("'2026-01-01'", "2026-01-01"), ("rtsp://a:554/1", "rtsp://a:554/1")],
)  # fmt: skip
def test_a_word_is_what_it_looks_like(word: str, meant: object) -> None:
    assert yaml_of(f"key: {word}") == {"key": meant}


@pytest.mark.parametrize(
    "word",
    ["0777", "00", "08", "-012", "1_000", "0x1F", "0b11", "12:30", "1:30:00", "190:20.5", "1e3", "1E-3", "12e03"],
)
def test_a_number_that_readers_take_for_different_ones_is_refused(word: str) -> None:
    said = "is a number to some readers of YAML: write it plainly, or in quotes"
    assert refusal(f"a:\n  b: [1, {word}]") == f"line 2: a.b[1] = {word!r}: {said}"


@pytest.mark.parametrize("word", ["2026-01-01", "2026-01-01T12:00:00Z", "2026-01-01 12:00:00"])
def test_a_date_is_refused(word: str) -> None:
    assert refusal(f"day: {word}") == f"line 1: day = {word!r}: is a date to some readers of YAML: put dates in quotes"


@pytest.mark.parametrize(
    "key", ["1", "no", "on", "Yes", "true", "null", "~", "1.5", "0777", "12:30", "2026-01-01", "0x10", "0E0", "1e3"]
)
def test_a_key_that_some_readers_take_for_something_else_is_named(key: str) -> None:
    said = f"line 2: cameras: the key {key!r} is no text to every reader of YAML: put it in quotes"
    assert refusal(f"cameras:\n  {key}: {{path: a.mp4}}") == said
    assert yaml_of(f'cameras:\n  "{key}": {{path: a.mp4}}') == {"cameras": {key: {"path": "a.mp4"}}}


@pytest.mark.parametrize("key", ["? [a, b]\n", "? {a: b}\n"])
def test_a_key_that_is_no_word_is_refused(key: str) -> None:
    assert refusal(f"{key}: 1") == "line 1: a list or an object is no key"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cameras:\n  gate: 1\n  door: 2\n\n  gate: 3",
         "line 5: cameras: the key 'gate' is given twice, first in line 2"),
        ("{a: 1, 'a': 2}", "line 1: the key 'a' is given twice, first in line 1"),
        ("- x: {b: 1}\n- x: {b: 1,\n  b: 2}", "line 3: [1].x: the key 'b' is given twice, first in line 2"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a", "line 4: b: the key '<<' is given twice, first in line 3"),
    ],
)  # fmt: skip
def test_a_key_that_is_given_twice_is_refused_with_both_lines(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


def test_a_value_is_merged_and_may_be_given_again() -> None:
    text = "a: &a {fps: 5, zones: {x: 1}}\nb: {<<: *a, fps: 3}\nc: {<<: [*a, {fps: 7, path: z}]}"
    read = yaml_of(text)
    assert isinstance(read, dict)
    assert read["b"] == {"fps": 3, "zones": {"x": 1}}
    assert read["c"] == {"fps": 5, "path": "z", "zones": {"x": 1}}


@pytest.mark.parametrize(
    "last",
    [
        "b:\n  <<: *a\n  masks: {y: 1}",
        "b:\n  <<: [*a, {masks: {y: 1}}]",
        "b: &b\n  <<: *a\nc:\n  <<: *b\n  masks: {y: 1}",
    ],
)
def test_a_merged_object_that_another_would_hide_is_refused(last: str) -> None:
    assert "the key 'masks'" in (said := refusal(f"a: &a\n  masks: {{x: 1}}\n{last}"))
    assert said.endswith("; all that it holds would be lost")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb:\n\t- c", "line 3: is not YAML (a tab where spaces are needed)"),
        ("a: 1\n---\na: 2", "line 2: begins a second document; a file holds one"),
        ("a: *b", "line 1: is not YAML (found undefined alias)"),
        ("a: [", "line 1: is not YAML (expected the node content, but found '<stream end>')"),
        ("a: 1\nb: \x07", "line 2: holds the character U+0007, which YAML does not allow"),
        ('a: "\\ud800"', "holds half a character, U+D800; write the character itself"),
        (
            "a: !!binary aGk=",
            "line 1: a: !!binary is no mark that is known here; put text that begins with ! in quotes",
        ),
        ("a: !!python/object:os.system x", "line 1: a: !!python/object:os.system is no mark that"),
        ("a: !secret x", "line 1: a: this is no mark that is known here"),
        ("a: {<<: 5}", "line 1: is not YAML (expected a mapping or list of mappings for merging, but found scalar)"),
        ("a: &a [*a]", "holds more than 10000 values, each alias counted as what it stands for"),
        ("{a: " * 3000 + "1" + "}" * 3000, "line 1: is nested deeper than 32"),
        ("a: !!int x", "line 1: a = 'x': is a number to some readers of YAML"),
        ("a: !!int 'x'", "is not YAML ("),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(text: str, said: str) -> None:
    assert refusal(text).startswith(said)


@pytest.mark.parametrize("merge", ["", "<<: "])
def test_a_bomb_of_aliases_is_refused_at_once(merge: str) -> None:
    lines = ["a: &a {x: 1}"]
    if merge:
        lines += [f"b{n}: &b{n} {{<<: [{', '.join(['*a' if not n else f'*b{n - 1}'] * 10)}]}}" for n in range(8)]
    else:
        lines += [f"b{n}: &b{n} [{', '.join(['*a' if not n else f'*b{n - 1}'] * 10)}]" for n in range(8)]
    began = time.process_time()
    assert "more than 10000 values" in refusal("\n".join(lines))
    assert time.process_time() - began < 5


def test_a_megabyte_of_lines_is_refused_before_it_is_composed() -> None:
    began = time.process_time()
    assert "more than 10000 values" in refusal("".join(f"camera-{number}: 1\n" for number in range(60_000)))
    assert time.process_time() - began < 15


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n", "---\n...\n"])
def test_a_text_that_holds_nothing_is_none(text: str) -> None:
    assert yaml_of(text) is None


@pytest.mark.parametrize(
    "secret", ["*hunter", "!hunter", "1_000_777", "&hunter *x", "@hunter", "`hunter", "%hunter: ["]
)
def test_a_password_at_a_wrong_place_is_not_shown(secret: str) -> None:
    said = refusal(f"camera:\n  password: {secret}\n")
    assert secret.strip("*!&@`%: [x") not in said
    assert "line 2" in said


@pytest.mark.parametrize("opened", ["[", "{a: ", "- ", "? ", "[a, "])
def test_what_is_nested_too_deeply_is_refused_with_its_line(opened: str) -> None:
    """PyYAML takes seconds for a thousand of them."""
    assert refusal("\n" + opened * 1200) == "line 2: is nested deeper than 32"
    assert yaml_of("[" * 32 + "]" * 32)
