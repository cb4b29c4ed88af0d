"""Whether the tests of the most important modules notice a changed line: `make mutants`, with mutmut, in build/mutants.

mutmut changes the code in a copy, one expression at a time, and measure/trying.py runs the tests that reach it;
pyproject.toml says which modules and tests. Without arguments a run goes on where the last one was stopped.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from standins.cloud.leashed import kill_leashed, start_leashed
from tools.command_line import ROOT, interruptible

FOLDER: Final = ROOT / "build/mutants"
LEAST_KILLED: Final = 0.85
_LINKS: Final = {"src": "components"} | {name: name for name in ("infra", "tests", "tools", "pyproject.toml")}
"""What mutmut copies. It takes the names of modules from paths below `src`."""
_RESULT: Final = re.compile(r"^ +(?P<module>[\w.]+)\.x[_ǁ]\S+: (?P<status>.+)$", re.MULTILINE)
_KILLED: Final = ("killed", "timeout")
"""A mutant that makes the tests hang is noticed too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: runs the mutants, prints the table, and fails where too many survive."""
    parser = argparse.ArgumentParser(prog="mutants", description="Change the code, and see whether a test notices.")
    parser.add_argument("modules", nargs="*", help="try these modules again: outbox, sending, smartcam.edge.ring ...")
    parser.add_argument(
        "--within",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="of CPU for the tests of one mutant, the quickest first: some are noticed by slower ones only (2)",
    )
    parser.add_argument("--survivors", action="store_true", help="try the survivors of the last run again")
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    chosen = parser.parse_args(arguments)
    if chosen.fresh:
        shutil.rmtree(FOLDER, ignore_errors=True)
    prepare(FOLDER)
    names = [pattern for name in chosen.modules for pattern in (f"{name}.*", f"*.{name}.*")]
    if chosen.survivors:
        names = survivors(results())
        if not names:
            print("No mutant has survived.")
            return 0
    _try([sys.executable, "-m", "measure.trying", "--within", str(chosen.within), *names])
    counts = count(results())
    print(table(counts))
    return 0 if share_killed(counts) >= LEAST_KILLED else 1


def prepare(folder: Path) -> None:
    """Links what mutmut copies; a test or tool that is no longer there must not live on in its copy."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in _LINKS.items():
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(ROOT / target, folder))
    for copied in ("tests", "tools"):
        shutil.rmtree(folder / "mutants" / copied, ignore_errors=True)


def results() -> str:
    """One line for each mutant: its name and what became of it."""
    command = [str(Path(sys.executable).with_name("mutmut")), "results", "--all", "true"]
    return subprocess.run(  # noqa: S603  mutmut of this environment
        command, cwd=FOLDER, env=_variables(), stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def survivors(listing: str) -> list[str]:
    """The names of the mutants that no test noticed."""
    lines = [line.strip().rpartition(": ") for line in listing.splitlines()]
    return [name for name, _, status in lines if name and status not in (*_KILLED, "not checked")]


def count(listing: str) -> dict[str, Counter[str]]:
    """How many mutants of each module ended in each way."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for found in _RESULT.finditer(listing):
        counts[found["module"]][found["status"]] += 1
    return dict(counts)


def share_killed(counts: Mapping[str, Counter[str]]) -> float:
    """The share of the mutants tried that some test noticed, 0..1."""
    tried = sum(number for one in counts.values() for status, number in one.items() if status != "not checked")
    return sum(one[status] for one in counts.values() for status in _KILLED) / max(tried, 1)


def table(counts: Mapping[str, Counter[str]]) -> str:
    """The counts of each module and of all, as lines of text."""
    lines = [f"{'module':42} mutants  killed  survived  not tried"]
    for name, one in [*sorted(counts.items()), ("all", sum(counts.values(), Counter[str]()))]:
        killed = sum(one[status] for status in _KILLED)
        untried = one["not checked"]
        survived = one.total() - killed - untried
        lines.append(f"{name:42} {one.total():7}  {killed:6}  {survived:8}  {untried:9}")
    return "\n".join([*lines, f"{share_killed(counts):.1%} killed, at least {LEAST_KILLED:.0%} are wanted"])


def _try(command: Sequence[str]) -> None:
    """The mutants are tried in forks, which end with whoever asked for them. Raises CalledProcessError."""
    process = start_leashed(command, _variables(), FOLDER, sys.stdout.fileno())
    try:
        code = process.wait()
    finally:
        kill_leashed(process)
    if code:
        raise subprocess.CalledProcessError(code, command)


def _variables() -> Mapping[str, str]:
    return {
        **os.environ,
        # A fixed seed makes sets, and with them the order in which things are tried, the same in each run.
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(ROOT),
        "HYPOTHESIS_PROFILE": "mutants",
        # Two children have a core each; the threads of BLAS would wait for one another.
        "OPENBLAS_NUM_THREADS": "1",
    }


if __name__ == "__main__":
    sys.exit(interruptible("mutants", main))
