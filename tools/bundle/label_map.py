"""TensorFlow's label maps in protobuf's text form: `item { id: 1 name: 'person' display_name: 'Person' }`.

Source: protobuf.dev/reference/protobuf/textformat-spec; object_detection/protos/string_int_label_map.proto.
"""

import re
from collections.abc import Iterator
from typing import Final

from smartcam.contract.written import UnreadableText

_ITEM: Final = re.compile(r"^[ \t]*item[ \t\n]*(?::[ \t\n]*)?\{", re.MULTILINE)
_STEP: Final = re.compile(
    r"""\s+|[,;:]|\#[^\n]*|(?P<brace>[{}])|(?P<word>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.+/-]+)"""
)
_ESCAPE: Final = re.compile(rb"\\(?:[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_CONTROLS: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}
_SHOWN: Final = 20


def is_label_map(text: str) -> bool:
    """Whether it has an item of a label map."""
    return _ITEM.search(text) is not None


def label_map_items(text: str) -> list[dict[str, object]]:
    """The fields of each item; what lies deeper, such as key points, is left out.

    Raises:
        UnreadableText: with the line.
    """
    items: list[dict[str, object]] = []
    opened: list[int] = []
    key = ""
    for word, brace, line in _steps(text):
        if brace == "{":
            items += [{}] if not opened else []
            opened.append(line)
        elif brace:
            if not opened:
                raise UnreadableText("is no label map (a } without its {)", line)
            opened.pop()
        elif len(opened) == 1 and key:
            _give(items[-1], key, _meant(word, line), line)
        key = word if len(opened) == 1 and not brace and not key else ""
    if opened:
        raise UnreadableText("is no label map (a { without its })", opened[0])
    return items


def _give(item: dict[str, object], key: str, value: str, line: int) -> None:
    if key in item:
        raise UnreadableText(f"gives {key!r} twice in one item", line)
    item[key] = value


def _steps(text: str) -> Iterator[tuple[str, str, int]]:
    """Each word or brace, with its line."""
    at, line = 0, 1
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise UnreadableText(f"is no label map (at {text[at : at + _SHOWN]!r})", line)
        if found["word"] or found["brace"]:
            yield found["word"] or "", found["brace"] or "", line
        line += text.count("\n", at, found.end())
        at = found.end()


def _meant(word: str, line: int) -> str:
    """A word without its quotes and escapes, which stand for bytes of UTF-8."""
    if word[0] not in "\"'":
        return word
    try:
        return _ESCAPE.sub(_byte, word[1:-1].encode()).decode()
    except UnicodeDecodeError as error:
        raise UnreadableText(f"has a label that is not UTF-8: {word[:_SHOWN]!r}", line) from error


def _byte(found: re.Match[bytes]) -> bytes:
    if found[3] is not None:
        return _CONTROLS.get(found[3], found[3])
    return bytes([int(found[1], 16) if found[1] is not None else int(found[2], 8) & 0xFF])
