"""`python -m devkit build`: recipes and artifacts into greengrass-build/."""

import argparse
import sys
from pathlib import Path

from devkit.build.suite import ROOT, BuildError, build_suite


def main(argv: list[str]) -> int:
    """Build the suite; the exit code is 2 when something is missing."""
    parser = argparse.ArgumentParser(prog="devkit build", description="Build every component's recipe and artifacts.")
    parser.add_argument(
        "--bundle", type=Path, default=ROOT / "training" / "bundles" / "demo", help="model bundle (the demo's)"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "greengrass-build", help="folder (greengrass-build)")
    arguments = parser.parse_args(argv)
    try:
        built = build_suite(arguments.out, arguments.bundle)
    except (BuildError, OSError) as error:
        print(f"build: {error}", file=sys.stderr)
        return 2
    for name in built.components:
        print(f"{name} {built.version}")
    print(f"recipes and artifacts: {built.folder}")
    return 0
