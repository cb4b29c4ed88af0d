"""Tries mutants, each in a fork of one session of pytest that has collected the tests, those that take least first.

mutmut makes the mutants and shows what became of them. By itself it collects the tests anew for each of them, and that
takes longer than most tests. Started by measure/mutants.py, in the folder that mutmut works in.
"""

import argparse
import gc
import hashlib
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
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
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
_LONGEST_S: Final = 4
"""CPU seconds of a test that mutants meet. A longer one would be asked last, and few mutants would get so far."""
_TIMES_TOLD: Final = 50
_REACH: Final = Path("reach.jsonl")
_HUNG: Final = (-signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one test did without a mutant."""

    test: str
    seconds: float
    """Of CPU."""
    functions: tuple[str, ...]
    """To which of those under mutation it came; none if it took too long."""
    state: str
    """Of all that it depends on, as a digest."""


class Footprints:
    """What the tests did without a mutant, as far as they were measured: kept in a file, a line for each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_test: dict[str, Footprint] = {}
        self._by_function: dict[str, list[str]] = defaultdict(list)
        for line in path.read_text().splitlines() if path.exists() else ():
            with suppress(ValueError):  # a line in which a run was stopped
                self._add(Footprint(**json.loads(line)))

    def note(self, footprint: Footprint) -> None:
        """Whenever the run is stopped, what was measured is kept."""
        self._add(footprint)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(footprint)) + "\n")

    def _add(self, footprint: Footprint) -> None:
        known = self._by_test.get(footprint.test)
        for function in known.functions if known else ():
            self._by_function[function].remove(footprint.test)
        self._by_test[footprint.test] = footprint
        for function in footprint.functions:
            self._by_function[function].append(footprint.test)

    def of(self, mutant: str, noticed: Mapping[str, int] = MappingProxyType({})) -> list[str]:
        """The tests that come to this mutant: first those that are quick for what they have noticed of its function."""
        tests = self._by_function.get(mangled_name_from_mutant_name(mutant), ())
        return sorted(tests, key=lambda test: self._by_test[test].seconds / (1 + noticed.get(test, 0)))

    def cost(self, mutant: str) -> float:
        """The CPU seconds that it takes to see that this mutant survives."""
        return sum(self._by_test[test].seconds for test in self.of(mutant))

    def wanted(self, states: Mapping[str, str], mutants: Iterable[str]) -> set[str]:
        """Of these tests with their states, which to measure: new ones, and changed ones that these mutants meet."""
        met = {test for mutant in mutants for test in self.of(mutant)}
        return {
            test
            for test, state in states.items()
            if test not in self._by_test or (test in met and self._by_test[test].state != state)
        }


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
            print(report.longreprtext, flush=True)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Takes the place of pytest's own loop."""
        if session.testsfailed:
            raise session.Interrupted("a file of tests cannot be read")
        items = {item.nodeid: item for item in session.items}
        footprints = Footprints(_REACH.absolute())
        gc.freeze()  # what is there already is no rubbish, and looking through it would copy it in each child
        with tempfile.TemporaryDirectory(prefix="mutants-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
            children = Children(Path(folder))
            self._measure_all(items, footprints, children)
            self._try_all(items, footprints, children)
        return True

    def _measure_all(self, items: Mapping[str, pytest.Item], footprints: Footprints, children: "Children") -> None:
        """Measures tests that are new or changed: they are to pass without a mutant."""
        failed: list[str] = []
        states = _states(items)

        def note(test: str, code: int, said: str) -> None:
            if code in _HUNG:
                footprints.note(Footprint(test, _LONGEST_S, (), states[test]))
            elif code:
                failed.append(test)
            else:
                seconds, *functions = json.loads(said)
                footprints.note(Footprint(test, seconds, tuple(functions), states[test]))

        for test in sorted(footprints.wanted(states, (mutant for _, mutant in self._mutants))):
            children.start(partial(self._measure, items[test]), _LONGEST_S, partial(note, test))
        children.finish()
        if failed:
            raise pytest.UsageError(f"a test fails without any mutant: run the tests first: {', '.join(failed)}")

    def _measure(self, item: pytest.Item, said: Path) -> int:
        set_mutant_under_test("stats")
        began = time.process_time()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        seconds = time.process_time() - began
        said.write_text(json.dumps([seconds, *sorted(state()._stats)]))  # noqa: SLF001  mutmut's own runner reads it so
        return int(self._failed)

    def _try_all(self, items: Mapping[str, pytest.Item], footprints: Footprints, children: "Children") -> None:
        lives: Counter[bool] = Counter()
        every = max(len(self._mutants) // _TIMES_TOLD, 1)

        def note(data: SourceFileMutationData, mutant: str, code: int, said: str) -> None:
            _note(data, mutant, TIMEOUT if code in _HUNG else code)
            if said:
                self._noticed[mangled_name_from_mutant_name(mutant)][said] += 1
            lives[code == 0] += 1
            if lives.total() % every == 0:
                print(f"{lives.total()} of {len(self._mutants)} mutants tried, {lives[True]} not noticed", flush=True)

        # In an order drawn by lot, so that a run that is stopped has tried a fair sample of all.
        for data, mutant in Random(0).sample(self._mutants, len(self._mutants)):  # noqa: S311  a draw, no secret
            noticed = self._noticed[mangled_name_from_mutant_name(mutant)]
            tests = [items[name] for name in footprints.of(mutant, noticed) if name in items]
            if not tests:
                _note(data, mutant, NO_TESTS)
                continue
            most_s = int(5 * min(footprints.cost(mutant), self._within_s)) + _PATIENCE_S
            children.start(partial(self._try, mutant, tests), most_s, partial(note, data, mutant))
        children.finish()

    def _try(self, mutant: str, tests: Sequence[pytest.Item], said: Path) -> int:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
        set_mutant_under_test(mutant)
        for item, following in zip(tests, [*tests[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                said.write_text(item.nodeid)
                return KILLED
            if time.process_time() > self._within_s:
                break
        return 0


class Children:
    """Forks of this process, two at a time, each with a temporary folder and a limit of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[int, tuple[Path, Callable[[int, str], None]]] = {}

    def start(self, work: Callable[[Path], int], most_s: int, ended: Callable[[int, str], None]) -> None:
        """Does the work in a child, which may take so many CPU seconds, once there is room for it.

        What the work returns is the child's exit code. `ended` gets it with what the work has written into the file
        that it was given.
        """
        if len(self._running) == CHILDREN:
            self._reap()
        own = Path(tempfile.mkdtemp(dir=self._folder))
        pid = os.fork()
        if pid:
            self._running[pid] = (own, ended)
            return
        code = KILLED  # whatever is raised here, a mutant's fault has raised it
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (most_s, most_s))
            signal.alarm(60 * most_s)  # one that waits for ever uses no CPU
            os.environ["PYTEST_DEBUG_TEMPROOT"] = str(own)
            code = work(own / "said")
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(code)

    def finish(self) -> None:
        """Waits for all that were started."""
        while self._running:
            self._reap()

    def _reap(self) -> None:
        pid, status = os.wait()
        own, ended = self._running.pop(pid)
        said = own / "said"
        ended(os.waitstatus_to_exitcode(status), said.read_text() if said.exists() else "")
        shutil.rmtree(own, ignore_errors=True)


def _states(items: Mapping[str, pytest.Item]) -> dict[str, str]:
    """For each test a digest of its file, and of all that is no file of tests."""
    common = hashlib.sha256()
    for path in sorted(Path().rglob("*.py")):
        if not path.name.startswith("test_"):
            common.update(path.read_bytes())
    of_file = {path: hashlib.sha256(common.digest() + path.read_bytes()) for path in {i.path for i in items.values()}}
    return {test: of_file[item.path].hexdigest()[:16] for test, item in items.items()}


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
