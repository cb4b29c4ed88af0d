"""The one reader of the YAML that people write: what cannot be taken as it stands is refused with its line.

Readers of YAML differ in what a word means (`no`, `0777`, `12:30`), keep the last of two equal keys without a word, and
let a few lines of aliases stand for millions.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import yaml

from smartcam.contract.errors import SettingsError
from smartcam.contract.reading import DEEPEST
from smartcam.contract.written import UnreadableText, check_characters, twice

MOST_BYTES: Final = 1_000_000
MOST_VALUES: Final = 10_000
"""More than any device takes."""
_TAG: Final = "tag:yaml.org,2002:"
_TEXT, _MERGE, _DATE, _BOOLEAN = (f"{_TAG}{kind}" for kind in ("str", "merge", "timestamp", "bool"))
_KNOWN: Final = frozenset(f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq", "merge"))
_PLAIN: Final = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.inf)|\.nan", "-+.0123456789"),
    ("merge", r"<<", "<"),
)
"""What a word without quotes is; anything else is text, as YAML 1.2 has it. Source: yaml.org/spec/1.2.2, 10.3.2."""
_DIGITS: Final = re.compile(r"[-+]?[0-9][0-9_]*")
_NAME: Final = re.compile(r"(?<=alias) '.*'$")
_OTHER_READERS: Final = yaml.resolver.Resolver()
"""They follow YAML 1.1, in which more words are no text."""


class _Loader(yaml.SafeLoader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._composed = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Counts, because composing a megabyte takes PyYAML half a minute."""
        self._composed += 1
        _refuse_too_many(self._composed)
        return super().compose_node(parent, index)

    def fetch_more_tokens(self) -> None:
        """Looks at the depth, because each token costs PyYAML a step for every list that is open."""
        super().fetch_more_tokens()
        if self.flow_level + len(self.indents) > DEEPEST:
            raise UnreadableText(f"is nested deeper than {DEEPEST}", self.line + 1)


_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _begins in _PLAIN:
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(f"(?:{_pattern})$"), list(_begins))


def yaml_of(text: str) -> object:
    """The value in a YAML text: objects, lists, text, numbers, true, false, None; None for an empty one.

    Raises:
        UnreadableText: with the line.
    """
    with _in_our_words(text):
        loader = _Loader(text)
        tree = loader.get_single_node()
        if tree is None:
            return None
        _check(tree)
        value: object = loader.construct_document(tree)
        check_characters(value)
    return value


def words_of(text: str) -> yaml.Node | None:
    """The tree of a YAML text, each word as it is written, whatever a reader makes of it; None for an empty one.

    For files whose writers follow other rules than ours: there, a key may be a number. A node may stand in many places,
    even in itself.

    Raises:
        UnreadableText: with the line.
    """
    with _in_our_words(text):
        return _Loader(text).get_single_node()


@contextmanager
def _in_our_words(text: str) -> Iterator[None]:
    try:
        yield
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnreadableText(f"holds the character U+{error.character:04X}, which YAML does not allow", line) from error
    except yaml.MarkedYAMLError as error:
        raise UnreadableText(_words(error), 0 if error.problem_mark is None else error.problem_mark.line + 1) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableText(f"is not YAML ({' '.join(str(error).split())})") from error


def _words(error: yaml.MarkedYAMLError) -> str:
    # Not the names in it: what begins with * may be a password.
    problem = _NAME.sub("", error.problem or str(error.context))
    if "another document" in problem:
        return "begins a second document; a file holds one"
    if "'\\t'" in problem:
        return "is not YAML (a tab where spaces are needed)"
    return f"is not YAML ({problem})"


def _refuse_too_many(count: int) -> None:
    if count > MOST_VALUES:
        raise UnreadableText(f"holds more than {MOST_VALUES} values, each alias counted as what it stands for")


def _check(tree: yaml.Node) -> None:
    """Raises UnreadableText for the first place that other readers may take for something else, or lose."""
    count = 0
    left = [("", tree)]
    while left:
        place, node = left.pop()
        count += 1
        _refuse_too_many(count)
        if node.tag not in _KNOWN:
            ours = f"{node.tag.replace(_TAG, '!!')} is no mark" if node.tag.startswith(_TAG) else "this is no mark"
            raise _wrong(place, node, f"{ours} that is known here; put text that begins with ! in quotes")
        if isinstance(node, yaml.MappingNode):
            left += reversed(list(_values(place, node)))
        elif isinstance(node, yaml.SequenceNode):
            left += reversed([(f"{place}[{number}]", item) for number, item in enumerate(node.value)])
        elif isinstance(node, yaml.ScalarNode) and node.style is None:
            _check_word(place, node)


def _check_word(place: str, node: yaml.Node) -> None:
    elsewhere = _elsewhere(node)
    if elsewhere == _DATE:
        raise _ambiguous(place, node, "is a date to some readers of YAML: put dates in quotes")
    # `on`, `off`, `yes` and `no` are text here: who wants true or false takes these words for it, others get the word.
    if elsewhere not in {node.tag, _BOOLEAN} or (node.tag == _TEXT and _DIGITS.fullmatch(node.value)):
        raise _ambiguous(place, node, "is a number to some readers of YAML: write it plainly, or in quotes")


def _values(place: str, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
    """The values of an object and their places; its keys are looked at on the way."""
    lines: dict[str, int] = {}
    for key, value in node.value:
        name = str(key.value)
        if not isinstance(key, yaml.ScalarNode):
            raise _wrong(place, key, "a list or an object is no key")
        kinds = {key.tag, _elsewhere(key) if key.style is None else key.tag}
        if kinds not in ({_TEXT}, {_MERGE}):
            raise _wrong(place, key, f"the key {name!r} is no text to every reader of YAML: put it in quotes")
        if name in lines:
            raise _wrong(place, key, twice(name, lines[name]))
        lines[name] = _line(key)
        yield (f"{place}.{name}" if place else name), value
    for key, value in _merged(node):
        name, line = str(key.value), _line(key)
        if isinstance(value, yaml.MappingNode | yaml.SequenceNode) and lines.get(name, line) != line:
            reason = f"the key {name!r} of line {line}, which << merges, is given again in line {lines[name]}"
            raise _wrong(place, node, f"{reason}; all that it holds would be lost")
        lines.setdefault(name, line)


def _merged(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """What `<<` brings into an object."""
    for key, value in node.value:
        if key.tag == _MERGE:
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(source, yaml.MappingNode):
                    yield from ((key, value) for key, value in source.value if key.tag != _MERGE)
                    yield from _merged(source)


def _elsewhere(node: yaml.Node) -> str:
    """What other readers take a word without quotes for."""
    return str(_OTHER_READERS.resolve(yaml.ScalarNode, node.value, (True, False)))  # type: ignore[no-untyped-call]


def _ambiguous(place: str, node: yaml.Node, remedy: str) -> UnreadableText:
    """In the words of settings, which show no password."""
    return UnreadableText(str(SettingsError(place, node.value, remedy)), _line(node))


def _wrong(place: str, node: yaml.Node, reason: str) -> UnreadableText:
    return UnreadableText(f"{place}: {reason}" if place else reason, _line(node))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
