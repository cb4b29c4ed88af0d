"""`smartcam lint`: check every recipe, as it will be delivered, for both nuclei."""

from pathlib import Path

from smartcam import __version__
from tools.build.slim import packages_id
from tools.build.suite import CODE, ON_DEMAND, BuildError, artifact_names, find_built, locks, rendered
from tools.command_line import ROOT, complain, new_parser
from tools.lint.code_use import UnknownTopic, uses_of
from tools.lint.facts import SuiteFacts
from tools.lint.suite import lint_suite
from tools.recipes.document import Fault


def main(argv: list[str]) -> int:
    """0: no mistakes. 1: one line for each mistake. 2: there is nothing to check."""
    parser = new_parser("lint", __doc__)
    parser.add_argument("--built", type=Path, help="check the build in this folder instead of the sources in recipes/")
    arguments = parser.parse_args(argv)
    try:
        if arguments.built is None:
            recipes = _sources(ROOT)
        else:
            built = find_built(arguments.built)
            recipes = {name: built.recipe(name).read_text() for name in built.components}
        facts = facts_of(ROOT)
    except (BuildError, UnknownTopic, OSError) as error:
        return complain("lint", error, 2)
    faults = lint_suite(recipes, facts)
    for fault in faults:
        print(fault)
    print(f"{len(recipes)} recipes, {len(faults) or 'no'} mistakes")
    return 1 if faults else 0


def lint_sources(root: Path) -> list[Fault]:
    """What is wrong with the recipes in `recipes/`, as delivered. Raises UnknownTopic, BuildError, OSError."""
    return lint_suite(_sources(root), facts_of(root))


def _sources(root: Path) -> dict[str, str]:
    files = sorted((root / "recipes").glob("*.yaml"))
    return {file.stem: rendered(file, locks(root)) for file in files}


def facts_of(root: Path) -> SuiteFacts:
    """The facts that the suite's sources state. Raises UnknownTopic, OSError."""
    source = root / "components" / "smartcam"
    return SuiteFacts(
        version=__version__,
        packages=packages_id(locks(root)),
        artifacts={name: frozenset(files) for name, files in artifact_names().items()},
        uses={component: uses_of(source / package) for component, package in {**CODE, **ON_DEMAND}.items()},
    )
