"""Labels in whatever file people have them: recognised by what stands in it, and read under limits."""

import ast
import codecs
import re
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Final

import yaml

from smartcam.contract.written import UnreadableText, json_of, text_of, twice
from tools.bundle.label_lines import lines_read
from tools.bundle.label_list import MOST_BYTES, LabelList, listed, placed
from tools.bundle.label_map import is_label_map, label_map_items
from tools.strict_yaml import MOST_VALUES, words_of

_UTF_32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKUP: Final = re.compile(r"<(?:!|\?)|<(?=.*</)", re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"\w+[ \t]*=[ \t]*(?=[\[{(])")
"""As a list stands in a program or in TOML."""
_BRACKETED: Final = re.compile(r"(?:\[[\w ]+\]|\([^\n,'\"]+\))[ \t]*(?:\n+[^\s\[{]|\s*$)")
"""A first label in brackets, such as [UNK]."""
_YAML: Final = re.compile(r"\A---|^(?:names|labels|classes|id2label)[ \t]*:[ \t]*(?:[#&*!\[{]|$)", re.MULTILINE)
_WRAPPERS: Final = ("names", "labels", "classes", "categories", "class_names", "id2label", "label_map", "items", "item")
_NAME_KEYS: Final = ("display_name", "displayName", "name", "label", "class", "title")
_NUMBER_KEYS: Final = ("id", "index", "class_id", "category_id")
_COUNT: Final = "nc"
"""In Ultralytics' files: the number of classes."""
_STRING: Final = (
    r"(?:'(?:[^'\\\n]|\\[\\'\"nrt]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*'"
    r'|"(?:[^"\\\n]|\\[\\\'"nrt]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*")'
)
_PYTHON: Final = re.compile(
    rf"\{{\s*(?:[0-9]{{1,6}}\s*:\s*{_STRING}\s*(?:,\s*|(?=\}})))*\}}|[\[(]\s*(?:{_STRING}\s*(?:,\s*|(?=[\])])))*[\])]"
)
"""A flat dictionary, list or tuple. Deep ones could end the interpreter: docs.python.org/3/library/ast."""
_PYTHON_NAMES: Final = re.compile(r"['\"]names['\"]\s*:\s*")
_DEEPEST: Final = 4
_LARGEST_YAML: Final = 100_000
_DEEPEST_YAML: Final = 50
"""With more of either, its reader can be kept busy for a second."""
_MOST_DIGITS: Final = 9


def labels_of(raw: bytes) -> LabelList:
    """The labels in the bytes of a label file.

    Raises:
        UnreadableText: it is too large, is no text, holds no labels, or is no file of the form that it seems to have.
    """
    if len(raw) > MOST_BYTES:
        raise UnreadableText(f"has more than {MOST_BYTES} bytes; keep only the labels (of a COCO file: `categories`)")
    text, encoding = _decoded(raw)
    # Files that were joined have marks inside; DOS ended texts with a character of its own.
    text = text.replace("\ufeff", "").rstrip("\x1a")
    text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise UnreadableText("has no labels; it needs one per line")
    found = _recognised(text)
    return LabelList(found.labels, (*encoding, *found.said), found.from_one, found.blank)


def python_names(text: str) -> LabelList | None:
    """The labels in a Python dictionary or list, or in the value of its key `names`; None if there are none.

    Raises:
        UnreadableText: as `label_list.listed`.
    """
    key = _PYTHON_NAMES.search(text)
    found = _PYTHON.fullmatch(text.strip()) or (None if key is None else _PYTHON.match(text, key.end()))
    if found is None:
        return None
    try:
        value: object = ast.literal_eval(found[0])
    except (SyntaxError, ValueError) as error:
        raise UnreadableText("has names that are no Python") from error
    return _from_value(list(value) if isinstance(value, tuple) else value, "Python")


def _decoded(raw: bytes) -> tuple[str, list[str]]:
    marked = [(name, "UTF-32") for name in _UTF_32 if raw.startswith(name)]
    marked += [(name, "UTF-16") for name in _UTF_16 if raw.startswith(name)]
    if marked:
        return _wide(raw, marked[0][1]), [f"written in {marked[0][1]}"]
    if 0 in raw and len(raw) % 2 == 0:
        for half, codec in ((raw[1::2], "utf-16-le"), (raw[::2], "utf-16-be")):
            if half.count(0) * 2 > len(half):
                return _wide(raw, codec), ["written in UTF-16 without a mark"]
    return text_of(raw), []


def _wide(raw: bytes, codec: str) -> str:
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError as error:
        raise UnreadableText(f"begins as {codec.upper()}, but is damaged; save it as UTF-8") from error
    return text


def _recognised(text: str) -> LabelList:
    start = text.lstrip()
    if _MARKUP.match(start):
        raise UnreadableText("is HTML or XML; is it the file that you meant to download?")
    bare = _ASSIGNMENT.sub("", start, count=1) if _ASSIGNMENT.match(start) else start
    if bare[0] in "[{(" and not _BRACKETED.match(bare):
        return _bracketed(bare)
    if is_label_map(text):
        return _records(label_map_items(text), "pbtxt")
    lines = [line for line in text.split("\n") if line.strip()]
    if _YAML.search(text) or (lines[0].startswith("- ") and all(line.startswith(("- ", "  ")) for line in lines)):
        return _yaml(text)
    return lines_read(text)


