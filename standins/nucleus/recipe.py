"""Component recipes, as this machine's nucleus takes them."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.nucleus.profile import Profile
from tools.recipes.document import ABSENT, FaultList, Keys, Node
from tools.recipes.recipe import (
    BUILT_IN,
    Artifact,
    Dependency,
    LifecyclePhase,
    Manifest,
    Step,
    read_document,
    read_steps,
)
from tools.recipes.versions import Version, parse_version

_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "aarch64", "armv7l": "arm", "armv6l": "arm", "i686": "x86"}

_NONE_FITS: Final = 'none fits: Platform needs os: linux, runtime: "*" and this machine\'s architecture'


class RecipeError(Exception):
    """What is wrong with a recipe or a deployment, where, and what was probably meant."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a component is made of, for this machine."""

    file: Path
    name: str
    version: str
    defaults: Mapping[str, object]
    dependencies: tuple[Dependency, ...]
    steps: Mapping[LifecyclePhase, Step]
    artifacts: tuple[Artifact, ...]

    @property
    def parsed_version(self) -> Version:
        """The version, to be compared."""
        return parse_version(self.version)

    @property
    def service(self) -> Step | None:
        """The step that keeps running; None for a component that is only installed."""
        return self.steps.get(LifecyclePhase.STARTUP) or self.steps.get(LifecyclePhase.RUN)


def read_recipe(file: Path, profile: Profile) -> Recipe:
    """The recipe in a YAML file.

    Raises:
        RecipeError: naming the file, the place and the remedy.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise RecipeError(f"{file.name}: cannot be read ({error.strerror})") from error
    faults = FaultList(file.name)
    document = read_document(text, faults, profile.recipes.reading)
    expected = f"{document.name}-{document.version}"
    if file.stem != expected:
        faults.add(0, "", f"must be called {expected}.yaml, or the nucleus does not find it")
    fitting = [manifest for manifest in document.manifests if _fits(manifest.platform, profile)]
    if not fitting:
        document.top.optional("Manifests").wrong(_NONE_FITS)
    raise_first(faults)
    manifest = fitting[0]
    steps = read_steps(_lifecycle(manifest, document.top), profile.recipes.reading)
    for step in steps.values():
        if step.keys.optional("RequiresPrivilege").truth():
            step.keys["RequiresPrivilege"].wrong("the stand-in runs nothing as root")
    raise_first(faults)
    defaults = document.defaults.value
    return Recipe(
        file=file,
        name=document.name,
        version=document.version,
        defaults=defaults if isinstance(defaults, dict) else {},
        dependencies=tuple(each for each in document.dependencies if each.name not in BUILT_IN),
        steps=steps,
        artifacts=manifest.artifacts,
    )


def raise_first(faults: FaultList) -> None:
    """Raises RecipeError when something is wrong with a file that has been read."""
    if faults.found:
        raise RecipeError(str(faults.found[0]))


def _fits(platform_keys: Keys, profile: Profile) -> bool:
    here = {
        "os": {"linux", "all", "*"},
        "runtime": {"*", f"aws_nucleus_{profile.name}"},
        "architecture": {"*", _ARCHITECTURES.get(platform.machine(), platform.machine())},
    }
    if "os" not in platform_keys or ("runtime" not in platform_keys and profile.recipes.needs_runtime):
        return False
    return all(platform_keys[key].text() in words for key, words in here.items() if key in platform_keys)


def _lifecycle(manifest: Manifest, top: Keys) -> Node:
    own = manifest.keys.optional("Lifecycle")
    if own.mapping():
        return own
    shared = top.optional("Lifecycle").mapping()
    selections = [item.text() for item in manifest.keys.optional("Selections").items()] or ["all"]
    for word in selections:
        if word in shared and word in {"all", "linux"}:
            return shared[word]
    place = own or manifest.platform.parent
    place.wrong("the manifest needs a Lifecycle with at least one phase: lite knows no component without")
    return ABSENT
