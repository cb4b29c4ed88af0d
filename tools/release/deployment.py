"""Deployments as values: what a group is to run, and how that differs from what it runs. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Merge = Mapping[str, Any]
OUR_PREFIX: Final = "smartcam."
ACCESS: Final = "/accessControl"
WHOLE: Final = ""
_UNSET: Final = object()


@dataclass(frozen=True, slots=True)
class WantedComponent:
    """One component of a deployment."""

    version: str
    merge: Merge = field(default_factory=dict)
    reset: tuple[str, ...] = ()
    rest: Mapping[str, Any] = field(default_factory=dict)
    """What others have set, such as runWith; it is kept."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The components of a target. A new deployment replaces all of them."""

    components: Mapping[str, WantedComponent]

    @classmethod
    def of_service(cls, answer: Mapping[str, Any]) -> "Deployment":
        """From the answer of GetDeployment."""
        return cls({name: _read(each) for name, each in answer.get("components", {}).items()})

    def for_service(self) -> dict[str, Any]:
        """For CreateDeployment, where merges are JSON in text."""
        return {name: _write(wanted) for name, wanted in sorted(self.components.items())}


def _read(answer: Mapping[str, Any]) -> WantedComponent:
    update = answer.get("configurationUpdate", {})
    rest = {key: value for key, value in answer.items() if key not in {"componentVersion", "configurationUpdate"}}
    merge = json.loads(update.get("merge") or "{}")
    return WantedComponent(answer["componentVersion"], merge, tuple(update.get("reset", ())), rest)


def _write(wanted: WantedComponent) -> dict[str, Any]:
    update: dict[str, Any] = {}
    if wanted.reset:
        update["reset"] = list(wanted.reset)
    if wanted.merge:
        update["merge"] = json.dumps(wanted.merge, separators=(",", ":"), sort_keys=True)
    document = {"componentVersion": wanted.version, **wanted.rest}
    return {**document, "configurationUpdate": update} if update else document


@dataclass(frozen=True, slots=True)
class Release:
    """What a build brings: the version of every component, and which have rights to reset."""

    version: str
    components: tuple[str, ...]
    with_rights: frozenset[str]


def next_deployment(
    current: Deployment | None, release: Release, merges: Mapping[str, Merge] | None, drop: Sequence[str] = ()
) -> Deployment:
    """The deployment after `current`: the whole release, and the components of others as they were.

    `merges` is the configuration by component; None keeps what was deployed before.
    """
    before = current.components if current is not None else {}
    components = {name: _kept(wanted) for name, wanted in before.items() if _is_foreign(name) and name not in drop}
    for name in release.components:
        old = before.get(name)
        merge = (old.merge if old else {}) if merges is None else merges.get(name, {})
        reset = [ACCESS] if name in release.with_rights else []
        # A merge only adds: keys that are no longer in it go back to the recipe's defaults.
        reset += gone(old.merge, merge) if old else []
        components[name] = WantedComponent(release.version, merge, tuple(reset), old.rest if old else {})
    return Deployment(components)


def earlier_again(current: Deployment, earlier: Deployment) -> Deployment:
    """A deployment that brings back an earlier one, configuration included."""
    components = {}
    for name, wanted in earlier.components.items():
        now = current.components.get(name)
        changed = now is not None and now.merge != wanted.merge
        # The whole configuration: what the later deployment merged must not stay.
        reset = (WHOLE,) if changed else tuple(pointer for pointer in wanted.reset if pointer == ACCESS)
        components[name] = WantedComponent(wanted.version, wanted.merge, reset, wanted.rest)
    return Deployment(components)


def gone(old: Merge, new: Merge) -> list[str]:
    """JSON pointers to what the old merge set and the new one does not, or sets to another kind of thing."""
    # Neither nucleus merges an object onto a value, or a value onto an object.
    return [
        pointer
        for pointer, was, becomes in _differences(old, new)
        if was is not _UNSET and (becomes is _UNSET or isinstance(was, Mapping) != isinstance(becomes, Mapping))
    ]


def _kept(wanted: WantedComponent) -> WantedComponent:
    # Its reset is done; to repeat it would undo what the device has set since.
    return WantedComponent(wanted.version, wanted.merge, (), wanted.rest)


def _is_foreign(name: str) -> bool:
    return not name.startswith(OUR_PREFIX)


def changes(current: Deployment | None, following: Deployment) -> list[str]:
    """What a deployment changes, one line each; empty when it changes nothing."""
    before = current.components if current is not None else {}
    lines: list[str] = []
    for name, wanted in sorted(following.components.items()):
        old = before.get(name)
        if old is None:
            lines.append(f"+ {name} {wanted.version}")
        elif old.version != wanted.version:
            lines.append(f"~ {name} {old.version} -> {wanted.version}")
        keys = [
            f"    {pointer}: {_arrow(was, becomes)}"
            for pointer, was, becomes in _differences(old.merge if old else {}, wanted.merge)
        ]
        if keys and old is not None and old.version == wanted.version:
            lines.append(f"~ {name} {wanted.version}")
        lines += keys
    lines += [f"- {name} {before[name].version}" for name in sorted(before.keys() - following.components.keys())]
    return lines


def _arrow(was: object, becomes: object) -> str:
    following = "the default" if becomes is _UNSET else json.dumps(becomes)
    return following if was is _UNSET else f"{json.dumps(was)} -> {following}"


def _differences(old: Merge, new: Merge, prefix: str = "") -> Iterator[tuple[str, object, object]]:
    """JSON pointers to the innermost values that differ, with the old and the new one."""
    for key in sorted(old.keys() | new.keys()):
        pointer = f"{prefix}/{key.replace('~', '~0').replace('/', '~1')}"
        was, becomes = old.get(key, _UNSET), new.get(key, _UNSET)
        if isinstance(was, Mapping) and isinstance(becomes, Mapping):
            yield from _differences(was, becomes, pointer)
        elif was != becomes:
            yield pointer, was, becomes
