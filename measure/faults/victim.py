"""The device that suffers: its processes, its nucleus, its cloud and a camera that somebody passes, on and on.

Threads: one. It runs where `/dev/shm` and the disk of inference are its own small mounts (see `command`).
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import yaml

from measure.demo.device import DemoDeployment
from measure.demo.plan import free_port
from measure.faults.interpreter import SteppedInterpreter
from measure.faults.tally import Told
from smartcam.contract.event import Event, EventKind, Phase
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S
from smartcam.edge.starts import FILE as STARTS_FILE
from standins.rtsp import setup_rtsp
from tests.clips import repeated, write_clip
from tests.pipeline.visitor import COMING, red_bundle, visits
from tests.rtsp.camera import RtspCamera, record
from tests.system.faults import raised
from tests.system.judge import Judge
from tests.system.rig import CAPTURE, INFERENCE, Rig, until
from tools.build.suite import Built, build_suite

FPS: Final = 10
EMPTY, STAYS, THEN_EMPTY = 10, 8, 35
EVERY_S: Final = (EMPTY + COMING + STAYS + THEN_EMPTY) / FPS
"""From one visit to the next."""
MOST_KILLS: Final = 2
"""Nucleus lite starts a component three times an hour: one that was killed oftener stays dead, by its rules."""
SHORTLY_VALID_S: Final = 10
"""How long an event alarms on the device with guests: its cloud need not be away for a week."""
ANOMALY: Final = EventKind.ANOMALY.value
PATIENCE_S: Final = 600.0
"""How long a busy machine may take for anything: to install the suite, to start it again, to see somebody."""
NEIGHBOUR: Final = "tests.Neighbour"
FLOOD_FILE: Final = "flood"
_NEIGHBOUR: Final = """
import pathlib, time
from smartcam.contract.errors import BusError
from smartcam.edge.bus.greengrass import GreengrassBus
bus, flood = GreengrassBus(), pathlib.Path("flood")
published, told = 0, pathlib.Path("published")
while True:
    while not flood.exists():
        time.sleep(0.1)
    for payload in (b"[", bytes(900), b"[]" * 400):
        try:
            bus.publish_local("smartcam/frames/{camera}", payload)
            published += 1
        except BusError:
            time.sleep(0.5)
    told.write_text(str(published))
    time.sleep(0.004)
"""


@dataclass(slots=True)
class ClipSource:
    """A clip that is played again and again."""

    clip: Path

    @classmethod
    def made(cls, folder: Path) -> "ClipSource":
        """Nine visits, in a minute."""
        one = write_clip(folder / "visit.mp4", visits(EMPTY, STAYS, THEN_EMPTY), fps=FPS)
        return cls(repeated(one, folder / "visits.mp4", 9))

    @property
    def settings(self) -> Mapping[str, object]:
        """Of the camera, for capture."""
        return {"path": str(self.clip), "at_end": "reopen"}


@dataclass(slots=True)
class RtspSource:
    """An RTSP camera on loopback."""

    folder: Path
    camera: RtspCamera

    @classmethod
    def made(cls, folder: Path) -> "RtspSource":
        """Shows `visit.h264`; beside it lie the same visit in other sides, and one with flipped bits."""
        record(folder / "visit.h264", visits(EMPTY, STAYS, THEN_EMPTY), fps=FPS)
        source = cls(folder, RtspCamera(setup_rtsp(say=lambda _: None)))
        source.show("visit.h264")
        return source

    @property
    def settings(self) -> Mapping[str, object]:
        """Of the camera, for capture."""
        return {"source": "rtsp", "url": self.camera.url, "path": ""}

    def show(self, name: str) -> None:
        """Another clip from its beginning."""
        self.camera.show(self.folder / name, fps=FPS)

    def kill(self) -> None:
        """The camera loses its power."""
        self.camera.kill()

    def revive(self) -> None:
        """It is back at its old address."""
        self.camera = RtspCamera(setup_rtsp(say=lambda _: None), self.camera.port)
        self.show("visit.h264")


@dataclass(slots=True)
class Victim:
    """See the module. `kills` counts those since the nucleus was started."""

    rig: Rig
    judge: Judge
    source: ClipSource | RtspSource
    clock: SteppedInterpreter
    kills: dict[str, int] = field(default_factory=dict)

    @property
    def disk(self) -> Path:
        """Inference's work folder, a small disk of its own."""
        return self.rig.folder / "work" / INFERENCE

    def kill(self, *components: str) -> None:
        """Kill -9, all at once, as soon as they run."""
        self.back(*components)
        for component in components:
            self.kills[component] = self.kills.get(component, 0) + 1
            self.rig.kill(component)

    def back(self, *components: str) -> None:
        """Wait until they run again. Raises TimeoutError."""
        self._wait(lambda: all(self.rig.pids(component) for component in components), "processes")

    def restart(self, number: signal.Signals) -> None:
        """End the nucleus by a signal, and start it again."""
        self._forget_kills()
        self.rig.kill_nucleus(number)

    def rest(self) -> None:
        """An orderly restart of the nucleus, until somebody is seen. Raises TimeoutError."""
        self.restart(signal.SIGTERM)
        if self.has_recovered(time.time()) is None:
            raise TimeoutError("no event after an orderly restart of the nucleus")

    def _forget_kills(self) -> None:
        """As if an hour had passed: nobody has been started lately, by the nucleus's count and by their own."""
        self.kills.clear()
        for component in (CAPTURE, INFERENCE):
            (self.rig.folder / "work" / component / STARTS_FILE).unlink(missing_ok=True)

    def raised(self) -> set[str]:
        """The ids of the events that the device says it has raised."""
        return set(raised(self.rig))

    def told(self) -> Sequence[Told]:
        """The events that the cloud has heard of."""
        return [_told(arrival.at, arrival.event) for arrival in list(self.judge.arrivals) if _is_raised(arrival.event)]

    def has_recovered(self, since_s: float) -> float | None:
        """Seconds until an event that began after this moment has reached the cloud; None if none does in time."""
        if not until(lambda: any(one.began_s > since_s for one in self.told() if one.kind == ANOMALY), PATIENCE_S):
            return None
        return time.time() - since_s

    def kill_ipc(self) -> None:
        """The nucleus's IPC service dies alone and forgets every token; each component leaves after a minute."""
        before = self._processes()
        self.rig.kill_ipc()
        for name in before:
            self.kills[name] = self.kills.get(name, 0) + 1
        self._renewed(before)

    def reconfigure(self, keep_alive_s: float, event_valid_s: float) -> None:
        """Deploy the suite with other settings for both components."""
        self._forget_kills()
        before = self.rig.deployment
        more = {**before.more, INFERENCE: {"event_valid_s": event_valid_s}}
        camera = {**before.camera_settings, "keep_alive_s": keep_alive_s}
        old = self._processes()
        self.rig.deploy(replace(before, more=more, camera_settings=camera))
        self._renewed(old)

    def flood(self, seconds: float) -> None:
        """The neighbour publishes what is no notice, as fast as it can."""
        work = self.rig.folder / "work" / NEIGHBOUR
        (work / "published").unlink(missing_ok=True)
        (work / FLOOD_FILE).touch()
        time.sleep(seconds)
        (work / FLOOD_FILE).unlink()
        self._wait((work / "published").is_file, "the neighbour's flood")

    def _processes(self) -> Mapping[str, Sequence[int]]:
        return {name: self.rig.pids(name) for name in (CAPTURE, INFERENCE)}

    def _renewed(self, before: Mapping[str, Sequence[int]]) -> None:
        """Wait until others run in their place."""
        now = self._processes
        self._wait(lambda: all(pids and pids != before[name] for name, pids in now().items()), "new processes")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        if not until(condition, PATIENCE_S):
            raise TimeoutError(f"{what}: not there after {PATIENCE_S:g} s")


