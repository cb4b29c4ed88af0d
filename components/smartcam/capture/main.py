"""The component smartcam.Capture: wires the cameras to the bus and to shared memory, and runs them."""

import argparse
import os
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from smartcam.capture.cameras import Cameras
from smartcam.capture.commands.check import check, one_frame_each
from smartcam.capture.commands.once import play_once
from smartcam.capture.commands.self_test import try_a_frame
from smartcam.capture.service import CaptureService
from smartcam.capture.settings import CameraSettings, read_settings
from smartcam.capture.sources.opening import open_source
from smartcam.contract.errors import BusError, SmartcamError
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.bus.port import DeviceBus, LocalBus
from smartcam.edge.clock import SystemClock
from smartcam.edge.document import DocumentError, document_from
from smartcam.edge.lifecycle import Service, run_component
from smartcam.edge.logs import LEVELS, configure_logging
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.ring.frame_ring import DEFAULT_FOLDER, FOLDER_VARIABLE, RingWriter
from smartcam.edge.self_test import run_self_test
from smartcam.edge.understood import FILE as UNDERSTOOD

_ERRORS_ONLY = 2
_FFMPEG_QUIET = "-8"
_CONFIGURED = Path()
"""Stands for the configured cameras where a clip could be named."""


def camera_service(camera: CameraSettings, bus: LocalBus, ring_folder: Path, work_folder: Path | None) -> Service:
    """One camera's service; what it learns is kept in the work folder, where one is given."""
    clock = SystemClock()
    return CaptureService(
        camera,
        open_source=lambda stop: open_source(camera, clock, stop, work_folder),
        open_ring=lambda: RingWriter(ring_folder, camera.camera),
        bus=bus,
        clock=clock,
        random=random.random,
        memory=None if work_folder is None else MemoryFile(work_folder / f"background-{camera.camera}"),
    )


def build(bus: DeviceBus, ring_folder: Path, work_folder: Path | None = None) -> list[tuple[str, Service]]:
    """The component's services by their names; what they learn is kept in the work folder, where one is given."""

    def camera(settings: CameraSettings) -> Service:
        return camera_service(settings, bus, ring_folder, work_folder)

    memory = None if work_folder is None else MemoryFile(work_folder / UNDERSTOOD)
    return [("cameras", Cameras(bus, camera, random.random, memory))]


def _look(options: argparse.Namespace, ring_folder: Path) -> int:
    """`--check` and `--once`: with a document from a file no nucleus is needed, and no notice goes anywhere."""
    try:
        document = document_from(options.configuration, GreengrassBus)
        if options.check:
            return check(document, ring_folder, sys.stdout)
        bus = GreengrassBus() if options.configuration is None else None
        try:
            cameras = read_settings(document).cameras
            return one_frame_each(
                cameras, bus, lambda camera, once: camera_service(camera, once, ring_folder, None), sys.stdout
            )
        finally:
            if bus is not None:
                bus.close()
    except (DocumentError, SmartcamError) as error:
        sys.stderr.write(f"smartcam-capture: {error}\n")
        return 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. Returns the exit code: 0 after a signal, 1 for a fault, 2 for a wrong call or no nucleus."""
    parser = argparse.ArgumentParser(
        prog="smartcam-capture",
        description="Read the cameras that the component's configuration names, look for motion, announce frames. "
        f"Runs under a Greengrass nucleus; {FOLDER_VARIABLE} selects the folder for shared memory.",
    )
    parser.add_argument(
        "--check", action="store_true", help="say what the configuration would do and what is wrong with it; then end"
    )
    parser.add_argument(
        "--configuration", type=Path, metavar="FILE", help="with --check or --once: a JSON document, not the nucleus's"
    )
    parser.add_argument("--log-level", default="INFO", choices=LEVELS)
    parser.add_argument(
        "--once",
        nargs="?",
        type=Path,
        const=_CONFIGURED,
        metavar="CLIP",
        help="one frame of each configured camera through and out; with a CLIP and without a nucleus: a notice a line,"
        " the next one after a line back",
    )
    parser.add_argument(
        "--self-test", metavar="VERSION", help="prove that this is that version and works here; then end"
    )
    parser.add_argument("--frames", type=int, default=1, help="with --once: stop after so many notices (1)")
    options = parser.parse_args(argv)
    _check_options(parser, options)
    configure_logging(options.log_level)
    cv2.setNumThreads(1)
    # What OpenCV and its decoder say about a bad clip, capture says once and with its path.
    _quieten_opencv()
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET)
    ring_folder = Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)
    if options.self_test is not None:
        return run_self_test("smartcam.Capture", options.self_test, (try_a_frame,))
    if options.check or options.once == _CONFIGURED:
        return _look(options, ring_folder)
    if options.once is not None:
        streams = sys.stdout, sys.stdin, sys.stderr
        return play_once(options.once, options.frames, lambda bus: build(bus, ring_folder), *streams)
    try:
        bus = GreengrassBus()
    except BusError as error:
        sys.stderr.write(f"smartcam-capture: {error}\n")
        return 2
    try:
        return run_component("smartcam.Capture", lambda: build(bus, ring_folder, Path.cwd()))
    finally:
        bus.close()


def _check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends the process with a message where options do not go together."""
    if options.configuration is not None and not (options.check or options.once == _CONFIGURED):
        parser.error("--configuration goes with --check, or with --once without a clip")
    if options.frames < 1:
        parser.error(f"--frames {options.frames}: must be at least 1")


def _quieten_opencv() -> None:
    # OpenCV 5 has moved the function; which of the two there is, differs by version.
    moved = getattr(cv2.utils, "logging", None)
    (cv2 if moved is None else moved).setLogLevel(_ERRORS_ONLY)


if __name__ == "__main__":
    sys.exit(main())
