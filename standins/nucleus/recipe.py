"""Component recipes, read as strictly as nucleus lite needs them."""

import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import yaml

from standins.nucleus.interpolation import VariableError, check_variables
from standins.nucleus.profile import Profile, RecipeRules
from tools.recipes import keys
from tools.recipes.keys import Node, RecipeError, required
from tools.recipes.versions import Version, VersionError, VersionRange, parse_range, parse_version

OF_THE_NUCLEUS: Final = frozenset(
    {"aws.greengrass.Nucleus", "aws.greengrass.NucleusLite", "aws.greengrass.TokenExchangeService"}
)
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "aarch64", "armv7l": "arm", "armv6l": "arm", "i686": "x86"}
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Phase(StrEnum):
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

    phase: Phase
    script: str
    setenv: Mapping[str, str]
    timeout: str | None
    """Seconds as text, or a configuration variable."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Another component that must be there."""

    name: str
    requirement: VersionRange
    hard: bool


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that belongs to a component, by its last name."""

    file: str
    unpacked: bool
    executable: bool


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a component is made of, for this machine."""

    file: Path
    name: str
    version: str
    defaults: Mapping[str, object]
    dependencies: tuple[Dependency, ...]
    steps: Mapping[Phase, Step]
    artifacts: tuple[Artifact, ...]

    @property
    def parsed_version(self) -> Version:
        """The version, to be compared."""
        return parse_version(self.version)

    @property
    def service(self) -> Step | None:
        """The step that keeps running; None for a component that is only installed."""
        return self.steps.get(Phase.STARTUP) or self.steps.get(Phase.RUN)


def read_recipe(file: Path, profile: Profile) -> Recipe:
    """The recipe in a YAML file.

    Raises:
        RecipeError: naming the file, the place and the remedy.
    """
    top = Node(file.name, "", _load(file, profile))
    nodes = top.mapping(keys.TOP)
    required(nodes, "RecipeFormatVersion", top).choice(keys.FORMAT_VERSIONS)
    name, version = _identity(top, nodes, file)
    if "ComponentType" in nodes:
        nodes["ComponentType"].choice(keys.COMPONENT_TYPES)
    manifest = _fitting_manifest(top, nodes, profile)
    lifecycle = _lifecycle(manifest, nodes)
    return Recipe(
        file=file,
        name=name,
        version=version,
        defaults=_defaults(nodes),
        dependencies=tuple(_dependencies(nodes)),
        steps=_steps(lifecycle, profile.recipes),
        artifacts=tuple(_artifacts(manifest)),
    )


def _load(file: Path, profile: Profile) -> object:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise RecipeError(file.name, "", f"cannot be read ({error.strerror})") from error
    most = profile.recipes.recipe_bytes
    if len(raw) > most:
        raise RecipeError(file.name, "", f"has {len(raw)} bytes, nucleus {profile.name} reads {most} at most")
    loader = _TextLoader if profile.recipes.text_scalars else _TypedLoader
    try:
        return yaml.load(raw, loader)  # noqa: S506  both are safe loaders
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f"line {where.line + 1}" if where is not None else ""
        raise RecipeError(file.name, line, f"is not YAML ({getattr(error, 'problem', None) or error})") from error


