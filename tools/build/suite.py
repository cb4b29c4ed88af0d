"""What each component consists of, and how it is laid out for the nucleus."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam import __version__
from smartcam.contract.errors import SmartcamError
from smartcam.contract.written import UnreadableText, json_of, read_text
from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from smartcam.model.bundle import LARGEST_BUNDLE
from smartcam.model.manifest import MANIFEST_FILE, NO_MANIFEST, ONNX_FILE
from tools.build.archive import file_digest, tree, write_archive
from tools.build.own_folder import empty_own
from tools.build.slim import SlimWheel, packages_id
from tools.build.wheels import ARCHITECTURES, PYTHONS, Platform
from tools.command_line import ROOT
from tools.recipes.rules import LITE

DEMO_BUNDLE: Final = ROOT / "training" / "bundles" / "demo"
LARGEST_LOAD_BYTES: Final = 115_000_000
"""The most that a device may download for a release."""
MOST_MODEL_FILES: Final = 256
"""What smartcam.Model installs of all bundles together, besides at most `LARGEST_BUNDLE` bytes."""
SUITE: Final = "smartcam.Suite"
LIST_NAME: Final = "SHA256SUMS"
OWN: Final = frozenset({"recipes", "artifacts", LIST_NAME})
"""What a build writes into its folder."""
CODE: Final[Mapping[str, str]] = {"smartcam.Capture": "capture", "smartcam.Inference": "inference"}
"""Per component that runs, the package that is its own."""
ON_DEMAND: Final[Mapping[str, str]] = {
    "smartcam.Console": "console",
    "smartcam.Doctor": "doctor",
    "smartcam.HomeAssistant": "homeassistant",
}
"""Built and published, but deployed only when somebody wants it."""
DOCTOR: Final = ("contract", "vision", "model", "edge", "capture", "doctor")
"""The doctor's packages: they travel with the Runtime too, for people at the device."""
_HERE = Path(__file__).resolve().parent
_SHIPPED = frozenset({".py", ".tflite"})
"""Of a package: its code, and the model that belongs to it."""
_PAGE = "console/static"

Members = Mapping[str, Path | bytes]
Artifact = Path | Members
"""A file as it is, or what goes into a zip."""
Wheels = Mapping[Platform, Sequence[SlimWheel]]
"""What the Runtime carries for each kind of device."""


class BuildError(SmartcamError):
    """The suite cannot be built; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Built:
    """Where a build is: `recipes/<name>-<version>.yaml`, `artifacts/<name>/<version>/`."""

    folder: Path
    version: str
    components: tuple[str, ...]

    @property
    def recipes(self) -> Path:
        """The folder of the final recipes."""
        return self.folder / "recipes"

    @property
    def artifacts(self) -> Path:
        """The folder of the artifacts."""
        return self.folder / "artifacts"

    def recipe(self, component: str) -> Path:
        """A component's final recipe."""
        return self.recipes / f"{component}-{self.version}.yaml"

    def artifacts_of(self, component: str) -> tuple[Path, ...]:
        """A component's artifacts, in the order of their names."""
        return tuple(sorted((self.artifacts / component / self.version).glob("*")))


def locks(root: Path = ROOT, bundles: Iterable[Path] = ()) -> tuple[Path, ...]:
    """The lock files of a device's packages, one for each of `PYTHONS`; with ONNX Runtime if a bundle needs it."""
    kind = "device-onnx" if any(_is_onnx(bundle) for bundle in bundles) else "device"
    return tuple(root / "requirements" / f"{kind}-{python}.txt" for python in PYTHONS)


def _is_onnx(bundle: Path) -> bool:
    """By the manifest: a file that it does not name is never opened. What is no bundle is refused elsewhere."""
    try:
        manifest = json_of(read_text(bundle / MANIFEST_FILE))
    except (UnreadableText, OSError):
        return False
    files = manifest.get("files") if isinstance(manifest, Mapping) else None
    return isinstance(files, Mapping) and ONNX_FILE in files


def build_suite(
    folder: Path,
    bundle: Path,
    root: Path = ROOT,
    wheels: Wheels | None = None,
    others: Mapping[str, Path] | None = None,
) -> Built:
    """Build every component with the default model bundle and others by name; the Runtime carries the wheels given.

    Raises:
        BuildError: naming the file that is missing or too large, or a version that differs from the suite's.
        OSError: the folder cannot be written, or holds what is no build.
    """
    bundles = {DEFAULT_BUNDLE: bundle} | dict(others or {})
    check_bundles(bundles)
    _check_version(root)
    locked = locks(root, bundles.values())
    artifacts = _artifacts(root, bundles, wheels or {}, locked)
    recipes = sorted((root / "recipes").glob("smartcam.*.yaml"))
    names = tuple(recipe.stem for recipe in recipes)
    empty_own(folder, OWN.__contains__)
    for recipe in recipes:
        _write_recipe(recipe, folder / "recipes" / f"{recipe.stem}-{__version__}.yaml", locked)
        for name, content in artifacts.get(recipe.stem, {}).items():
            _write_artifact(folder / "artifacts" / recipe.stem / __version__ / name, content)
    _write_hashes(folder)
    _make_readable(folder)
    return Built(folder, __version__, names)