@contextmanager
def suffering(folder: Path, *, is_rtsp: bool, has_guests: bool) -> Iterator[Victim]:
    """A device that watches, until the end of the block. Raises TimeoutError when it never does."""
    camera = CameraId(f"f{os.getpid()}")
    clock = SteppedInterpreter(folder / "clock")
    with ExitStack() as stack:
        built = build_suite(folder / "suite", red_bundle(folder / "bundle"))
        source: ClipSource | RtspSource = RtspSource.made(folder) if is_rtsp else ClipSource.made(folder)
        if isinstance(source, RtspSource):
            stack.callback(source.kill)
        judge = stack.enter_context(Judge(folder / "judge"))
        deployment = DemoDeployment(
            built,
            judge.identity,
            source.clip if isinstance(source, ClipSource) else folder / "visit.h264",
            camera,
            python=str(clock.write()),
            camera_settings={**source.settings, "keep_alive_s": 0.5},
            console_port=free_port() if has_guests else None,
            more={INFERENCE: {"event_valid_s": SHORTLY_VALID_S}, NEIGHBOUR: {}} if has_guests else {},
        )
        if has_guests:
            add_neighbour(built, camera)
        rig = Rig(deployment, folder / "device")
        rig.start()
        stack.callback(rig.stop)
        victim = Victim(rig, judge, source, clock)
        if victim.has_recovered(0) is None:
            raise TimeoutError(f"the device has seen nobody:\n{rig.logs()}")
        yield victim


def add_neighbour(built: Built, camera: CameraId) -> None:
    """A component beside the suite that has the right to publish where notices are, and floods when it is told to."""
    code = built.artifacts / INFERENCE / built.version / "smartcam-inference.zip"
    access = {"operations": ["aws.greengrass#PublishToTopic"], "resources": ["smartcam/frames/*"]}
    script = f"PYTHONPATH='{code}' exec '{sys.executable}' -c '{_NEIGHBOUR.format(camera=camera)}'"
    defaults = {"accessControl": {"aws.greengrass.ipc.pubsub": {f"{NEIGHBOUR}:pubsub:1": access}}}
    recipe = {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": NEIGHBOUR,
        "ComponentVersion": built.version,
        "ComponentConfiguration": {"DefaultConfiguration": defaults},
        "Manifests": [{"Platform": {"os": "linux", "runtime": "*"}, "Lifecycle": {"run": {"Script": script}}}],
    }
    (built.recipes / f"{NEIGHBOUR}-{built.version}.yaml").write_text(yaml.safe_dump(recipe))


def _is_raised(event: Event) -> bool:
    return event.phase is Phase.RAISED


def _told(at: float, event: Event) -> Told:
    """Raised when: the age is by the monotonic clock, so that a step of the wall clock does not move it."""
    valid_ms = (event.expires_at - event.started_at) * 1000 // NS_PER_S
    age_ms = event.age_ms or 0
    return Told(event.event_id, event.kind.value, at - age_ms / 1000, age_ms > valid_ms)
