"""The device of a demo: a nucleus stand-in in a process of its own, with the real recipes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from measure.demo.plan import DemoError
from measure.demo.story import Entry
from smartcam.contract.ids import CameraId
from smartcam.edge.ring.packet_ring import packets_path
from smartcam.edge.ring.ring_file import ring_path
from smartcam.edge.ring.sealed import DEFAULT_FOLDER, remove_leftover
from standins.cloud.device import DeviceIdentity
from standins.cloud.endpoint import REGION
from standins.cloud.leashed import end_leashed, start_leashed
from tools.build.suite import ON_DEMAND, Built
from tools.command_line import ROOT
from tools.console.beside import VARIABLES

CONSOLE: Final = "smartcam.Console"
# Components are given 10 s to end before they are killed.
_STOP_S: Final = 25.0


@dataclass(frozen=True, slots=True)
class DemoDeployment:
    """What the nucleus is to run, with whose identity, on which clip.

    `python` has the components' packages; `camera_settings` come on top of the camera's. With the console, clips are
    kept: its live picture is made of the camera's own packets.
    """

    built: Built
    identity: DeviceIdentity
    clip: Path
    camera: CameraId
    profile: str = "lite"
    python: str = sys.executable
    camera_settings: Mapping[str, object] = field(default_factory=dict)
    console_port: int | None = None
    """Where the console is to be reached on this machine; None: it is left out."""
    more: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """What is merged into components' configurations besides; one that is not the suite's is deployed too."""

    def document(self) -> str:
        """The deployment as the stand-in reads it."""
        # Gives inference time to start: it should see the clip's first frames.
        source = {"source": "file", "path": str(self.clip.resolve()), "pacing": "realtime", "start_delay_s": 2}
        merges: dict[str, dict[str, object]] = {
            # This interpreter has the packages already; a device installs them from the Runtime's artifact.
            "smartcam.Runtime": {"python": self.python},
            "smartcam.Capture": {"cameras": {self.camera: {**source, **self.camera_settings}}},
        }
        if self.console_port is not None:
            merges[CONSOLE] = {"port": self.console_port}
            merges["smartcam.Capture"]["clips"] = {"keep": True}
        guests = [name for name in self.more if name not in self.built.components]
        components = {
            name: {"version": self.built.version, "merge": {**merges.get(name, {}), **self.more.get(name, {})}}
            for name in (*self.built.components, *guests)
            if name in merges or name not in ON_DEMAND
        }
        return json.dumps({"components": components}, indent=1)


class DemoDevice:
    """A running nucleus; `entries` returns what its journal has gained since the last call."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
        self._process = process
        self._journal = folder / "journal.jsonl"
        self._log = log
        self._read = 0
        self._half = b""

    def entries(self) -> list[Entry]:
        """New entries of the journal.

        Raises:
            DemoError: the nucleus has ended.
        """
        if self._process.poll() is not None:
            tail = self._log.read_text(errors="replace").strip().splitlines()[-5:]
            raise DemoError("the nucleus stand-in has ended: " + " / ".join(tail))
        return self._new_entries()

    def _new_entries(self) -> list[Entry]:
        if not self._journal.is_file():
            return []
        with self._journal.open("rb") as journal:
            journal.seek(self._read)
            fresh = journal.read()
        self._read += len(fresh)
        *lines, self._half = (self._half + fresh).split(b"\n")
        return [Entry.of_line(line.decode()) for line in lines if line]


def remove_rings(camera: CameraId) -> None:
    """Take away what a killed component could not take away itself."""
    for path in (ring_path(DEFAULT_FOLDER, camera), packets_path(DEFAULT_FOLDER, camera)):
        remove_leftover(path, camera)


@contextmanager
def running_device(deployment: DemoDeployment, folder: Path) -> Iterator[DemoDevice]:
    """Run the deployment until the block ends; then components, nucleus and shared memory are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / "deployment.json"
    description.write_text(deployment.document())
    log = folder.with_suffix(".log")
    try:
        with log.open("wb") as output:
            process = start_leashed(nucleus_command(deployment, folder, description), os.environ, ROOT, output)
        try:
            yield DemoDevice(process, folder, log)
        finally:
            end_leashed(process, _STOP_S)
    finally:
        remove_rings(deployment.camera)


def nucleus_command(deployment: DemoDeployment, folder: Path, description: Path) -> list[str]:
    """The command that runs a deployment, described in a file, below a folder."""
    identity = deployment.identity
    options: dict[str, object] = {
        "--root": folder,
        "--profile": deployment.profile,
        "--recipes": deployment.built.recipes,
        "--artifacts": deployment.built.artifacts,
        "--deploy": description,
        "--thing": identity.thing,
        "--region": REGION,
        "--iot-endpoint": f"{identity.host}:{identity.port}",
        "--ca": identity.authority,
        "--cert": identity.certificate,
        "--key": identity.key,
    }
    console = deployment.built.recipes / f"{CONSOLE}-{deployment.built.version}.yaml"
    if deployment.console_port is None and console.is_file():
        options["--guest"] = f"{console}={folder / VARIABLES}"
    return [sys.executable, "-m", "front", "nucleus", *(str(part) for pair in options.items() for part in pair)]
