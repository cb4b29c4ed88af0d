"""One recipe: keys, manifests, artifacts, dependencies and configuration, for both nuclei."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tools.build.suite import LARGEST_RECIPE_BYTES
from tools.lint.access import check_access
from tools.lint.document import Report, Spot, parse, required
from tools.lint.facts import Facts, Use
from tools.lint.lifecycle import Lifecycle, Surroundings, check_lifecycle
from tools.recipes import keys
from tools.recipes.keys import nearest
from tools.recipes.versions import VersionError, VersionRange, parse_range, parse_version

_ARCHITECTURES: Final = frozenset({"aarch64", "amd64", "*"})
_VARIABLE: Final = re.compile(r"\{[A-Za-z]+:[^}]*\}")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_NOT_ON_LITE: Final = re.compile(r"[\^~|*x,]")
_BUCKET: Final = "s3://BUCKET_NAME/"


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a recipe says of another component."""

    name: str
    spot: Spot
    requirement: VersionRange | None
    hard: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """A recipe that has been read, for the checks across recipes."""

    name: str
    top: Spot
    dependencies: Sequence[Dependency]
    lifecycles: Sequence[Lifecycle]
    control: Spot | None

    @property
    def runs(self) -> bool:
        """Whether something of it keeps running."""
        return any(lifecycle.runs for lifecycle in self.lifecycles)


def check_recipe(text: str, name: str, facts: Facts, report: Report) -> Checked | None:
    """Note what is wrong with the final text of the recipe of a component; None when it cannot be read at all."""
    size = len(text.encode())
    if size > LARGEST_RECIPE_BYTES:
        report.add(1, "", f"has {size} bytes: nucleus lite reads {LARGEST_RECIPE_BYTES}, the cloud takes 16000")
    top = parse(text, report)
    if top is None or not top.is_mapping:
        if top is not None:
            top.wrong("must be an object of keys")
        return None
    inner = top.mapping(keys.TOP)
    if "Lifecycle" in inner:
        inner["Lifecycle"].wrong("write it into the manifest: lite reads one at the top only below 'all' or 'linux'")
    _check_identity(top, inner, name, facts)
    dependencies = _dependencies(inner)
    configuration, control = _configuration(inner, top, facts.uses.get(name, frozenset()), name)
    made = facts.artifacts.get(name, frozenset())
    manifests = required(inner, "Manifests", top)
    lifecycles = _manifests(manifests, configuration, dependencies, _Place(name, facts.version, made))
    return Checked(name, top, dependencies, lifecycles, control)


def _check_identity(top: Spot, inner: Mapping[str, Spot], name: str, facts: Facts) -> None:
    form = required(inner, "RecipeFormatVersion", top)
    if form is not None:
        form.choice(keys.FORMAT_VERSIONS)
    _check_name(required(inner, "ComponentName", top), name)
    _check_version(required(inner, "ComponentVersion", top), facts.version)
    if "ComponentType" in inner:
        inner["ComponentType"].choice(keys.COMPONENT_TYPES)
    for key in ("ComponentDescription", "ComponentPublisher"):
        if key in inner and "\n" in (inner[key].text() or "").strip():
            inner[key].wrong("must be one line: lite writes it into a unit of systemd")


def _check_name(spot: Spot | None, name: str) -> None:
    value = spot.text() if spot else None
    if spot is None or value is None:
        return
    if not _NAME.fullmatch(value):
        spot.wrong("must be 1 to 128 letters, digits, '.', '_' or '-'")
    elif value != name:
        spot.wrong(f"{value!r}, but the file is called {name}.yaml")


def _check_version(spot: Spot | None, suite: str) -> None:
    value = spot.text() if spot else None
    if spot is None or value is None:
        return
    try:
        parse_version(value)
    except VersionError as error:
        spot.wrong(str(error))
        return
    if value != suite:
        spot.wrong(f"{value}, but the suite is {suite}: write {{COMPONENT_VERSION}}")


def _dependencies(inner: Mapping[str, Spot]) -> list[Dependency]:
    if "ComponentDependencies" not in inner:
        return []
    return [_dependency(name, spot) for name, spot in inner["ComponentDependencies"].mapping().items()]


def _dependency(name: str, spot: Spot) -> Dependency:
    inner = spot.mapping(keys.DEPENDENCY)
    requirement: VersionRange | None = None
    wanted = required(inner, "VersionRequirement", spot)
    value = wanted.text() if wanted else None
    if wanted and value is not None:
        try:
            if _NOT_ON_LITE.search(value):
                raise VersionError(f"{value!r}: nucleus lite knows bounds only; write '>=1.0.0 <2.0.0'")
            requirement = parse_range(value)
        except VersionError as error:
            wanted.wrong(str(error))
    kind = None
    if "DependencyType" in inner:
        kind = inner["DependencyType"].choice(keys.DEPENDENCY_TYPES)
    else:
        spot.wrong("DependencyType is missing: classic takes HARD then, lite no dependency at all")
    return Dependency(name, spot, requirement, kind == "HARD")


