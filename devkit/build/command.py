"""`python -m devkit build`: recipes and artifacts into greengrass-build/."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from devkit.build.gdk import write_projects
from devkit.build.suite import ROOT, BuildError, Built, build_suite, locks
from devkit.build.wheels import ARCHITECTURES, PLATFORMS, Platform, WheelError, fetch, parse_platform
from devkit.lint.code_use import UnknownTopic
from devkit.lint.command import lint_sources

WHEEL_FOLDER: Final = ROOT / "build" / "wheels"
_ALL: Final = "all"
_NONE: Final = "none"
_MEGABYTE: Final = 1_000_000


def main(argv: list[str]) -> int:
    """Build the suite; the exit code is 2 when something is missing."""
    arguments = _parser().parse_args(argv)
    try:
        for finding in lint_sources(ROOT):
            raise BuildError(f"recipes/{finding}; python -m devkit lint shows all mistakes")
        wheels = fetch_wheels(_platforms(arguments.wheels), ROOT)
        built = build_suite(arguments.out, arguments.bundle, wheels=wheels)
        projects = write_projects(built, arguments.gdk, ROOT / "gdk-config.json") if arguments.gdk else ()
    except (BuildError, WheelError, UnknownTopic, OSError) as error:
        print(f"build: {error}", file=sys.stderr)
        return 2
    for name in built.components:
        print(f"{name} {built.version}")
    print(f"recipes and artifacts: {built.folder}")
    for architecture in ARCHITECTURES:
        carried = " and ".join(platform.python for platform in wheels if platform.architecture == architecture)
        size = device_bytes(built, architecture) / _MEGABYTE
        print(f"a linux-{architecture} device loads {size:.1f} MB ({carried or 'no'} packages carried)")
    if projects:
        print(f"projects of the Greengrass Development Kit: {arguments.gdk}")
    return 0


def fetch_wheels(
    platforms: Sequence[Platform], root: Path, folder: Path = WHEEL_FOLDER
) -> Mapping[Platform, Sequence[Path]]:
    """The wheels of each platform, and the pip that installs them. Raises WheelError, OSError."""
    by_python = {lock.stem.removeprefix("device-"): lock for lock in locks(root)}
    installer = root / "requirements" / "installer.txt"
    return {platform: fetch(platform, (by_python[platform.python], installer), folder, _say) for platform in platforms}


def device_bytes(built: Built, architecture: str) -> int:
    """How much a device of this architecture loads: every artifact but the packages of other architectures."""
    foreign = {f"smartcam-packages-{other}.zip" for other in ARCHITECTURES if other != architecture}
    files = [file for component in built.components for file in built.artifacts_of(component)]
    return sum(file.stat().st_size for file in files if file.name not in foreign)


def _platforms(words: Sequence[str]) -> tuple[Platform, ...]:
    if list(words) == [_NONE]:
        return ()
    if list(words) == [_ALL]:
        return PLATFORMS
    return tuple(sorted({parse_platform(word) for word in words}))


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devkit build", description="Build every component's recipe and artifacts.")
    parser.add_argument(
        "--bundle", type=Path, default=ROOT / "training" / "bundles" / "demo", help="model bundle (the demo's)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "greengrass-build", help="folder (greengrass-build)")
    parser.add_argument(
        "--wheels",
        nargs="+",
        default=os.environ.get("SMARTCAM_WHEELS", _ALL).split(),
        metavar="PLATFORM",
        help=f"packages to carry, for devices without a network: {', '.join(map(str, PLATFORMS))}, all"
        " or none; the default is $SMARTCAM_WHEELS, else all. A device loads those of its architecture:"
        " name only the systems that you have",
    )
    parser.add_argument(
        "--gdk",
        type=Path,
        default=ROOT / "build" / "gdk",
        help="folder for one project of the Greengrass Development Kit per component (build/gdk)",
    )
    return parser
