"""The machine that the nucleus runs on: this one, or one behind ssh."""

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Protocol

from smartcam.contract.errors import SmartcamError

_LIMIT_S: Final = 60.0
_COPY_LIMIT_S: Final = 1800.0
_SSH_FAILED: Final = 255


class HostError(SmartcamError):
    """The machine cannot be used: what failed, and the remedy."""


class Host(Protocol):
    """Runs shell scripts and takes folders."""

    @property
    def name(self) -> str:
        """For people."""

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script with sh and wait. Raises HostError when the machine cannot be reached."""

    def follow(self, script: str) -> subprocess.Popen[bytes]:
        """Start a script whose output goes to this terminal."""

    def bring(self, folder: Path, parts: Sequence[str], target: str) -> str:
        """Copy parts of a folder there; returns the folder's path there. Raises HostError."""


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """The machine that this runs on."""

    name: str = "this machine"

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """See `Host`."""
        return _run(["/bin/sh", "-c", script], _LIMIT_S)

    def follow(self, script: str) -> subprocess.Popen[bytes]:
        """See `Host`."""
        return subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.DEVNULL)  # noqa: S603

    def bring(self, folder: Path, parts: Sequence[str], target: str) -> str:
        """See `Host`: nothing needs to be copied."""
        del parts, target
        return str(folder.resolve())


@dataclass(frozen=True, slots=True)
class Ssh:
    """A machine behind ssh, with keys: nothing asks for a password in the middle of a deployment."""

    name: str
    options: Sequence[str] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        """Raises HostError for a name that ssh would take for an option, or that is not a name."""
        plain = self.name.isprintable() and self.name == "".join(self.name.split())
        if not self.name or self.name.startswith("-") or not plain:
            raise HostError(f"{self.name!r} is not a host for ssh, such as pi@camera.local or an alias")

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """See `Host`."""
        ran = _run(self._command(script), _LIMIT_S)
        self.check(ran.returncode, ran.stderr)
        return ran

    def follow(self, script: str) -> subprocess.Popen[bytes]:
        """See `Host`. It ends with the terminal."""
        return subprocess.Popen(self._command(script, "-tt"), stdin=subprocess.DEVNULL)  # noqa: S603

    def converse(self, script: str) -> subprocess.Popen[bytes]:
        """Start a script that is talked with through pipes, standard error among them. Raises HostError."""
        try:
            return subprocess.Popen(  # noqa: S603
                self._command(script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise HostError(f"ssh cannot be run: {error}") from error

    def bring(self, folder: Path, parts: Sequence[str], target: str) -> str:
        """See `Host`: as one stream; what was there is replaced."""
        unpack = f"rm -rf {target} && mkdir -p {target} && cd {target} && tar -x && pwd"
        packing = ["tar", "-C", str(folder), "-c", *parts]
        with subprocess.Popen(packing, stdout=subprocess.PIPE) as sending:  # noqa: S603
            there = _run(self._command(unpack), _COPY_LIMIT_S, sending.stdout)
        self.check(there.returncode, there.stderr)
        if sending.returncode or there.returncode:
            raise HostError(f"{self.name}: the build could not be copied: {there.stderr.strip()[-300:]}")
        return there.stdout.strip()

    def _command(self, script: str, *more: str) -> list[str]:
        return ["ssh", "-o", "BatchMode=yes", *self.options, *more, "--", self.name, f"sh -c {shlex.quote(script)}"]

    def check(self, code: int, said: str) -> None:
        """Raises HostError where it was ssh itself that failed, by its exit code and what it said."""
        if code == _SSH_FAILED:
            remedy = f"; ssh-copy-id {self.name} lets it in" if "Permission denied" in said else ""
            raise HostError(f"{self.name}: ssh failed: {said.strip()[-300:]}{remedy}")


@contextmanager
def following(host: Host, script: str) -> Iterator[None]:
    """Show a script's output while the block lasts."""
    shown = host.follow(script)
    try:
        yield
    finally:
        shown.terminate()
        shown.wait()


def _run(command: Sequence[str], limit_s: float, given: IO[bytes] | None = None) -> subprocess.CompletedProcess[str]:
    source = subprocess.DEVNULL if given is None else given
    try:
        return subprocess.run(  # noqa: S603
            command, stdin=source, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{command[0]} cannot be run: {error}") from error
