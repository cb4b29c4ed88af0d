"""All cameras: which frames are read, who analyses them, and which camera is lost."""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError, FrameOverwritten, RingError
from smartcam.contract.event import EventKind
from smartcam.contract.health import CameraCondition
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.inline import InlineFrame
from smartcam.contract.notice import CameraState, FrameNotice, StatusNotice
from smartcam.contract.snapshot import NO_UPLOADS, UploadKeys
from smartcam.contract.times import UtcNs
from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from smartcam.edge.clock import Clock
from smartcam.edge.history.folder import EventHistory
from smartcam.edge.journal.folder import TrackJournal
from smartcam.edge.logs import log, log_exception
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.pictures.folder import PictureFolder
from smartcam.edge.release import RunningRelease
from smartcam.inference.analysis.analysers import AnalysisSetup, lasting_analyses, model_analyses
from smartcam.inference.analysis.analysis import Model
from smartcam.inference.analysis.shared import SharedKnowledge
from smartcam.inference.camera import Camera
from smartcam.inference.events import Change, EventMaker, OpenEpisode, Trigger
from smartcam.inference.frames.conditions import CameraConditions
from smartcam.inference.frames.inline_requests import InlineRequests
from smartcam.inference.frames.readers import FrameReaders
from smartcam.inference.frames.silence import SilenceWatch
from smartcam.inference.settings import AnalysisSettings, InferenceSettings
from smartcam.vision.frame import Frame
from smartcam.vision.normal.learner import LearningPlan

logger = logging.getLogger(__name__)

_LOG_EVERY: Final = 100
"""When a fault repeats, the first is logged and then every hundredth."""


