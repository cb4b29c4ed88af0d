"""A component recipe, read as strictly as nucleus lite needs it: faults are noted, not raised."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tools.recipes import keys
from tools.recipes.document import ABSENT, FaultList, Keys, Node, parse
from tools.recipes.rules import ReadingRules
from tools.recipes.variables import braces
from tools.recipes.versions import VersionError, VersionRange, parse_range, parse_version

BUILT_IN: Final = frozenset(
    {"aws.greengrass.Nucleus", "aws.greengrass.NucleusLite", "aws.greengrass.TokenExchangeService"}
)
"""On every device: a dependency names one only to say which version is meant."""
HARD_ON_INSTALLED: Final = "HARD on a component that is only installed can never start on lite: write SOFT"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class LifecyclePhase(StrEnum):
    """The lifecycle phases, in this order; of startup and run only the first one there. The last two are classic's."""

    BOOTSTRAP = "bootstrap"
    INSTALL = "install"
    STARTUP = "startup"
    RUN = "run"
    SHUTDOWN = "shutdown"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class Step:
    """One lifecycle phase: a shell script with its variables still in braces."""

    phase: LifecyclePhase
    script: str
    setenv: Mapping[str, str]
    timeout: str | None
    """Seconds as text, or a configuration variable."""
    keys: Keys = field(default_factory=lambda: Keys(ABSENT, {}))
    """Where it is written; a step that is only a script has the key Script all the same."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Another component that must be there."""

    name: str
    requirement: VersionRange
    hard: bool
    node: Node


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that belongs to a component, by its last name."""

    file: str
    unpacked: bool
    executable: bool
    keys: Keys


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """What a component may do with one service of the nucleus."""

    service: str
    name: str
    keys: Keys


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a component is made of on one platform. The lifecycle is read by `read_steps`, where it is wanted."""

    keys: Keys
    platform: Keys
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class RecipeDocument:
    """A whole recipe, for every platform."""

    top: Keys
    name: str
    version: str
    defaults: Node
    policies: tuple[AccessPolicy, ...]
    dependencies: tuple[Dependency, ...]
    manifests: tuple[Manifest, ...]


def read_document(text: bytes, faults: FaultList, rules: ReadingRules) -> RecipeDocument:
    """The recipe in a YAML text; whatever is wrong with it is noted."""
    if len(text) > rules.recipe_bytes:
        reason = f"has {len(text)} bytes, nucleus {rules.nucleus} reads {rules.recipe_bytes} at most"
        faults.add(1, "", reason)
    top = parse(text, faults, text_scalars=rules.text_scalars).mapping(keys.TOP)
    top.required("RecipeFormatVersion").choice(keys.FORMAT_VERSIONS)
    top.optional("ComponentType").choice(keys.COMPONENT_TYPES)
    defaults = top.optional("ComponentConfiguration").mapping(keys.CONFIGURATION).optional("DefaultConfiguration")
    return RecipeDocument(
        top=top,
        name=_name(top),
        version=_version(top),
        defaults=defaults,
        policies=tuple(_policies(defaults.mapping().optional("accessControl"))),
        dependencies=tuple(_dependencies(top)),
        manifests=tuple(_manifest(item.mapping(keys.MANIFEST)) for item in top.required("Manifests").items()),
    )


def _name(top: Keys) -> str:
    node = top.required("ComponentName")
    name = node.text()
    if name and not _NAME.fullmatch(name):
        node.wrong("must be 1 to 128 letters, digits, '.', '_' or '-'")
    return name


def _version(top: Keys) -> str:
    node = top.required("ComponentVersion")
    version = node.text()
    try:
        if version:
            parse_version(version)
    except VersionError as error:
        node.wrong(str(error))
    return version


