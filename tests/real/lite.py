"""A real nucleus lite on this machine, by its own tool and systemd. Takes root."""

import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.real.hold import Outcome, Until

Run = Callable[[Sequence[str]], str]
"""Runs a command and returns what it printed. Raises CalledProcessError."""
DEPLOYMENTS: Final = "ggl.core.ggdeploymentd.service"
LONGEST_DEPLOYMENT_S: Final = 3600.0
"""Installing takes up to 900 s a component, and each is waited for up to 300 s after that."""
_REPORTED: Final = re.compile(r"reporting job as (SUCCEEDED|FAILED)")
_CURSOR: Final = re.compile(r"^-- cursor: (\S+)", re.MULTILINE)


def run_command(command: Sequence[str]) -> str:
    """See `Run`."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class LiteHold:
    """See `NucleusHold`. The tool ends before the deployment begins: its outcome stands in the journal only."""

    def __init__(self, root: Path, run: Run, until: Until) -> None:
        self.root = root
        self._run = run
        self._until = until
        self._since = f"@{int(time.time())}"

    def deploy(self, recipes: Path, artifacts: Path, wanted: Mapping[str, str]) -> Outcome:
        """See `NucleusHold`."""
        cursor = _CURSOR.search(self._run(["journalctl", "--quiet", "--lines", "0", "--show-cursor"]))
        after = ["--after-cursor", cursor[1]] if cursor else ["--since", "now"]
        command = ["ggl-cli", "deploy", "--recipe-dir", str(recipes), "--artifacts-dir", str(artifacts)]
        self._run(command + [part for pair in wanted.items() for part in ("--add-component", "=".join(pair))])
        look = ["journalctl", "--unit", DEPLOYMENTS, "--output", "cat", *after]
        if not self._until(lambda: _REPORTED.search(self._run(look)) is not None, LONGEST_DEPLOYMENT_S):
            return Outcome(
                good=False, said=f"no outcome after {LONGEST_DEPLOYMENT_S:g} s; see journalctl -u {DEPLOYMENTS}"
            )
        said = self._run(look)
        good = _REPORTED.findall(said)[0] == "SUCCEEDED"
        errors = [line for line in said.splitlines() if re.search(r"E\[|Failed|FAILED", line)]
        return Outcome(good, "" if good else " / ".join(errors[-3:]))

    def kill_ipc(self) -> None:
        """See `NucleusHold`."""
        self._run(["systemctl", "kill", "--signal", "KILL", "ggl.core.ggipcd.service"])

    def log(self, component: str) -> str:
        """See `NucleusHold`."""
        units = [part for name in (component, f"{component}.install") for part in ("--unit", f"ggl.{name}.service")]
        return self._run(["journalctl", "--output", "cat", "--since", self._since, *units])
