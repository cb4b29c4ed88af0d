"""The analysis of objects: what the detector names and what the gate sees moving, one object one episode."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from smartcam.contract.event import Event, EventKind
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.analysis import ObjectModel, alarm_policy
from smartcam.inference.analysis.identity import FirstSight
from smartcam.inference.analysis.motion import MotionWatch, Surroundings
from smartcam.inference.analysis.naming import NamedWatch
from smartcam.inference.analysis.notes import RowKeeper, TrackNotes
from smartcam.inference.analysis.orphans import Orphans
from smartcam.inference.analysis.places import corners, normalised, pixels, within
from smartcam.inference.analysis.record import SceneObject
from smartcam.inference.analysis.table import ObjectTable
from smartcam.inference.events import Change, EventMaker, OpenEpisode
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.scoring import Detections
from smartcam.vision.corners import Corners
from smartcam.vision.frame import Frame
from smartcam.vision.passing import Course
from smartcam.vision.track import Sighting, Tracker, TrackPolicy
from smartcam.vision.visibility import Visibility

logger = logging.getLogger(__name__)

LOOK_AFTER_S: Final = 3.0
"""Where tracks were seen this recently the detector looks, even if nothing moves there."""
_KEEP_S: Final = 600.0
"""How often the stays are stored; they are stored at the end anyway. Memory cards wear out."""


class ObjectAnalysis:
    """One camera's objects."""

    visibility: None = None

    def __init__(
        self,
        model: ObjectModel,
        maker: EventMaker,
        settings: AnalysisSettings,
        memory: MemoryFile | None = None,
        journal: RowKeeper | None = None,
        show: RowKeeper = lambda _: None,
    ) -> None:
        """`memory` keeps who is there across a restart, so that nobody who stays is told of again.

        `journal` takes a row for each object and second, `show` those of each frame.
        """
        self._model = model
        self._maker = maker
        self._events = model.manifest.events
        self._tracker = Tracker()
        self._table = ObjectTable()
        self._orphans = Orphans()
        self._named = NamedWatch(self._table, self._orphans, maker, alarm_policy(model.manifest, settings))
        self._motion = MotionWatch(self._table, maker)
        self._memory = memory
        self._show = show
        self._notes = None if journal is None else TrackNotes(maker, journal)
        self._last = MonotonicNs(-1)
        self._last_utc = UtcNs(0)
        self._keep_at: MonotonicNs | None = None
        self.configure(settings)

    def configure(self, settings: AnalysisSettings) -> None:
        """Go on with other settings; open episodes stay open."""
        self._tracker.policy = replace(TrackPolicy(), lost_after_s=settings.remember_s)
        self._named.policy = alarm_policy(self._model.manifest, settings)
        self._named.static_after_s = self._tracker.policy.static_after_s
        self._motion.configure(settings.motion_min_size)
        self._table.configure(settings.effective_rules())

    def update(self, frame: Frame, visibility: Visibility = Visibility.CLEAR) -> list[Change]:
        """What the frame changes; nothing if it is not newer than the last."""
        at = frame.captured_mono
        if at <= self._last:
            return []
        self._last, self._last_utc = at, frame.captured_at
        self._recall_or_keep(at)
        found = self._model.detector.detect(frame.picture, self._regions(frame))
        looked_at = normalised(found.looked_at, frame.picture) if found.looked_at else None
        motion = normalised(frame.motion, frame.picture)
        movers = self._motion.look(frame, motion)
        ways = [Course(mover.box, mover.origin, mover.since, mover.id) for mover in movers if mover.is_going]
        tracks = self._tracker.step(at, self._sightings(found, frame), motion, looked_at, ways)
        self._table.observe(tracks, movers)
        self._adopt()
        self._table.pair()
        self._know_movers(at)
        self._named.stays.watch(at, movers)
        changes = self._named.judge(frame)
        changes += self._motion.judge(frame, Surroundings(visibility, [*self._table.taken(at), *self._orphans.boxes()]))
        changes += self._named.let_go(frame)
        if self._notes is not None:
            self._show(self._notes.look(frame, self._table, self._named.policy))
        self._named.stays.search(at, looked_at)
        changes += [self._maker.cleared(episode, frame.captured_at) for episode in self._orphans.overdue(at)]
        on = (one for one in self._table.objects() if one.episode is not None)
        return [*changes, *(change for one in on for change in one.store(self._maker, at))]

    def end(self, at: UtcNs) -> list[Change]:
        """Every open episode ends, and the tracks are forgotten."""
        changes = [self._maker.cleared(episode, at) for episode in self.episodes()]
        if self._notes is not None:
            self._notes.close()
        self._tracker.forget()
        self._motion.forget()
        self._table.forget()
        self._orphans.forget()
        return changes

    def owns(self, event: Event) -> bool:
        """Whatever is no tampering: it ends what it cannot go on with."""
        return event.kind is not EventKind.TAMPER

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Resume episodes of an earlier process as soon as their objects are found where they were."""
        self._orphans.add(episodes)

    def episodes(self) -> list[OpenEpisode]:
        """The open episodes."""
        return [*self._orphans.episodes, *self._table.episodes()]

    def keep(self) -> None:
        """Store who is there for the next process."""
        if self._notes is not None:
            self._notes.close()
        if self._memory is None or self._keep_at is None:
            return
        try:
            self._memory.store(self._named.stays.pack(self._last, self._last_utc))
        except OSError as error:
            log(logger, logging.WARNING, "stays_not_stored", camera=self._maker.camera, error=error)

    def _recall_or_keep(self, at: MonotonicNs) -> None:
        """With the first frame the time is known at which an earlier process saw them."""
        if self._memory is not None and self._keep_at is None:
            self._named.stays.unpack(self._memory.load(), at, self._last_utc)
        elif self._keep_at is None or at < self._keep_at:
            return
        else:
            self.keep()
        self._keep_at = MonotonicNs(at + round(_KEEP_S * NS_PER_S))

    def _regions(self, frame: Frame) -> list[PixelBox]:
        """Where to look: at motion and at known objects; everywhere in a still picture."""
        if not frame.motion:
            return []
        recent = (pixels(track.box, frame) for track in self._table.tracks if track.unseen_s <= LOOK_AFTER_S)
        return [*frame.motion, *(box for box in recent if box is not None)]

    def _sightings(self, found: Detections, frame: Frame) -> list[Sighting]:
        """The detections that can raise events, normalised to 0..1."""
        width, height = frame.picture.width, frame.picture.height
        rows = zip(found.labels, found.scores.tolist(), found.boxes.tolist(), strict=True)
        return [
            Sighting(box, score, self._events[label], label)
            for label, score, (x1, y1, x2, y2) in rows
            if label in self._events and (box := within((x1 / width, y1 / height, x2 / width, y2 / height))) is not None
        ]

    def _adopt(self) -> None:
        """Give episodes of an earlier process to what is now where their objects were."""
        if not self._orphans.episodes:
            return
        for track in self._table.tracks:
            one = self._table.named[track.id]
            orphan = self._orphans.at(track.box, track.kind) if track.seen and one.episode is None else None
            if orphan is not None:
                one.resume(self._orphans.give(orphan))
        for one in self._table.moving.values():
            if one.box is not None:
                self._adopt_motion(one, corners(one.box))

    def _know_movers(self, at: MonotonicNs) -> None:
        """What moves is often somebody who was told of, and whom the detector does not see just now."""
        stays = self._named.stays
        for one in self._table.moving.values():
            known = None if one.named_as is None else one.named_as.stay
            if one.is_moving and one.box is not None and known is not None:
                if known.seen_at < at and _is_going(one):
                    known.follow(corners(one.box), at)
            elif one.episode is None and not one.is_named and one.born is not None and one.since is not None:
                known = stays.of(None, FirstSight(corners(one.born), one.since), at)
                one.name(is_sure=known is not None)

    def _adopt_motion(self, one: SceneObject, box: Corners) -> None:
        orphan = self._orphans.at(box)
        if orphan is not None and orphan.event.kind is not EventKind.MOTION:
            one.name()  # a mover where a labelled object was is that object
        elif orphan is not None and one.episode is None:
            one.resume(self._orphans.give(orphan))


def _is_going(one: SceneObject) -> bool:
    """Whether it goes from place to place. A seat that somebody has left only stirs, until the gate is used to it."""
    return one.mover is not None and one.mover.is_going
