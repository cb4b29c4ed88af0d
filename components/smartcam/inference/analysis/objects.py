"""The analysis of objects: detections become tracks, tracks become episodes, one object one episode."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.inference.analysis.analysis import ObjectModel, alarm_policy, can_go_on
from smartcam.inference.analysis.followed import (
    HOLD_S,
    Followed,
    fresh,
    is_resumed_at,
    normal,
    normalised,
    pixels,
    same_thing,
    within,
)
from smartcam.inference.analysis.motion import DetectorView, MotionWatch
from smartcam.inference.events import DETECTED, Change, EventMaker, OpenEpisode, Trigger, more_severe, refreshed
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.scoring import Detections
from smartcam.vision.alarm import AlarmState, Observation, Transition, is_sure, step
from smartcam.vision.corners import Corners, cover, overlap
from smartcam.vision.frame import Frame
from smartcam.vision.movers import Mover
from smartcam.vision.rule import Candidate, Rule, RuleMatch, observe_all
from smartcam.vision.track import Sighting, Track, Tracker, TrackPolicy
from smartcam.vision.visibility import Visibility

SHADOW_COVER: Final = 0.6
"""A track of which this share lies in an object of its kind with an open episode is taken for a part of it."""
TWIN_IOU: Final = 0.6
"""Two tracks of different kinds that overlap this much are one object under two labels."""
RESUME_S: Final = 10.0
"""How long an earlier process's episodes wait for their objects to show up again."""
LOOK_AFTER_S: Final = 3.0
"""Where tracks were seen this recently the detector looks, even if nothing moves there."""
TAKEN_S: Final = 2.0
"""What was seen this recently is still where it was."""


