"""Many cameras on this machine: real capture and inference, clips as cameras, a nucleus between them."""

import itertools
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Final

from measure.bench.latency import raised_in, running_suite
from measure.clips import make_clip
from measure.demo.plan import CLIP_FOLDER
from measure.demo.report import quantile
from measure.load.looks import CameraFigures, CameraLook, Published, figures_of
from measure.load.watched import LOOKS_FILE
from smartcam.contract.event import EventKind
from smartcam.contract.times import NS_PER_MS, NS_PER_S
from standins.nucleus.testbed import running_nucleus

SIZE: Final = (1280, 720)
RATE: Final = 5
_SOURCE_RATE: Final = 10
_STAGGER_S: Final = 1.5
_SETTLE_S: Final = 15.0
_START_S: Final = 120.0
_SPIN_MS: Final = 20
_SPIN_EVERY_S: Final = 2.0
_WATCHED: Final = "measure.load.watched"


def measure_cameras(
    clip: Path, visits: Sequence[tuple[float, float]], bundle: Path, cameras: int, seconds: int
) -> CameraFigures:
    """So many cameras that show the clip, one a moment after the other, for so long from when all are looked at.

    `visits`: when somebody is in the clip, in seconds. The clip has ten pictures a second; every second one is shown.

    Raises:
        OSError: the processes did not come up, or not every camera was looked at.
    """
    playing = make_clip(
        clip,
        CLIP_FOLDER / f"load-{clip.stem}-{RATE}.mp4",
        SIZE,
        lambda frames: itertools.islice(frames, 0, None, _SOURCE_RATE // RATE),
        rate=Fraction(RATE),
    )
    settings = {
        f"load{number:02}": {"path": str(playing), "at_end": "reopen", "start_delay_s": 2 + number * _STAGGER_S}
        for number in range(cameras)
    }
    with tempfile.TemporaryDirectory(prefix="smartcam-load-") as name, running_nucleus() as nucleus:
        folder, before = Path(name), os.getloadavg()[0]
        looks = folder / "inference" / LOOKS_FILE
        with running_suite(nucleus, settings, bundle, folder, _WATCHED):
            _until_all_are_looked_at(looks, cameras)
            time.sleep(_SETTLE_S)
            begin, spins = time.time_ns(), list[float]()
            while time.time_ns() < begin + seconds * NS_PER_S:
                spins.append(_spin_ms())
                time.sleep(_SPIN_EVERY_S)
            end = time.time_ns()
            time.sleep(_SETTLE_S)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = [CameraLook.of_line(line) for line in looks.read_text().splitlines()]
        published = [
            Published(event.camera_id, event.started_at, at)
            for event, at in raised_in(nucleus.journal("cloud_publish"), EventKind.PERSON)
        ]
    whole_s = (time.time_ns() - begin) / NS_PER_S
    return replace(
        figures_of(found, published, visits, begin, begin + (end - begin) // NS_PER_S * NS_PER_S),
        cores=round((used.ru_utime + used.ru_stime) / (whole_s + _SETTLE_S + cameras * _STAGGER_S), 2),
        load=(before, os.getloadavg()[0]),
        spin_p50_ms=quantile(spins, 0.5),
        spin_p99_ms=quantile(spins, 0.99),
    )


def _until_all_are_looked_at(looks: Path, cameras: int) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        if looks.is_file() and len({line.split()[0] for line in looks.read_text().splitlines() if line}) == cameras:
            return
        time.sleep(1)
    raise OSError(f"not all of {cameras} cameras were looked at within {_START_S:g} s; remedy: take fewer (--cameras)")


def _spin_ms() -> float:
    began, until = time.monotonic_ns(), time.thread_time_ns() + _SPIN_MS * NS_PER_MS
    while time.thread_time_ns() < until:
        pass
    return (time.monotonic_ns() - began) / NS_PER_MS