class _NoDoubles:
    """A key that stands twice: YAML would keep the last one and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002
        """Called by the loader."""
        names = [key.value for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} stands there twice", node.start_mark
                )
        found: dict[object, object] = super().construct_mapping(node, deep)  # type: ignore[misc]
        return found


class _TextLoader(_NoDoubles, yaml.BaseLoader):
    """Every scalar is text."""


class _TypedLoader(_NoDoubles, yaml.SafeLoader):
    """Scalars have types."""


def _identity(top: Node, nodes: Mapping[str, Node], file: Path) -> tuple[str, str]:
    name = required(nodes, "ComponentName", top)
    version = required(nodes, "ComponentVersion", top)
    if not _NAME.fullmatch(name.text()):
        raise name.error("must be 1 to 128 letters, digits, '.', '_' or '-'")
    try:
        parse_version(version.text())
    except VersionError as error:
        raise version.error(str(error)) from error
    expected = f"{name.text()}-{version.text()}"
    if file.stem != expected:
        raise top.error(f"must be called {expected}.yaml, or the nucleus does not find it")
    return name.text(), version.text()


def _fitting_manifest(top: Node, nodes: Mapping[str, Node], profile: Profile) -> Mapping[str, Node]:
    manifests = required(nodes, "Manifests", top)
    checked = [manifest.mapping(keys.MANIFEST) for manifest in manifests.items()]
    # Every manifest is read, so that a mistake in one for another machine shows here too.
    fitting = [manifest for manifest in checked if _fits(manifest, profile)]
    if not fitting:
        raise manifests.error('none fits: Platform needs os: linux, runtime: "*" and this machine\'s architecture')
    return fitting[0]


def _fits(manifest: Mapping[str, Node], profile: Profile) -> bool:
    if "Platform" not in manifest:
        return False
    wanted = manifest["Platform"].mapping(keys.PLATFORM)
    here = {
        "os": {"linux", "all", "*"},
        "runtime": {"*", f"aws_nucleus_{profile.name}"},
        "architecture": {"*", _ARCHITECTURES.get(platform.machine(), platform.machine())},
    }
    if "os" not in wanted or ("runtime" not in wanted and profile.recipes.needs_runtime):
        return False
    return all(wanted[key].text() in words for key, words in here.items() if key in wanted)


def _lifecycle(manifest: Mapping[str, Node], nodes: Mapping[str, Node]) -> Node:
    own = manifest.get("Lifecycle")
    shared = nodes["Lifecycle"].mapping() if "Lifecycle" in nodes else {}
    selections = [item.text() for item in manifest["Selections"].items()] if "Selections" in manifest else ["all"]
    candidates = [own] if own is not None and own.value else []
    candidates += [shared[word] for word in selections if word in shared and word in {"all", "linux"}]
    if not candidates:
        place = own or manifest["Platform"]
        raise place.error("the manifest needs a Lifecycle with at least one phase: lite knows no component without")
    return candidates[0]


def _steps(lifecycle: Node, rules: RecipeRules) -> Mapping[Phase, Step]:
    nodes = lifecycle.mapping(keys.LIFECYCLE)
    setenv = _setenv(nodes, rules)
    steps = {
        phase: _step(phase, nodes[phase], setenv, rules) for phase in Phase if phase in nodes and phase in rules.phases
    }
    if not steps:
        raise lifecycle.error("needs at least one of the phases " + ", ".join(rules.phases))
    return steps


def _step(phase: Phase, node: Node, setenv: Mapping[str, str], rules: RecipeRules) -> Step:
    if isinstance(node.value, str):
        return Step(phase, _script(node, rules), setenv, None)
    if isinstance(node.value, Mapping) and "Skipif" in node.value:
        raise node.error("Skipif is unknown to nucleus lite: let the script decide")
    nodes = node.mapping(keys.STEP)
    if "RequiresPrivilege" in nodes and str(nodes["RequiresPrivilege"].value).lower() != "false":
        raise nodes["RequiresPrivilege"].error("the stand-in runs nothing as root")
    timeout = str(nodes["Timeout"].value) if "Timeout" in nodes else None
    if timeout is not None and not timeout.isdigit() and not timeout.startswith("{configuration:"):
        raise nodes["Timeout"].error("must be a whole number of seconds")
    script = _script(required(nodes, "Script", node), rules)
    return Step(phase, script, dict(setenv) | _setenv(nodes, rules), timeout)


def _script(node: Node, rules: RecipeRules) -> str:
    script = node.text()
    if len(script.encode()) > rules.script_bytes:
        raise node.error(f"a script has {rules.script_bytes} bytes at most")
    return _with_known_variables(node, script, rules)


def _setenv(nodes: Mapping[str, Node], rules: RecipeRules) -> dict[str, str]:
    if "Setenv" not in nodes:
        return {}
    variables = nodes["Setenv"].mapping()
    for name, node in variables.items():
        if not _VARIABLE_NAME.fullmatch(name):
            raise node.error("is no name for an environment variable")
        if not isinstance(node.value, str):
            raise node.error("must be text")
        _with_known_variables(node, node.value, rules)
    return {name: str(node.value) for name, node in variables.items()}


def _with_known_variables(node: Node, text: str, rules: RecipeRules) -> str:
    try:
        if rules.braces_are_variables:
            check_variables(text)
    except VariableError as error:
        raise node.error(str(error)) from error
    return text


def _defaults(nodes: Mapping[str, Node]) -> Mapping[str, object]:
    if "ComponentConfiguration" not in nodes:
        return {}
    inner = nodes["ComponentConfiguration"].mapping(keys.CONFIGURATION)
    if "DefaultConfiguration" not in inner:
        return {}
    defaults = inner["DefaultConfiguration"].mapping()
    if "accessControl" in defaults:
        _check_access_control(defaults["accessControl"])
    value = inner["DefaultConfiguration"].value
    return value if isinstance(value, dict) else {}


def _check_access_control(node: Node) -> None:
    for service, policies in node.mapping(keys.SERVICES).items():
        del service
        for policy in policies.mapping().values():
            inner = policy.mapping(keys.POLICY)
            for operation in required(inner, "operations", policy).items():
                operation.choice(keys.OPERATIONS)
            for resource in required(inner, "resources", policy).items():
                if "{" in resource.text():
                    raise resource.error("variables stay as they are inside accessControl: use '*', '+' or '#'")


def _dependencies(nodes: Mapping[str, Node]) -> Iterator[Dependency]:
    if "ComponentDependencies" not in nodes:
        return
    for name, node in nodes["ComponentDependencies"].mapping().items():
        inner = node.mapping(keys.DEPENDENCY)
        requirement = required(inner, "VersionRequirement", node)
        if "DependencyType" not in inner:
            raise node.error("DependencyType is missing: classic takes HARD then, lite no dependency at all")
        hard = inner["DependencyType"].choice(keys.DEPENDENCY_TYPES) == "HARD"
        try:
            wanted = parse_range(requirement.text())
        except VersionError as error:
            raise requirement.error(str(error)) from error
        if name not in OF_THE_NUCLEUS:
            yield Dependency(name, wanted, hard)


def _artifacts(manifest: Mapping[str, Node]) -> Iterator[Artifact]:
    for node in manifest["Artifacts"].items() if "Artifacts" in manifest else ():
        inner = node.mapping(keys.ARTIFACT)
        uri = required(inner, "Uri", node)
        file = uri.text().rpartition("/")[2]
        if not file:
            raise uri.error("must end in the name of a file")
        unpacked = "Unarchive" in inner and inner["Unarchive"].choice(keys.UNARCHIVE) == "ZIP"
        executable = False
        if "Permission" in inner:
            permission = inner["Permission"].mapping(keys.PERMISSION)
            kinds = {key: value.choice(keys.PERMITTED) for key, value in permission.items()}
            executable = kinds.get("Execute", "NONE") != "NONE"
        yield Artifact(file, unpacked, executable)
