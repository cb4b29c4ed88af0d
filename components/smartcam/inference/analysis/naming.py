"""What the detector names: tracks become episodes, one object one episode."""

from typing import Final

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.identity import FirstSight
from smartcam.inference.analysis.known import WALK, KnownStays
from smartcam.inference.analysis.orphans import Orphans
from smartcam.inference.analysis.places import corners, normal
from smartcam.inference.analysis.record import (
    SceneObject,
    count_part,
    release,
    remember_told,
    stay_on,
    take_over,
    upgrade,
)
from smartcam.inference.analysis.stays import ABSENCE_S, SETTLE_S, Stay, is_same_place
from smartcam.inference.analysis.table import ObjectTable
from smartcam.inference.events import DETECTED, Change, EventMaker, Trigger, more_severe
from smartcam.vision.alarm import AlarmPolicy, Observation, Transition, is_sure
from smartcam.vision.corners import Corners
from smartcam.vision.frame import Frame
from smartcam.vision.rule import Candidate, RuleMatch
from smartcam.vision.track import Track

HANDFUL: Final = 5
"""While so many people are told of, further ones are counted: nobody reads more than a handful of alerts at once."""
_GONE: Final = 0.0
"""The score of an object whose track is lost."""


class NamedWatch:
    """One camera's tracked objects, and their events.

    `policy` says when the detector is sure. A rule's loitering counts for `static_after_s` longer than it asks for.
    """

    def __init__(self, table: ObjectTable, orphans: Orphans, maker: EventMaker, policy: AlarmPolicy) -> None:
        self.policy = policy
        self.stays = KnownStays()
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
        self._stay(one, track, box, at)
        fired = self._fired(one, track, box, frame)
        whole = self._whole_of(one, track, at)
        loitered = _has_loitered(track, fired, self.static_after_s)
        observation = Observation(
            at=at,
            score=track.score,
            seen=track.seen,
            moves=track.moves,
            allowed=fired is not None and whole is None and may_tell(one, loitered=loitered),
            static=track.static,
            stride=track.stride,
            travelled=track.travelled,
            loitered=loitered,
        )
        transition = one.judge(self.policy, observation)
        if track.seen and one.episode is not None:
            one.show(frame, track.label)
        sight = self._sight(track, box, fired)
        if transition is Transition.RAISED:
            changes = self._raise(one, track, sight, frame)
        else:
            changes = one.go_on(transition, self._maker, frame, box, track.score)
            changes += self._rename(one, track, whole, sight, frame)
        remember_told(one)
        self._name_mover(one, track)
        return changes

    def _stay(self, one: SceneObject, track: Track, inside: NormalBox | None, at: MonotonicNs) -> None:
        """Remember where it is; one that was there before is the same one, until both are seen apart."""
        if inside is None or not track.seen:
            return
        stay, box = one.stay, corners(inside)
        if stay is None or _is_back_elsewhere(stay, box, at):
            stay = self._known_or_new(one, track, box, at)
        elif stay.seen_by != track.id:
            if _is_at(stay, box):
                if stay.seen_at == at:
                    return
            elif stay.seen_at == at or one.moving_as is None:
                # Nobody gets elsewhere without moving: a track that lost somebody to another one takes to furniture.
                stay = self._other_than(stay, track, box, at)
        stay_on(one, stay)
        self.stays.recall(stay)
        if _has_come(one, track, box, stay):
            stay.come()
        stay.see(box, at, track.id)

    def _other_than(self, stay: Stay, track: Track, box: Corners, at: MonotonicNs) -> Stay:
        """Two tracks are of one stay, and are seen in two places: one is somebody known, or a second one."""
        first = FirstSight(box, at, whose=stay)
        swapped = self.stays.of(track.kind, first, at, _seen_now(self._table, track))
        return self.stays.part(stay, box, at, track.id) if swapped in {None, stay} else swapped

    def _known_or_new(self, one: SceneObject, track: Track, box: Corners, at: MonotonicNs) -> Stay:
        first = first_of(one, box, at) if one.stay is None else FirstSight(box, at)
        return self.stays.of(track.kind, first, at, _seen_now(self._table, track)) or self.stays.begin(
            track.kind, box, at
        )

    def _fired(self, one: SceneObject, track: Track, box: NormalBox | None, frame: Frame) -> RuleMatch | None:
        if box is None or not track.seen:
            return None
        utc = frame.captured_at if self._maker.synced() else None
        return one.check(self._table.rules, Candidate(frame.captured_mono, utc, track.label, box))

    def _whole_of(self, one: SceneObject, track: Track, at: MonotonicNs) -> SceneObject | None:
        """The object that this one is a part of, or is under another label; a sure part is counted once."""
        whole = self._table.whole_of(track, at) if one.episode is None else None
        if whole is None or not is_sure(self.policy, one.alarm):
            return whole
        if not one.is_counted:
            count_part(one, whole)
        if whole.stay is not None and whole.stay.kind is track.kind and one.own_mover is None:
            stay_on(one, whole.stay)
        return whole

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

    def _raise(self, one: SceneObject, track: Track, sight: Trigger, frame: Frame) -> list[Change]:
        orphan = self._orphans.of(sight.kind)
        if orphan is not None:
            # The object moved while the process restarted: its event is already out.
            one.move_on(self._orphans.give(orphan))
            return []
        earlier = self._table.earlier_self(one, sight.kind, frame.captured_mono)
        if earlier is not None:
            take_over(one, earlier)
            return []
        if self._is_somebody_lost(one, track, frame.captured_mono):
            return []
        if sight.kind is EventKind.PERSON and self._joins_crowd(one, sight.rule):
            return []
        one.show(frame, track.label)
        change = None if one.moving_as is None else upgrade(one, one.moving_as, self._maker, sight)
        return [change or one.raise_event(self._maker, sight, frame)]

    def _joins_crowd(self, one: SceneObject, rule: str | None) -> bool:
        """Whether a rule tells of so many people that this one is only counted, in the event of the last of them."""
        on = ((other, other.episode.event) for other in self._table.named.values() if other.episode is not None)
        crowd = [other for other, event in on if event.kind is EventKind.PERSON and event.rule == rule]
        if len(crowd) < HANDFUL:
            return False
        count_part(one, crowd[-1])
        release(one)
        if one.stay is not None:
            one.stay.tell()
        return True

    def _is_somebody_lost(self, one: SceneObject, track: Track, at: MonotonicNs) -> bool:
        """Whether its track has gone over to somebody who was told of; then it is they from now on."""
        lost = None
        if one.stay is not None and not one.stay.drives_off:
            lost = self.stays.lost(track.kind, first_of(one, track.box, at), at, _seen_now(self._table, track))
        if lost is None:
            return False
        stay_on(one, lost)
        lost.see(track.box, at, track.id)
        earlier = next((each for each in self._table.named.values() if each.stay is lost and each.episode), None)
        if earlier is None:
            release(one)
        else:
            take_over(one, earlier)
        return True

    def _rename(
        self, one: SceneObject, track: Track, whole: SceneObject | None, sight: Trigger, frame: Frame
    ) -> list[Change]:
        """Upgrade an event whose object is now known better: a mover with a label, or a twin of a more severe kind."""
        other = one.moving_as if whole is None else whole
        if one.episode is not None or other is None or other.episode is None or not is_sure(self.policy, one.alarm):
            return []
        if not _is_wanted(self._table, sight.label):
            return []
        if whole is not None and not more_severe(sight.kind, other.episode.event.kind):
            return []
        if track.seen:
            one.show(frame, track.label)
        change = upgrade(one, other, self._maker, sight)
        return [] if change is None else [change]

    def _name_mover(self, one: SceneObject, track: Track) -> None:
        """A mover that the detector is sure of raises nothing of its own; it remembers which object it is."""
        moving = one.moving_as
        if moving is not None and track.seen and not track.static:
            is_known = one.episode is not None or is_sure(self.policy, one.alarm)
            moving.name(one, is_sure=is_known and moving.episode is None)