@dataclass(frozen=True, slots=True)
class AnalysisContext:
    """What the analyses of all cameras share: whose events they are, the time, ids, and where the rings are.

    `work_folder` is where what was learnt is kept, None for nowhere. `upload_keys` says where in the
    cloud the picture and the clip of a camera's event will be. `album` keeps pictures on the device, and
    `journal` who was where. `plan` says how long a scene is learnt. `history` keeps what became of events.
    """

    thing: ThingName
    clock: Clock
    new_id: Callable[[UtcNs], EventId]
    ring_folder: Path
    work_folder: Path | None = None
    upload_keys: Callable[[CameraId, EventId], UploadKeys] = lambda _camera, _event: NO_UPLOADS
    album: PictureFolder | None = None
    journal: TrackJournal | None = None
    plan: LearningPlan = field(default_factory=LearningPlan)
    history: EventHistory | None = None

    def maker(self, camera: CameraId, settings: InferenceSettings) -> EventMaker:
        """Makes events without a model and a picture, such as those of a camera that is lost."""
        return EventMaker(
            thing=self.thing,
            camera=camera,
            valid_s=settings.event_valid_s,
            new_id=self.new_id,
            synced=self.clock.synced,
        )

    def setup(self, camera: CameraId, settings: InferenceSettings, shared: SharedKnowledge) -> AnalysisSetup:
        """What a camera's analyses are made with."""
        keys = partial(self.upload_keys, camera)
        rows = None if self.journal is None else self.journal.add
        memory = partial(self._memory, camera)
        return AnalysisSetup(
            self.maker(camera, settings), settings.camera(camera), keys, memory, rows, shared, self.plan
        )

    def _memory(self, camera: CameraId, what: str) -> MemoryFile | None:
        return None if self.work_folder is None else MemoryFile(self.work_folder / f"{what}-{camera}")


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
        self,
        context: AnalysisContext,
        settings: InferenceSettings,
        requests: InlineRequests | None = None,
        show: Callable[[Frame, SharedKnowledge], object] = lambda _frame, _known: None,
    ) -> None:
        """`requests` asks capture for inline frames where a ring cannot be read.

        `show` is called with each frame that has been analysed, and with what is known of it.
        """
        self.counts = FrameCounts()
        self.conditions = CameraConditions()
        self._context = context
        self._show = show
        self._settings = settings
        self._models: Mapping[str, Model] = {}
        self._watch = SilenceWatch(settings.camera_lost_after_s)
        self._readers = FrameReaders(context.ring_folder, requests)
        self._cameras: defaultdict[CameraId, Camera] = defaultdict(Camera)
        self._unreadable_in_a_row = 0

    def configure(self, settings: InferenceSettings) -> None:
        """Go on with other settings."""
        self._settings = settings
        self.conditions.configure(settings.listed())
        self._watch.lost_after_s = settings.camera_lost_after_s
        for name, camera in self._cameras.items():
            camera.use(_model_of(self._settings.camera(name), self._models))
            camera.configure(settings.camera(name))

    def use(self, models: Mapping[str, Model]) -> None:
        """Analyse with these models, by the names of their bundles.

        A camera that gets another one goes on with its open episodes where their objects are found again.
        """
        self._models = models
        for name, camera in self._cameras.items():
            camera.use(_model_of(self._settings.camera(name), self._models))

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Go on with what an earlier process left open."""
        for episode in episodes:
            camera = episode.event.camera_id
            if episode.event.kind is EventKind.CAMERA_LOST:
                self._cameras[camera].outage = episode
                self._cameras[camera].silence.lose()
                self.conditions.report(camera, CameraCondition.LOST)
                continue
            self._cameras[camera].waiting.append(episode)
            self._cameras[camera].silence.expect(self._context.clock.monotonic())

    def deaf(self) -> None:
        """The way to capture is cut: no camera's silence means anything."""
        for camera in self._cameras.values():
            camera.silence.excuse(self._context.clock.monotonic())

    def frame(self, notice: FrameNotice | InlineFrame, skipped: tuple[FrameNotice, ...] = ()) -> list[Change]:
        """Read and analyse the frame of a notice. A frame that cannot be read is counted and skipped.

        `skipped`: the notices since the last one, of whose frames there was no time to look at.
        """
        changes = self._alive(notice.camera_id)
        try:
            frame = replace(self._readers.read(notice), skipped=skipped)
        except FrameOverwritten:
            self.counts.overwritten += 1
            return changes
        except (RingError, ContractError) as error:
            self.counts.unreadable += 1
            self._unreadable_in_a_row += 1
            if self._unreadable_in_a_row % _LOG_EVERY == 1:
                in_a_row = self._unreadable_in_a_row
                log(
                    logger, logging.WARNING, "frame_unreadable", in_a_row=in_a_row, camera=notice.camera_id, error=error
                )
            return changes
        try:
            camera = self._camera(notice.camera_id)
            for change in camera.update(frame):  # what one analysis has found stands if the next one fails
                changes.append(change)
            self._show(frame, camera.shared)
        except Exception as error:  # noqa: BLE001  the edge of the loop: one frame must not end the watch
            self.counts.failed += 1
            if self.counts.failed % _LOG_EVERY == 1:
                log_exception(logger, "analysis_failed", error, camera=notice.camera_id, failed=self.counts.failed)
            return changes
        self.conditions.learns(notice.camera_id, camera.shared.scene, camera.shared.curve)
        if camera.modelled:
            self.counts.analysed += 1
            self._unreadable_in_a_row = 0
        return changes

    def status(self, notice: StatusNotice) -> list[Change]:
        """Take note of what capture reports about a camera."""
        self.conditions.counted(notice.camera_id, notice.frames_read, notice.frames_announced)
        self.conditions.collects(notice.camera_id, footage=notice.collects_footage)
        if notice.version:
            release = RunningRelease(notice.version, notice.release_refused)
            self.conditions.runs(notice.camera_id, release, notice.clip_key)
        if notice.state is CameraState.RUNNING:
            self.conditions.report(notice.camera_id, CameraCondition.RUNNING, notice.frames_per_second)
            return self._alive(notice.camera_id)
        if notice.state is CameraState.ENDED:
            self._cameras[notice.camera_id].silence.end()
            self.conditions.report(notice.camera_id, CameraCondition.ENDED)
            return self._end(notice.camera_id)
        return self._lost(notice.camera_id, notice.reason) if self._cameras[notice.camera_id].silence.lose() else []

    def overdue(self) -> list[Change]:
        """Raise `camera_lost` for the cameras that have been silent for too long."""
        silences = {name: camera.silence for name, camera in self._cameras.items()}
        silent = self._watch.overdue(silences, self._context.clock.monotonic())
        reason = f"no notice for {self._settings.camera_lost_after_s:g} s"
        for camera in silent:
            self.conditions.runs(camera, None)
        return [change for camera in silent for change in self._lost(camera, reason)]

    def forget(self, name: CameraId) -> list[Change]:
        """The camera has lost its place: what is open of it ends, and nothing is kept for it any more."""
        log(logger, logging.INFO, "camera_forgotten", camera=name)
        changes = self._end(name)
        camera = self._cameras.pop(name)
        changes += [] if camera.outage is None else self.cleared([camera.outage])
        camera.keep()
        self.conditions.forget(name)
        self._readers.forget(name)
        return changes

    def cleared(self, episodes: Sequence[OpenEpisode]) -> list[Change]:
        """Episodes that nobody goes on with."""
        now = self._context.clock.utc()
        return [
            self._context.maker(episode.event.camera_id, self._settings).cleared(episode, now) for episode in episodes
        ]

    def close(self) -> None:
        """Close the rings, and keep what was learnt."""
        for camera in self._cameras.values():
            camera.keep()
        self._readers.close()

    def _camera(self, name: CameraId) -> Camera:
        """The camera, with all its analyses."""
        camera = self._cameras[name]
        if not camera.lasting:
            camera.begin(lasting=lasting_analyses(self._context.setup(name, self._settings, camera.shared)))
            camera.use(_model_of(self._settings.camera(name), self._models))
        if not camera.modelled and camera.model is not None:
            setup = self._context.setup(name, self._settings, camera.shared)
            camera.begin(modelled=model_analyses(setup, camera.model))
        return camera

    def _alive(self, camera: CameraId) -> list[Change]:
        self.conditions.report(camera, CameraCondition.RUNNING)
        if not self._cameras[camera].silence.heard(self._context.clock.monotonic()):
            return []
        log(logger, logging.INFO, "camera_restored", camera=camera)
        maker, now = self._context.maker(camera, self._settings), self._context.clock.utc()
        outage, self._cameras[camera].outage = self._cameras[camera].outage, None
        ended = [] if outage is None else [maker.cleared(outage, now)]
        return [*ended, Change(maker.event(Trigger(EventKind.CAMERA_RESTORED, 1.0, 0.0), now), None)]

    def _lost(self, camera: CameraId, reason: str) -> list[Change]:
        log(logger, logging.WARNING, "camera_lost", camera=camera, reason=reason)
        self.conditions.report(camera, CameraCondition.LOST)
        clock, trigger = self._context.clock, Trigger(EventKind.CAMERA_LOST, 1.0, 0.0)
        changes = self._end(camera)
        self._cameras[camera].outage, change = self._context.maker(camera, self._settings).raised(
            trigger, clock.utc(), clock.monotonic()
        )
        return [*changes, change]

    def _end(self, name: CameraId) -> list[Change]:
        """Clear the open episodes of a camera that gives no more pictures."""
        camera = self._cameras[name]
        waiting, camera.waiting = camera.waiting, []
        return [*self.cleared(waiting), *camera.end(self._context.clock.utc())]


def _model_of(camera: AnalysisSettings, models: Mapping[str, Model]) -> Model | None:
    """The model of the camera's bundle; the default one, which is better than none, where no such bundle opened."""
    return models.get(camera.detector) or models.get(DEFAULT_BUNDLE)