def _bracketed(text: str) -> LabelList:
    """JSON, or what looks like it: the text of a Python list, or YAML in one line."""
    try:
        value = json_of(text)
    except UnreadableText as error:
        found = python_names(text)
        if found is not None:
            return found
        try:
            return _yaml(text)
        except UnreadableText:
            raise error from None
    return _from_value(value, "JSON")


def _yaml(text: str) -> LabelList:
    if len(text) > _LARGEST_YAML:
        raise UnreadableText(f"has more than {_LARGEST_YAML} characters of YAML; keep only the labels")
    depths = accumulate(1 if bracket in "[{" else -1 for bracket in re.findall(r"[\[\]{}]", text))
    if max(depths, default=0) > _DEEPEST_YAML:
        raise UnreadableText("cannot be read (its brackets lie too deep in each other)")
    tree = words_of(text)
    return _from_value(None if tree is None else _plain(tree, [MOST_VALUES]), "YAML")


def _plain(node: yaml.Node, left: list[int], depth: int = 0) -> object:
    """The words of a tree; `left` is how many more may be read, because aliases repeat what they stand for."""
    left[0] -= 1
    if left[0] < 0:
        raise UnreadableText(f"holds more than {MOST_VALUES} values")
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if depth == _DEEPEST:
        return None  # No label lies there, and an alias may lead into itself.
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, left, depth + 1) for item in node.value]
    lines: dict[str, int] = {}
    values: dict[str, object] = {}
    for key, value in node.value:
        name, line = str(key.value), int(key.start_mark.line) + 1
        if name in lines:
            raise UnreadableText(twice(name, lines[name]), line)
        lines[name] = line
        values[name] = _plain(value, left, depth + 1)
    return values


def _from_value(value: object, form: str) -> LabelList:
    """The labels in a list, or in an object of any of the kinds that are in use."""
    count: object = None
    for _ in range(_DEEPEST):
        key = next(
            (key for key in _WRAPPERS if isinstance(value, dict) and isinstance(value.get(key), dict | list)), None
        )
        if key is None or not isinstance(value, dict):
            break
        count = value.get(_COUNT, count)
        value = value[key]
    if isinstance(value, dict):
        found = _from_object(value, form)
    elif isinstance(value, list):
        found = _from_list(value, form)
    else:
        raise UnreadableText(
            f"is {form}, but has no list of labels; write a list, or an object with the list as `names`"
        )
    if count is not None and str(count) != str(len(found.labels)):
        raise UnreadableText(
            f"says {_COUNT}: {str(count)[:20]!r}, but has {len(found.labels)} labels; correct one of them"
        )
    return found


def _from_list(items: list[object], form: str) -> LabelList:
    objects = [item for item in items if isinstance(item, dict)]
    if not objects:
        return listed([_text(item, form) for item in items], [f"a list in {form}"])
    if len(objects) < len(items):
        raise UnreadableText(f"has a list in {form} of both objects and labels; write one kind")
    return _records(objects, form)


def _records(objects: Iterable[Mapping[str, object]], form: str) -> LabelList:
    names: list[str] = []
    numbers: list[object] = []
    for each in objects:
        name = next((each[key] for key in _NAME_KEYS if each.get(key)), None)
        number = next((each[key] for key in _NUMBER_KEYS if key in each), None)
        if name is None and number is None:
            raise UnreadableText(f"has an entry in {form} without a name: {str(dict(each))[:60]}")
        names.append(_text(name, form))
        numbers.append(number)
    if all(number is None for number in numbers):
        return listed(names, [f"a list in {form}"])
    return placed([_number(number, form) for number in numbers], names, [f"a list in {form}"])


def _from_object(value: Mapping[object, object], form: str) -> LabelList:
    said = [f"an object in {form}"]
    keys = [str(key) for key in value]
    if keys and all(key.isdecimal() for key in keys):
        named = [_named(item, form) for item in value.values()]
        return placed([_number(key, form) for key in keys], named, said)
    if keys and all(_is_number(number) for number in value.values()):
        return placed([_number(number, form) for number in value.values()], keys, said)
    raise UnreadableText(
        f"is an object in {form}, but none of numbers and labels; write a list, or the list as `names`"
    )


def _named(item: object, form: str) -> str:
    """The name in an entry; Keras lists ImageNet as number -> [WordNet's id, name]."""
    if isinstance(item, list) and item:
        item = item[-1]
    return _record_name(item, form) if isinstance(item, dict) else _text(item, form)


def _record_name(item: Mapping[str, object], form: str) -> str:
    return _text(next((item[key] for key in _NAME_KEYS if key in item), None), form)


def _is_number(value: object) -> bool:
    return str(value).isdecimal() and not isinstance(value, bool)


def _number(value: object, form: str) -> int:
    text = str(value)
    if not (_is_number(value) and text.isascii() and len(text) <= _MOST_DIGITS):
        raise UnreadableText(f"has {text[:20]!r} as a number in {form}; write 0, 1, 2, ...")
    return int(text)


def _text(value: object, form: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise UnreadableText(f"has {str(value)[:40]!r} as a label in {form}; a label is text")