def _configuration(
    inner: Mapping[str, Spot], top: Spot, uses: frozenset[Use], name: str
) -> tuple[Spot | None, Spot | None]:
    outer = inner.get("ComponentConfiguration")
    if outer is None:
        if uses:
            top.wrong("ComponentConfiguration is missing: without accessControl the code may do nothing on the bus")
        return None, None
    defaults = required(outer.mapping(keys.CONFIGURATION), "DefaultConfiguration", outer)
    if defaults is None:
        return None, None
    values = defaults.mapping()
    for leaf in defaults.leaves():
        if _VARIABLE.search(leaf.raw()):
            leaf.wrong("variables stay as they are inside configuration on lite, and on classic by default")
        if leaf.is_null:
            leaf.wrong("holds nothing: nucleus lite delivers empty text for it; write a value or leave the key out")
    control = values.get("accessControl")
    misspelt = [key for key in values if key != "accessControl" and key.lower() == "accesscontrol"]
    for key in misspelt:
        values[key].wrong("must be written accessControl")
    check_access(control, defaults, uses, name)
    return defaults, control


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose artifacts a manifest names."""

    component: str
    version: str
    made: frozenset[str]


def _manifests(
    manifests: Spot | None, configuration: Spot | None, dependencies: Sequence[Dependency], place: _Place
) -> list[Lifecycle]:
    if manifests is None:
        return []
    items = manifests.items()
    if manifests.is_list and not items:
        manifests.wrong("must hold at least one manifest")
    found: list[Lifecycle] = []
    taken: set[str] = set()
    named: set[str] = set()
    for manifest in items:
        inner = manifest.mapping(keys.MANIFEST)
        if "Selections" in inner:
            inner["Selections"].wrong("select parts of a top-level Lifecycle, which the suite does not use")
        _check_platform(required(inner, "Platform", manifest), taken)
        artifacts = inner.get("Artifacts")
        if artifacts is None:
            manifest.wrong("Artifacts is missing: nucleus lite refuses the component from the cloud; write []")
        files = _artifacts(artifacts, place) if artifacts is not None else {}
        named |= files.keys()
        lifecycle = required(inner, "Lifecycle", manifest)
        if lifecycle is not None:
            around = Surroundings(
                configuration=configuration,
                artifacts=frozenset(files),
                unpacked=frozenset(name for name, unpacked in files.items() if unpacked),
                dependencies=frozenset(dependency.name for dependency in dependencies),
            )
            found.append(check_lifecycle(lifecycle, around))
    for forgotten in sorted(place.made - named) if items else ():
        manifests.wrong(f"no manifest names {forgotten}, which the build makes")
    return found


def _check_platform(platform: Spot | None, taken: set[str]) -> None:
    if platform is None:
        return
    inner = platform.mapping(keys.PLATFORM)
    system = required(inner, "os", platform)
    if system is not None:
        system.choice({"linux"})
    if "runtime" in inner:
        inner["runtime"].choice({"*"})
    else:
        platform.wrong('runtime is missing: nucleus lite skips the manifest; write runtime: "*"')
    if "architecture.detail" in inner:
        inner["architecture.detail"].wrong("nucleus lite does not look at it when it chooses a manifest")
    architecture: str | None = "*"
    if "architecture" in inner:
        architecture = inner["architecture"].choice(_ARCHITECTURES)
    if architecture is not None and (architecture in taken or "*" in taken):
        platform.wrong("is never chosen: a manifest before it fits the same machines")
    taken.add(architecture or "")


def _artifacts(spot: Spot, place: _Place) -> dict[str, bool]:
    """Names of the artifacts, and whether the nucleus unpacks them."""
    found: dict[str, bool] = {}
    for item in spot.items():
        inner = item.mapping(keys.ARTIFACT)
        uri = required(inner, "Uri", item)
        name = _artifact_name(uri, place) if uri is not None else None
        unpacked = "Unarchive" in inner and inner["Unarchive"].choice(keys.UNARCHIVE) == "ZIP"
        if unpacked:
            inner["Unarchive"].wrong(
                "nucleus lite unpacks nothing in a local deployment: write NONE, unpack in install"
            )
        if "Permission" in inner:
            for permission in inner["Permission"].mapping(keys.PERMISSION).values():
                permission.choice(keys.PERMITTED)
        if name is not None and name in found:
            item.wrong(f"{name} stands there twice")
        if name is not None:
            found[name] = unpacked
    return found


def _artifact_name(uri: Spot, place: _Place) -> str | None:
    value = uri.text()
    if value is None:
        return None
    folder = f"{_BUCKET}{place.component}/{place.version}/"
    if not value.startswith(folder):
        uri.wrong(f"must begin with {_BUCKET}{place.component}/{{COMPONENT_VERSION}}/, where publishing puts it")
        return None
    name = value.removeprefix(folder)
    if name not in place.made:
        uri.wrong(f"the build makes no {name!r}{nearest(name, place.made)}")
        return None
    return name
