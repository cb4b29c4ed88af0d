"""What the detector names: tracks become episodes, one object one episode."""

from typing import Final

from smartcam.contract.event import EventKind, NormalBox
from smartcam.inference.analysis.orphans import Orphans
from smartcam.inference.analysis.places import normal
from smartcam.inference.analysis.record import SceneObject, count_part, take_over, upgrade
from smartcam.inference.analysis.table import ObjectTable
from smartcam.inference.events import DETECTED, Change, EventMaker, Trigger, more_severe
from smartcam.vision.alarm import AlarmPolicy, Observation, Transition, is_sure
from smartcam.vision.frame import Frame
from smartcam.vision.rule import Candidate, RuleMatch
from smartcam.vision.track import Track

_GONE: Final = 0.0
"""The score of an object whose track is lost."""


class NamedWatch:
    """One camera's tracked objects, and their events.

    `policy` says when the detector is sure. A rule's loitering counts for `static_after_s` longer than it asks for.
    """

    def __init__(self, table: ObjectTable, orphans: Orphans, maker: EventMaker, policy: AlarmPolicy) -> None:
        self.policy = policy
        self.static_after_s = 0.0
        self._table = table
        self._orphans = orphans
        self._maker = maker

    def judge(self, frame: Frame) -> list[Change]:
        """What the frame's tracks change."""
        return [change for track in self._table.tracks for change in self._judge(track, frame)]

    def let_go(self, frame: Frame) -> list[Change]:
        """Count down the episodes whose tracks are lost."""
        changes = []
        for one in self._table.gone(frame.captured_mono):
            unseen = Observation(frame.captured_mono, _GONE, seen=False, moves=one.moves)
            changes += one.go_on(one.judge(self.policy, unseen), self._maker, frame, None)
        return changes

    def _judge(self, track: Track, frame: Frame) -> list[Change]:
        one, at, box = self._table.named[track.id], frame.captured_mono, normal(track.box)
        one.track(track, box, at)
        if not (track.seen or track.missed) or (not track.seen and self._table.is_held(one, at)):
            return []
        fired = self._fired(one, track, box, frame)
        whole = self._whole_of(one, track)
        observation = Observation(
            at=at,
            score=track.score,
            seen=track.seen,
            moves=track.moves,
            allowed=fired is not None and whole is None,
            static=track.static,
            loitered=self._has_loitered(track, fired),
        )
        transition = one.judge(self.policy, observation)
        if track.seen and (one.episode is not None or one.alarm.streak):
            one.show(frame, track.label)
        sight = self._sight(track, box, fired)
        if transition is Transition.RAISED:
            changes = self._raise(one, sight, frame)
        else:
            changes = one.go_on(transition, self._maker, frame, box, track.score)
            changes += self._rename(one, whole, sight)
        self._name_mover(one, track)
        return changes

    def _fired(self, one: SceneObject, track: Track, box: NormalBox | None, frame: Frame) -> RuleMatch | None:
        if box is None or not track.seen:
            return None
        utc = frame.captured_at if self._maker.synced() else None
        return one.check(self._table.rules, Candidate(frame.captured_mono, utc, track.label, box))

    def _whole_of(self, one: SceneObject, track: Track) -> SceneObject | None:
        """The object that this one is a part of, or is under another label; a sure part is counted once."""
        whole = self._table.whole_of(track) if one.episode is None else None
        if whole is not None and not one.is_counted and is_sure(self.policy, one.alarm):
            count_part(one, whole)
        return whole

    def _has_loitered(self, track: Track, fired: RuleMatch | None) -> bool:
        """Whether it matched a rule by staying, and not for much longer than the rule asks for."""
        if fired is None or not fired.loiter_s:
            return False
        return track.still_s - fired.loiter_s < self.static_after_s

    def _sight(self, track: Track, box: NormalBox | None, fired: RuleMatch | None) -> Trigger:
        return Trigger(
            kind=track.kind,
            score=track.score,
            threshold=self.policy.raise_at,
            box=box,
            label=track.label,
            zone=None if fired is None else fired.zone,
            rule=None if fired is None else fired.rule,
            cause=DETECTED,
        )

    def _raise(self, one: SceneObject, sight: Trigger, frame: Frame) -> list[Change]:
        orphan = self._orphans.of(sight.kind)
        if orphan is not None:
            # The object moved while the process restarted: its event is already out.
            one.move_on(self._orphans.give(orphan))
            return []
        earlier = self._table.earlier_self(one, sight.kind, frame.captured_mono)
        if earlier is not None:
            take_over(one, earlier)
            return []
        change = None if one.moving_as is None else upgrade(one, one.moving_as, self._maker, sight)
        return [change or one.raise_event(self._maker, sight, frame)]

    def _rename(self, one: SceneObject, whole: SceneObject | None, sight: Trigger) -> list[Change]:
        """Upgrade an event whose object is now known better: a mover with a label, or a twin of a more severe kind."""
        other = one.moving_as if whole is None else whole
        if one.episode is not None or other is None or not is_sure(self.policy, one.alarm):
            return []
        if not any(not rule.labels or sight.label in rule.labels for rule in self._table.rules):
            return []
        if whole is not None and not _is_better(sight.kind, whole):
            return []
        change = upgrade(one, other, self._maker, sight)
        return [] if change is None else [change]

    def _name_mover(self, one: SceneObject, track: Track) -> None:
        """A mover that the detector is sure of raises nothing of its own; it remembers which object it is."""
        moving = one.moving_as
        if moving is not None and track.seen and not track.static:
            is_known = one.episode is not None or is_sure(self.policy, one.alarm)
            moving.name(one, is_sure=is_known and moving.episode is None)


def _is_better(kind: EventKind, known: SceneObject) -> bool:
    return known.episode is not None and more_severe(kind, known.episode.event.kind)
