"""A device of real processes, told of one release after the other; its cloud hears, and says nothing."""

import json
import os
import re
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from measure.demo.device import remove_rings
from smartcam.contract.health import DeviceState, Health
from smartcam.contract.ids import CameraId
from tests.system.nucleus import NucleusProcess, journal_lines
from tests.system.rig import CAPTURE, INFERENCE, until
from tests.unit.standins.nucleus.broker import Broker, Papers
from tests.waiting import PATIENCE_S
from tools.build.suite import ON_DEMAND, Built


@dataclass
class Site:
    """A device whose nucleus is told of one release after the other; its cloud hears, and says nothing."""

    profile: str
    folder: Path
    built: Built
    clip: Path
    papers: Papers
    broker: Broker
    thing: str = "yard-1"
    python: str = sys.executable
    nucleus: NucleusProcess | None = None
    camera: CameraId = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.camera = CameraId(f"up{self.folder.name}{os.getpid()}")

    def describe(self, version: str) -> Path:
        merges: dict[str, object] = {
            "smartcam.Runtime": {"python": self.python},
            CAPTURE: {"cameras": {self.camera: {"path": str(self.clip), "at_end": "reopen", "start_delay_s": 2}}},
        }
        names = [name for name in self.built.components if name not in ON_DEMAND]
        document = {name: {"version": version, "merge": merges.get(name, {})} for name in names}
        description = self.folder / "deployment.json"
        description.write_text(json.dumps({"components": document}))
        return description

    def start(self, version: str) -> None:
        options: dict[str, object] = {
            "--root": self.folder / "device",
            "--profile": self.profile,
            "--recipes": self.built.recipes,
            "--artifacts": self.built.artifacts,
            "--deploy": self.describe(version),
            "--thing": self.thing,
            "--iot-endpoint": f"127.0.0.1:{self.broker.port}",
            "--ca": self.papers.ca,
            "--cert": self.papers.device,
            "--key": self.papers.device_key,
        }
        self.nucleus = NucleusProcess.of(options, self.folder / "nucleus.log")

    def kill_ipc(self) -> None:
        """The nucleus's IPC service dies alone, and is started again alone."""
        assert self.nucleus is not None
        self.nucleus.send(signal.SIGUSR2)

    def stop_nucleus(self) -> None:
        nucleus, self.nucleus = self.nucleus, None
        if nucleus is not None:
            nucleus.end()

    def stop(self) -> None:
        self.stop_nucleus()
        remove_rings(self.camera)

    def deploy(self, version: str) -> dict[str, object]:
        """What became of the deployment, by the nucleus."""
        assert self.nucleus is not None
        number = len(self.outcomes())
        self.describe(version)
        self.nucleus.send(signal.SIGHUP)
        # The one before may still be on its way: its components run already.
        assert until(lambda: any(self.outcomes()[number:]), PATIENCE_S), self.logs()
        return self.outcomes()[number]

    def outcomes(self) -> list[dict[str, object]]:
        """What became of each deployment that has begun; empty while it is on its way."""
        found: list[dict[str, object]] = []
        for entry in self.journal():
            if entry["event"] == "deployment":
                found.append({})
            elif entry["event"] in {"deployment_failed", "deployment_succeeded"}:
                found[-1] = entry
        return found

    def journal(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in journal_lines(self.folder / "device")]

    def log(self, component: str) -> str:
        file = self.folder / "device" / "logs" / f"{component}.log"
        return file.read_text(errors="replace") if file.is_file() else ""

    def logs(self) -> str:
        return "\n".join(self.log(name)[-3000:] for name in (CAPTURE, INFERENCE, "smartcam.Runtime"))

    def pids(self) -> dict[int, str]:
        """The components' processes, with the code that each runs on."""
        work, found = str((self.folder / "device" / "work").resolve()), {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                is_ours = str((entry / "cwd").readlink()).startswith(work)
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if is_ours and words[-2:-1] != [] and b"-m" in words and b"--self-test" not in words:
                code = re.search(r"(?:^|\0)PYTHONPATH=([^\0]+)", environment)
                found[int(entry.name)] = code[1] if code else ""
        return found

    def runs(self) -> tuple[str, str, str]:
        """What the last health message says: inference's version, capture's, and what was refused."""
        said = [payload for topic, payload in self.broker.published if topic.endswith("/health")]
        last = Health.from_json(said[-1]) if said else None
        if last is None or last.state is not DeviceState.RUNNING:
            return ("", "", "")
        return (last.version, last.capture_version or "", last.release_refused or "")

    def has_come_to_run(self, inference: str, capture: str, refused: str) -> None:
        """Two processes; health names their versions and what was refused, in words that match; empty for nothing."""

        def is_so() -> bool:
            *versions, said = self.runs()
            is_said = versions == [inference, capture] and re.fullmatch(refused, said) is not None
            return is_said and len(self.pids()) == 2  # to look through all processes takes long

        assert until(is_so, PATIENCE_S), f"{self.profile}: {self.runs()}, {self.pids()}\n{self.logs()}"

    def events(self) -> int:
        """How many episodes inference has raised so far."""
        return len(re.findall(r" event .*phase=raised", self.log(INFERENCE)))

    def sees_somebody(self) -> None:
        before = self.events()
        assert until(lambda: self.events() > before, PATIENCE_S), self.logs()
