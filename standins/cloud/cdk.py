"""The CDK CLI against the local cloud: bootstrap and deploy."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.cloud.endpoint import ACCOUNT, REGION, CloudEndpoint, clean_environment
from standins.cloud.leashed import kill_leashed, start_leashed
from tools.command_line import Say
from tools.setup import Toolchain

_LIMIT_S: Final = 300.0
_TAIL_LINES: Final = 15
_QUIET: Final = ("--no-notices", "--no-version-reporting", "--no-color", "--ci")


class DeployError(Exception):
    """The CDK CLI refused: its last lines say why."""


@dataclass(frozen=True, slots=True)
class CdkCli:
    """The CDK CLI, pointed at a running local cloud."""

    toolchain: Toolchain
    endpoint: CloudEndpoint
    folder: Path
    say: Say

    def bootstrap(self) -> None:
        """Make what every deployment needs (asset bucket and roles). Raises DeployError."""
        self._run("bootstrap", f"aws://{ACCOUNT}/{REGION}")

    def deploy(
        self, source: Path, context: Mapping[str, str], stacks: Sequence[str] = ()
    ) -> Mapping[str, Mapping[str, str]]:
        """Deploy an assembly folder, or an app (`.py`) that is synthesised with this context.

        All stacks where none is named. Returns the outputs by stack.

        Raises DeployError, and ValueError for a context together with an assembly.
        """
        outputs = self.folder / "outputs.json"
        outputs.unlink(missing_ok=True)
        arguments = (
            *(stacks or ("--all",)),
            "--require-approval",
            "never",
            "--progress",
            "events",
            "--outputs-file",
            str(outputs),
        )
        self._run("deploy", *arguments, *self._app(source, context))
        if not outputs.is_file():
            return {}
        found: dict[str, dict[str, str]] = json.loads(outputs.read_text(encoding="utf-8"))
        return found

    def _app(self, source: Path, context: Mapping[str, str]) -> tuple[str, ...]:
        if (source / "manifest.json").is_file():
            if context:
                raise ValueError(f"{source} is an assembly: its context was fixed when it was synthesised")
            return ("--app", str(source.resolve()))
        if source.suffix != ".py" or not source.is_file():
            raise DeployError(f"{source} is neither an assembly (cdk.out) nor an app (.py)")
        pairs = (part for name, value in context.items() for part in ("--context", f"{name}={value}"))
        return ("--app", f"{sys.executable} {source.resolve()}", "--output", str(self.folder / "cdk.out"), *pairs)

    def _run(self, *arguments: str) -> None:
        environment = {
            **clean_environment(os.environ),
            **self.endpoint.variables(),
            "JSII_NODE": str(self.toolchain.node),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CI": "true",
        }
        command = (*self.toolchain.cdk, *arguments, *_QUIET)
        process = start_leashed(command, environment, self.folder, subprocess.PIPE)
        # The CLI's own limits do not cover an endpoint that takes a request and never answers.
        limit = threading.Timer(_LIMIT_S, process.terminate)
        limit.start()
        try:
            lines = self._follow(process)
            code = process.wait()
        finally:
            limit.cancel()
            kill_leashed(process)
        if code != 0:
            raise DeployError(f"cdk {arguments[0]} failed (exit code {code}):\n{_tail(lines)}")

    def _follow(self, process: subprocess.Popen[bytes]) -> Sequence[str]:
        lines = []
        if process.stdout is not None:
            with process.stdout as output:
                for raw in output:
                    lines.append(raw.decode(errors="replace").rstrip())
                    if lines[-1]:
                        self.say(lines[-1])
        return lines


def _tail(lines: Sequence[str]) -> str:
    return "\n".join([line for line in lines if line][-_TAIL_LINES:])
