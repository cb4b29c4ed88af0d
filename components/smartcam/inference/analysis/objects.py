"""The analysis of objects: what the detector names and what the gate sees moving, one object one episode."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from smartcam.contract.event import EventKind
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.inference.analysis.analysis import ObjectModel, alarm_policy
from smartcam.inference.analysis.motion import MotionWatch, Surroundings
from smartcam.inference.analysis.naming import NamedWatch
from smartcam.inference.analysis.orphans import Orphans
from smartcam.inference.analysis.places import corners, normalised, pixels, within
from smartcam.inference.analysis.record import SceneObject
from smartcam.inference.analysis.table import ObjectTable
from smartcam.inference.events import Change, EventMaker, OpenEpisode
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.scoring import Detections
from smartcam.vision.corners import Corners
from smartcam.vision.frame import Frame
from smartcam.vision.track import Sighting, Tracker, TrackPolicy
from smartcam.vision.visibility import Visibility

LOOK_AFTER_S: Final = 3.0
"""Where tracks were seen this recently the detector looks, even if nothing moves there."""


class ObjectAnalysis:
    """One camera's objects."""

    visibility: None = None

    def __init__(self, model: ObjectModel, maker: EventMaker, settings: AnalysisSettings) -> None:
        self._model = model
        self._maker = maker
        self._events = model.manifest.events
        self._tracker = Tracker()
        self._table = ObjectTable()
        self._orphans = Orphans()
        self._named = NamedWatch(self._table, self._orphans, maker, alarm_policy(model.manifest, settings))
        self._motion = MotionWatch(self._table, maker)
        self._last = MonotonicNs(-1)
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
        self._last = at
        found = self._model.detector.detect(frame.picture, self._regions(frame))
        looked_at = normalised(found.looked_at, frame) if found.looked_at else None
        motion = normalised(frame.motion, frame)
        tracks = self._tracker.step(at, self._sightings(found, frame), motion, looked_at)
        self._table.observe(tracks, self._motion.look(frame, motion))
        self._adopt()
        self._table.pair()
        changes = self._named.judge(frame)
        changes += self._motion.judge(frame, Surroundings(visibility, [*self._table.taken(at), *self._orphans.boxes()]))
        changes += self._named.let_go(frame)
        changes += [self._maker.cleared(episode, frame.captured_at) for episode in self._orphans.overdue(at)]
        on = (one for one in self._table.objects() if one.episode is not None)
        return [*changes, *(change for one in on for change in one.store(at))]

    def end(self, at: UtcNs) -> list[Change]:
        """Every open episode ends, and the tracks are forgotten."""
        changes = [self._maker.cleared(episode, at) for episode in self.episodes()]
        self._tracker.forget()
        self._motion.forget()
        self._table.forget()
        self._orphans.forget()
        return changes

    def owns(self, kind: EventKind) -> bool:
        """Whatever is no tampering: it ends what it cannot go on with."""
        return kind is not EventKind.TAMPER

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Resume episodes of an earlier process as soon as their objects are found where they were."""
        self._orphans.add(episodes)

    def episodes(self) -> list[OpenEpisode]:
        """The open episodes."""
        return [*self._orphans.episodes, *self._table.episodes()]

    def keep(self) -> None:
        """Nothing of it outlives the process but the episodes."""

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

    def _adopt_motion(self, one: SceneObject, box: Corners) -> None:
        orphan = self._orphans.at(box)
        if orphan is not None and orphan.event.kind is not EventKind.MOTION:
            one.name()  # a mover where a labelled object was is that object
        elif orphan is not None and one.episode is None:
            one.resume(self._orphans.give(orphan))
