"""A Debian whose packages can be had, or not: plays apt and dpkg for what is unpacked in a folder of the project."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from standins import debian
from tools.setup import ToolsError


class FakeDebian:
    """`known` packages can be had, `needed` is what apt would install, `failing` programs end with an error.

    Unpacked, a package is the `tree` of empty files.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tree: Sequence[str], *more: ModuleType) -> None:
        """`more` modules start programs, too."""
        self.tree = tree
        self.known: set[str] = set()
        self.needed = ""
        self.failing: set[str] = set()
        self.has_lists = True
        self.commands: list[str] = []
        self.environments: list[Mapping[str, str]] = []
        for module in (debian, *more):
            monkeypatch.setattr(module, "output_of", self._output_of)
        monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}" if "chromium" not in tool else None)

    def said(self, word: str) -> list[str]:
        return [line for line in self.commands if word in line.split()]

    def _output_of(
        self,
        command: Sequence[str],
        limit_s: float,
        remedy: str = "",
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        assert limit_s > 0
        assert folder is not None
        self.commands.append(" ".join(command))
        if environment is not None:
            self.environments.append(environment)
        if self.failing & set(command):
            raise ToolsError(f"{command[0]} failed; remedy: {remedy}")
        if "update" in command:
            self.has_lists = True
        if {"download", "install"} & set(command) and not self.has_lists:
            raise ToolsError("Unable to locate package")
        if "download" in command:
            (folder / "some.deb").write_text("archive")
        if "--extract" in command:
            for name in self.tree:
                (Path(command[-1]) / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(command[-1]) / name).touch()
        return self.needed if "install" in command else "\n".join(self.known) if "pkgnames" in command else ""
