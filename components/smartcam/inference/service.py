"""The inference service: from notices to events on the disk."""

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from smartcam.contract.clip import ClipKept
from smartcam.contract.errors import BusError, ContractError, OutboxError, SettingsError
from smartcam.contract.event import Event
from smartcam.contract.health import CameraHealth, FrameHealth
from smartcam.contract.inline import Chunk, InlineFrame, decode_chunk, is_chunk
from smartcam.contract.notice import FrameNotice, StatusNotice, decode_notice
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.topics import ALL_CLIPS, ALL_FRAMES, ALL_VIEWS, frames_topic
from smartcam.contract.wish import SettingsOwner
from smartcam.edge.backoff import Backoff
from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from smartcam.edge.bus.port import DeviceBus
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log
from smartcam.edge.outbox.outbox import Outbox
from smartcam.edge.pictures.clip_uploader import ClipUploader
from smartcam.edge.pictures.uploader import SnapshotUploader
from smartcam.edge.wish_desk import WishDesk
from smartcam.edge.wished import WishedSettings
from smartcam.inference.analysis.analysis import Model
from smartcam.inference.bundles import BundlesInUse
from smartcam.inference.cameras import AnalysisContext, Cameras
from smartcam.inference.clip_records import ClipRecords
from smartcam.inference.clip_requests import ClipRequests
from smartcam.inference.events import OpenEpisode, restored
from smartcam.inference.frames.inline_requests import InlineRequests
from smartcam.inference.frames.mailbox import Mailbox, Notice
from smartcam.inference.frames.reassembly import Reassembly
from smartcam.inference.frames.roster import CameraRoster
from smartcam.inference.health import Facts
from smartcam.inference.judging import EventJudge, previewing
from smartcam.inference.kept_bundle import forget_others
from smartcam.inference.live_views import LiveViews
from smartcam.inference.local_wishes import LocalWishes
from smartcam.inference.settings import AnalysisSettings, InferenceSettings, read_settings, trusted_key
from smartcam.inference.storing import ChangeStore
from smartcam.inference.wanted import wanted_of_the_device

logger = logging.getLogger(__name__)

_TICK_S: Final = 0.25
"""How long a stop, a silent camera or new settings may go unnoticed."""
_REPORT_EVERY_S: Final = 60.0
_LOG_EVERY: Final = 100
_AHEAD_NS: Final = NS_PER_S


class Uploads(NamedTuple):
    """What leaves the device where somebody wants it."""

    snapshots: SnapshotUploader
    clips: ClipUploader


