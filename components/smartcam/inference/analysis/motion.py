"""Motion events: something large moves with purpose, and the detector has no label for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.analysis.identity import goes_with, is_part_of_any
from smartcam.inference.analysis.places import normalised
from smartcam.inference.analysis.record import SceneObject, count_part
from smartcam.inference.analysis.table import ObjectTable
from smartcam.inference.events import MOTION, Change, EventMaker, Trigger
from smartcam.vision.alarm import AlarmPolicy, Observation
from smartcam.vision.corners import Corners
from smartcam.vision.frame import Frame
from smartcam.vision.movers import Mover, Movers, PurposePolicy, keeps_pace
from smartcam.vision.rule import MOTION as MOTION_LABEL
from smartcam.vision.rule import Candidate, RuleMatch
from smartcam.vision.shading import Backdrop
from smartcam.vision.visibility import Visibility

WAIT_S: Final = 1.0
"""How long plain motion waits for the detector."""
CLEAR_AFTER_S: Final = 2.5
"""How long nothing of an object must move for its episode to be over."""
SMALL_IN_THE_DARK: Final = 0.005
"""The smallest share of the picture that counts while the detector sees nothing."""
FAST_TRAVEL: Final = 2.0
"""Who goes so many times as far as a purpose takes is out of sight before a second is over, and does not wait."""
_SURE: Final = 0.5
_ALARM: Final = AlarmPolicy(raise_at=_SURE, clear_at=_SURE, min_frames=1, clear_after_s=CLEAR_AFTER_S)
_BLINDED: Final = frozenset((Visibility.DARK, Visibility.DEFOCUSED))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else is known of a frame: how much a detector can see, and where objects with an open episode are."""

    visibility: Visibility
    taken: Sequence[NormalBox]


class MotionWatch:
    """One camera's movers, and the events of those that the detector has not labelled."""

    def __init__(self, table: ObjectTable, maker: EventMaker) -> None:
        self._table = table
        self._maker = maker
        self._movers = Movers()
        self._backdrop = Backdrop()
        self._at = MonotonicNs(-1)

    def configure(self, min_size: float) -> None:
        """Go on with another smallest share of the picture that is large."""
        self._movers.policy = replace(PurposePolicy(), least_area=min_size)

    def look(self, frame: Frame, motion: Sequence[Corners]) -> list[Mover]:
        """The movers of the frame; `motion` is the frame's, normalised to 0..1.

        What moved in the frames that nobody had time to look at counts as well: at two looks a second whoever comes in
        is in the middle of the picture before the next one, and came from nowhere.
        """
        for each in frame.skipped:
            if self._at < each.captured_mono < frame.captured_mono:
                self._at = each.captured_mono
                self._movers.step(self._at, normalised(each.motion, each))
        self._at = frame.captured_mono
        self._backdrop.learn(frame.captured_mono, frame.picture.luma, frame.motion)
        return self._movers.step(frame.captured_mono, motion)

    def forget(self) -> None:
        """Start afresh."""
        self._movers.forget()

    def judge(self, frame: Frame, around: Surroundings) -> list[Change]:
        """What the frame's movers change."""
        changes = []
        for one in self._table.moving.values():
            if one.episode is not None:
                changes += self._go_on(one, frame, is_seen=one.is_moving)
            elif one.mover is not None and one.is_moving and one.box is not None:
                changes += self._consider(one, one.mover, one.box, frame, around)
        return [*changes, *(change for one in self._table.adrift for change in self._go_on(one, frame, is_seen=False))]

    def _go_on(self, one: SceneObject, frame: Frame, *, is_seen: bool) -> list[Change]:
        transition = one.judge(_ALARM, Observation(frame.captured_mono, float(is_seen), seen=is_seen))
        if is_seen:
            one.show(frame, MOTION_LABEL)
        return one.go_on(transition, self._maker, frame, one.box)

    def _consider(
        self, one: SceneObject, mover: Mover, box: NormalBox, frame: Frame, around: Surroundings
    ) -> list[Change]:
        at, is_blinded = frame.captured_mono, around.visibility in _BLINDED
        utc = frame.captured_at if self._maker.synced() else None
        fired = one.check(self._table.rules, Candidate(at, utc, MOTION_LABEL, box))
        policy = self._policy(is_blinded=is_blinded)
        self._weigh(one, mover, box, frame, policy)
        if not one.purpose.is_known or one.is_named:
            return []
        waits = at - one.purpose.is_ready_since(at) < WAIT_S * NS_PER_S and self._table.is_pending(one)
        if fired is None or waits or is_part_of_any(box, around.taken) or self._is_part_of_known(one, mover):
            return []
        cause = str(around.visibility) if is_blinded else MOTION
        sight = _sight(box, mover.travel / policy.least_travel, fired, cause)
        one.show(frame, MOTION_LABEL)
        return [one.raise_event(self._maker, sight, frame)]

    def _weigh(self, one: SceneObject, mover: Mover, box: NormalBox, frame: Frame, policy: PurposePolicy) -> None:
        is_old = frame.captured_mono - mover.since >= WAIT_S * NS_PER_S
        is_fast = mover.travel >= FAST_TRAVEL * policy.least_travel
        if not one.purpose.is_known and (is_old or is_fast) and mover.has_purpose(policy):
            one.purpose.weigh(is_object=self._backdrop.is_object(frame.picture.luma, box))

    def _policy(self, *, is_blinded: bool) -> PurposePolicy:
        policy = self._movers.policy
        return replace(policy, least_area=min(policy.least_area, SMALL_IN_THE_DARK)) if is_blinded else policy

    def _is_part_of_known(self, one: SceneObject, mover: Mover) -> bool:
        """Whether it is part of something with an event or a label: legs below a coat as dark as the night.

        Two that have only met are so for the moment; it stays so once they have gone together for some looks.
        """
        for other in self._table.moving.values():
            if other is one or not (other.episode is not None or other.is_named):
                continue
            if other.mover is not None and other.is_moving and _go_together(mover, other.mover):
                if not one.is_counted:
                    count_part(one, other)
                if len(other.mover.boxes) >= self._movers.policy.fewest_frames:
                    one.name()
                return True
        return False


def _go_together(mover: Mover, other: Mover) -> bool:
    return goes_with(mover, other) and keeps_pace(mover, other)


def _sight(box: NormalBox, travels: float, fired: RuleMatch, cause: str) -> Trigger:
    """`travels`: how often it has gone as far as it takes to have a purpose."""
    return Trigger(
        kind=EventKind.MOTION,
        score=min(1.0, _SURE * travels),
        threshold=_SURE,
        box=box,
        zone=fired.zone,
        rule=fired.rule,
        cause=cause,
    )
