"""`smartcam build`: recipes and artifacts into greengrass-build/."""

import argparse
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from smartcam.model.manifest import MANIFEST_FILE
from tools.build.bundles import BUNDLE_HELP, chosen_bundles
from tools.build.gdk import write_projects
from tools.build.own_folder import check_own
from tools.build.slim import DENSE, slim_all
from tools.build.suite import (
    DEMO_BUNDLE,
    LARGEST_LOAD_BYTES,
    OWN,
    BuildError,
    Built,
    Wheels,
    build_suite,
    check_bundles,
    locks,
)
from tools.build.wheels import ARCHITECTURES, PLATFORMS, PYTHONS, Platform, WheelError, fetch, parse_platform
from tools.command_line import ROOT, complain, say
from tools.lint.code_use import UnknownTopic
from tools.lint.command import lint_sources
from tools.model.errors import CatalogueError
from tools.model.getting import bundle_named
from tools.recipes.document import FaultList
from tools.recipes.recipe import read_document
from tools.recipes.rules import LITE
from tools.setup import CONSOLE, ToolsError, setup_console

WHEEL_FOLDER: Final = ROOT / "build" / "wheels"
USUAL: Final = ("linux-aarch64-py311", "linux-aarch64-py313", "linux-x86_64-py313")
"""A release for these stays under what a device may download; both Pythons of x86-64 together do not."""
_ALL: Final = "all"
_NONE: Final = "none"
_MEGABYTE: Final = 1_000_000


def main(argv: list[str]) -> int:
    """Build the suite; the exit code is 2 when something is missing."""
    arguments = _parser().parse_args(argv)
    try:
        model = None if arguments.model is None else partial(bundle_named, arguments.model, say)
        bundle, others = chosen_bundles(arguments.bundle, model)
        bundles = bundle, *others.values()
        # Better now than after minutes of fetching packages.
        check_bundles({DEFAULT_BUNDLE: bundle, **others})
        check_own(arguments.out, OWN.__contains__)
        for fault in lint_sources(ROOT):
            raise BuildError(f"recipes/{fault}; `smartcam lint` shows all mistakes")
        make_page(ROOT)
        wheels = fetch_wheels(_platforms(arguments.wheels), ROOT, bundles=bundles)
        built = build_suite(arguments.out, bundle, wheels=wheels, others=others)
        projects = write_projects(built, arguments.gdk, ROOT / "gdk-config.json") if arguments.gdk else ()
    except (BuildError, CatalogueError, WheelError, UnknownTopic) as error:
        return complain("build", error, 2)
    except OSError as error:
        return complain("build", _in_words(error, arguments.out), 2)
    for name in built.components:
        print(f"{name} {built.version}")
    print(f"recipes and artifacts: {built.folder}")
    warn_of_demo(bundles, "build")
    for architecture in ARCHITECTURES:
        say_load(built, architecture, [each.python for each in wheels if each.architecture == architecture])
    if projects:
        print(f"projects of the Greengrass Development Kit: {arguments.gdk}")
    return 0


def make_page(root: Path, home: str = CONSOLE) -> None:
    """Make the console's page where there is none, or only one of an older source; without it the console says so.

    `home`: as for `setup_console`.
    """
    made = root / home / "static" / "index.html"
    sources = [file for each in {CONSOLE, home} for file in (root / each / "page").iterdir()]
    if made.is_file() and made.stat().st_mtime >= max(file.stat().st_mtime for file in sources):
        return
    try:
        setup_console(root, say, home)
    except ToolsError as error:
        complain("build", f"WARNING: smartcam.Console has no page: {error}")


def fetch_wheels(
    platforms: Sequence[Platform],
    root: Path,
    folder: Path = WHEEL_FOLDER,
    density: int = DENSE,
    bundles: Iterable[Path] = (),
) -> Wheels:
    """The wheels of each platform that these bundles need, and the pip that installs them, slim.

    Raises:
        WheelError: see `fetch`.
        OSError: when the folder cannot be used.
    """
    by_python = dict(zip(PYTHONS, locks(root, bundles), strict=True))
    installer = root / "requirements" / "installer.txt"
    found = {}
    for platform in platforms:
        wheels = fetch(platform, (by_python[platform.python], installer), folder, say)
        found[platform] = slim_all(wheels, folder / "slim", say, density)
    return found


def device_bytes(built: Built, architecture: str) -> int:
    """How much a device of this architecture downloads: the artifacts of the manifests that its nucleus chooses."""
    total = 0
    for component in built.components:
        recipe = read_document(built.recipe(component).read_bytes(), FaultList(component), LITE)
        fitting = {"", ARCHITECTURES[architecture]}
        chosen = next(each for each in recipe.manifests if each.platform.optional("architecture").raw in fitting)
        names = {artifact.file for artifact in chosen.artifacts}
        total += sum(file.stat().st_size for file in built.artifacts_of(component) if file.name in names)
    return total


def say_load(built: Built, architecture: str, pythons: Sequence[str]) -> None:
    """Print what a device downloads, and complain when that is too much."""
    size = device_bytes(built, architecture)
    say(f"a linux-{architecture} device downloads {size / _MEGABYTE:.1f} MB ({' and '.join(pythons) or 'no'} packages)")
    if size > LARGEST_LOAD_BYTES:
        limit = f"{LARGEST_LOAD_BYTES / _MEGABYTE:.0f} MB"
        complain("build", f"linux-{architecture}: that is over {limit}; name fewer systems with --wheels")


def warn_of_demo(bundles: Iterable[Path], verb: str) -> None:
    """Warn that a packed model is the demo's, judged by the bundle's content: a copy guards nothing either."""
    demo = DEMO_BUNDLE / MANIFEST_FILE
    if demo.is_file() and demo.read_bytes() in [(bundle / MANIFEST_FILE).read_bytes() for bundle in bundles]:
        real = "Get a real one (smartcam model list), and pack it: --bundle FOLDER"
        said = f"the model is the demo's, and knows its generated yard only. {real}"
        complain(verb, f"WARNING: {said}")


def _in_words(error: OSError, out: Path) -> str:
    """The system names a file only where it opens one, not where the disk is full."""
    if error.strerror is None:
        return str(error)
    return f"{error.filename or out}: {error.strerror}; make room, or name another folder with --out"


def _platforms(words: Sequence[str]) -> tuple[Platform, ...]:
    if list(words) == [_NONE]:
        return ()
    if list(words) == [_ALL]:
        return PLATFORMS
    return tuple(sorted({parse_platform(word) for word in words}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="smartcam build", description="Build every component's recipe and artifacts.")
    parser.add_argument("--bundle", action="append", default=[], metavar="[NAME=]FOLDER", help=BUNDLE_HELP)
    parser.add_argument("--model", metavar="NAME", help="get this model of `smartcam model list` instead")
    parser.add_argument("--out", type=Path, default=ROOT / "greengrass-build", help="folder (greengrass-build)")
    parser.add_argument(
        "--wheels",
        nargs="+",
        default=os.environ.get("SMARTCAM_WHEELS", " ".join(USUAL)).split(),
        metavar="PLATFORM",
        help=f"packages to carry, for devices without a network: {', '.join(map(str, PLATFORMS))}, all"
        f" or none; the default is $SMARTCAM_WHEELS, else {' '.join(USUAL)}. A device downloads its architecture's",
    )
    parser.add_argument(
        "--gdk",
        type=Path,
        default=ROOT / "build" / "gdk",
        help="folder for one project of the Greengrass Development Kit per component (build/gdk)",
    )
    return parser