def check_bundles(bundles: Mapping[str, Path]) -> None:
    """Raises BuildError for a folder that is no bundle, and for more than a device would install."""
    for bundle in bundles.values():
        if not (bundle / MANIFEST_FILE).is_file():
            raise BuildError(f"bundle {bundle}: {NO_MANIFEST}")
    default, files = _flat(bundles[DEFAULT_BUNDLE]), _bundle_files(bundles)
    for name in sorted(default.keys() & bundles.keys()):
        raise BuildError(f"bundle {default[name]}: has the name of another bundle; give that one another name")
    size = sum(file.stat().st_size for file in files.values())
    if len(files) > MOST_MODEL_FILES or size > LARGEST_BUNDLE:
        found = f"{len(files)} files of {size} bytes together"
        raise BuildError(f"the bundles have {found}; a device takes {MOST_MODEL_FILES} of {LARGEST_BUNDLE}: name fewer")


def find_built(folder: Path) -> Built:
    """The build in a folder. Raises BuildError when there is none, or its files differ from its list."""
    listed = folder / LIST_NAME
    if not listed.is_file():
        raise BuildError(f"{folder}: has no build; make one with `smartcam build`")
    said = {name: digest for digest, name in (line.split("  ", 1) for line in listed.read_text().splitlines())}
    there = hashes(folder)
    if said != there:
        odd = sorted(name for name in {*said, *there} if said.get(name) != there.get(name))
        raise BuildError(f"{folder}: {odd[0]} is not what {LIST_NAME} says; build again")
    recipes = sorted((folder / "recipes").glob("*.yaml"))
    names = [recipe.stem.partition("-")[0] for recipe in recipes]
    versions = {recipe.stem.partition("-")[2] for recipe in recipes}
    if SUITE not in names or len(versions) != 1:
        raise BuildError(f"{folder}: has no build of the suite; make one with `smartcam build`")
    return Built(folder, versions.pop(), tuple(names))


def _artifacts(
    root: Path, bundles: Mapping[str, Path], wheels: Wheels, locked: Sequence[Path]
) -> Mapping[str, Mapping[str, Artifact]]:
    """The artifacts of each component.

    No nucleus unpacks anything: lite does not in a local deployment, and nobody needs a hundred megabytes twice.
    """
    run = _HERE / "component_run.sh"
    packages = {f"smartcam-packages-{arch}.zip": _packages(root, arch, wheels, locked) for arch in ARCHITECTURES}
    return {
        "smartcam.Runtime": {"install.sh": _HERE / "runtime_install.sh", **packages},
        "smartcam.Model": {
            "install.sh": _HERE / "model_install.sh",
            "smartcam-model.zip": _bundle_files(bundles),
        },
        "smartcam.Capture": {
            "run.sh": run,
            "smartcam-capture.zip": _code(root, ("contract", "vision", "edge", "capture")),
        },
        "smartcam.Inference": {
            "run.sh": run,
            "smartcam-inference.zip": _code(root, ("contract", "vision", "model", "edge", "inference")),
        },
        "smartcam.Console": {
            "run.sh": run,
            "smartcam-console.zip": {
                **_code(root, ("contract", "vision", "edge", "console")),
                **_page(root),
            },
        },
        "smartcam.HomeAssistant": {
            "run.sh": run,
            "smartcam-homeassistant.zip": _code(root, ("contract", "vision", "edge", "homeassistant")),
        },
        "smartcam.Doctor": {
            "run.sh": run,
            "smartcam-doctor.zip": _code(root, DOCTOR),
        },
    }


def _bundle_files(bundles: Mapping[str, Path]) -> dict[str, Path]:
    prefixes = {name: "" if name == DEFAULT_BUNDLE else f"{name}/" for name in bundles}
    return {prefixes[name] + file: path for name in bundles for file, path in _flat(bundles[name]).items()}


