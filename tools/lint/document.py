"""A YAML document as a tree that knows its lines, read with the types that nucleus classic gives."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from tools.lint.finding import Finding
from tools.recipes.keys import nearest

_NULL: Final = "tag:yaml.org,2002:null"
_TEXT: Final = "tag:yaml.org,2002:str"
_BOOLEAN: Final = "tag:yaml.org,2002:bool"
_INTEGER: Final = "tag:yaml.org,2002:int"


@dataclass(frozen=True, slots=True)
class Report:
    """Collects what is found in one file."""

    file: str
    findings: list[Finding] = field(default_factory=list)

    def add(self, line: int, place: str, reason: str) -> None:
        """Note a mistake."""
        self.findings.append(Finding(self.file, line, place, reason))


class Spot:
    """A place in the document. Reading it notes what is wrong with it and goes on."""

    def __init__(self, report: Report, node: yaml.Node, place: str, line: int | None = None) -> None:
        self._report = report
        self._node = node
        self.place = place
        self.line: int = line or node.start_mark.line + 1

    def wrong(self, reason: str, *, line: int | None = None) -> None:
        """Note that this place is wrong."""
        self._report.add(line or self.line, self.place, reason)

    @property
    def is_mapping(self) -> bool:
        """Whether it holds keys."""
        return isinstance(self._node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether it holds items."""
        return isinstance(self._node, yaml.SequenceNode)

    def mapping(self, known: Iterable[str] | None = None) -> Mapping[str, "Spot"]:
        """The inner places by key; what is no mapping, stands twice or is unknown is noted."""
        if not isinstance(self._node, yaml.MappingNode):
            self.wrong("must be an object of keys")
            return {}
        words = None if known is None else frozenset(known)
        inner: dict[str, Spot] = {}
        for key, value in self._node.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in inner:
                self.wrong(f"the key {name!r} stands there twice", line=line)
            elif words is not None and name not in words:
                self.wrong(f"unknown key {name!r}{nearest(name, words)}", line=line)
            inner[name] = Spot(self._report, value, f"{self.place}.{name}" if self.place else name, line)
        return inner

    def items(self) -> list["Spot"]:
        """The items of a list; what is no list is noted."""
        if not isinstance(self._node, yaml.SequenceNode):
            self.wrong("must be a list")
            return []
        return [Spot(self._report, item, f"{self.place}[{at}]") for at, item in enumerate(self._node.value)]

    def text(self) -> str | None:
        """The text; None, and a note, when it is something else or empty."""
        if isinstance(self._node, yaml.ScalarNode) and self._node.tag == _TEXT and self._node.value.strip():
            return str(self._node.value)
        self.wrong(f"must be text, not {self._kind()}; put it in quotes" if self.is_scalar else "must be text")
        return None

    def choice(self, known: Iterable[str]) -> str | None:
        """One of these words; None, and a note, when it is another."""
        words = frozenset(known)
        value = self.text()
        if value is not None and value not in words:
            self.wrong(f"{value!r} is unknown{nearest(value, words)}")
            return None
        return value

    def whole(self) -> int | None:
        """A whole number above 0; None, and a note, when it is something else."""
        if isinstance(self._node, yaml.ScalarNode) and self._node.tag == _INTEGER and self._node.value.isdigit():
            number = int(self._node.value)
            if number > 0:
                return number
        self.wrong("must be a whole number of seconds above 0")
        return None

    def truth(self) -> bool | None:
        """Whether it is true; None, and a note, when it is something else."""
        words = {"true": True, "false": False}
        if isinstance(self._node, yaml.ScalarNode) and self._node.tag == _BOOLEAN and self._node.value in words:
            return words[self._node.value]
        self.wrong("must be true or false")
        return None

    @property
    def is_scalar(self) -> bool:
        """Whether it holds one value."""
        return isinstance(self._node, yaml.ScalarNode)

    def leaves(self) -> Iterator["Spot"]:
        """Every scalar below."""
        if isinstance(self._node, yaml.MappingNode):
            for inner in self.mapping().values():
                yield from inner.leaves()
        elif isinstance(self._node, yaml.SequenceNode):
            for inner in self.items():
                yield from inner.leaves()
        else:
            yield self

    def raw(self) -> str:
        """What stands there, whatever its type; empty for anything but a scalar."""
        return str(self._node.value) if isinstance(self._node, yaml.ScalarNode) else ""

    @property
    def is_null(self) -> bool:
        """Whether nothing stands there."""
        return isinstance(self._node, yaml.ScalarNode) and self._node.tag == _NULL

    def below(self, steps: Iterable[str]) -> "Spot | None":
        """The place that a JSON pointer leads to, None when there is none."""
        here: Spot = self
        for step in steps:
            if not isinstance(here._node, yaml.MappingNode):
                return None
            found = [value for key, value in here._node.value if key.value == step]
            if not found:
                return None
            here = Spot(self._report, found[-1], f"{here.place}.{step}")
        return here

    def _kind(self) -> str:
        kinds = {_NULL: "nothing", _TEXT: "empty text", _BOOLEAN: "true or false"}
        return kinds.get(self._node.tag, "a number or a date")


def parse(text: str, report: Report) -> Spot | None:
    """The document; None, and a note, when it is not YAML or empty."""
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        report.add(mark.line + 1 if mark else 1, "", f"is not YAML ({getattr(error, 'problem', None) or error})")
        return None
    if node is None:
        report.add(1, "", "is empty")
        return None
    return Spot(report, node, "")


def required(keys: Mapping[str, Spot], key: str, parent: Spot) -> Spot | None:
    """The place of a key; None, and a note at its parent, when it is missing."""
    if key not in keys:
        parent.wrong(f"{key} is missing")
    return keys.get(key)
