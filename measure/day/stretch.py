"""One stretch of the day: the whole suite of real processes before an RTSP camera, and a row of what it holds a minute.

The camera shows six people in two and a quarter minutes: 480 visits in three hours, a busy day's worth. Somebody looks
at the console all the while, and each fifth minute begins with an outage, in turns of the camera and of the cloud.
Threads: one, and the viewer's.
"""

import csv
import sys
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event as Mark
from threading import Thread
from typing import Final

import av
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from measure.day.verdict import BUDGETS_MB, COLUMNS, PROCESSES, REST, Row
from measure.demo.device import CONSOLE, DemoDeployment
from measure.demo.plan import CLIP_FOLDER, free_port
from measure.demo.yard_clip import yard_clip
from measure.faults.victim import FPS, RtspSource
from smartcam.contract.event import EventKind
from smartcam.contract.ids import CameraId
from smartcam.vision.picture import Picture
from standins.rtsp import setup_rtsp
from tests.rtsp.camera import RtspCamera, record
from tests.system.faults import raised
from tests.system.footage import SIX_PEOPLE, detector_bundle
from tests.system.judge import Judge
from tests.system.resources import MIB, shared_bytes, usage
from tests.system.rig import CAPTURE, INFERENCE, Rig, running, until
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, build_suite

Say = Callable[[str], object]
_COMPONENTS: Final = dict(zip(PROCESSES, (CAPTURE, INFERENCE, CONSOLE), strict=True))
_CLIP: Final = "visit.h264"
_ROW_S: Final = 60.0
_INSTALLING_S: Final = 600.0
"""How long a busy machine may take to install the suite."""
_CAMERA_AWAY_S: Final = 20.0
_CLOUD_AWAY_S: Final = 40.0
_BOUNDED: Final = ("pictures", "journal", "history")
_LOOKED_AT: Final = ("cameras", "health", "health/day", "events")


def live(folder: Path, minutes: int, rows: Path, say: Say) -> None:
    """So many minutes, on the disk that the stretch before has left; each row is written as soon as it is known.

    Raises TimeoutError when a process does not come up.
    """
    with _device(folder) as (rig, judge, source, looking):
        before = set(raised(rig))
        _wait(lambda: bool(_visits(judge) and looking[0]), _INSTALLING_S, "a first visit, and the console's picture")
        began, outages = time.monotonic(), 0
        for minute in range(minutes + 1):
            time.sleep(max(began + minute * _ROW_S - time.monotonic(), 0))
            if minute == minutes:
                _wait(lambda: set(raised(rig)) - before <= {*judge.events()}, PATIENCE_S, "the last events")
            row = {**_held(rig, folder), "looked": looking[0], "outages": outages}
            told = {"raised": len(set(raised(rig)) - before), "delivered": len(judge.events())}
            _append(rows, {"minute": minute, **row, **told})
            say(f"minute {minute} of {minutes}: {told['raised']} raised, {told['delivered']} delivered")
            outages += _outage(minute, judge, source) if minute < minutes else 0


def _visits(judge: Judge) -> int:
    return sum(event.kind is not EventKind.CAMERA_LOST for event in judge.events().values())


def _outage(minute: int, judge: Judge, source: RtspSource) -> bool:
    """Of the camera in the minutes 4, 14, ..., of the cloud in 9, 19, ...; returns when it is over."""
    if minute % 10 == 4:  # noqa: PLR2004  see above
        source.kill()
        time.sleep(_CAMERA_AWAY_S)
        source.revive()
    elif minute % 10 == 9:  # noqa: PLR2004  see above
        judge.cut()
        time.sleep(_CLOUD_AWAY_S)
        judge.mend()
    return minute % 5 == 4  # noqa: PLR2004  see above


