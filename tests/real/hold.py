"""What a drill needs of a nucleus: few enough holds that the real lite and the stand-in offer the same."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a deployment, by the nucleus."""

    good: bool
    said: str


@dataclass(frozen=True, slots=True)
class CodeProcess:
    """A process that runs a component's Python code."""

    pid: int
    code: str
    """The archive that it runs."""


class NucleusHold(Protocol):
    """A nucleus that takes deployments, and whose IPC server can be killed."""

    @property
    def root(self) -> Path:
        """Its folder; components work in `work/<component>` below it."""

    def deploy(self, recipes: Path, artifacts: Path, wanted: Mapping[str, str]) -> Outcome:
        """Bring these components in these versions beside what is there, and wait for the outcome."""

    def kill_ipc(self) -> None:
        """Kill the IPC server alone; it comes back by itself."""

    def log(self, component: str) -> str:
        """What a component has said since the drill began."""


def processes(root: Path) -> Mapping[str, CodeProcess]:
    """The processes of components, by component. To see those of other users takes root."""
    work, found = (root / "work").resolve(), dict[str, CodeProcess]()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            folder, words = (entry / "cwd").readlink(), (entry / "cmdline").read_bytes().split(b"\0")
            if folder.parent == work and b"-m" in words and b"--self-test" not in words:
                environment = (entry / "environ").read_bytes().decode(errors="replace")
                code = re.search(r"(?:^|\0)PYTHONPATH=([^\0]+)", environment)
                found[folder.name] = CodeProcess(int(entry.name), code[1] if code else "")
    return found


Until = Callable[[Callable[[], bool], float], bool]
"""Whether a condition comes true within so many seconds."""
