"""The component smartcam.Capture: wires the cameras to the bus and to shared memory, and runs them."""

import argparse
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from smartcam.capture.cameras import CameraSupervisor
from smartcam.capture.commands.check import check, one_frame_each
from smartcam.capture.commands.once import play_once
from smartcam.capture.commands.self_test import try_a_frame
from smartcam.capture.recording.clip_folder import ClipFolder
from smartcam.capture.recording.continuous_folder import ContinuousFolder
from smartcam.capture.recording.daily import DailyHighlights
from smartcam.capture.recording.footage_folder import FootageFolder
from smartcam.capture.recording.port import NoRecording, Recording, Recordings
from smartcam.capture.recording.seal import sealer_of
from smartcam.capture.service import CaptureService
from smartcam.capture.settings import CaptureSettings, SourceSettings, read_settings
from smartcam.capture.sources.opening import open_source
from smartcam.contract.errors import SmartcamError
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.bus.port import DeviceBus, LocalBus
from smartcam.edge.clip_name import CLIP_FOLDER
from smartcam.edge.clock import Clock, SystemClock
from smartcam.edge.command_line import THING_VARIABLE, component_parser, ring_folder, run_with_nucleus
from smartcam.edge.document import DocumentError, document_from
from smartcam.edge.lifecycle import Service, run_component
from smartcam.edge.logs import configure_logging
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.release import release_of
from smartcam.edge.ring.frame_ring import RingWriter
from smartcam.edge.self_test import run_self_test
from smartcam.edge.standard_output import printed
from smartcam.edge.watchdog import last_resorts

if TYPE_CHECKING:
    from smartcam.capture.sources.packets import PacketTap

PROG = "smartcam-capture"
COMPONENT = "smartcam.Capture"
RECORDING_FOLDER = "recording"
FOOTAGE_FOLDER = "footage"
HIGHLIGHT_FOLDER = "highlights"
KEY_FILE = "clip-key"
"""It seals clips, and never leaves the work folder."""
_ERRORS_ONLY = 2
_FFMPEG_QUIET = "-8"
_CONFIGURED = Path()
"""Stands for the configured cameras when no clip is named."""


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """Where the component keeps what it has learned, and the films of all cameras."""

    path: Path
    clips: ClipFolder
    recordings: ContinuousFolder
    footage: FootageFolder
    highlights: DailyHighlights

    @classmethod
    def at(cls, path: Path) -> "WorkFolder":
        """The folder that everything lies in."""
        clock = SystemClock()
        sealer, thing = sealer_of(MemoryFile(path / KEY_FILE), os.urandom), os.environ.get(THING_VARIABLE) or None
        clips = ClipFolder(path / CLIP_FOLDER, clock, sealer=sealer, thing=thing)
        recordings = ContinuousFolder(path / RECORDING_FOLDER, clock)
        footage = FootageFolder(path / FOOTAGE_FOLDER, clock)
        highlights = DailyHighlights(path / CLIP_FOLDER, path / HIGHLIGHT_FOLDER, clock)
        return cls(path, clips, recordings, footage, highlights)

    def tell(self, settings: CaptureSettings) -> None:
        """Go on with what is of all cameras together."""
        self.clips.configure(settings.clips)
        self.highlights.configure(settings.clips)
        self.recordings.configure(settings.recording)
        self.footage.configure(settings.footage, (each.camera for each in settings.cameras if each.collect_footage))

    def tend(self) -> None:
        """Delete what is too old, also where no camera is left."""
        self.clips.expire()
        self.recordings.expire()
        self.footage.tend()


def camera_service(camera: SourceSettings, bus: LocalBus, ring_folder: Path, work: WorkFolder | None) -> Service:
    """One camera's service; what it learns and its films are kept in the work folder, if one is given."""
    clock = SystemClock()
    films, tap = _films(camera, bus, ring_folder, work, clock)
    work_folder = None if work is None else work.path
    return CaptureService(
        camera,
        open_source=lambda stop: open_source(camera, clock, stop, work_folder, tap),
        open_ring=lambda: RingWriter(ring_folder, camera.camera),
        bus=bus,
        clock=clock,
        random=random.random,
        memory=None if work_folder is None else MemoryFile(work_folder / f"background-{camera.camera}"),
        release=release_of(COMPONENT, os.environ),
        recording=Recordings(films, _footage(camera, work, clock)),
        clip_key="" if work is None else work.clips.key or "",
    )