class ObjectAnalysis:
    """One camera's objects."""

    def __init__(self, model: ObjectModel, maker: EventMaker, settings: AnalysisSettings) -> None:
        self._model = model
        self._maker = maker
        self._events = model.manifest.events
        self._tracker = Tracker()
        self._tracks: list[Track] = []
        self._followed: dict[int, Followed] = {}
        self._orphans: list[OpenEpisode] = []
        self._orphans_until: MonotonicNs | None = None
        self._last = MonotonicNs(-1)
        self._rules: tuple[Rule, ...] = ()
        self._motion = MotionWatch(maker)
        self.configure(settings)

    def configure(self, settings: AnalysisSettings) -> None:
        """Go on with other settings; open episodes stay open."""
        self._policy = alarm_policy(self._model.manifest, settings)
        self._rules = settings.effective_rules()
        self._tracker.policy = replace(TrackPolicy(), lost_after_s=settings.remember_s)
        self._motion.configure(self._rules, settings.motion_min_size)
        for followed in self._followed.values():
            followed.rules = fresh(self._rules)

    def update(self, frame: Frame, visibility: Visibility = Visibility.CLEAR) -> list[Change]:
        """What the frame changes; nothing if it is not newer than the last."""
        if frame.captured_mono <= self._last:
            return []
        self._last = frame.captured_mono
        found = self._model.detector.detect(frame.picture, self._regions(frame))
        looked_at = normalised(found.looked_at, frame) if found.looked_at else None
        motion = normalised(frame.motion, frame)
        tracks = self._tracks = self._tracker.step(
            frame.captured_mono, self._sightings(found, frame), motion, looked_at
        )
        movers = self._motion.step(frame, motion)
        self._adopt(tracks)
        self._pair(tracks, movers)
        changes = [change for track in tracks for change in self._advance(track, frame)]
        changes += self._motion.update(frame, self._detector_view(movers, visibility))
        return [*changes, *self._let_go(frame), *self._clear_orphans(frame), *self._store(frame)]

    def end(self, at: UtcNs) -> list[Change]:
        """Every open episode ends, and the tracks are forgotten."""
        changes = [self._maker.cleared(episode, at) for episode in self.episodes()]
        self._tracker.forget()
        self._motion.forget()
        self._tracks, self._followed, self._orphans = [], {}, []
        return changes

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Resume episodes of an earlier process as soon as their objects are found where they were."""
        self._orphans += episodes
        self._orphans_until = None

    def episodes(self) -> list[OpenEpisode]:
        """The open episodes."""
        followed = (item.episode for item in self._followed.values())
        return [*self._orphans, *(episode for episode in followed if episode is not None), *self._motion.episodes()]

    def _regions(self, frame: Frame) -> list[PixelBox]:
        """Where to look: at motion and at known objects; everywhere in a still picture."""
        if not frame.motion:
            return []
        recent = (pixels(track.box, frame) for track in self._tracks if track.unseen_s <= LOOK_AFTER_S)
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

    def _pair(self, tracks: Sequence[Track], movers: Sequence[Mover]) -> None:
        """Find out which mover each object is in this frame."""
        for followed in self._followed.values():
            followed.mover = None
        seen = [mover for mover in movers if mover.seen]
        if not seen:
            return
        for track in tracks:
            if not track.seen:
                continue
            worths = [same_thing(track.box, mover.box) for mover in seen]
            best = max(worths)
            if best > 0:
                self._of(track).mover = seen[worths.index(best)].id

    def _of(self, track: Track) -> Followed:
        if track.id not in self._followed:
            self._followed[track.id] = Followed(fresh(self._rules))
        return self._followed[track.id]

    def _advance(self, track: Track, frame: Frame) -> list[Change]:
        followed, at = self._of(track), frame.captured_mono
        followed.moves = track.moves
        if not (track.seen or track.missed) or (not track.seen and self._is_held(track.id, followed)):
            return []
        box = normal(track.box)
        fired = self._fired(followed, track.label, box, frame) if track.seen else None
        hidden = self._hidden_by(track, followed)
        observation = Observation(
            at=at,
            score=track.score,
            seen=track.seen,
            moves=track.moves,
            allowed=fired is not None and hidden is None,
            static=track.static,
            loitered=self._has_loitered(track, fired),
        )
        followed.alarm, transition = step(self._policy, followed.alarm, observation)
        if track.seen:
            followed.seen_at, followed.born, followed.box = at, followed.born or box, box
            followed.since = followed.since or at
            self._picture(followed, box, track.label, frame)
        sight = self._sight(track, box, fired)
        if transition is Transition.RAISED:
            changes = self._raise(track.id, followed, sight, frame)
        else:
            changes = self._go_on(followed, transition, track.score, box, frame)
            if any(not rule.labels or track.label in rule.labels for rule in self._rules):
                changes += self._rename(followed, hidden, sight)
        self._mark_mover(track, followed)
        return changes

    def _fired(self, followed: Followed, label: str, box: NormalBox | None, frame: Frame) -> RuleMatch | None:
        if box is None:
            return None
        utc = frame.captured_at if self._maker.synced() else None
        followed.rules, fired = observe_all(
            self._rules, followed.rules, Candidate(frame.captured_mono, utc, label, box)
        )
        return fired

    def _has_loitered(self, track: Track, fired: RuleMatch | None) -> bool:
        """Whether it matched a rule by staying, and not for much longer than the rule asks for."""
        if fired is None or not fired.loiter_s:
            return False
        return track.still_s - fired.loiter_s < self._tracker.policy.static_after_s

    def _sight(self, track: Track, box: NormalBox | None, fired: RuleMatch | None) -> Trigger:
        return Trigger(
            kind=track.kind,
            score=track.score,
            threshold=self._policy.raise_at,
            box=box,
            label=track.label,
            zone=None if fired is None else fired.zone,
            rule=None if fired is None else fired.rule,
            cause=DETECTED,
        )

    def _raise(self, track: int, followed: Followed, sight: Trigger, frame: Frame) -> list[Change]:
        orphan = next((item for item in self._orphans if item.event.kind is sight.kind and can_go_on(item)), None)
        if orphan is not None:
            # The object moved while the process restarted: its event is already out.
            self._orphans.remove(orphan)
            followed.episode = replace(orphan, box=sight.box)
            return []
        earlier = self._earlier_self(track, followed, sight.kind)
        if earlier is not None:
            followed.episode, earlier.episode = earlier.episode, None
            earlier.alarm = AlarmState(spent_moves=earlier.moves)
            return []
        change = self._upgrade_motion(followed, sight)
        if change is None:
            followed.episode, change = self._maker.raised(sight, frame.captured_at, frame.captured_mono)
        return [self._with_picture(followed, change)]

    @staticmethod
    def _with_picture(followed: Followed, change: Change) -> Change:
        return change if followed.episode is None else replace(change, snapshot=followed.picture.of(followed.episode))

    def _earlier_self(self, track: int, followed: Followed, kind: EventKind) -> Followed | None:
        """The track under which the same object raised its event before the detector lost it."""
        if followed.mover is None:
            return None
        earlier = self._motion.moving[followed.mover].track
        known = None if earlier is None or earlier == track else self._followed.get(earlier)
        if known is None or known.episode is None or known.episode.event.kind is not kind:
            return None
        return known if followed.can_be(known, self._last) else None

    def _rename(self, followed: Followed, hidden: Followed | None, sight: Trigger) -> list[Change]:
        """Upgrade an event whose object is now known better: a mover with a label, or a twin of a more severe kind."""
        if followed.episode is not None or not is_sure(self._policy, followed.alarm):
            return []
        change = (
            self._upgrade_motion(followed, sight) if hidden is None else self._upgrade_twin(followed, hidden, sight)
        )
        if change is None:
            return []
        followed.alarm = replace(followed.alarm, open=True)
        return [self._with_picture(followed, change)]

    def _upgrade_twin(self, followed: Followed, twin: Followed, sight: Trigger) -> Change | None:
        episode = twin.episode
        if episode is None or not more_severe(sight.kind, episode.event.kind):
            return None
        twin.episode, twin.alarm = None, AlarmState(spent_moves=twin.moves)
        followed.episode, change = self._maker.upgraded(episode, sight)
        return change

    def _upgrade_motion(self, followed: Followed, sight: Trigger) -> Change | None:
        moving = None if followed.mover is None else self._motion.moving[followed.mover]
        if moving is None or moving.episode is None:
            return None
        followed.episode, change = self._maker.upgraded(moving.episode, sight)
        moving.episode = None
        return change

    def _mark_mover(self, track: Track, followed: Followed) -> None:
        """A mover that the detector is sure of raises nothing of its own; it remembers which track it is."""
        if followed.mover is None or track.static or not track.seen:
            return
        moving = self._motion.moving[followed.mover]
        if followed.episode is not None:
            moving.track = track.id
        if moving.episode is None and (followed.episode is not None or is_sure(self._policy, followed.alarm)):
            moving.is_known = True

    def _is_held(self, track: int, followed: Followed) -> bool:
        """Whether an object that the detector does not see keeps moving."""
        if followed.episode is None or self._last - followed.seen_at > HOLD_S * NS_PER_S:
            return False
        return any(moving.track == track and moving.is_moving for moving in self._motion.moving.values())

    def _detector_view(self, movers: Sequence[Mover], visibility: Visibility) -> DetectorView:
        taken = [
            item.episode.box
            for item in self._followed.values()
            if item.episode is not None
            and item.episode.box is not None
            and self._last - item.seen_at <= TAKEN_S * NS_PER_S
        ]
        taken += [orphan.box for orphan in self._orphans if orphan.box is not None]
        pending = (item.mover for item in self._followed.values() if item.alarm.streak and item.mover is not None)
        return DetectorView(taken, frozenset(pending), visibility, movers)

    def _picture(self, followed: Followed, box: NormalBox | None, label: str, frame: Frame) -> None:
        if followed.episode is not None or followed.alarm.streak:
            followed.picture.consider(frame, box, label)

    def _go_on(
        self, followed: Followed, transition: Transition | None, score: float, box: NormalBox | None, frame: Frame
    ) -> list[Change]:
        episode = followed.episode
        if episode is None:
            return []
        if transition is Transition.CLEARED:
            followed.episode = None
            return [replace(self._maker.cleared(episode, frame.captured_at), snapshot=followed.picture.of(episode))]
        followed.episode = replace(episode, box=box or episode.box, peak=max(episode.peak, score))
        return []

    def _let_go(self, frame: Frame) -> list[Change]:
        """Count down the episodes whose tracks are gone."""
        changes = []
        alive = {track.id for track in self._tracks}
        for track, followed in list(self._followed.items()):
            if track in alive or self._is_held(track, followed):
                continue
            if followed.episode is None:
                del self._followed[track]
                continue
            gone = Observation(frame.captured_mono, 0.0, seen=False, moves=followed.moves)
            followed.alarm, transition = step(self._policy, followed.alarm, gone)
            changes += self._go_on(followed, transition, 0.0, None, frame)
        return changes

    def _store(self, frame: Frame) -> list[Change]:
        changes = []
        for followed in self._followed.values():
            if followed.episode is not None:
                followed.episode, due = refreshed(followed.episode, frame.captured_mono)
                changes += due
        return changes

    def _adopt(self, tracks: Sequence[Track]) -> None:
        """Give episodes of an earlier process to the tracks that are where their objects were."""
        for track in tracks:
            if not track.seen:
                continue
            followed, orphan = self._of(track), self._orphan_at(track.box, track.kind)
            if orphan is not None and followed.episode is None:
                self._orphans.remove(orphan)
                followed.episode = orphan
                followed.alarm = AlarmState(open=True)
        for orphan in self._motion.adopt(self._orphans):
            self._orphans.remove(orphan)

    def _orphan_at(self, box: Corners, kind: EventKind) -> OpenEpisode | None:
        here = (orphan for orphan in self._orphans if orphan.event.kind is kind and is_resumed_at(orphan, box))
        return next(here, None)

    def _clear_orphans(self, frame: Frame) -> list[Change]:
        if self._orphans_until is None:
            self._orphans_until = MonotonicNs(frame.captured_mono + round(RESUME_S * NS_PER_S))
        in_time = frame.captured_mono < self._orphans_until
        over = [item for item in self._orphans if not (in_time and can_go_on(item))]
        self._orphans = [item for item in self._orphans if item not in over]
        return [self._maker.cleared(episode, frame.captured_at) for episode in over]

    def _hidden_by(self, track: Track, followed: Followed) -> Followed | None:
        """The object with an open episode that this track is a part of, or is under another label."""
        if followed.episode is not None:
            return None
        best, known = 0.0, None
        for other in self._tracks:
            if not other.seen or other.id == track.id:
                continue
            following = self._followed.get(other.id)
            if following is None or following.episode is None:
                continue
            worth = _sameness(track, other)
            if worth > best:
                best, known = worth, following
        if known is None or known.episode is None or best < 1:
            return None
        if not followed.was_shadow and is_sure(self._policy, followed.alarm):
            followed.was_shadow = True
            known.episode = replace(known.episode, suppressed=known.episode.suppressed + 1)
        return known


def _sameness(one: Track, other: Track) -> float:
    """How likely two tracks are one object (1 or more: they are): parts of one kind, or one object under two labels."""
    if one.kind is other.kind:
        return cover(one.box, other.box) / SHADOW_COVER
    return overlap(one.box, other.box) / TWIN_IOU
