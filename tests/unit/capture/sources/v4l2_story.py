"""What befalls a V4L2 device, seen by capture's source: run by test_v4l2_device, where such a device is preloaded."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from smartcam.capture.settings import SourceKind, SourceSettings
from smartcam.capture.sources import live
from smartcam.capture.sources.opening import open_source
from smartcam.capture.sources.source import FrameSource, TimedPicture
from smartcam.contract.errors import CameraLost
from smartcam.contract.ids import CameraId
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken

PATIENCE_S = 60.0
SETTINGS = SourceSettings(
    CameraId("hall"), source=SourceKind.V4L2, device=os.environ["V4L2_DEVICE"], width=640, height=480, max_fps=10
)


def befall(fate: str) -> None:
    file = Path(os.environ["V4L2_FATE"])
    fresh = file.with_suffix(".new")
    fresh.write_text(fate)
    fresh.replace(file)


def opened() -> FrameSource:
    return open_source(SETTINGS, SystemClock(), StopToken())


def take(source: FrameSource, count: int) -> list[TimedPicture]:
    taken: list[TimedPicture] = []
    until = time.monotonic() + PATIENCE_S
    while len(taken) < count and time.monotonic() < until:
        timed = source.read()
        taken += [timed] if timed is not None else []
    return taken


def silent(source: FrameSource) -> bool:
    """Whether a second goes by without a picture; those before may still come."""
    return any(source.read() is None for _ in range(10))


def loss(act: Callable[[], object]) -> str:
    until = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < until:
            act()
    except CameraLost as lost:
        return str(lost)
    return "none"


def main() -> None:
    befall("")
    source = opened()
    taken = take(source, 10)
    story: dict[str, object] = {
        "rate": source.frames_per_second,
        "sizes": sorted({(timed.picture.width, timed.picture.height) for timed in taken}),
        "brightness": [int(timed.picture.luma.max()) for timed in taken],
    }
    befall("silent")
    story["silent"] = silent(source)
    befall("")
    story["goes_on"] = len(take(source, 3))
    befall("unplugged")
    story["unplugged"] = loss(source.read)
    source.close()
    befall("")
    source = opened()
    story["plugged_in"] = len(take(source, 3))
    source.close()
    befall("hanging")
    live._OPEN_LIMIT_S = 1.0  # type: ignore[misc]
    story["hanging"], story["again"] = loss(opened), loss(opened)
    sys.stdout.write(json.dumps(story))
    sys.stdout.flush()
    # The threads that hang in the device would call an interpreter that is being taken down.
    os._exit(0)


if __name__ == "__main__":
    main()