def _policies(control: Node) -> Iterator[AccessPolicy]:
    for service, policies in control.mapping(keys.OPERATIONS).items():
        for name, policy in policies.mapping().items():
            inner = policy.mapping(keys.POLICY)
            for operation in inner.required("operations").items():
                operation.choice(keys.EVERY_OPERATION)
            for resource in inner.required("resources").items():
                if "{" in resource.text():
                    resource.wrong("variables are not replaced inside accessControl: write '*', '+' or '#'")
            yield AccessPolicy(service, name, inner)


def _dependencies(top: Keys) -> Iterator[Dependency]:
    for name, node in top.optional("ComponentDependencies").mapping().items():
        inner = node.mapping(keys.DEPENDENCY)
        wanted = inner.required("VersionRequirement")
        kind = inner.required("DependencyType", ": classic takes HARD then, lite no dependency at all")
        yield Dependency(name, _range(wanted), kind.choice(keys.DEPENDENCY_TYPES) == "HARD", node)


def _range(node: Node) -> VersionRange:
    """The range at a place; when it is none, a range that takes everything."""
    text = node.text()
    try:
        return parse_range(text) if text else VersionRange("", ())
    except VersionError as error:
        node.wrong(str(error))
        return VersionRange("", ())


def _manifest(inner: Keys) -> Manifest:
    platform = inner.optional("Platform").mapping(keys.PLATFORM)
    return Manifest(inner, platform, tuple(map(_artifact, inner.optional("Artifacts").items())))


def _artifact(node: Node) -> Artifact:
    inner = node.mapping(keys.ARTIFACT)
    uri = inner.required("Uri")
    file = uri.text().rpartition("/")[2]
    if uri.raw and not file:
        uri.wrong("must end in the name of a file")
    unpacked = inner.optional("Unarchive").choice(keys.UNARCHIVE) == "ZIP"
    permission = inner.optional("Permission").mapping(keys.PERMISSION)
    kinds = {key: value.choice(keys.PERMITTED) for key, value in permission.items()}
    return Artifact(file, unpacked, kinds.get("Execute", "NONE") != "NONE", inner)


def read_steps(lifecycle: Node, rules: ReadingRules) -> Mapping[LifecyclePhase, Step]:
    """The steps of a lifecycle that the nucleus runs."""
    inner = lifecycle.mapping(keys.LIFECYCLE)
    shared = _setenv(inner, rules)
    steps = {
        phase: _step(phase, inner[phase], shared, rules)
        for phase in LifecyclePhase
        if phase in inner and phase in rules.phases
    }
    if not steps:
        lifecycle.wrong(f"needs at least one of the phases {', '.join(rules.phases)}: a component needs one")
    return steps


def _step(phase: LifecyclePhase, node: Node, setenv: Mapping[str, str], rules: ReadingRules) -> Step:
    inner = node.mapping(keys.STEP) if node.is_mapping else Keys(node, {"Script": node})
    inner.optional("Skipif").wrong("is unknown to nucleus lite: let the script decide")
    timeout = inner.optional("Timeout")
    if timeout and not timeout.raw.isdigit() and not timeout.raw.startswith("{configuration:"):
        timeout.wrong("must be a whole number of seconds")
    script = inner.required("Script")
    text = script.text()
    if rules.script_bytes is not None and len(text.encode()) > rules.script_bytes:
        script.wrong(f"has more than the {rules.script_bytes} bytes that nucleus {rules.nucleus} allows a script")
    _check_braces(script, rules)
    return Step(phase, text, {**setenv, **_setenv(inner, rules)}, timeout.raw or None, inner)


def _setenv(inner: Keys, rules: ReadingRules) -> dict[str, str]:
    variables = inner.optional("Setenv").mapping()
    for name, node in variables.items():
        if not _VARIABLE_NAME.fullmatch(name):
            node.wrong("is not a name for an environment variable")
        _check_braces(node, rules)
    return {name: node.text(empty=True) for name, node in variables.items()}


def _check_braces(node: Node, rules: ReadingRules) -> None:
    for number, line in node.lines() if rules.braces_are_variables else ():
        for _, fault in braces(line):
            if fault:
                node.wrong(fault, line=number)
