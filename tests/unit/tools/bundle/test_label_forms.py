import codecs
import csv
import io
import json
import time
from collections.abc import Callable, Sequence

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from smartcam.contract.written import UnreadableText
from tools.bundle.label_forms import labels_of
from tools.bundle.label_list import MOST_BYTES

TWO = ("person", "traffic light")


def labels(text: str) -> tuple[str, ...]:
    return labels_of(text.encode()).labels


def refusal(raw: bytes) -> str:
    with pytest.raises(UnreadableText) as caught:
        labels_of(raw)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize(
    "encoded",
    [str.encode, lambda text: codecs.BOM_UTF8 + text.encode(), lambda text: text.encode("utf-16"),
     lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"), lambda text: text.encode("utf-16-le"),
     lambda text: text.encode("utf-16-be"), lambda text: text.encode("utf-32")],
)  # fmt: skip
def test_any_encoding_and_any_ends_of_lines_give_the_same_labels(encoded: Callable[[str], bytes], end: str) -> None:
    assert labels_of(encoded(f"person{end}traffic light{end}{end}")).labels == TWO


def test_another_encoding_is_said() -> None:
    assert labels_of("person".encode("utf-16")).said == ("written in UTF-16",)


FORMS = {
    "a list": '["person", "traffic light"]',
    "an object from the number": '{"0": "person", "1": "traffic light"}',
    "an object from the name, as Keras has it": '{"traffic light": 1, "person": 0}',
    "numbers from 1": '{"1": "person", "2": "traffic light"}',
    "ImageNet as Keras has it": '{"0": ["n0144", "person"], "1": ["n0149", "traffic light"]}',
    "COCO's categories": '{"info": {}, "categories": [{"supercategory": "person", "id": 1, "name": "person"},'
    ' {"supercategory": "outdoor", "id": 2, "name": "traffic light"}]}',
    "a configuration of Hugging Face": '{"id2label": {"0": "person", "1": "traffic light"}, "label2id": {"person": 0}}',
    "names without numbers": '[{"name": "person"}, {"name": "traffic light"}]',
    "a list in Python": "['person', 'traffic light']",
    "a list in a program": "CLASSES = ['person', 'traffic light']",
    "a tuple in a program": "classes = ('person', 'traffic light',)",
    "a list in TOML": 'names = ["person", "traffic light"]',
    "a dictionary in Python": "{0: 'person', 1: 'traffic light'}",
    "Ultralytics' metadata": "{'stride': 32, 'args': {'a': None}, 'names': {0: 'person', 1: 'traffic light'}}",
    "a list in YAML": "- person\n- traffic light\n",
    "a list in YAML in one line": "[person, traffic light]",
    "objects in YAML": "- id: 0\n  name: person\n- id: 1\n  name: traffic light\n",
    "marks inside and an end as of DOS": "\ufeff0 person\n\ufeff1 traffic light\n\x1a",
    "names in YAML": "path: ../datasets\ntrain: images\n\nnc: 2\nnames: [person, 'traffic light']\n",
    "names in YAML over lines": "names:\n  - person\n  - traffic light\n",
    "Ultralytics' data.yaml": "# Ultralytics\npath: coco8 # root\nnames:\n  0: person\n  1: traffic light\n"
    "download: |\n  x: {\n",
    "labels in YAML": "---\nlabels:\n- person\n- traffic light\n",
    "a label map": "item {\n  id: 1\n  name: 'person'\n}\nitem {\n  id: 2\n  name: 'traffic light'\n}\n",
    "a label map with names for people": 'item { name: "/m/01g317" id: 1 display_name: "person" }\n'
    'item { name: "/m/015qff" id: 2 display_name: "traffic light" } # the last',
    "a label map with key points": "item { id: 1 name: 'person' keypoints { id: 7 label: 'nose' } }\n"
    "item: { id: 2, name: 'traffic \\154ight'; }",
    "lines of a mapping": "0: 'person'\n1: 'traffic light'",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_each_form_is_recognised_by_what_stands_in_it(text: str) -> None:
    found = labels_of(text.encode())
    assert found.labels == TWO
    assert found.said, "the user hears how the file was understood"


def test_numbers_without_a_label_become_nameless_classes_and_are_said() -> None:
    found = labels_of(b"item { id: 1 name: 'person' }\nitem { id: 3 name: 'car' }")
    assert found.labels == ("person", "???", "car")
    assert any("number has no label (2)" in sentence for sentence in found.said)


def test_a_label_is_text_whatever_yaml_or_json_make_of_it() -> None:
    assert labels("names:\n  0: no\n  1: 12:30\n  2: 007\n  3: on\n") == ("no", "12:30", "007", "on")
    assert labels("[7, 0, null, 3]") == ("7", "0", "???", "3")
    assert labels('["1 person", "2 car"]') == ("1 person", "2 car")
    assert labels("[UNK]\nperson\ncar") == ("[UNK]", "person", "car")
    assert labels("(background)\nperson\ncar") == ("(background)", "person", "car")


def test_two_classes_with_one_name_are_kept_and_said() -> None:
    found = labels_of(b"crane\nbird\ncrane\n")
    assert found.labels == ("crane", "bird", "crane")
    assert "'crane' is the name of 2 classes (0, 2, counted from 0)" in found.said[0]


def test_a_name_longer_than_a_bundle_takes_is_cut_after_its_last_whole_synonym_and_said() -> None:
    long = "hen-of-the-woods, hen of the woods, Polyporus frondosus, Grifola frondosa"
    found = labels_of(f"{long}\nperson\n{'x' * 70}".encode())
    assert found.labels == ("hen-of-the-woods, hen of the woods, Polyporus frondosus", "person", "x" * 64)
    assert "2 labels were cut to 64 characters" in found.said


WRONG = {
    "nothing": (b"", "has no labels"),
    "blank lines": (b"\n \r\n", "has no labels"),
    "no names": (b"???\n\n???", "has no labels"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "UTF-8"),
    "Latin-1": ("Bär".encode("latin-1"), "in Latin-1 it is 'ä'"),
    "damaged UTF-16": (codecs.BOM_UTF16_LE + b"a\x00b", "damaged"),
    "too much": (b"a" * (MOST_BYTES + 1), "bytes"),
    "too many": (b"a\nb\n" * 1001, "at most 2000"),
    "a character that cannot be shown": ("per\u200bson".encode(), r"U\+200B"),
    "a page": (b"<!DOCTYPE html>\n<html>404</html>", "is HTML or XML"),
    "XML": (b"<labels>\n<label>person</label>\n</labels>", "is HTML or XML"),
    "a broken tuple": (b"names = ('person', 'car'", "is not JSON"),
    "broken JSON": (b'["person", "car"', "line 1: is not JSON"),
    "JSON with a key twice": (b'{"0": "a", "0": "b"}', "twice"),
    "JSON without labels": (b'{"a": {"b": 1}}', "none of numbers and labels"),
    "JSON of two kinds": (b'["a", {"name": "b"}]', "both objects and labels"),
    "JSON with a list as a label": (b'["a", ["b"]]', "a label is text"),
    "JSON with a truth as a label": (b'["a", true]', "a label is text"),
    "JSON with a negative number": (b'[{"id": -1, "name": "b"}]', "'-1' as a number"),
    "JSON with a large number": (b'{"0": "a", "70000": "b"}', "70000"),
    "JSON with a number twice": (b'[{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]', "number 1 to 'a' and to 'b'"),
    "an entry without a name": (b'[{"x": 1}]', "without a name"),
    "names that are no list": (b"---\nnames: person", "has no list of labels|none of numbers"),
    "YAML with a key twice": (b"names:\n  0: a\n  0: b\n", "line 3: .*twice"),
    "broken YAML": (b"names: [a, b", "YAML"),
    "another count in nc": (b"nc: 3\nnames: [a, b]", "nc: .3., but has 2 labels"),
    "a label map without an end": (b"item { id: 1 name: 'a'", "without its }"),
    "a label map with an end too many": (b"item { id: 1 name: 'a' } }", "without its {"),
    "a label map with an open quote": (b"item { id: 1 name: 'a }", "line 1: is no label map"),
    "a label map with a field twice": (b"item { id: 1 id: 2 name: 'a' }", "twice"),
    "a label map with odd bytes": (b"item { id: 1 name: '\\377' }", "not UTF-8"),
    "a label map with a word as number": (b"item { id: one name: 'a' }", "'one' as a number"),
    "an item of each kind": (b"item { id: 1 name: 'a' }\nitem { name: 'b' }", "as a number"),
    "aliases for millions": (
        b"x0: &a0 [z]\n"
        + b"".join(b"x%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 200)) for n in range(1, 4))
        + b"names: *a3\n",
        "more than 10000 values",
    ),
    "an alias into itself": (b"names: &a [x, *a]", "as a label"),
    "deep brackets": (b"[" * 100_000, "deep"),
}


@pytest.mark.parametrize(("raw", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_label_file_ends_in_one_line_that_says_why(raw: bytes, said: str) -> None:
    caught = refusal(raw)
    with pytest.raises(UnreadableText, match=said):
        labels_of(raw)
    assert len(caught) < 400


def in_python(names: Sequence[str]) -> str:
    return repr(dict(enumerate(names)))


def in_csv(names: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([("id", "name"), *enumerate(names)])
    return text.getvalue()


def in_map(names: Sequence[str]) -> str:
    return "\n".join(
        f"item {{\n  id: {number}\n  name: {json.dumps(name, ensure_ascii=False)}\n}}"
        for number, name in enumerate(names, 1)
    )


WRITERS: list[Callable[[Sequence[str]], str]] = [
    json.dumps,
    lambda names: json.dumps(names, ensure_ascii=False),
    lambda names: json.dumps(dict(enumerate(names))),
    lambda names: json.dumps({"names": {name: number for number, name in enumerate(names)}}),
    lambda names: json.dumps([{"id": number, "name": name} for number, name in enumerate(names, 1)]),
    lambda names: yaml.safe_dump({"names": list(names)}, allow_unicode=True),
    lambda names: yaml.safe_dump({"train": "a", "nc": len(names), "names": dict(enumerate(names))}),
    lambda names: yaml.safe_dump({"names": list(names)}, default_flow_style=True),
    repr,
    in_python,
    lambda names: repr({"stride": 32, "names": dict(enumerate(names))}),
    in_csv,
    in_map,
]
NAMES = st.lists(
    st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" ") | st.sampled_from("09,:;{}[]\"'\\#&*-"),
            min_size=1, max_size=12)
    .filter(lambda name: name == " ".join(name.split())).filter(lambda name: name.casefold() not in {"???", "n/a"})
    # Quotes around all of a name are the file's, not the name's.
    .filter(lambda name: len(name) == 1 or name[0] != name[-1] or name[0] not in "\"'"),
    min_size=1, max_size=12, unique=True,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(NAMES, st.sampled_from(WRITERS), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
@example(["3 d printer", "no", "1"], WRITERS[5], "utf-8")
def test_any_labels_come_back_from_any_form(
    names: list[str], write: Callable[[Sequence[str]], str], encoding: str
) -> None:
    # Where all names are numbers, nobody can say which of the two numbers is the name.
    assume(write is not WRITERS[3] or not all(name.isdecimal() for name in names))
    assert labels_of(write(names).encode(encoding)).labels == tuple(names)


SCRAPS = st.sampled_from(
    ["item {", "}", "{", "[", "]", "names:", "\n", "0", "1", " ", ",", ":", "'", '"', "\\", "- ", "&a ", "*a", "id",
     "name", "person", "\t", "???", "\r", "---", "#", "|", "\x00", "\ufeff", "\x1b", 'nc: "\\e"\n', "?"]
)  # fmt: skip


@settings(max_examples=500)
@given(st.binary(max_size=200) | st.lists(SCRAPS, max_size=30).map(lambda scraps: "".join(scraps).encode()))
def test_any_bytes_end_in_labels_or_in_one_line(raw: bytes) -> None:
    try:
        found = labels_of(raw)
    except UnreadableText as error:
        assert str(error).isprintable()  # noqa: PT017 - either end is right
    else:
        assert all(sentence.isprintable() for sentence in found.said)
        assert all(0 < len(label) <= 64 and label.isprintable() for label in found.labels)


HEAVY = [
    "[", "{", "- ", "'", '"', "\r", "\r\n", "\n ", "names: [", "names:\n", "{0: '", "{0: 'a', ", "item {",
    "item { name: '\\x",
    "'names': {0: '", "a b ", "1 ", "1,", "a 1\n", "&a ", "*a ", "? ", '"a",', "-", "((", "0: 'a'\n", " ", "\t",
    "a: {b: ", "# a\n", "name\n", "names: &a [*a, ", "{[", "[{", "{0:",
    "'names':", "item { a { ", "\\", "'''", "[[],", '{"a":', "\x00a",
    'id,name\n1,"', "; ", "id,", "id,name\n1,a\n", "id,name,", "<", "</", "(a)\n", "a = ", "a=[", "a",
]  # fmt: skip


@pytest.mark.parametrize("scrap", HEAVY)
@pytest.mark.parametrize("start", ["", "names: ", "[", "{'names': {"])
def test_a_full_file_of_one_scrap_is_read_or_refused_in_seconds(scrap: str, start: str) -> None:
    raw = (start + scrap * (MOST_BYTES // len(scrap)))[: MOST_BYTES - 10].encode()
    began = time.process_time()
    try:
        labels_of(raw)
    except UnreadableText as error:
        assert len(str(error)) < 500  # noqa: PT017 - either end is right
    assert time.process_time() - began < 5
