"""A device of real processes, on a clip, that can be hurt: its components, its nucleus and its way to the cloud."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from measure.demo.device import CONSOLE, DemoDeployment, nucleus_command, remove_rings
from measure.demo.inference_log import left_in_outbox
from measure.demo.story import Entry
from smartcam.contract.errors import OutboxError
from smartcam.contract.inline import is_chunk
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice, decode_notice
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.topics import FRAMES_PREFIX
from tests.system.nucleus import NucleusProcess, journal_lines
from tests.waiting import PATIENCE_S

CAPTURE, INFERENCE = "smartcam.Capture", "smartcam.Inference"
_MODULES = {CAPTURE: "smartcam.capture.main", INFERENCE: "smartcam.inference.main", CONSOLE: "smartcam.console.main"}
_TAIL_BYTES = 16 * 1024 * 1024
_TRIES = 20
_OPENED = re.compile(r"^(\S+Z) \w+ \S+ bundle_opened ", re.MULTILINE)


@dataclass(slots=True)
class Rig:
    """One device; `hurts` says what was done to it."""

    deployment: DemoDeployment
    folder: Path
    hurts: list[str] = field(default_factory=list)
    _nucleus: NucleusProcess | None = None

    def start(self) -> None:
        """Start the nucleus, which starts the components."""
        self.folder.mkdir(parents=True, exist_ok=True)
        description = self.folder / "deployment.json"
        description.write_text(self.deployment.document())
        command = nucleus_command(self.deployment, self.folder, description)
        self._nucleus = NucleusProcess(command, self.folder / "nucleus.log")

    def kill(self, component: str) -> None:
        """kill -9 a component."""
        self.send(component, signal.SIGKILL)

    def send(self, component: str, number: signal.Signals) -> None:
        """Send a signal to a component's processes."""
        for pid in self.pids(component):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill_ipc(self) -> None:
        """The nucleus's IPC service dies alone, and is started again alone."""
        assert self._nucleus is not None
        self._nucleus.send(signal.SIGUSR2)

    def deploy(self, deployment: DemoDeployment) -> None:
        """Have the nucleus deploy this, without waiting for what becomes of it."""
        assert self._nucleus is not None
        self.deployment = deployment
        (self.folder / "deployment.json").write_text(deployment.document())
        self._nucleus.send(signal.SIGHUP)

    def kill_nucleus(self, number: signal.Signals = signal.SIGKILL) -> None:
        """kill -9 the nucleus, or ask it to end, and start it again when everything of it is gone."""
        self._end(number)
        assert until(lambda: not self.pids(CAPTURE) and not self.pids(INFERENCE), PATIENCE_S)
        self.start()

    def stop(self) -> None:
        """An orderly end; nothing is left."""
        self._end(signal.SIGTERM)
        remove_rings(self.deployment.camera)

    def pids(self, component: str) -> list[int]:
        """The processes that run a component's module below this rig's folder."""
        work = str(self.folder.resolve() / "work" / component)
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                is_it = _MODULES[component].encode() in words and b"--self-test" not in words
                if is_it and str((entry / "cwd").readlink()) == work:
                    found.append(int(entry.name))
        return found

    def entries(self) -> list[Entry]:
        """The whole journal so far."""
        return [Entry.of_line(line) for line in journal_lines(self.folder)]

    def has_ended(self) -> bool:
        """Whether the clip has been played to its end."""
        return [status.state for status in self.statuses()][-1:] == [CameraState.ENDED]

    def clip_began(self) -> UtcNs:
        """When the clip's first picture was due."""
        return next(status.opened_at for status in self.statuses() if status.opened_at)

    def statuses(self) -> list[StatusNotice]:
        """What capture has said of itself so far."""
        notices = (decode_notice(payload) for payload in self._local() if payload and not is_chunk(payload))
        return [notice for notice in notices if isinstance(notice, StatusNotice)]

    def announced_s(self) -> list[float]:
        """The places in the clip of the frames that were announced in shared memory, in seconds."""
        notices = (decode_notice(payload) for payload in self._local() if payload and not is_chunk(payload))
        return [notice.position_ns / NS_PER_S for notice in notices if isinstance(notice, FrameNotice)]

    def last_status(self) -> StatusNotice:
        """What capture said last, from the journal's end: the whole may be long."""
        path = self.folder / "journal.jsonl"
        with path.open("rb") as journal:
            journal.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            *lines, _ = journal.read().decode(errors="replace").split("\n")[1:]
        entries = (Entry.of_line(line) for line in reversed(lines))
        local = (entry for entry in entries if entry.event == "local_publish" and "payload" in entry.facts)
        payloads = (entry.payload() for entry in local if entry.text("topic").startswith(FRAMES_PREFIX))
        notices = (decode_notice(payload) for payload in payloads if not is_chunk(payload))
        return next(notice for notice in notices if isinstance(notice, StatusNotice))

    def carried(self) -> set[str]:
        """How frames have come to inference so far."""
        return {
            "inline" if not payload or is_chunk(payload) else "shared"
            for payload in self._local()
            if not is_status(payload)
        }

    def runtime(self) -> str:
        """What has run the model, by inference's log."""
        found = re.search(r" bundle_opened .*runtime=(\S+)", self.log(INFERENCE))
        return found[1] if found else ""

    def sighted_s(self) -> list[float]:
        """When inference had its model, each time that it was started, in seconds of the clip."""
        times = (datetime.fromisoformat(stamp) for stamp in _OPENED.findall(self.log(INFERENCE)))
        return [time.timestamp() - self.clip_began() / NS_PER_S for time in times]

    def log(self, component: str) -> str:
        """What a component has said so far."""
        file = self.folder / "logs" / f"{component}.log"
        return file.read_text(errors="replace") if file.is_file() else ""

    def _local(self) -> list[bytes]:
        """The messages on the frames topics; empty bytes for one that is too large for the journal."""
        entries = (entry for entry in self.entries() if entry.event == "local_publish")
        return [entry.payload() for entry in entries if entry.text("topic").startswith(FRAMES_PREFIX)]

    def waiting(self) -> int:
        """Rows that the cloud has not acknowledged."""
        return waiting_in(self.folder / "work" / INFERENCE / "outbox.sqlite3")

    def logs(self) -> str:
        """What the components and the nucleus have said, for a test that failed."""
        files = [self.folder / "nucleus.log", *sorted((self.folder / "logs").glob("*.log"))]
        return "\n".join(
            f"== {file.name}\n{file.read_text(errors='replace')[-4000:]}" for file in files if file.is_file()
        )

    def _end(self, number: signal.Signals) -> None:
        nucleus, self._nucleus = self._nucleus, None
        if nucleus is not None and number is signal.SIGKILL:
            nucleus.kill()
        elif nucleus is not None:
            nucleus.end()


@contextmanager
def running(deployment: DemoDeployment, folder: Path) -> Iterator[Rig]:
    """A device until the end of the block."""
    rig = Rig(deployment, folder)
    rig.start()
    try:
        yield rig
    finally:
        rig.stop()


def until(condition: Callable[[], bool], limit_s: float, *, look_s: float = 0.1) -> bool:
    """Whether a condition comes true in time."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(look_s)
    return True


def waiting_in(outbox: Path) -> int:
    """Rows that the cloud has not acknowledged, also while inference has the file to itself for a moment."""
    for _ in range(_TRIES):
        try:
            return left_in_outbox(outbox)
        except OutboxError:
            time.sleep(0.5)  # its disk is slow
    raise TimeoutError("the outbox cannot be read")


def is_status(payload: bytes) -> bool:
    """Whether a message of the frames topic is a status."""
    return bool(payload) and not is_chunk(payload) and isinstance(decode_notice(payload), StatusNotice)


def states(rig: Rig, component: str) -> list[str]:
    """The states of a component so far."""
    entries = (entry for entry in rig.entries() if entry.event == "component_state")
    return [entry.text("state") for entry in entries if entry.text("component") == component]