def _seen_now(table: ObjectTable, track: Track) -> list[Stay]:
    """The stays that other tracks see in this look."""
    others = (table.named[other.id] for other in table.tracks if other.seen and other.id != track.id)
    return [other.stay for other in others if other.stay is not None]


def _is_wanted(table: ObjectTable, label: str | None) -> bool:
    """Whether some rule is about what has this label."""
    return any(not rule.labels or label in rule.labels for rule in table.rules)


def _has_loitered(track: Track, fired: RuleMatch | None, static_after_s: float) -> bool:
    """Whether it matched a rule by staying, and not for much longer than the rule asks for."""
    if fired is None or not fired.loiter_s:
        return False
    return track.still_s - fired.loiter_s < static_after_s


def first_of(one: SceneObject, box: Corners, at: MonotonicNs) -> FirstSight:
    """Where an object is first seen; the gate often sees it come in before the detector does."""
    mover = one.own_mover
    if mover is None:  # what is known to be somebody else's motion says nothing of this one's way
        other = one.moving_as
        known = None if other is None else other.named_as
        return FirstSight(box, at, rests=other is None, whose=None if known is None else known.stay)
    is_on_the_spot = at - mover.since >= SETTLE_S * NS_PER_S and is_same_place(mover.origin, box)
    return FirstSight(box, min(mover.since, at), mover.origin, is_on_the_spot)


def _is_at(stay: Stay, box: Corners) -> bool:
    return is_same_place(box, stay.place) or is_same_place(box, stay.box)


def _has_come(one: SceneObject, track: Track, box: Corners, stay: Stay) -> bool:
    """Whether it moved before it rested, or was followed from its place: a door is often less than a second away."""
    if track.moves and not stay.is_settled:
        return True
    mover = one.own_mover
    return mover is not None and mover.travel >= WALK and not is_same_place(box, stay.place)


def _is_back_elsewhere(stay: Stay, box: Corners, at: MonotonicNs) -> bool:
    """Whether a track goes on after so long, and at such a place, that it need not be the same object."""
    return at - stay.seen_at > ABSENCE_S * NS_PER_S and not is_same_place(box, stay.place)


def may_tell(one: SceneObject, *, loitered: bool) -> bool:
    """Whether there may be an event: once a stay, and not about what has always stood there, unless a rule asks."""
    stay = one.stay
    if stay is None or stay.drives_off:
        return True
    return not stay.told and (stay.arrived or loitered)
