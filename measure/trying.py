"""Tries mutants, each in a fork of one session of pytest that has collected the tests, those that take least first.

mutmut makes the mutants and shows what became of them. By itself it collects the tests anew for each of them, and that
takes longer than most tests. Started by measure/mutants.py, in the folder that mutmut works in.
"""

import argparse
import gc
import json
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final

import pytest
from mutmut.__main__ import create_mutants
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import (
    copy_also_copy_files,
    copy_src_dir,
    setup_source_paths,
    walk_mutatable_files,
)
from mutmut.utils.format_utils import mangled_name_from_mutant_name

CHILDREN: Final = 2
KILLED: Final = 1
NO_TESTS: Final = 33
TIMEOUT: Final = 36
"""Exit codes by which mutmut knows what became of a mutant; 0 is that it survived."""
_MEMORY: Final = Path("/dev/shm")  # noqa: S108  durability is not tested here, and each mutant's syncs take their time
_PATIENCE_S: Final = 5
"""CPU seconds that a mutant may take beside five times what its tests take without it."""
_REACH: Final = Path("reach.json")
_HUNG: Final = (-signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Footprints:
    """What the tests did without a mutant: the CPU seconds of each, and which of them came to each function."""

    seconds: dict[str, float]
    tests: dict[str, list[str]]

    def of(self, mutant: str, noticed: Mapping[str, int] = MappingProxyType({})) -> list[str]:
        """The tests that come to this mutant: first those that are quick for what they have noticed of its function."""
        tests = self.tests.get(mangled_name_from_mutant_name(mutant), ())
        return sorted(tests, key=lambda test: self.seconds[test] / (1 + noticed.get(test, 0)))

    def cost(self, mutant: str) -> float:
        """The CPU seconds that it takes to see that this mutant survives."""
        return sum(self.seconds[test] for test in self.of(mutant))

    def renewed(self, newer: "Footprints") -> "Footprints":
        """With what is newer known of some of the tests."""
        tests = {function: [test for test in of if test not in newer.seconds] for function, of in self.tests.items()}
        for function, of in newer.tests.items():
            tests[function] = [*tests.get(function, ()), *of]
        return Footprints(self.seconds | newer.seconds, tests)


class Trying:
    """A plugin of pytest that runs the tests once as they are, and then for each mutant those that come to it."""

    def __init__(self, mutants: Sequence[tuple[SourceFileMutationData, str]], within_s: float) -> None:
        self._mutants = mutants
        self._within_s = within_s
        self._failed = False
        self._noticed: dict[str, Counter[str]] = defaultdict(Counter)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Notes that a test has failed. Nobody reads what is written about a mutant's."""
        if report.failed:
            self._failed = True
            print(report.longreprtext)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Takes the place of pytest's own loop."""
        if session.testsfailed:
            raise session.Interrupted("a file of tests cannot be read")
        items = {item.nodeid: item for item in session.items}
        with tempfile.TemporaryDirectory(prefix="mutants-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
            self._try_all(items, self._measure_all(session.items, Path(folder)), Path(folder))
        return True

    def _measure_all(self, items: Sequence[pytest.Item], folder: Path) -> Footprints:
        """Measures tests that are new, and those that the mutants will meet: they are to pass without them."""
        known = Footprints(**json.loads(_REACH.read_text())) if _REACH.exists() else Footprints({}, {})
        met = {test for _, mutant in self._mutants for test in known.of(mutant)}
        wanted = [item for item in items if item.nodeid in met or item.nodeid not in known.seconds]
        found = folder / "found.json"
        if os.waitpid(_fork(lambda: self._measure(wanted, found), folder), 0)[1]:
            raise pytest.UsageError("a test fails without any mutant: run the tests first")
        reach = known.renewed(Footprints(**json.loads(found.read_text())))
        _REACH.write_text(json.dumps(asdict(reach)))
        return reach

    def _measure(self, items: Sequence[pytest.Item], into: Path) -> int:
        reach = Footprints({}, {})
        set_mutant_under_test("stats")
        for item, following in zip(items, [*items[1:], None], strict=True):
            began = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            reach.seconds[item.nodeid] = time.process_time() - began
            for function in state()._stats:  # noqa: SLF001  mutmut's own runner reads it like this
                reach.tests.setdefault(function, []).append(item.nodeid)
            state()._stats.clear()  # noqa: SLF001  the same
        into.write_text(json.dumps(asdict(reach)))
        return int(self._failed)

    def _try_all(self, items: Mapping[str, pytest.Item], reach: Footprints, folder: Path) -> None:
        running: dict[int, tuple[SourceFileMutationData, str]] = {}

        def reap() -> None:
            pid, status = os.wait()
            code = os.waitstatus_to_exitcode(status)
            data, mutant = running.pop(pid)
            _note(data, mutant, TIMEOUT if code in _HUNG else code)
            noticed_by = _noticed_by(folder, pid)
            if noticed_by.exists():
                self._noticed[mangled_name_from_mutant_name(mutant)][noticed_by.read_text()] += 1
                noticed_by.unlink()

        gc.freeze()  # what is there already is no rubbish, and looking through it would copy it in each child

        # In an order drawn by lot, so that a run that is stopped has tried a fair sample of all.
        for data, mutant in Random(0).sample(self._mutants, len(self._mutants)):  # noqa: S311  a draw, no secret
            noticed = self._noticed[mangled_name_from_mutant_name(mutant)]
            tests = [items[name] for name in reach.of(mutant, noticed) if name in items]
            if not tests:
                _note(data, mutant, NO_TESTS)
                continue
            if len(running) == CHILDREN:
                reap()
            cost = min(reach.cost(mutant), self._within_s)
            running[_fork(partial(self._try, mutant, tests, cost, folder), folder)] = (data, mutant)
        while running:
            reap()

    def _try(self, mutant: str, tests: Sequence[pytest.Item], cost: float, folder: Path) -> int:
        most = int(5 * cost) + _PATIENCE_S
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
        signal.alarm(60 * most)  # one that waits for ever uses no CPU
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
        set_mutant_under_test(mutant)
        for item, following in zip(tests, [*tests[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                _noticed_by(folder, os.getpid()).write_text(item.nodeid)
                return KILLED
            if time.process_time() > self._within_s:
                break
        return 0


def _fork(work: Callable[[], int], folder: Path) -> int:
    """Does the work in a child with a temporary folder of its own; what it returns is the child's exit code."""
    own = tempfile.mkdtemp(dir=folder)
    pid = os.fork()
    if pid:
        return pid
    code = KILLED  # whatever is raised here, a mutant's fault has raised it
    try:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = own
        code = work()
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        shutil.rmtree(own, ignore_errors=True)
        os._exit(code)


def _noticed_by(folder: Path, pid: int) -> Path:
    """Where a child that tries a mutant writes which test has noticed it."""
    return folder / f"noticed-by-{pid}"


def _note(data: SourceFileMutationData, mutant: str, code: int) -> None:
    """Whenever the run is stopped, its notes are whole."""
    data.exit_code_by_key[mutant] = code
    notes = data.meta_path
    data.meta_path = notes.with_suffix(".new")
    data.save()
    data.meta_path = data.meta_path.replace(notes)


def forget_half_made() -> None:
    """Mutants whose making was stopped are made anew: mutmut takes what is newer than its source for whole."""
    for path in walk_mutatable_files():
        made, notes, last_made = (Path("mutants") / f"{path}{ending}" for ending in ("", ".meta", ".spans"))
        if made.exists() and not (last_made.exists() and last_made.stat().st_mtime_ns >= made.stat().st_mtime_ns):
            made.unlink()
            notes.unlink(missing_ok=True)


def chosen(patterns: Sequence[str]) -> list[tuple[SourceFileMutationData, str]]:
    """The mutants that a pattern names, or without patterns those that were never tried, each with its file's notes."""
    found = []
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.meta_path = data.meta_path.absolute()  # the tests run in another folder
        data.load()
        found += [
            (data, mutant)
            for mutant, code in data.exit_code_by_key.items()
            if (any(fnmatch(mutant, pattern) for pattern in patterns) if patterns else code is None)
        ]
    return found


def main(arguments: Sequence[str]) -> int:
    """Makes the mutants of what has changed, and tries those that are named."""
    parser = argparse.ArgumentParser(prog="trying")
    parser.add_argument("patterns", nargs="*")
    parser.add_argument("--within", type=float, default=math.inf)
    options = parser.parse_args(arguments)
    Path("mutants").mkdir(exist_ok=True)
    forget_half_made()
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(CHILDREN)
    trying = Trying(chosen(options.patterns), options.within)
    os.chdir("mutants")
    tests = [*config().pytest_add_cli_args_test_selection, *config().pytest_add_cli_args]
    return pytest.main(["--rootdir=.", "--capture=no", "--tb=native", "-q", *tests], plugins=[trying])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
