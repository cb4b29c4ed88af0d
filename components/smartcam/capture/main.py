"""The component smartcam.Capture: wires the cameras to the bus and to shared memory, and runs them."""

import argparse
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from smartcam.capture.cameras import Cameras
from smartcam.capture.service import CaptureService
from smartcam.capture.settings import CameraSettings
from smartcam.capture.sources.opening import open_source
from smartcam.contract.errors import BusError
from smartcam.edge.bus import Bus
from smartcam.edge.clock import SystemClock
from smartcam.edge.greengrass_bus import GreengrassBus
from smartcam.edge.lifecycle import Service, run_component
from smartcam.edge.logs import configure_logging
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.ring import DEFAULT_FOLDER, FOLDER_VARIABLE, RingWriter

_ERRORS_ONLY = 2
_FFMPEG_QUIET = "-8"


def build(bus: Bus, ring_folder: Path, work_folder: Path | None = None) -> list[tuple[str, Service]]:
    """The component's services by their names; what they learn is kept in the work folder, where one is given."""
    clock = SystemClock()

    def camera(settings: CameraSettings) -> Service:
        return CaptureService(
            settings,
            open_source=lambda stop: open_source(settings, clock, stop, work_folder),
            open_ring=lambda: RingWriter(ring_folder, settings.camera),
            bus=bus,
            clock=clock,
            random=random.random,
            memory=None if work_folder is None else MemoryFile(work_folder / f"background-{settings.camera}"),
        )

    return [("cameras", Cameras(bus, camera, random.random))]


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. Returns the exit code: 0 after a signal, 1 for a fault, 2 for a wrong call."""
    parser = argparse.ArgumentParser(
        prog="smartcam-capture",
        description="Read the cameras that the component's configuration names, look for motion, announce frames. "
        f"Runs under a Greengrass nucleus; {FOLDER_VARIABLE} selects the folder for shared memory.",
    )
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    options = parser.parse_args(argv)
    configure_logging(options.log_level)
    cv2.setNumThreads(1)
    # What OpenCV and its decoder say about a bad clip, capture says once and with its path.
    _quieten_opencv()
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET)
    ring_folder = Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)
    try:
        bus = GreengrassBus()
    except BusError as error:
        sys.stderr.write(f"smartcam-capture: {error}\n")
        return 2
    try:
        return run_component("smartcam.Capture", lambda: build(bus, ring_folder, Path.cwd()))
    finally:
        bus.close()


def _quieten_opencv() -> None:
    # OpenCV 5 has moved the function; which of the two there is, differs by version.
    moved = getattr(cv2.utils, "logging", None)
    (cv2 if moved is None else moved).setLogLevel(_ERRORS_ONLY)


if __name__ == "__main__":
    sys.exit(main())
