"""What each component consists of, and how it is laid out for the nucleus."""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devkit.build.archive import tree, write_archive
from smartcam import __version__
from smartcam.contract.errors import SmartcamError

ROOT = Path(__file__).resolve().parents[2]
LARGEST_RECIPE_BYTES = 8_196
_HERE = Path(__file__).resolve().parent
_PYTHON = frozenset({".py"})


class BuildError(SmartcamError):
    """The suite cannot be built; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Built:
    """Where a build lies: `recipes/<name>-<version>.yaml`, `artifacts/<name>/<version>/`."""

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


def build_suite(folder: Path, bundle: Path, root: Path = ROOT) -> Built:
    """Build every component with the model bundle given.

    Raises:
        BuildError: naming the file that is missing or too large.
    """
    if not (bundle / "manifest.json").is_file():
        raise BuildError(f"bundle {bundle}: has no manifest.json; make one with `python -m devkit bundle`")
    archives = _archives(root, bundle)
    recipes = sorted((root / "recipes").glob("smartcam.*.yaml"))
    names = tuple(recipe.stem for recipe in recipes)
    shutil.rmtree(folder, ignore_errors=True)
    for recipe in recipes:
        _write_recipe(recipe, folder / "recipes" / f"{recipe.stem}-{__version__}.yaml")
        for archive, members in archives.get(recipe.stem, {}).items():
            write_archive(folder / "artifacts" / recipe.stem / __version__ / archive, members)
    _write_hashes(folder)
    return Built(folder, __version__, names)


def _archives(root: Path, bundle: Path) -> dict[str, dict[str, dict[str, Path]]]:
    """Per component its archives, per archive its members."""
    requirements = root / "requirements"
    return {
        "smartcam.Runtime": {
            "smartcam-runtime.zip": {
                "install.sh": _HERE / "runtime_install.sh",
                "requirements/device-py311.txt": requirements / "device-py311.txt",
                "requirements/device-py313.txt": requirements / "device-py313.txt",
            }
        },
        "smartcam.Model": {"smartcam-model.zip": _flat(bundle)},
        "smartcam.Capture": {
            "smartcam-capture.zip": _component(root, ("contract", "vision", "edge", "capture")),
        },
        "smartcam.Inference": {
            "smartcam-inference.zip": _component(root, ("contract", "vision", "model", "edge", "inference")),
        },
    }


def _flat(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}


def _component(root: Path, packages: tuple[str, ...]) -> dict[str, Path]:
    """A component carries the floors that it stands on, and no other component."""
    source = root / "components" / "smartcam"
    members = {"run.sh": _HERE / "component_run.sh", "smartcam/__init__.py": source / "__init__.py"}
    for package in packages:
        members |= tree(source / package, f"smartcam/{package}", suffixes=_PYTHON)
    return members


def _write_recipe(source: Path, target: Path) -> None:
    text = source.read_text().replace("{COMPONENT_VERSION}", __version__)
    if len(text.encode()) > LARGEST_RECIPE_BYTES:
        raise BuildError(f"{source}: is over {LARGEST_RECIPE_BYTES} bytes, more than nucleus lite reads; shorten it")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def _write_hashes(folder: Path) -> None:
    lines = [f"{digest}  {name}\n" for name, digest in hashes(folder).items()]
    (folder / "SHA256SUMS").write_text("".join(lines))


def hashes(folder: Path) -> Mapping[str, str]:
    """The SHA-256 of every recipe and artifact below a build's folder, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