def _flat(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


def _code(root: Path, packages: tuple[str, ...]) -> Members:
    """A component brings the packages below its own, and no other component."""
    source = root / "components" / "smartcam"
    members: dict[str, Path | bytes] = {"smartcam/__init__.py": source / "__init__.py"}
    for package in packages:
        members |= tree(source / package, f"smartcam/{package}", suffixes=_SHIPPED)
    return members


def _page(root: Path) -> Members:
    """The console's page, where it has been made: `smartcam build` makes it, and what only tries a suite needs none."""
    return tree(root / "components" / "smartcam" / _PAGE, f"smartcam/{_PAGE}")


def _packages(root: Path, architecture: str, wheels: Wheels, locked: Sequence[Path]) -> Members:
    """Lock files, doctor, and the wheels of this architecture; `wheels/<python>.txt` names all that a Python needs."""
    members: dict[str, Path | bytes] = {
        f"requirements/device-{python}.txt": lock for python, lock in zip(PYTHONS, locked, strict=True)
    }
    members["__main__.py"] = _HERE / "unpack_packages.py"
    members["requirements/id"] = packages_id(locked).encode() + b"\n"
    members["doctor/smartcam-doctor"] = _HERE / "doctor.sh"
    members |= {f"doctor/{name}": file for name, file in _code(root, DOCTOR).items()}
    for platform, files in wheels.items():
        if platform.architecture == architecture:
            members[f"wheels/{platform.python}.txt"] = "".join(f"{each.requirement}\n" for each in files).encode()
            members |= {f"wheels/{each.file.name}": each.file for each in files}
    return members


def _write_artifact(target: Path, content: Artifact) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        target.write_bytes(content.read_bytes())
    else:
        write_archive(target, content)


def render_recipe(text: str, locked: Sequence[Path] | None = None) -> str:
    """A recipe as it is delivered, with the same lines as its source; `locked` are the lock files of its packages."""
    packages = packages_id(locks() if locked is None else locked)
    return text.replace("{COMPONENT_VERSION}", __version__).replace("{RUNTIME_PACKAGES}", packages)


def rendered(source: Path, locked: Sequence[Path] | None = None) -> str:
    """A recipe's source file as it is delivered. Raises BuildError for one that is no text in UTF-8, and OSError."""
    try:
        return render_recipe(read_text(source), locked)
    except UnreadableText as error:
        raise BuildError(error.within(source)) from error


def artifact_names(root: Path = ROOT) -> Mapping[str, tuple[str, ...]]:
    """Per component the names of the files that a build makes."""
    return {name: tuple(files) for name, files in _artifacts(root, {}, {}, locks(root)).items()}


def _write_recipe(source: Path, target: Path, locked: Sequence[Path]) -> None:
    text = rendered(source, locked)
    if len(text.encode()) > LITE.recipe_bytes:
        raise BuildError(f"{source}: has over {LITE.recipe_bytes} bytes, more than nucleus lite reads; shorten it")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


@dataclass(frozen=True, slots=True)
class GdkProject:
    """What `gdk-config.json` says, with which the Greengrass Development Kit and our own verbs publish."""

    author: str
    version: str
    publish: Mapping[str, object]
    bucket: str
    gdk_version: str


def read_project(file: Path) -> GdkProject:
    """The file. Raises BuildError, naming it and the key that is missing or wrong."""
    try:
        document = json_of(read_text(file))
    except OSError as error:
        raise BuildError(f"{file}: cannot be read ({error.strerror})") from error
    except UnreadableText as error:
        raise BuildError(error.within(file)) from error

    def at(*keys: str) -> Mapping[str, object]:
        here = document
        for key in keys:
            here = here.get(key) if isinstance(here, Mapping) else None
        if not isinstance(here, Mapping):
            raise BuildError(f"{file}: {'.'.join(keys) or 'it'} must be an object")
        return here

    def text(key: str, *place: str) -> str:
        value = at(*place).get(key)
        if not isinstance(value, str):
            raise BuildError(f"{file}: {'.'.join((*place, key))} must be text")
        return value

    ours = "component", SUITE
    publish = *ours, "publish"
    return GdkProject(
        text("author", *ours), text("version", *ours), at(*publish), text("bucket", *publish), text("gdk_version")
    )


def _check_version(root: Path) -> None:
    """The version is defined in the package; GDK's file must repeat it, because GDK reads nothing else."""
    project = root / "gdk-config.json"
    said = read_project(project).version
    if said != __version__:
        raise BuildError(
            f"{project}: says version {said}, components/smartcam/__init__.py {__version__}; make them equal"
        )


def _write_hashes(folder: Path) -> None:
    lines = [f"{digest}  {name}\n" for name, digest in hashes(folder).items()]
    (folder / LIST_NAME).write_text("".join(lines))


def hashes(folder: Path) -> Mapping[str, str]:
    """The SHA-256 of every recipe and artifact below a build's folder, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != LIST_NAME)
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}


def _make_readable(folder: Path) -> None:
    """Whatever the umask: a local deployment copies modes, and components run as another user than the nucleus."""
    for path, _, files in os.walk(folder):
        Path(path).chmod(0o755)
        for name in files:
            Path(path, name).chmod(0o644)
