"""All cameras: which frames are read, who analyses them, and which camera is lost."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError, FrameOverwritten, RingError
from smartcam.contract.event import EventKind
from smartcam.contract.health import CameraCondition
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.inline import InlineFrame
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice
from smartcam.contract.times import UtcNs
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log, log_exception
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.pictures.folder import PictureFolder
from smartcam.edge.release import RunningRelease
from smartcam.inference.analysis.analysis import Analysis, Model, ObjectModel
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.analysis.scene import SceneAnalysis
from smartcam.inference.analysis.tamper import TamperAnalysis
from smartcam.inference.events import Change, EventMaker, OpenEpisode, Trigger
from smartcam.inference.frames.conditions import CameraConditions
from smartcam.inference.frames.inline_requests import InlineRequests
from smartcam.inference.frames.readers import FrameReaders
from smartcam.inference.frames.silence import SilenceWatch
from smartcam.inference.settings import InferenceSettings
from smartcam.vision.rule import MOTION

logger = logging.getLogger(__name__)

_LOG_EVERY: Final = 100
"""When a fault repeats, the first is logged and then every hundredth."""


@dataclass(frozen=True, slots=True)
class AnalysisContext:
    """What the analyses of all cameras share: whose events they are, the time, ids, and where the rings are.

    `work_folder` is where what was learnt is kept, None for nowhere. `picture_key` gives the key in the cloud of the
    picture of a camera's event, None if pictures do not leave the device. `album` keeps pictures on the device.
    """

    thing: ThingName
    clock: Clock
    new_id: Callable[[UtcNs], EventId]
    ring_folder: Path
    work_folder: Path | None = None
    picture_key: Callable[[CameraId, EventId], str | None] | None = None
    album: PictureFolder | None = None


@dataclass(slots=True)
class FrameCounts:
    """What became of the notices that were taken."""

    analysed: int = 0
    overwritten: int = 0
    unreadable: int = 0
    failed: int = 0


class Cameras:
    """The cameras that have sent notices. For one thread."""

    def __init__(
        self, context: AnalysisContext, settings: InferenceSettings, requests: InlineRequests | None = None
    ) -> None:
        """`requests` asks capture for inline frames where a ring cannot be read."""
        self.counts = FrameCounts()
        self.conditions = CameraConditions()
        self._context = context
        self._settings = settings
        self._model: Model | None = None
        self._watch = SilenceWatch(settings.camera_lost_after_s)
        self._analyses: dict[CameraId, Analysis] = {}
        self._readers = FrameReaders(context.ring_folder, requests)
        self._tampers: dict[CameraId, TamperAnalysis] = {}
        self._outages: dict[CameraId, OpenEpisode] = {}
        self._waiting: dict[CameraId, list[OpenEpisode]] = {}
        self._faults = 0

    def configure(self, settings: InferenceSettings) -> None:
        """Go on with other settings."""
        self._settings = settings
        self.conditions.configure(settings.cameras)
        self._watch.lost_after_s = settings.camera_lost_after_s
        for camera, analysis in self._analyses.items():
            analysis.configure(settings.camera(camera))
        for camera, tamper in self._tampers.items():
            tamper.is_on = settings.camera(camera).tamper

    def use(self, model: Model) -> None:
        """Analyse with another model; open episodes go on where their objects are found again."""
        for camera, analysis in self._analyses.items():
            on = [replace(episode, age_ms=0) for episode in analysis.episodes()]
            self._waiting.setdefault(camera, []).extend(on)
        self._analyses = {}
        self._model = model

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Go on with what an earlier process left open."""
        for episode in episodes:
            camera = episode.event.camera_id
            if episode.event.kind is EventKind.CAMERA_LOST:
                self._outages[camera] = episode
                self._watch.lost(camera)
                self.conditions.report(camera, CameraCondition.LOST)
                continue
            if episode.event.kind is EventKind.TAMPER:
                self._tamper(camera).resume([episode])
            else:
                self._waiting.setdefault(camera, []).append(episode)
            self._watch.expect(camera, self._context.clock.monotonic())

    def deaf(self) -> None:
        """The way to capture is cut: no camera's silence means anything."""
        self._watch.deaf(self._context.clock.monotonic())

    def frame(self, notice: FrameNotice | InlineFrame) -> list[Change]:
        """Read and analyse the frame of a notice. A frame that cannot be read is counted and skipped."""
        changes = self._alive(notice.camera_id)
        try:
            frame = self._readers.read(notice)
        except FrameOverwritten:
            self.counts.overwritten += 1
            return changes
        except (RingError, ContractError) as error:
            self.counts.unreadable += 1
            self._fault(logging.WARNING, "frame_unreadable", camera=notice.camera_id, error=error)
            return changes
        try:
            analysis = self._analysis(notice.camera_id)
            tampering, visibility = self._tamper(notice.camera_id).update(frame)
            changes += tampering
            if analysis is None:
                return changes
            changes += analysis.update(frame, visibility)
        except Exception as error:  # noqa: BLE001  the edge of the loop: one frame must not end the watch
            self.counts.failed += 1
            if self.counts.failed % _LOG_EVERY == 1:
                log_exception(logger, "analysis_failed", error, camera=notice.camera_id, failed=self.counts.failed)
            return changes
        self.counts.analysed += 1
        self._faults = 0
        return changes

    def status(self, notice: StatusNotice) -> list[Change]:
        """Take note of what capture reports about a camera."""
        self.conditions.counted(notice.camera_id, notice.frames_read, notice.frames_announced)
        if notice.version:
            self.conditions.runs(notice.camera_id, RunningRelease(notice.version, notice.release_refused))
        if notice.state is CameraState.RUNNING:
            self.conditions.report(notice.camera_id, CameraCondition.RUNNING, notice.frames_per_second)
            return self._alive(notice.camera_id)
        if notice.state is CameraState.ENDED:
            self._watch.ended(notice.camera_id)
            self.conditions.report(notice.camera_id, CameraCondition.ENDED)
            return self._end(notice.camera_id)
        return self._lost(notice.camera_id, notice.reason) if self._watch.lost(notice.camera_id) else []

    def overdue(self) -> list[Change]:
        """Raise `camera_lost` for the cameras that have been silent for too long."""
        silent = self._watch.overdue(self._context.clock.monotonic())
        reason = f"no notice for {self._settings.camera_lost_after_s:g} s"
        for camera in silent:
            self.conditions.runs(camera, None)
        return [change for camera in silent for change in self._lost(camera, reason)]

    def forget(self, camera: CameraId) -> list[Change]:
        """The camera has lost its place: what is open of it ends, and nothing is kept for it any more."""
        log(logger, logging.INFO, "camera_forgotten", camera=camera)
        changes = self._end(camera)
        outage = self._outages.pop(camera, None)
        changes += [] if outage is None else self.cleared([outage])
        tamper = self._tampers.pop(camera, None)
        if tamper is not None:
            tamper.keep()
        self._analyses.pop(camera, None)
        self._watch.forget(camera)
        self.conditions.forget(camera)
        self._readers.forget(camera)
        return changes

    def cleared(self, episodes: Sequence[OpenEpisode]) -> list[Change]:
        """Episodes that nobody goes on with."""
        now = self._context.clock.utc()
        return [self._maker(episode.event.camera_id).cleared(episode, now) for episode in episodes]

    def close(self) -> None:
        """Close the rings, and keep what was learnt."""
        for tamper in self._tampers.values():
            tamper.keep()
        self._readers.close()

    def _analysis(self, camera: CameraId) -> Analysis | None:
        model = self._model
        if model is None:
            return None
        analysis = self._analyses.get(camera)
        if analysis is None:
            maker = replace(
                self._maker(camera),
                model_name=model.manifest.name,
                model_version=model.manifest.version,
                picture_key=self._context.picture_key and partial(self._context.picture_key, camera),
            )
            analysis = self._analyses[camera] = new_analysis(model, maker, self._settings)
            analysis.resume(self._waiting.pop(camera, []))
        return analysis

    def _tamper(self, camera: CameraId) -> TamperAnalysis:
        tamper = self._tampers.get(camera)
        if tamper is None:
            folder = self._context.work_folder
            memory = None if folder is None else MemoryFile(folder / f"view-{camera}")
            tamper = self._tampers[camera] = TamperAnalysis(self._maker(camera), memory)
            tamper.is_on = self._settings.camera(camera).tamper
        return tamper

    def _maker(self, camera: CameraId) -> EventMaker:
        """Makes events without a model and a picture, such as those of a camera that is lost."""
        return EventMaker(
            thing=self._context.thing,
            camera=camera,
            valid_s=self._settings.event_valid_s,
            new_id=self._context.new_id,
            synced=self._context.clock.synced,
        )

    def _alive(self, camera: CameraId) -> list[Change]:
        self.conditions.report(camera, CameraCondition.RUNNING)
        if not self._watch.heard(camera, self._context.clock.monotonic()):
            return []
        log(logger, logging.INFO, "camera_restored", camera=camera)
        maker, now = self._maker(camera), self._context.clock.utc()
        outage = self._outages.pop(camera, None)
        ended = [] if outage is None else [maker.cleared(outage, now)]
        return [*ended, Change(maker.event(Trigger(EventKind.CAMERA_RESTORED, 1.0, 0.0), now), None)]

    def _lost(self, camera: CameraId, reason: str) -> list[Change]:
        log(logger, logging.WARNING, "camera_lost", camera=camera, reason=reason)
        self.conditions.report(camera, CameraCondition.LOST)
        clock, trigger = self._context.clock, Trigger(EventKind.CAMERA_LOST, 1.0, 0.0)
        changes = self._end(camera)
        self._outages[camera], change = self._maker(camera).raised(trigger, clock.utc(), clock.monotonic())
        return [*changes, change]

    def _end(self, camera: CameraId) -> list[Change]:
        """Clear the open episodes of a camera that gives no more pictures."""
        now = self._context.clock.utc()
        waiting = self.cleared(self._waiting.pop(camera, []))
        analysis, tamper = self._analyses.get(camera), self._tampers.get(camera)
        waiting += [] if tamper is None else tamper.end(now)
        return waiting if analysis is None else [*waiting, *analysis.end(now)]

    def _fault(self, level: int, event: str, **facts: object) -> None:
        self._faults += 1
        if self._faults % _LOG_EVERY == 1:
            log(logger, level, event, in_a_row=self._faults, **facts)


def new_analysis(model: Model, maker: EventMaker, settings: InferenceSettings) -> Analysis:
    """One camera's analysis for this kind of model."""
    camera = settings.camera(maker.camera)
    wanted = {label for rule in camera.rules for label in rule.labels} | set(camera.labels)
    unknown = sorted(wanted - set(model.manifest.events) - {MOTION})
    if unknown:
        log(logger, logging.WARNING, "labels_unknown", camera=maker.camera, labels=unknown, bundle=model.manifest.name)
    if isinstance(model, ObjectModel):
        return ObjectAnalysis(model, maker, camera)
    return SceneAnalysis(model, maker, camera)
