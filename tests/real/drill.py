"""The drill: one release after the other on a nucleus, with everything that goes wrong on a device in between."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from smartcam.contract.ids import CameraId
from tests.conformance import target
from tests.real.hold import CodeProcess, NucleusHold, Until, processes
from tests.upgrade.releases import next_release
from tools.build.suite import ON_DEMAND, Built
from tools.command_line import ROOT
from tools.local.command import with_defaults

CAPTURE, INFERENCE = "smartcam.Capture", "smartcam.Inference"
_CANNOT_BE_IMPORTED: Final = (
    (CAPTURE, "smartcam/capture/service.py"),
    ("import logging", "import a_package_of_tomorrow"),
)
_BACK_S: Final = 60.0
"""A killed component is back within seconds; a busy machine is slow."""
_SEEN_S: Final = 300.0
_FRESH_TOKEN_S: Final = 600.0
"""A component whose token is refused leaves after a while of its own choice."""


class StepFailed(Exception):
    """What a step found instead of what it should have."""


@dataclass(frozen=True, slots=True)
class DrillReleases:
    """Three releases of one build: the first, one whose capture cannot be imported, and a good one."""

    folder: Built
    first: str
    bad: str
    good: str


def make_releases(
    built: Built, folder: Path, camera: Mapping[CameraId, object], number: int, python: str = ""
) -> DrillReleases:
    """Releases that no device has had yet, if the number is new; the camera stands in their recipes."""
    merges: dict[str, dict[str, object]] = {CAPTURE: {"cameras": dict(camera)}, "smartcam.Runtime": {"python": python}}
    configured = with_defaults(built, merges, folder)
    first, bad, good = (f"0.{number}.{place}" for place in (1, 2, 3))
    for version in (first, good):
        next_release(configured, version)
    next_release(configured, bad, dict([_CANNOT_BE_IMPORTED]))
    return DrillReleases(configured, first, bad, good)


@dataclass(frozen=True, slots=True)
class DrillRow:
    """One step, and what came of it."""

    step: str
    passed: bool
    seconds: float
    said: str

    def __str__(self) -> str:
        """A line of the table."""
        return f"{'pass' if self.passed else 'FAIL'}  {self.seconds:6.1f} s  {self.step:<34}  {self.said}".rstrip()


@dataclass
class Drill:
    """A drill on one nucleus."""

    nucleus: NucleusHold
    releases: DrillReleases
    until: Until
    conformance: Sequence[str] = ("tests/conformance",)
    before: Mapping[str, CodeProcess] = field(default_factory=dict)

    def play(self) -> Iterator[DrillRow]:
        """Every step, one after the other, also after one that failed."""
        steps: Mapping[str, Callable[[], str]] = {
            "the protocol (tests/conformance)": self._conforms,
            "the first release": lambda: self._takes(self.releases.first),
            "somebody is seen": self._sees,
            # While two of lite's three starts an hour are left: one for a fresh token, one for the kill.
            "the IPC server is killed": self._gets_a_token,
            "kill -9 of both": self._comes_back,
            "a bad release": self._refuses,
            "kill -9 of both after it": self._comes_back,
            "a good release": lambda: self._takes(self.releases.good),
            "somebody is seen after all": self._sees,
        }
        for name, step in steps.items():
            began = time.monotonic()
            try:
                said, passed = step(), True
            except (StepFailed, OSError, subprocess.SubprocessError) as error:
                said, passed = " ".join(str(error).split()), False
            yield DrillRow(name, passed, time.monotonic() - began, said)

    def _conforms(self) -> str:
        recipes = self.releases.folder.recipes
        (recipes / f"{target.COMPONENT}-{self.releases.first}.yaml").write_text(target.recipe(self.releases.first))
        self._deploy({target.COMPONENT: self.releases.first})
        token = target.token_file(self.nucleus.root)
        if not self.until(token.is_file, _BACK_S):
            raise StepFailed(f"{token} does not appear")
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", *self.conformance]
        environment = {**os.environ, target.REAL: str(self.nucleus.root)}
        ran = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
        last = ran.stdout.strip().splitlines()[-1:] or ["pytest said nothing"]
        if ran.returncode != 0:
            failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", ran.stdout, re.MULTILINE)
            raise StepFailed(f"{last[0]}: {', '.join(failed)}")
        return last[0].strip("= ")

    def _deploy(self, wanted: Mapping[str, str]) -> None:
        outcome = self.nucleus.deploy(self.releases.folder.recipes, self.releases.folder.artifacts, wanted)
        if not outcome.good:
            raise StepFailed(f"the deployment failed: {outcome.said}")

    def _takes(self, version: str) -> str:
        self._deploy(self._suite(version))
        if not self.until(lambda: self._runs(version), _BACK_S):
            raise StepFailed(f"{version} does not run: {self._now()}")
        return f"both run {version}"

    def _refuses(self) -> str:
        # The deployment succeeds: the nucleus must not fail it, or it takes everybody's unit away.
        bad, before = self.releases.bad, self.releases.first
        self._deploy(self._suite(bad))
        runs = {CAPTURE: before, INFERENCE: bad}
        if not self.until(lambda: self._code_is(runs), _BACK_S):
            raise StepFailed(f"capture is not at {before}: {self._now()}")
        return f"capture goes on with {before}"

    def _comes_back(self) -> str:
        before = self._both()
        for each in before.values():
            os.kill(each.pid, signal.SIGKILL)
        self._wait_for_others(before, _BACK_S)
        return "both are back"

    def _gets_a_token(self) -> str:
        before = self._both()
        began = time.monotonic()
        self.nucleus.kill_ipc()
        self._wait_for_others(before, _FRESH_TOKEN_S)
        return f"both were started again after {time.monotonic() - began:.0f} s"

    def _wait_for_others(self, before: Mapping[str, CodeProcess], limit_s: float) -> None:
        old = {each.pid for each in before.values()}
        if not self.until(lambda: len(self._pids() - old) == len(before) and not self._pids() & old, limit_s):
            raise StepFailed(f"after {limit_s:g} s: {self._now()}")

    def _sees(self) -> str:
        before = self._seen()
        if not self.until(lambda: self._seen() > before, _SEEN_S):
            tail = self.nucleus.log(INFERENCE).strip().splitlines()[-1:]
            raise StepFailed(f"nobody within {_SEEN_S:g} s; inference said last: {' '.join(tail)}")
        return "an event was raised"

    def _seen(self) -> int:
        return len(re.findall(r" event .*phase=raised", self.nucleus.log(INFERENCE)))

    def _suite(self, version: str) -> Mapping[str, str]:
        return {name: version for name in self.releases.folder.components if name not in ON_DEMAND}

    def _both(self) -> Mapping[str, CodeProcess]:
        found = {name: each for name, each in processes(self.nucleus.root).items() if name in {CAPTURE, INFERENCE}}
        if len(found) != 2:
            raise StepFailed(f"not both run: {self._now()}")
        return found

    def _pids(self) -> set[int]:
        return {each.pid for name, each in processes(self.nucleus.root).items() if name in {CAPTURE, INFERENCE}}

    def _runs(self, version: str) -> bool:
        return self._code_is({CAPTURE: version, INFERENCE: version})

    def _code_is(self, versions: Mapping[str, str]) -> bool:
        return {
            name: self._version(each) for name, each in processes(self.nucleus.root).items() if name in versions
        } == {**versions}

    def _version(self, process: CodeProcess) -> str:
        """The version that a process runs, by the release whose code is the same."""
        artifacts = self.releases.folder.artifacts
        code = Path(process.code)
        # A version that is taken away while somebody looks is a matter of the next look.
        running = code.read_bytes() if code.is_file() else b""
        for version in (self.releases.first, self.releases.bad, self.releases.good):
            for name in (CAPTURE, INFERENCE):
                if (artifacts / name / version / f"{name.lower().replace('.', '-')}.zip").read_bytes() == running:
                    return version
        return "unknown"

    def _now(self) -> str:
        found = processes(self.nucleus.root)
        return ", ".join(f"{name} {self._version(each)}" for name, each in sorted(found.items())) or "nothing runs"
