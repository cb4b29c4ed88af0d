"""What a device knows after a reboot: which units systemd starts, and which deployment was dealt with last."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path


class Units:
    """The linked units and the last deployment, kept in a file."""

    def __init__(self, root: Path) -> None:
        self._path = root / "units.json"
        document = json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else {}
        self._linked: dict[str, str] = document.get("linked", {})
        self._deployment: str | None = document.get("deployment")

    @property
    def linked(self) -> Mapping[str, str]:
        """The versions of the components that have a unit, by name."""
        return self._linked

    @property
    def deployment(self) -> str | None:
        """What tells the last deployment from others, however it ended; None before the first."""
        return self._deployment

    def link(self, versions: Mapping[str, str]) -> None:
        """Systemd starts these from now on."""
        self._linked |= versions
        self._save()

    def unlink(self, names: Iterable[str]) -> None:
        """Systemd knows these no more."""
        for name in names:
            self._linked.pop(name, None)
        self._save()

    def dealt_with(self, deployment: str) -> None:
        """This deployment has come to its end, good or bad."""
        self._deployment = deployment
        self._save()

    def _save(self) -> None:
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"deployment": self._deployment, "linked": self._linked}, file)
        fresh.replace(self._path)
