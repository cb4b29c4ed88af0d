"""A YAML document as a tree that knows its lines and collects its faults, so that one pass reports them all."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from tools.recipes.keys import nearest

_KINDS: Final = {
    "tag:yaml.org,2002:str": "empty text",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:bool": "true or false",
}
_TEXT, _NULL, _BOOLEAN = _KINDS


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One mistake. `line` counts from 1, 0 when it is unknown; `place` is the path of keys to it."""

    file: str
    line: int
    place: str
    reason: str

    def __str__(self) -> str:
        line = f":{self.line}" if self.line else ""
        place = f"{self.place}: " if self.place else ""
        return f"{self.file}{line}: {place}{self.reason}"


@dataclass(frozen=True, slots=True)
class FaultList:
    """The faults of one file, in the order in which they were found."""

    file: str
    found: list[Fault] = field(default_factory=list)

    def add(self, line: int, place: str, reason: str) -> None:
        """Note a fault."""
        self.found.append(Fault(self.file, line, place, reason))


class Node:
    """A place in a document. Reading it notes what is wrong there and goes on; an absent one reads as empty."""

    def __init__(self, faults: FaultList, source: yaml.Node | None, place: str = "", line: int | None = None) -> None:
        self._faults = faults
        self._source = source
        self.place = place
        self.line = _line(source) if line is None else line
        self._keys: dict[str, Node] = {}
        self._items: list[Node] = []
        if isinstance(source, yaml.MappingNode):
            self._read_keys(source)
        elif isinstance(source, yaml.SequenceNode):
            self._items = [Node(faults, item, f"{place}[{at}]") for at, item in enumerate(source.value)]

    def _read_keys(self, source: yaml.MappingNode) -> None:
        for key, value in source.value:
            name, line = str(key.value), _line(key)
            if name in self._keys:
                first = self._keys[name].line
                self.wrong(f"the key {name!r} is given twice{f', first in line {first}' if first else ''}", line=line)
            self._keys[name] = Node(self._faults, value, f"{self.place}.{name}" if self.place else name, line)

    def __bool__(self) -> bool:
        return self._source is not None

    def wrong(self, reason: str, *, line: int | None = None) -> None:
        """Note that this place is wrong; nothing is noted of an absent one."""
        if self:
            self._faults.add(self.line if line is None else line, self.place, reason)

    @property
    def is_mapping(self) -> bool:
        """Whether it holds keys."""
        return isinstance(self._source, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether it holds items."""
        return isinstance(self._source, yaml.SequenceNode)

    @property
    def is_scalar(self) -> bool:
        """Whether it holds one value."""
        return isinstance(self._source, yaml.ScalarNode)

    @property
    def is_null(self) -> bool:
        """Whether nothing is written there."""
        return self.is_scalar and self._tag == _NULL

    @property
    def value(self) -> object:
        """The value as Python has it."""
        return yaml.constructor.SafeConstructor().construct_document(self._source) if self._source else None

    @property
    def raw(self) -> str:
        """The text of a scalar, whatever its type; empty for anything else."""
        return str(self._source.value) if isinstance(self._source, yaml.ScalarNode) else ""

    def mapping(self, known: Iterable[str] | None = None) -> "Keys":
        """The inner places by key; anything but a mapping is noted, and so is an unknown key."""
        if self and not self.is_mapping:
            self.wrong("must be an object of keys")
        words = frozenset(self._keys if known is None else known)
        for name, inner in self._keys.items():
            if name not in words:
                self.wrong(f"unknown key {name!r}{nearest(name, words)}", line=inner.line)
        return Keys(self, self._keys)

    def items(self) -> list["Node"]:
        """The items of a list; anything else is noted."""
        if self and not self.is_list:
            self.wrong("must be a list")
        return self._items

    def text(self, *, empty: bool = False) -> str:
        """The text; empty, and noted unless that is allowed, when there is none."""
        if self.is_scalar and self._tag == _TEXT and (empty or self.raw.strip()):
            return self.raw
        kind = f", not {_KINDS.get(self._tag, 'a number or a date')}; put it in quotes" if self.is_scalar else ""
        self.wrong(f"must be text{kind}")
        return ""

    def choice(self, known: Iterable[str]) -> str:
        """One of these words; empty, and noted, when it is another."""
        words, value = frozenset(known), self.text()
        if value in words:
            return value
        if value:
            self.wrong(f"{value!r} is unknown{nearest(value, words)}")
        return ""

    def truth(self) -> bool:
        """Whether it is true; anything but true or false is noted."""
        if self._tag not in {_BOOLEAN, _TEXT} or self.raw not in {"true", "false"}:
            self.wrong("must be true or false")
        return self.raw == "true"

    def lines(self) -> Iterator[tuple[int, str]]:
        """The lines of a text with their numbers in the document."""
        first = self.line + 1 if "\n" in self.raw else self.line
        return enumerate(self.raw.splitlines(), first)

    def leaves(self) -> Iterator["Node"]:
        """Every scalar below."""
        if self.is_scalar:
            yield self
        for inner in (*self._keys.values(), *self._items):
            yield from inner.leaves()

    def below(self, steps: Iterable[str]) -> "Node":
        """The place that a JSON pointer leads to."""
        here = self
        for step in steps:
            here = here._keys.get(step, ABSENT)
        return here

    @property
    def _tag(self) -> str:
        return self._source.tag if self._source else ""


class Keys(dict[str, Node]):
    """The inner places of a mapping."""

    def __init__(self, parent: Node, inner: Mapping[str, Node]) -> None:
        super().__init__(inner)
        self.parent = parent

    def optional(self, key: str) -> Node:
        """The place of a key, or an absent one."""
        return self.get(key, ABSENT)

    def required(self, key: str, remedy: str = "") -> Node:
        """The place of a key; a missing one is noted, with the remedy."""
        if key not in self:
            self.parent.wrong(f"{key} is missing{remedy}")
        return self.optional(key)


ABSENT: Final = Node(FaultList(""), None, line=0)


def parse(text: str | bytes, faults: FaultList, *, text_scalars: bool = False) -> Node:
    """The document, absent and noted when it is not an object in YAML; `text_scalars` leaves every scalar text."""
    try:
        source = yaml.compose(text, yaml.BaseLoader if text_scalars else yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        faults.add(mark.line + 1 if mark else 1, "", f"is not YAML ({getattr(error, 'problem', None) or error})")
        return ABSENT
    if not isinstance(source, yaml.MappingNode):
        faults.add(1, "", "must be an object of keys")
        return ABSENT
    return Node(faults, source)


def as_document(value: object, faults: FaultList) -> Node:
    """A tree of what was read in another format; its lines are unknown."""
    return Node(faults, yaml.SafeDumper(io.StringIO()).represent_data(value))


def _line(source: yaml.Node | None) -> int:
    return source.start_mark.line + 1 if source is not None and source.start_mark else 0