@contextmanager
def _device(folder: Path) -> Iterator[tuple[Rig, Judge, RtspSource, list[int]]]:
    """The running device with its cloud and its camera; the list counts what the viewer was shown."""
    # Its memories are found by its name, so each stretch has the same; another folder's run has another.
    camera = CameraId(f"day-{zlib.crc32(str(folder.resolve()).encode()):08x}")
    with ExitStack() as stack:
        clip, bundle = _seen(folder)
        if not (folder / _CLIP).is_file():
            record(folder / _CLIP, _pictures(clip), fps=FPS)
        source = RtspSource(folder, RtspCamera(setup_rtsp(say=lambda _: None)))
        stack.callback(source.kill)
        source.show(_CLIP)
        judge = stack.enter_context(Judge(folder / "judge"))
        port = free_port()
        deployment = DemoDeployment(
            build_suite(folder / "suite", bundle),
            judge.identity,
            clip,
            camera,
            python=sys.executable,
            camera_settings=source.settings,
            console_port=port,
            more={
                CAPTURE: {"clips": {"keep": True, "most_mb": BUDGETS_MB[f"{CAPTURE}/clips"]}},
                INFERENCE: {
                    "cameras": {camera: {"normal": True}},
                    **{name: {"max_mb": BUDGETS_MB[f"{INFERENCE}/{name}"]} for name in _BOUNDED},
                },
            },
        )
        rig = stack.enter_context(running(deployment, folder / "device"))
        looking, closed = [0], Mark()
        viewer = Thread(target=_look, args=(port, camera, looking, closed), name="viewer", daemon=True)
        viewer.start()
        stack.callback(viewer.join, _ROW_S)
        stack.callback(closed.set)
        yield rig, judge, source, looking


def _seen(folder: Path) -> tuple[Path, Path]:
    """The clip and the bundle: the shared footage and the stock detector where they are, else the demo's."""
    if SIX_PEOPLE.is_file():
        made = folder / "bundle"
        return SIX_PEOPLE, made if made.is_dir() else detector_bundle(made)
    return yard_clip(CLIP_FOLDER, print), DEMO_BUNDLE


def _pictures(clip: Path) -> Iterator[Picture]:
    with av.open(f"file:{clip}") as container:
        for frame in container.decode(video=0):
            yield Picture.from_bgr(frame.to_ndarray(format="bgr24").astype("uint8"))


def _look(port: int, camera: CameraId, shown: list[int], closed: Mark) -> None:
    """Somebody watches the camera live and turns over the other pages once in a minute."""
    address = f"127.0.0.1:{port}"
    while not closed.wait(1):
        with suppress(OSError, WebSocketException):
            with connect(f"ws://{address}/api/live/{camera}", origin=Origin(f"http://{address}")) as viewer:
                until_s = time.monotonic() + _ROW_S
                while not closed.is_set() and time.monotonic() < until_s:
                    viewer.recv(timeout=_ROW_S)
                    shown[0] += 1
            for page in _LOOKED_AT:
                with urllib.request.urlopen(f"http://{address}/api/{page}", timeout=_ROW_S) as answer:
                    answer.read()
                shown[0] += 1


def _held(rig: Rig, folder: Path) -> Row:
    """What the processes, shared memory and the disk hold now; a process that is gone has no figures."""
    row: dict[str, float] = {}
    for name, component in _COMPONENTS.items():
        with suppress(OSError, ValueError):
            (pid,) = rig.pids(component)
            held = usage(pid)
            row |= {f"{name}_pid": pid, f"{name}_rss_mib": held.rss_mib, f"{name}_pss_mib": _pss_mib(pid)}
            row |= {f"{name}_handles": held.handles, f"{name}_threads": held.threads}
            row |= {"shared_mib": shared_bytes(pid) / MIB} if component == CAPTURE else {}
    work = folder / "device" / "work"
    sizes = {part: _size_mb(work / part) for part in BUDGETS_MB if part != REST}
    whole = sum(_size_mb(work / component) for component in _COMPONENTS.values())
    row |= {**sizes, REST: whole - sum(sizes.values())}
    row["clips"] = len(list((work / CAPTURE / "clips").glob("*.mp4")))
    return {key: round(value, 2) for key, value in row.items()}


def _pss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _size_mb(folder: Path) -> float:
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # it may just be deleted
            size += path.stat().st_size if path.is_file() else 0
    return size / 1_000_000


def _append(path: Path, row: Mapping[str, float]) -> None:
    is_new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def _wait(condition: Callable[[], bool], limit_s: float, what: str) -> None:
    if not until(condition, limit_s, look_s=1):
        raise TimeoutError(f"{what}: not there after {limit_s:g} s")
