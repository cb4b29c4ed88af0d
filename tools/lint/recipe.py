"""One recipe against the suite's own rules, which go beyond what a nucleus needs to read it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tools.lint.access import check_access
from tools.lint.facts import SuiteFacts, Use
from tools.lint.lifecycle import ScriptContext, check_steps
from tools.recipes.document import FaultList, Keys
from tools.recipes.keys import nearest
from tools.recipes.recipe import Artifact, LifecyclePhase, RecipeDocument, Step, read_document, read_steps
from tools.recipes.rules import LITE, ReadingRules

_RULES: Final[ReadingRules] = replace(LITE, text_scalars=False, phases=("install", "startup", "run"))
"""Lite's limits with classic's types: what passes suits both."""
_ARCHITECTURES: Final = frozenset({"aarch64", "amd64", "*"})
_VARIABLE: Final = re.compile(r"\{[A-Za-z]+:[^}]*\}")
_BUCKET: Final = "s3://BUCKET_NAME/"


@dataclass(frozen=True, slots=True)
class CheckedRecipe:
    """A recipe that has been read, for the checks across recipes."""

    document: RecipeDocument
    lifecycles: Sequence[Mapping[LifecyclePhase, Step]]


def check_recipe(text: str, name: str, facts: SuiteFacts, faults: FaultList) -> CheckedRecipe:
    """Note what is wrong with the final text of the recipe of a component."""
    document = read_document(text.encode(), faults, _RULES)
    shared = document.top.optional("Lifecycle")
    shared.wrong("write it into the manifest: lite reads one at the top only below 'all' or 'linux'")
    _check_identity(document, name, facts.version)
    _check_configuration(document, facts.uses.get(name, frozenset()), name)
    folder = f"{name}/{facts.version}/"
    return CheckedRecipe(document, _check_manifests(document, folder, facts.artifacts.get(name, frozenset())))


def _check_identity(document: RecipeDocument, name: str, version: str) -> None:
    top = document.top
    if document.name and document.name != name:
        top["ComponentName"].wrong(f"{document.name!r}, but the file is called {name}.yaml")
    if document.version and document.version != version:
        top["ComponentVersion"].wrong(f"{document.version}, but the suite is {version}: write {{COMPONENT_VERSION}}")
    for key in top.keys() & {"ComponentDescription", "ComponentPublisher"}:
        if "\n" in top[key].text().strip():
            top[key].wrong("must be one line: lite writes it into a unit of systemd")


def _check_configuration(document: RecipeDocument, uses: frozenset[Use], name: str) -> None:
    outer, defaults = document.top.optional("ComponentConfiguration"), document.defaults
    if not outer and uses:
        document.top.parent.wrong(
            "ComponentConfiguration is missing: without accessControl the code may do nothing on the bus"
        )
    outer.mapping().required("DefaultConfiguration")
    for leaf in defaults.leaves():
        if _VARIABLE.search(leaf.raw):
            leaf.wrong("variables are not replaced inside configuration on lite, nor on classic by default")
        if leaf.is_null:
            leaf.wrong("holds nothing: nucleus lite delivers empty text for it; write a value or leave the key out")
    for key, value in defaults.mapping().items():
        if key != "accessControl" and key.lower() == "accesscontrol":
            value.wrong("must be written accessControl")
    if defaults:
        check_access(document, uses, name)


def _check_manifests(
    document: RecipeDocument, folder: str, made: frozenset[str]
) -> list[Mapping[LifecyclePhase, Step]]:
    manifests = document.top.optional("Manifests")
    if manifests.is_list and not document.manifests:
        manifests.wrong("must hold at least one manifest")
    found: list[Mapping[LifecyclePhase, Step]] = []
    taken: set[str] = set()
    named: set[str] = set()
    for manifest in document.manifests:
        keys = manifest.keys
        keys.optional("Selections").wrong("select parts of a top-level Lifecycle, which the suite does not use")
        if keys.required("Platform"):
            _check_platform(manifest.platform, taken)
        keys.required("Artifacts", ": nucleus lite refuses the component from the cloud; write []")
        files = _check_artifacts(manifest.artifacts, folder, made)
        named |= files.keys()
        around = ScriptContext(
            configuration=document.defaults,
            artifacts=frozenset(files),
            unpacks=any(files.values()),
            dependencies=frozenset(dependency.name for dependency in document.dependencies),
        )
        lifecycle = keys.required("Lifecycle")
        found.append(read_steps(lifecycle, _RULES))
        check_steps(lifecycle, found[-1], around)
    for forgotten in sorted(made - named) if document.manifests else ():
        manifests.wrong(f"no manifest names {forgotten}, which the build makes")
    return found


def _check_platform(platform: Keys, taken: set[str]) -> None:
    platform.required("os").choice({"linux"})
    platform.required("runtime", ': nucleus lite skips the manifest; write runtime: "*"').choice({"*"})
    platform.optional("architecture.detail").wrong("nucleus lite ignores it when it chooses a manifest")
    wanted = platform.optional("architecture")
    architecture = wanted.choice(_ARCHITECTURES) if wanted else "*"
    if architecture and taken & {architecture, "*"}:
        platform.parent.wrong("is never chosen: a manifest before it fits the same machines")
    taken.add(architecture)


def _check_artifacts(artifacts: Sequence[Artifact], folder: str, made: frozenset[str]) -> dict[str, bool]:
    """Names of the artifacts, and whether the nucleus unpacks them."""
    found: dict[str, bool] = {}
    for artifact in artifacts:
        if artifact.unpacked:
            artifact.keys["Unarchive"].wrong(
                "nucleus lite unpacks nothing in a local deployment: write NONE, unpack in install"
            )
        name, uri = artifact.file, artifact.keys.optional("Uri")
        if uri.raw != f"{_BUCKET}{folder}{name}":
            component = folder.partition("/")[0]
            uri.wrong(f"must begin with {_BUCKET}{component}/{{COMPONENT_VERSION}}/, where publishing puts it")
        elif name not in made:
            uri.wrong(f"the build makes no {name!r}{nearest(name, made)}")
        elif name in found:
            artifact.keys.parent.wrong(f"{name} is named twice")
        else:
            found[name] = artifact.unpacked
    return found