def _films(
    camera: SourceSettings, bus: LocalBus, ring_folder: Path, work: WorkFolder | None, clock: Clock
) -> tuple[Recording, "PacketTap | None"]:
    """What keeps the camera's clips and records it, and what that wants to be told of the source's packets."""
    if work is None or not (camera.clips.keep or camera.recording.keep):
        return NoRecording(), None
    try:
        from smartcam.capture.recording.camera_recording import CameraRecording  # noqa: PLC0415  PyAV may be missing
    except ImportError as error:
        return NoRecording(f"nothing is recorded: PyAV is needed and cannot be imported ({error})"), None
    memory = MemoryFile(work.path / f"unheard-clips-{camera.camera}")
    recording = CameraRecording(camera, ring_folder, work.clips, bus, clock, memory, work.recordings)
    return recording, recording.tap


def _footage(camera: SourceSettings, work: WorkFolder | None, clock: Clock) -> Recording:
    """What collects the camera's pictures for training."""
    if work is None or not camera.collect_footage:
        return NoRecording()
    try:
        from smartcam.capture.recording.footage_recording import FootageRecording  # noqa: PLC0415  as above
    except ImportError as error:
        return NoRecording(f"footage is not collected: PyAV is needed and cannot be imported ({error})")
    return FootageRecording(camera, work.footage, clock)


def build(bus: DeviceBus, ring_folder: Path, work_folder: Path | None = None) -> list[tuple[str, Service]]:
    """The component's services by name; what they learn is kept in the work folder, if one is given."""
    work = None if work_folder is None else WorkFolder.at(work_folder)

    def camera(settings: SourceSettings) -> Service:
        return camera_service(settings, bus, ring_folder, work)

    if work is None:
        return [("cameras", CameraSupervisor(bus, camera, random.random))]
    cameras = CameraSupervisor(bus, camera, random.random, work.path, work.tell, work.tend)
    return [("cameras", cameras), ("highlights", work.highlights)]


def _check_or_once(options: argparse.Namespace) -> int:
    """`--check` and `--once`: with a document from a file no nucleus is needed, and no notice is sent."""
    try:
        document = document_from(options.configuration, GreengrassBus)
        if options.check:
            return check(document, ring_folder(), sys.stdout)
        bus = GreengrassBus() if options.configuration is None else None
        try:
            cameras = read_settings(document).cameras
            return one_frame_each(
                cameras, bus, lambda camera, once: camera_service(camera, once, ring_folder(), None), sys.stdout
            )
        finally:
            if bus is not None:
                bus.close()
    except (DocumentError, SmartcamError) as error:
        sys.stderr.write(f"{PROG}: {error}\n")
        return 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. Returns the exit code: 0 after a signal, 1 for a fault, 2 for a wrong call or no nucleus."""
    description = "Read the cameras that the component's configuration names, look for motion, announce frames."
    parser = component_parser(PROG, description, "--check or --once")
    parser.add_argument(
        "--once",
        nargs="?",
        type=Path,
        const=_CONFIGURED,
        metavar="CLIP",
        help="take one frame of each configured camera through to its notice; with a CLIP, and without a nucleus, write"
        " each notice as a line and wait for a line back before the next",
    )
    parser.add_argument("--frames", type=int, default=1, help="with --once CLIP: how many notices to write (1)")
    options = parser.parse_args(argv)
    _check_options(parser, options)
    configure_logging(options.log_level)
    cv2.setNumThreads(1)
    # Capture itself reports a bad clip, once and with its path.
    _quieten_opencv()
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET)
    if options.self_test is not None:
        return run_self_test(COMPONENT, options.self_test, (try_a_frame,))
    if options.check or options.once == _CONFIGURED:
        return printed(lambda: _check_or_once(options))
    if options.once is not None:
        streams = sys.stdout, sys.stdin, sys.stderr
        return play_once(options.once, options.frames, lambda bus: build(bus, ring_folder()), *streams)
    return run_with_nucleus(PROG, COMPONENT, _run)


def _run(bus: GreengrassBus) -> int:
    work_folder = Path.cwd()
    return run_component(
        COMPONENT, lambda: [*build(bus, ring_folder(), work_folder), *last_resorts(bus, SystemClock(), work_folder)]
    )


def _check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Ends the process with a message if options do not go together."""
    if options.configuration is not None and not (options.check or options.once == _CONFIGURED):
        parser.error("--configuration goes with --check, or with --once without a clip")
    if options.frames < 1:
        parser.error(f"--frames {options.frames}: must be at least 1")


def _quieten_opencv() -> None:
    # OpenCV 5 has moved the function.
    moved = getattr(cv2.utils, "logging", None)
    (cv2 if moved is None else moved).setLogLevel(_ERRORS_ONLY)


if __name__ == "__main__":
    sys.exit(main())
