"""The stand-in, held as the drill holds a nucleus."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path

from tests.real.hold import Outcome
from tests.system.nucleus import NucleusProcess, journal_lines
from tests.system.rig import until
from tests.waiting import PATIENCE_S

_OUTCOMES = {"deployment_succeeded": True, "deployment_failed": False}


class StandInHold:
    """`smartcam nucleus` in a process of its own, from the first deployment on. It has no cloud."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.merges: dict[str, Mapping[str, object]] = {}
        """What deployments from now on configure, by component: on lite, a reason to install it again."""
        self._wanted: dict[str, str] = {}
        self._process: NucleusProcess | None = None

    @property
    def root(self) -> Path:
        """See `NucleusHold`."""
        return self._folder / "root"

    def deploy(self, recipes: Path, artifacts: Path, wanted: Mapping[str, str]) -> Outcome:
        """See `NucleusHold`. All deployments come from the same two folders."""
        before = len(self._outcomes())
        self._wanted |= wanted
        description = self._folder / "deployment.json"
        components: dict[str, object] = {name: {"version": version} for name, version in self._wanted.items()}
        components |= {name: {"version": self._wanted[name], "merge": merge} for name, merge in self.merges.items()}
        description.write_text(json.dumps({"components": components}))
        if self._process is None:
            self._process = self._start(recipes, artifacts, description)
        else:
            self._process.send(signal.SIGHUP)
        if not until(lambda: len(self._outcomes()) > before, PATIENCE_S):
            return Outcome(good=False, said="no outcome in time")
        return self._outcomes()[-1]

    def kill_ipc(self) -> None:
        """See `NucleusHold`."""
        if self._process is not None:
            self._process.send(signal.SIGUSR2)

    def log(self, component: str) -> str:
        """See `NucleusHold`."""
        file = self.root / "logs" / f"{component}.log"
        return file.read_text(errors="replace") if file.is_file() else ""

    def close(self) -> None:
        """End it and everything that it runs."""
        if self._process is not None:
            self._process.end()

    def _start(self, recipes: Path, artifacts: Path, description: Path) -> NucleusProcess:
        options: dict[str, object] = {
            "--root": self.root,
            "--recipes": recipes,
            "--artifacts": artifacts,
            "--deploy": description,
            "--thing": "drill",
        }
        return NucleusProcess.of(options, self._folder / "nucleus.log")

    def _outcomes(self) -> list[Outcome]:
        entries = [json.loads(line) for line in journal_lines(self.root)]
        return [
            Outcome(_OUTCOMES[entry["event"]], str(entry.get("reason", "")))
            for entry in entries
            if entry["event"] in _OUTCOMES
        ]
