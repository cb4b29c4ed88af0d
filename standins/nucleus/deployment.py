"""Deployments: which components are wanted, and everything that they need, in order."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smartcam.contract.written import UnreadableText, json_of, read_text
from standins.nucleus.configuration import Update, parse_pointer
from standins.nucleus.profile import Profile
from standins.nucleus.recipe import Recipe, RecipeError, raise_first, read_recipe
from tools.recipes.document import FaultList, Node, as_document
from tools.recipes.keys import nearest
from tools.recipes.recipe import HARD_ON_INSTALLED, Dependency
from tools.recipes.versions import VersionError, VersionRange, parse_range

_MOST_ROUNDS = 100
_COMPONENT_KEYS = frozenset({"version", "merge", "reset"})


class DeploymentError(Exception):
    """A deployment that cannot be carried out."""


@dataclass(frozen=True, slots=True)
class DeploymentEntry:
    """One component of a deployment."""

    version: str
    update: Update


@dataclass(frozen=True, slots=True)
class DeploymentDocument:
    """Which components a device should run, by name."""

    components: Mapping[str, DeploymentEntry]

    @property
    def reconfigured(self) -> frozenset[str]:
        """The components that it gives a configuration."""
        return frozenset(name for name, entry in self.components.items() if entry.update != Update())

    @property
    def digest(self) -> str:
        """What tells it from others."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def read_deployment(file: Path) -> DeploymentDocument:
    """The deployment in a JSON file. Raises DeploymentError and RecipeError."""
    try:
        document = json_of(read_text(file))
    except OSError as error:
        raise DeploymentError(f"{file}: cannot be read ({error.strerror})") from error
    except UnreadableText as error:
        raise DeploymentError(error.within(file)) from error
    faults = FaultList(file.name)
    top = as_document(document, faults)
    components = top.mapping({"components"}).optional("components").mapping()
    if not components:
        top.wrong('needs {"components": {"<name>": {"version": "1.2.3"}}}')
    wanted = {name: _entry(node) for name, node in components.items()}
    raise_first(faults)
    return DeploymentDocument(wanted)


def _entry(node: Node) -> DeploymentEntry:
    keys = node.mapping(_COMPONENT_KEYS)
    merged = {key: inner.value for key, inner in keys.optional("merge").mapping().items()}
    reset = keys.optional("reset")
    try:
        pointers = tuple(parse_pointer(item.raw) for item in reset.items())
    except ValueError as error:
        reset.wrong(str(error))
        pointers = ()
    return DeploymentEntry(keys.required("version").text(), Update(merged, pointers))


def resolve(deployment: DeploymentDocument, folder: Path, profile: Profile) -> tuple[Recipe, ...]:
    """The recipes of all components that are needed, dependencies first.

    Raises:
        DeploymentError: when a component or a version is not there, or the nucleus could not start it.
        RecipeError: when a recipe that is needed cannot be read.
    """
    available = _RecipeFolder(folder, profile)
    chosen: dict[str, Recipe] = {}
    for _ in range(_MOST_ROUNDS):
        demands = _demands(deployment, chosen)
        again = {name: available.newest(name, wanted) for name, wanted in demands.items()}
        if again == chosen:
            if profile.recipes.hard_needs_a_service:
                _check_hard_dependencies(chosen)
            return tuple(_ordered(chosen))
        chosen = again
    raise DeploymentError(f"the versions of {', '.join(sorted(chosen))} conflict with one another")


@dataclass(frozen=True, slots=True)
class _Demand:
    by: str
    requirement: VersionRange


def _demands(deployment: DeploymentDocument, chosen: Mapping[str, Recipe]) -> Mapping[str, Sequence[_Demand]]:
    demands: dict[str, list[_Demand]] = {}
    for name, wanted in deployment.components.items():
        try:
            demands.setdefault(name, []).append(_Demand("the deployment", parse_range(wanted.version)))
        except VersionError as error:
            raise DeploymentError(f"{name}: {error}") from error
    # Only from what is still demanded: nobody may need an older version's dependencies any more.
    waiting = list(demands)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in chosen:
            continue
        seen.add(name)
        for dependency in chosen[name].dependencies:
            demands.setdefault(dependency.name, []).append(_Demand(name, dependency.requirement))
            waiting.append(dependency.name)
    return demands


class _RecipeFolder:
    """The recipes in a folder, read when they are needed."""

    def __init__(self, folder: Path, profile: Profile) -> None:
        if not folder.is_dir():
            raise DeploymentError(f"{folder}: no such recipe folder")
        self._files = sorted(folder.glob("*.yaml"))
        self._folder = folder
        self._profile = profile
        self._read: dict[Path, Recipe] = {}

    def newest(self, name: str, demands: Sequence[_Demand]) -> Recipe:
        """The newest version of a component that meets all demands."""
        recipes = [self._recipe(file) for file in self._files if self._is_of(file, name)]
        fitting = [
            recipe for recipe in recipes if all(demand.requirement.takes(recipe.parsed_version) for demand in demands)
        ]
        if fitting:
            return max(fitting, key=lambda recipe: recipe.parsed_version)
        demanded = " and ".join(f"{demand.by} wants {demand.requirement.text}" for demand in demands)
        if recipes:
            there = ", ".join(recipe.version for recipe in recipes)
            raise DeploymentError(f"{name}: {demanded}, but there is {there} in {self._folder}")
        names = {file.stem.rpartition("-")[0] for file in self._files}
        raise DeploymentError(f"{name}: {demanded}, but {self._folder} has no recipe of it{nearest(name, names)}")

    def _is_of(self, file: Path, name: str) -> bool:
        rest = file.stem.removeprefix(f"{name}-")
        return rest != file.stem and rest[:1].isdigit()

    def _recipe(self, file: Path) -> Recipe:
        if file not in self._read:
            self._read[file] = read_recipe(file, self._profile)
        return self._read[file]


def _check_hard_dependencies(chosen: Mapping[str, Recipe]) -> None:
    for recipe in chosen.values():
        for dependency in recipe.dependencies:
            if dependency.hard and chosen[dependency.name].service is None:
                raise RecipeError(f"{recipe.file.name}: {dependency.node.place}: {HARD_ON_INSTALLED}")


def _ordered(chosen: Mapping[str, Recipe]) -> Iterator[Recipe]:
    done: set[str] = set()
    waiting = dict(sorted(chosen.items()))
    while waiting:
        ready = [recipe for recipe in waiting.values() if _names(recipe.dependencies) <= done]
        if not ready:
            raise DeploymentError(f"the dependencies of {', '.join(waiting)} form a cycle")
        for recipe in ready:
            del waiting[recipe.name]
            done.add(recipe.name)
            yield recipe


def _names(dependencies: Sequence[Dependency]) -> set[str]:
    return {dependency.name for dependency in dependencies}
