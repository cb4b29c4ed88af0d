"""The analysis of the camera itself: at most one tamper episode per camera, and the visibility."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from smartcam.contract.event import Event, EventKind, NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.best_picture import BestPicture
from smartcam.inference.analysis.shared import SharedKnowledge
from smartcam.inference.events import Change, EventMaker, OpenEpisode, Trigger
from smartcam.inference.settings import AnalysisSettings
from smartcam.vision.frame import Frame
from smartcam.vision.tamper import Cause, TamperReport, TamperWatch
from smartcam.vision.visibility import Visibility

logger = logging.getLogger(__name__)

_THRESHOLD: Final = 0.5
"""The nominal threshold of tamper events: they are raised by time, not by score."""
_EVERYTHING: Final = NormalBox(0.0, 0.0, 1.0, 1.0)
_KEEP_S: Final = 600.0
"""How often the view is stored while all is well; it is stored at the end anyway. Memory cards wear out."""


class TamperAnalysis:
    """One camera's tampering. It needs no model. For one thread."""

    def __init__(
        self,
        maker: EventMaker,
        settings: AnalysisSettings,
        memory: MemoryFile | None = None,
        shared: SharedKnowledge | None = None,
    ) -> None:
        """`memory` keeps the usual view across a restart: a lens that was covered meanwhile is noticed.

        `shared` hears of tampering, and of another usual view.
        """
        self.visibility = Visibility.CLEAR
        self._is_on = settings.tamper
        self._maker = replace(maker, model_name=None, model_version=None)
        self._memory = memory
        self._shared = SharedKnowledge() if shared is None else shared
        self._watch = TamperWatch()
        self._open: OpenEpisode | None = None
        self._surplus: list[OpenEpisode] = []
        self._last = MonotonicNs(-1)
        self._keep_at: MonotonicNs | None = None
        if memory is not None:
            self._watch.recall(memory.load())

    def configure(self, settings: AnalysisSettings) -> None:
        """Tampering raises an event from now on, or does not. The visibility is told either way."""
        self._is_on = settings.tamper

    def update(self, frame: Frame, visibility: Visibility = Visibility.CLEAR) -> list[Change]:  # noqa: ARG002
        """What the frame changes. Frames come in order of time."""
        changes = [self._maker.cleared(episode, frame.captured_at) for episode in self._surplus]
        self._surplus = []
        report = self._watch.update(frame.picture.luma, frame.captured_mono)
        self.visibility = report.visibility
        self._shared.is_tampered, self._shared.views = report.cause is not None, self._watch.views
        if frame.captured_mono > self._last:
            self._last = frame.captured_mono
            changes += self._follow(report, frame)
            self._keep_now_and_then(frame.captured_mono)
        return changes

    def end(self, at: UtcNs) -> list[Change]:
        """The camera gives no more pictures: its episode ends. The usual view is not forgotten."""
        ending = self.episodes()
        self._surplus, self._open = [], None
        return [self._maker.cleared(episode, at) for episode in ending]

    def owns(self, event: Event) -> bool:
        """Tampering only."""
        return event.kind is EventKind.TAMPER

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Resume the newest episode of an earlier process; the others are cleared with the next frame."""
        for episode in sorted(episodes, key=lambda item: item.event.event_id, reverse=True):
            if self._open is None:
                self._open = episode
                with suppress(ValueError):  # another version's cause: cleared when the watch sees none
                    self._watch.resume(Cause(episode.event.cause or ""))
            else:
                self._surplus.append(episode)

    def episodes(self) -> list[OpenEpisode]:
        """The open episode, if any, and those of an earlier process still to be cleared."""
        return [*self._surplus, *([] if self._open is None else [self._open])]

    def keep(self) -> None:
        """Store the usual view for the next process."""
        view = b"" if self._memory is None else self._watch.remember()
        if self._memory is None or not view:
            return
        try:
            self._memory.store(view)
        except OSError as error:
            log(logger, logging.WARNING, "view_not_stored", camera=self._maker.camera, error=error)

    def _follow(self, report: TamperReport, frame: Frame) -> list[Change]:
        episode = self._open
        if report.cause is None or not self._is_on:
            self._open = None
            return [] if episode is None else [self._maker.cleared(episode, frame.captured_at)]
        score = max(report.score, _THRESHOLD)
        if episode is None:
            sight = Trigger(EventKind.TAMPER, score, _THRESHOLD, cause=str(report.cause))
            self._open, change = self._maker.raised(sight, frame.captured_at, frame.captured_mono)
            picture = BestPicture()
            picture.consider(frame, _EVERYTHING, str(report.cause))
            return [replace(change, snapshot=picture.of(self._open))]
        self._open, changes = self._maker.refreshed(
            replace(episode, peak=max(episode.peak, score)), frame.captured_mono
        )
        return changes

    def _keep_now_and_then(self, at: MonotonicNs) -> None:
        if self._keep_at is not None and at >= self._keep_at:
            self.keep()
            self._keep_at = None
        if self._keep_at is None:
            self._keep_at = MonotonicNs(at + round(_KEEP_S * NS_PER_S))
