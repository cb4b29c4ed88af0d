"""The module as a process of its own on a stand-in device, for tests: its folders, what it has said and delivered."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from smartcam.contract.event import Event, Phase
from standins.azure.hub import StandInHub
from standins.azure.testbed import EdgeDevice

PATIENCE_S = 240.0
"""A machine with much else to do."""


class RunningModule:
    """The module's process, its folders, and what it has said."""

    def __init__(self, device: EdgeDevice, folder: Path, bundle: Path) -> None:
        self.device, self.folder, self.bundle = device, folder, bundle
        self.work, self.shm, self.log = folder / "work", folder / "shm", folder / "log"
        for made in (self.work, self.shm):
            made.mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def hub(self) -> StandInHub:
        return self.device.hub

    def start(self) -> None:
        environment = {
            **os.environ,
            **self.device.environment,
            "SMARTCAM_SHM": str(self.shm),
            "SMARTCAM_BUNDLE": str(self.bundle),
        }
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "targets.azure.main", "--work", str(self.work)]
            self._process = subprocess.Popen(command, env=environment, stderr=log)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def events(self) -> list[Event]:
        return [Event.from_json(item.payload) for item in self.hub.received if item.output == "event"]

    def delivered(self) -> Counter[tuple[str, str, str]]:
        """What a receiver has that takes each phase of an event once: how many of each kind and phase of a camera."""
        once = {(event.event_id, event.phase): event for event in self.events()}
        return Counter((str(event.camera_id), str(event.kind), str(event.phase)) for event in once.values())

    def has_raised(self, camera: str) -> bool:
        return (camera, "anomaly", "raised") in self.delivered()

    def film(self, *clips: Path, **more: object) -> None:
        """Other cameras than before."""
        self.hub.desire({"capture": {"cameras": None}})
        self.hub.desire({"capture": settings(*clips, **more)})

    def waiting(self, *words: str) -> int:
        """How many events wait in the outbox's file, of those that have all of these words in them."""
        return sum(all(f'"{word}"'.encode() in payload for word in words) for payload in self._unsent())

    def raised(self) -> int:
        """How many events there are, at the hub and in the outbox."""
        events = [*self.events(), *map(Event.from_json, self._unsent())]
        return len({event.event_id for event in events if event.phase is Phase.RAISED})

    def _unsent(self) -> list[bytes]:
        path = self.work / "smartcam.Inference" / "outbox.sqlite3"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            try:
                return [bytes(row[0]) for row in connection.execute("SELECT CAST(payload AS BLOB) FROM waiting")]
            except sqlite3.OperationalError:
                return []

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(60)


def until(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def settings(*clips: Path, **more: object) -> dict[str, Any]:
    pace = {"analyse_fps": 20, "keep_alive_s": 0.2, **more}
    return {"cameras": {clip.stem: {"path": str(clip), **pace} for clip in clips}}
