"""A device with a console in one process: two cameras, a detector, and somebody who walks by every few seconds."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from smartcam.capture.main import build as build_capture
from smartcam.console.access import PASSWORD_FILE, Password
from smartcam.console.main import build as build_console
from smartcam.contract.event import Event, Phase
from smartcam.edge.clock import SystemClock
from smartcam.edge.outbox.outbox import Outbox
from smartcam.inference.main import build as build_inference
from smartcam.vision.picture import Picture
from tests.clips import repeated, write_clip
from tests.fakes.bus import FakeNucleus
from tests.fakes.models import Square, square
from tests.pipeline.site import THING, Cloud, Component
from tests.pipeline.square_visit import GREY, HEIGHT, SIDE, WIDTH, made_bundle
from tests.ports import reserved_port
from tests.waiting import until

FPS = 10
TOP = 100
"""The walker's upper edge; his feet are at three quarters of the picture's height."""
CROSSING, PAUSE = 30, 25
"""Pictures in which he crosses the picture, and in which nobody is there."""
WALKS = 120
"""More than the tests take."""
PASSWORD = "a long enough secret"  # noqa: S105  of a test


def walks(count: int) -> Iterator[Picture]:
    """Somebody walks from left to right, again and again."""
    for number in range(count * (CROSSING + PAUSE)):
        bgr = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
        left = number % (CROSSING + PAUSE) * (WIDTH + SIDE) // CROSSING - SIDE
        bgr[TOP : TOP + SIDE, max(left, 0) : max(min(left + SIDE, WIDTH), 0)] = (130, 255, 255)
        yield Picture.from_bgr(bgr)


class ConsoleSite:
    """The cameras `yard`, of which packets are shown, and `gate`, which has a mask; all that a device keeps."""

    def __init__(self, folder: Path) -> None:
        self.nucleus = FakeNucleus()
        self.cloud = Cloud(self.nucleus)
        self.nucleus.on_publish.append(self.cloud)
        self.shm, work = folder / "shm", folder / "work"
        self.work = {name: work / f"smartcam.{name}" for name in ("Capture", "Inference", "Console", "Guarded")}
        for path in (self.shm, *self.work.values()):
            path.mkdir(parents=True)
        clip = repeated(write_clip(folder / "walk.mp4", walks(2), fps=FPS, crf=18), folder / "walks.mp4", WALKS // 2)
        yard = {"path": str(clip), "at_end": "reopen", "analyse_fps": 10}
        gate = {**yard, "masks": {"window": [[0, 0.9], [0.1, 0.9], [0.1, 1], [0, 1]]}}
        clips = {"keep": True, "before_s": 1, "after_s": 1}
        self.nucleus.configure("smartcam.Capture", {"cameras": {"yard": yard, "gate": gate}, "clips": clips})
        self.nucleus.configure("smartcam.Inference", {})
        self.outbox = Outbox(self.work["Inference"] / "outbox.sqlite3", SystemClock())
        Password(self.work["Guarded"] / PASSWORD_FILE).store(PASSWORD)
        self._ports = ExitStack()
        self.address, self.guarded = self._console("Console"), self._console("Guarded")
        self._running = [
            Component(build_capture(self.nucleus.bus("smartcam.Capture"), self.shm, self.work["Capture"])),
            Component(
                build_inference(
                    THING,
                    _bundle(folder),
                    self.shm,
                    self.nucleus.bus("smartcam.Inference"),
                    self.outbox,
                    self.work["Inference"],
                )
            ),
            *(
                Component(build_console(self.nucleus.bus(f"smartcam.{name}"), self.shm, self.work[name]))
                for name in ("Console", "Guarded")
            ),
        ]

    def _console(self, name: str) -> str:
        """A console's address; it gets a free port."""
        port = self._ports.enter_context(reserved_port())
        self.nucleus.configure(f"smartcam.{name}", {"port": port})
        return f"http://127.0.0.1:{port}/"

    def raised(self) -> Sequence[Event]:
        return [event for event in self.cloud.events if event.phase is Phase.RAISED]

    def next_raised(self, camera: str) -> Event:
        """The camera's first event that begins from now on."""
        now, found = SystemClock().utc(), list[Event]()

        def is_there() -> bool:
            found[:] = [event for event in self.raised() if event.camera_id == camera and event.started_at > now]
            return bool(found)

        until(is_there)
        return found[0]

    def close(self) -> None:
        for component in reversed(self._running):
            component.stop()
        self.outbox.close()
        self._ports.close()


def _bundle(folder: Path) -> Path:
    (folder / "net.tflite").write_bytes(square(Square("ssd")))
    assert made_bundle(folder, folder / "net.tflite", ("person", "car")) == 0
    return folder / "b"
