"""The configuration store: one tree of leaves per component, with the time of each leaf."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

KeyPath = tuple[str, ...]
Listener = Callable[[str, KeyPath], None]
"""Called with the component and the full path of each changed leaf."""


class ConfigurationConflict(Exception):
    """A value would replace an object, or an object a value."""


class NoSuchKey(Exception):
    """Nothing is stored at a path."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value (a list is one value) and when it was written, in milliseconds since 1970."""

    value: object
    at_ms: int


@dataclass(slots=True)
class Tree:
    """One component's configuration. `empty` holds the objects without any key."""

    leaves: dict[KeyPath, Leaf] = field(default_factory=dict)
    empty: set[KeyPath] = field(default_factory=set)

    def read(self, path: KeyPath) -> object:
        """The value at a path, objects put together again. Raises NoSuchKey."""
        if path in self.leaves:
            return self.leaves[path].value
        found: dict[str, object] = {}
        places = [place for place in (*self.leaves, *self.empty) if place[: len(path)] == path]
        if not places:
            raise NoSuchKey("/".join(path) or "(root)")
        for place in places:
            if place == path:
                continue
            inner = found
            for key in place[len(path) : -1]:
                step = inner.setdefault(key, {})
                assert isinstance(step, dict)  # noqa: S101  merge() lets no leaf have children
                inner = step
            inner[place[-1]] = self.leaves[place].value if place in self.leaves else {}
        return found

    def merge(self, path: KeyPath, value: object, at_ms: int) -> list[KeyPath]:
        """Write every leaf of `value` below `path` and return those that changed.

        A leaf with a later time is left alone, as on the nucleus.

        Raises:
            ConfigurationConflict: at the first leaf that cannot be written; those before it are.
        """
        return [place for place, leaf in _flatten(path, value) if self._write(place, leaf, at_ms)]

    def fill(self, path: KeyPath, value: object, at_ms: int) -> None:
        """Write only what is not there: defaults never overwrite what the device has."""
        for place, leaf in _flatten(path, value):
            if not self._taken(place):
                self._write(place, leaf, at_ms)

    def remove(self, path: KeyPath) -> None:
        """Forget everything at and below a path."""
        for place in [place for place in self.leaves if place[: len(path)] == path]:
            del self.leaves[place]
        self.empty = {place for place in self.empty if place[: len(path)] != path}

    def is_newer(self, path: KeyPath, at_ms: int) -> bool:
        """Whether any leaf at or below a path was written later than this."""
        return any(leaf.at_ms > at_ms for place, leaf in self.leaves.items() if place[: len(path)] == path)

    def _taken(self, place: KeyPath) -> bool:
        if place in self.leaves or any(place[:depth] in self.leaves for depth in range(len(place))):
            return True
        return any(other[: len(place)] == place for other in (*self.leaves, *self.empty))

    def _write(self, place: KeyPath, value: object, at_ms: int) -> bool:
        for depth in range(len(place)):
            if place[:depth] in self.leaves:
                raise ConfigurationConflict(f"{'/'.join(place[:depth])} is a value, not an object")
        if value is _EMPTY:
            if place in self.leaves:
                raise ConfigurationConflict(f"{'/'.join(place)} is a value, not an object")
            if not self._taken(place):
                self._forget_empty_parents(place)
                self.empty.add(place)
            return False
        before = self.leaves.get(place)
        if not place or (before is None and self._taken(place)):
            raise ConfigurationConflict(f"{'/'.join(place) or '(root)'} is an object, not a value")
        if before is not None and before.at_ms > at_ms:
            return False
        self._forget_empty_parents(place)
        self.leaves[place] = Leaf(value, at_ms)
        return before is None or not _same(before.value, value)

    def _forget_empty_parents(self, place: KeyPath) -> None:
        for depth in range(len(place)):
            self.empty.discard(place[:depth])


class ConfigurationStore:
    """The configuration of all components, kept in a file when given one."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._trees: dict[str, Tree] = {}
        self._changes: dict[str, int] = {}
        self.listener: Listener = lambda _component, _path: None
        if path is not None and path.exists():
            self._load(path)

    @property
    def trees(self) -> dict[str, Tree]:
        """All configuration, for a rollback to save and restore; the listener is not called."""
        return self._trees

    @trees.setter
    def trees(self, trees: dict[str, Tree]) -> None:
        self._trees = trees
        self._changes = {component: self.generation(component) + 1 for component in {*trees, *self._changes}}
        self._save()

    def generation(self, component: str) -> int:
        """A number that grows with every change of a component's configuration."""
        return self._changes.get(component, 0)

    def read(self, component: str, path: KeyPath = ()) -> object:
        """The value at a path. Raises NoSuchKey."""
        tree = self._trees.get(component)
        if tree is None:
            raise NoSuchKey(component)
        return tree.read(path)

    def document(self, component: str) -> Mapping[str, object]:
        """A component's whole configuration; empty for an unknown one."""
        if component not in self._trees:
            return {}
        found = self.read(component)
        return found if isinstance(found, dict) else {}

    def deploy(self, component: str, defaults: Mapping[str, object], update: "Update", at_ms: int) -> None:
        """What a deployment does: reset to the defaults, fill in defaults, merge.

        Raises:
            ConfigurationConflict: when the merge does not fit what is there.
        """
        tree = self._trees.setdefault(component, Tree())
        before = dict(tree.leaves)
        for path in update.reset:
            tree.remove(path)
        tree.fill((), defaults, at_ms)
        if update.merge:
            tree.merge((), update.merge, at_ms)
        changed = [
            place
            for place, leaf in tree.leaves.items()
            if place not in before or not _same(before[place].value, leaf.value)
        ]
        self._notify(component, changed)

    def merge(self, component: str, path: KeyPath, value: object, at_ms: int) -> bool:
        """Write a value at run time; True when something there is newer. Raises ConfigurationConflict."""
        tree = self._trees.setdefault(component, Tree())
        stale = tree.is_newer(path, at_ms)
        self._notify(component, tree.merge(path, value, at_ms))
        return stale

    def _notify(self, component: str, changed: list[KeyPath]) -> None:
        self._changes[component] = self.generation(component) + 1
        self._save()
        for path in changed:
            self.listener(component, path)

    def _save(self) -> None:
        if self._path is None:
            return
        document = {
            component: {
                "leaves": [[list(place), leaf.value, leaf.at_ms] for place, leaf in tree.leaves.items()],
                "empty": [list(place) for place in sorted(tree.empty)],
            }
            for component, tree in self._trees.items()
        }
        # A power cut must leave the old file or the new one.
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def _load(self, path: Path) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        for component, stored in document.items():
            leaves = {tuple(place): Leaf(value, at_ms) for place, value, at_ms in stored["leaves"]}
            self._trees[component] = Tree(leaves, {tuple(place) for place in stored["empty"]})


@dataclass(frozen=True, slots=True)
class Update:
    """What a deployment changes in a component's configuration."""

    merge: Mapping[str, object] = field(default_factory=dict)
    reset: tuple[KeyPath, ...] = ()


def parse_pointer(pointer: str) -> KeyPath:
    """The path that a JSON pointer names; "" is the root. Raises ValueError without the leading '/'."""
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is not a JSON pointer: it must begin with '/'")
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in pointer[1:].split("/"))


_EMPTY = object()


def _flatten(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, object]]:
    if not isinstance(value, Mapping):
        yield path, value
    elif not value:
        yield path, _EMPTY
    else:
        for key, inner in value.items():
            yield from _flatten((*path, str(key)), inner)


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other