class InferenceService:
    """Receives notices, analyses the newest frame of each camera, and puts the resulting events into the outbox."""

    def __init__(
        self,
        *,
        bus: DeviceBus,
        outbox: Outbox,
        context: AnalysisContext,
        bundles: BundlesInUse,
        bundle: Path | None,
        on_stored: Callable[[], None],
        random: Callable[[], float],
        uploads: Uploads | None = None,
    ) -> None:
        self._bus = bus
        self._outbox = outbox
        self._clock: Clock = context.clock
        self._bundles = bundles
        self._bundle = bundle
        self._uploads = uploads
        self.wanted = wanted_of_the_device(context.clock, context.work_folder)
        self._album, self._journal, self._history = context.album, context.journal, context.history
        noted: Callable[[Event], object]
        self._noted = noted = (lambda _: None) if context.history is None else context.history.add
        self._work_folder = context.work_folder
        self._wished = WishedSettings(SettingsOwner.INFERENCE, read_settings, context.work_folder)
        last = self._wished.last()
        self._settings = replace(last or InferenceSettings(), wanted=self.wanted.current())
        self._was_understood = last is not None
        self._is_configured = False
        self._configuration_refused = self._configuration_fault = ""
        outbox.limits = self._settings.outbox
        self._roster = CameraRoster(self._clock)
        self._roster.configure(self._settings.listed())
        self._desk = WishDesk(SettingsOwner.INFERENCE, bus, context.clock)
        self._filter = EventJudge(context.clock, random, lambda: self.wanted.takes)
        preview = previewing(self._filter, context.history)
        self._views = LiveViews(bus, self._clock, self._roster.holds)
        self._cameras = Cameras(context, self._settings, InlineRequests(bus, self._clock), self._views.show)
        curve = self._cameras.conditions.curve
        self._wishes = LocalWishes(self._desk, self._wished, self.wanted, self._roster.holds, preview, curve)
        self._mailbox = Mailbox()
        self._reassembly = Reassembly(self._clock)
        self._settings_due = threading.Event()
        self._settings_at = MonotonicNs(0)
        self._settings_backoff = Backoff(1.0, 30.0, random)
        self._open_backoff = Backoff(1.0, 30.0, random)
        pictures = [keeper.keep for keeper in (context.album, uploads and uploads.snapshots) if keeper is not None]
        clips = self._clips = ClipRequests(bus, context.clock)
        self._records = ClipRecords(context.thing, lambda: self.wanted.takes, _heard_by(clips, uploads), noted)
        backoff, judged = Backoff(1.0, 30.0, random), self._filter.judged
        self.changes = ChangeStore(
            outbox, context.clock, backoff, on_stored, pictures, clips, judged=judged, noted=noted
        )
        self._report_at = MonotonicNs(0)
        self._refused = 0

    @property
    def facts(self) -> Facts:
        """What the device reports to the cloud about itself; may be read from any thread."""
        models, settings = self._bundles.models, self._settings
        model = models.get(DEFAULT_BUNDLE)
        counts, (read, announced) = self._cameras.counts, self._cameras.conditions.frames()
        capture = self._cameras.conditions.capture()
        return Facts(
            cameras=tuple(
                _described(one, settings.camera(one.camera_id), models) for one in self._cameras.conditions.cameras()
            ),
            model_name=None if model is None else model.manifest.name,
            model_version=None if model is None else model.manifest.version,
            bundle_refused="; ".join(filter(None, (self._bundles.refused, self._filter.refused))),
            configuration_refused=self._configuration_refused,
            capture_version="" if capture is None else capture.version,
            release_refused="" if capture is None else capture.refused,
            clip_key=self._cameras.conditions.clip_key(),
            analysed=counts.analysed,
            failed=counts.failed,
            every_s=settings.health_every_s,
            wanted_revision=settings.wanted.revision,
            cloud_takes=self.wanted.takes,
            cameras_left_out=self._roster.left_out,
            frames=FrameHealth(
                read=read,
                announced=announced,
                heard=self._mailbox.received,
                dropped=self._mailbox.dropped,
                overwritten=counts.overwritten,
                unreadable=counts.unreadable,
                refused=self._refused,
                incomplete=self._reassembly.incomplete,
            ),
        )

    def run(self, stop: StopToken) -> None:
        """Work until `stop` is set. Open episodes stay open in the outbox for the next process."""
        self._settings_due.set()
        if self._history is not None:
            history = self._history
            self.wanted.on_verdict = lambda event, true: history.judge(event, true=true)
            # A process that was killed may not have noted what it knew.
            history.take_verdicts(self.wanted.current().verdicts)
        self._take_up(self._left_open(stop))
        subscriptions = [
            self._bus.on_configuration_change(self._settings_due.set),
            self._bus.subscribe_local(ALL_FRAMES, self._on_notice),
            self._bus.subscribe_local(ALL_CLIPS, self._records.hear),
            self._bus.subscribe_local(ALL_VIEWS, self._views.hear),
            self._desk.listen(),
        ]
        try:
            while not stop.is_set():
                self._step()
        finally:
            for subscription in subscriptions:
                subscription.close()
            self._cameras.close()
            self._write_down(at_once=True)
            self._report()

    def _step(self) -> None:
        self._take_settings()
        self._wishes.grant(self._use, lambda: self._settings)
        self._take_wishes()
        # Not before it is known whether bundles have to be signed.
        if self._is_configured and self._bundles.refresh():
            self._cameras.use(self._bundles.models)
        self._filter.refresh()
        for camera in self._roster.released():
            self.changes.keep(self._cameras.forget(camera))
        notice = self._mailbox.take(_TICK_S)
        if notice is not None and self._roster.holds(notice.camera_id):
            self.changes.keep(
                self._cameras.status(notice)
                if isinstance(notice, StatusNotice)
                else self._cameras.frame(notice, self._mailbox.skipped)
            )
        if not self._bus.is_connected():
            self._cameras.deaf()
        # At each step: a busy camera must not hide that another one is silent.
        self.changes.keep(self._cameras.overdue())
        self._reassembly.expire()
        self.changes.keep(self._records.changes())
        self.changes.store()
        if not self.changes.unstored:
            self._records.stored()
        self._write_down()
        self._clips.weigh(self._cameras.conditions.cameras, self._settings.wanted.verdicts, self._outbox.unacknowledged)
        if self._clock.monotonic() >= self._report_at:
            self._report()

    def _on_notice(self, topic: str, payload: bytes) -> None:
        try:
            heard = decode_chunk(payload) if is_chunk(payload) else decode_notice(payload)
            if topic != frames_topic(heard.camera_id):
                raise ContractError("camera_id", f"is not the camera of the topic {topic}")
            if not self._roster.takes(heard.camera_id):
                return
            notice = self._reassembly.add(heard) if isinstance(heard, Chunk) else heard
            self._check_time(notice)
        except ContractError as error:
            self._refused += 1
            if self._refused % _LOG_EVERY == 1:
                log(logger, logging.WARNING, "notice_refused", topic=topic, error=error, refused=self._refused)
            return
        if notice is not None:
            self._mailbox.put(notice)

    def _check_time(self, notice: Notice | None) -> None:
        """Frames are analysed in the order of this clock, so that one from the future would hide all others until then.

        Raises:
            ContractError: it was captured later than now.
        """
        frame = notice.notice if isinstance(notice, InlineFrame) else notice
        if isinstance(frame, FrameNotice) and frame.captured_mono > self._clock.monotonic() + _AHEAD_NS:
            raise ContractError("captured_mono_ns", "must not lie in the future")

    def _take_up(self, episodes: list[OpenEpisode]) -> None:
        """Go on with what was left open; what is of a camera that has no place ends."""
        ours = [episode for episode in episodes if self._roster.takes(episode.event.camera_id)]
        for episode in ours:  # the process before may have died between the outbox and the history
            self._noted(episode.event)
        self._cameras.resume(ours)
        self.changes.keep(self._cameras.cleared([episode for episode in episodes if episode not in ours]))

    def _left_open(self, stop: StopToken) -> list[OpenEpisode]:
        """What an earlier process left open; waits for a disk that can be read."""
        backoff = self._open_backoff
        while not stop.is_set():
            try:
                episodes = self._outbox.open_episodes()
            except OutboxError as error:
                log(logger, logging.ERROR, "outbox_unusable", error=error)
                stop.wait(backoff.next())
                continue
            backoff.reset()
            found: list[OpenEpisode] = []
            for episode in episodes:
                try:
                    found.append(restored(episode))
                except ContractError as error:
                    log(logger, logging.ERROR, "episode_unreadable", event_id=episode.event_id, error=error)
                    with suppress(OutboxError):  # the next process will try again
                        self._outbox.close_episode(episode.event_id)
            return found
        return []

    def _take_settings(self) -> None:
        now = self._clock.monotonic()
        if not self._settings_due.is_set() or now < self._settings_at:
            return
        self._settings_due.clear()
        try:
            document = self._bus.configuration()
        except BusError as error:
            wait_s = self._settings_backoff.next()
            self._settings_at = MonotonicNs(now + round(wait_s * NS_PER_S))
            self._settings_due.set()
            # Once per outage, however long the nucleus is away.
            level = logging.DEBUG if self._configuration_fault == str(error) else logging.WARNING
            self._configuration_fault = str(error)
            log(logger, level, "configuration_unavailable", error=error, again_s=wait_s)
            return
        self._configuration_fault = ""
        self._settings_backoff.reset()
        self._use(self._read(document))

    def _use(self, settings: InferenceSettings) -> None:
        deployed = self._wished.deployed()
        unlisted = frozenset() if deployed is None else frozenset(settings.cameras.keys() - deployed)
        settings = self._settings = replace(settings, wanted=self._settings.wanted, unlisted=unlisted)
        self._is_configured = True
        if settings.outbox != self._outbox.limits:
            log(logger, logging.INFO, "outbox_limits_changed", takes_effect="now")
            self._outbox.limits = settings.outbox
        self._roster.configure(settings.listed())
        self._cameras.configure(settings)
        if self._was_understood:
            self._keep_as_wanted(settings)
        self._bundles.use(settings.bundle_folders(self._bundle), settings.trusted_key)
        self._filter.use(settings.filter, settings.trusted_key, on_trial=settings.filter_on_trial)

    def _keep_as_wanted(self, settings: InferenceSettings) -> None:
        """What is not wanted on the disk is deleted, so this waits for settings that somebody has understood."""
        for uploader in self._uploads or ():
            uploader.configure(settings.snapshots)
        if self._album is not None:
            self._album.configure(settings.pictures)
        if self._journal is not None:
            self._journal.configure(settings.journal)
        if self._history is not None:
            self._history.configure(settings.history)
        if self._work_folder is not None:
            forget_others(self._work_folder, settings.bundle_folders(None))

    def _take_wishes(self) -> None:
        """Arm and disarm as it is wanted now."""
        wanted = self.wanted.current()
        if wanted != self._settings.wanted:
            self._settings = replace(self._settings, wanted=wanted)
            self._cameras.configure(self._settings)

    def _read(self, document: Mapping[str, object]) -> InferenceSettings:
        """The settings in the document, or the ones before it if it is wrong."""
        try:
            settings = self._wished.take(document)
        except SettingsError as error:
            log(logger, logging.ERROR, "configuration_refused", key=error.key, value=error.value, remedy=error.remedy)
            self._configuration_refused = f"{error.key} {error.remedy}"
            # Whatever else is wrong in the document, a signature that it demands is demanded.
            key = trusted_key(document)
            return self._settings if key is None else replace(self._settings, trusted_key=key)
        self._configuration_refused = ""
        self._was_understood = True
        return settings

    def _write_down(self, *, at_once: bool = False) -> None:
        if self._journal is not None:
            self._journal.store(at_once=at_once)
        if self._history is not None:
            self._history.store()

    def _report(self) -> None:
        self._report_at = MonotonicNs(self._clock.monotonic() + round(_REPORT_EVERY_S * NS_PER_S))
        facts = self.facts
        log(
            logger,
            logging.INFO,
            "inference_health",
            notices=facts.frames.heard,
            dropped=facts.frames.dropped,
            analysed=facts.analysed,
            overwritten=facts.frames.overwritten,
            unreadable=facts.frames.unreadable,
            failed=facts.failed,
            notices_refused=facts.frames.refused,
            incomplete=facts.frames.incomplete,
            cameras_left_out=facts.cameras_left_out,
            wishes_refused=self._desk.refused,
            verdicts_left_out=self.wanted.verdicts_left_out,
            turned_away=self._roster.turned_away,
            raised=self.changes.raised,
            cleared=self.changes.cleared,
            unstored=self.changes.unstored,
            watches_refused=self._views.refused,
            journal_lost=0 if self._journal is None else self._journal.lost,
            history_lost=0 if self._history is None else self._history.lost,
        )


def _heard_by(clips: ClipRequests, uploads: Uploads | None) -> Callable[[ClipKept], None]:
    """What is done once a record of clips is on the disk: it may be uploaded, and capture may forget it."""

    def heard(kept: ClipKept) -> None:
        if uploads is not None:
            uploads.clips.recorded(kept.event)
        clips.heard(kept)

    return heard


def _described(camera: CameraHealth, settings: AnalysisSettings, models: Mapping[str, Model]) -> CameraHealth:
    """The camera with what the health message says of it besides; its model where that is not the default one."""
    own = None if settings.detector == DEFAULT_BUNDLE else models.get(settings.detector)
    model = None if own is None else f"{own.manifest.name} {own.manifest.version}"
    return replace(camera, armed=settings.armed, model=model)
