"""Motion events: something large moves with purpose, and the detector has no label for it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.times import NS_PER_S
from smartcam.inference.analysis.followed import Moving, corners, fresh, is_resumed_at, normal
from smartcam.inference.events import MOTION, Change, EventMaker, OpenEpisode, Trigger, refreshed
from smartcam.vision.corners import Corners, centre, cover, side
from smartcam.vision.frame import Frame
from smartcam.vision.movers import Mover, Movers, PurposePolicy
from smartcam.vision.rule import MOTION as MOTION_LABEL
from smartcam.vision.rule import Candidate, Rule, observe_all
from smartcam.vision.shading import Backdrop
from smartcam.vision.visibility import Visibility

WAIT_S: Final = 1.0
"""How long plain motion waits for the detector."""
CLEAR_AFTER_S: Final = 2.5
"""How long nothing of an object must move for its episode to be over."""
PART_COVER: Final = 0.5
"""A box of which this share lies in an object with an open episode is taken for a part of that object."""
_REACH: Final = 1.0
"""How far from where it vanished, in sizes of the object, it may show up again."""
_SURE: Final = 0.5
SMALL_IN_THE_DARK: Final = 0.005
"""The smallest share of the picture that counts while the detector sees nothing."""
_BLINDED: Final = frozenset((Visibility.DARK, Visibility.DEFOCUSED))


@dataclass(frozen=True, slots=True)
class DetectorView:
    """What the detector makes of a frame.

    `taken` are boxes of objects with an open episode, `pending` are the movers that it is about to label, `visibility`
    says how much it can see. `movers` are all movers of the frame.
    """

    taken: Sequence[NormalBox]
    pending: frozenset[int]
    visibility: Visibility
    movers: Sequence[Mover]


class MotionWatch:
    """One camera's movers, and the episodes of those that the detector has not labelled."""

    def __init__(self, maker: EventMaker) -> None:
        self._maker = maker
        self._movers = Movers()
        self._backdrop = Backdrop()
        self._adrift: list[Moving] = []
        self.moving: dict[int, Moving] = {}
        self._rules: tuple[Rule, ...] = ()

    def configure(self, rules: Sequence[Rule], min_size: float) -> None:
        """Go on with other rules, and another smallest share of the picture that is large."""
        self._rules = tuple(rules)
        self._movers.policy = replace(PurposePolicy(), least_area=min_size)
        for moving in self.moving.values():
            moving.rules = fresh(rules)

    def step(self, frame: Frame, motion: Sequence[Corners]) -> list[Mover]:
        """The movers of the frame; `motion` is the frame's, normalised to 0..1."""
        self._backdrop.learn(frame.captured_mono, frame.picture.luma, frame.motion)
        movers = self._movers.step(frame.captured_mono, motion)
        ids = {mover.id for mover in movers}
        self._adrift += [moving for mover, moving in self.moving.items() if mover not in ids and moving.episode]
        self.moving = {mover: moving for mover, moving in self.moving.items() if mover in ids}
        for mover in movers:
            moving = self.moving.setdefault(mover.id, Moving(fresh(self._rules)))
            moving.box, moving.is_moving = normal(mover.box) or moving.box, mover.seen
            if moving.episode is None and not moving.is_known and mover.seen:
                self._go_on_with_one_adrift(moving)
        return movers

    def update(self, frame: Frame, view: DetectorView) -> list[Change]:
        """What the frame's movers change, given what the detector has seen."""
        changes = []
        for mover in view.movers:
            moving = self.moving[mover.id]
            if moving.episode is not None:
                changes += self._go_on(moving, frame, seen=mover.seen)
            elif mover.seen and moving.box is not None:
                changes += self._consider(moving, mover, frame, view)
        for moving in self._adrift:
            changes += self._go_on(moving, frame, seen=False)
        self._adrift = [moving for moving in self._adrift if moving.episode is not None]
        return changes

    def adopt(self, orphans: Sequence[OpenEpisode]) -> list[OpenEpisode]:
        """Give motion episodes of an earlier process to the movers at their places; returns the episodes given.

        A mover where a labelled object was is that object.
        """
        given = []
        for moving in self.moving.values():
            if moving.box is None:
                continue
            box = corners(moving.box)
            here = [item for item in orphans if item not in given and is_resumed_at(item, box)]
            for orphan in here[:1]:
                if orphan.event.kind is not EventKind.MOTION:
                    moving.is_known = True
                elif moving.episode is None:
                    moving.episode, moving.gone_since = orphan, None
                    given.append(orphan)
        return given

    def episodes(self) -> list[OpenEpisode]:
        """The open motion episodes."""
        return [moving.episode for moving in [*self.moving.values(), *self._adrift] if moving.episode is not None]

    def forget(self) -> None:
        """Start afresh."""
        self._movers.forget()
        self.moving, self._adrift = {}, []

    def _consider(self, moving: Moving, mover: Mover, frame: Frame, view: DetectorView) -> list[Change]:
        box, at = moving.box, frame.captured_mono
        if box is None:
            return []
        stand = Candidate(at, frame.captured_at if self._maker.synced() else None, MOTION_LABEL, box)
        moving.rules, fired = observe_all(self._rules, moving.rules, stand)
        blinded = view.visibility in _BLINDED
        policy = self._movers.policy
        if blinded:
            policy = replace(policy, least_area=min(policy.least_area, SMALL_IN_THE_DARK))
        if not moving.has_purpose and mover.has_purpose(policy) and at - mover.since >= WAIT_S * NS_PER_S:
            moving.substance += 1 if self._backdrop.is_object(frame.picture.luma, box) else -1
            moving.has_purpose = moving.substance > 0
        if not moving.has_purpose or moving.is_known:
            return []
        moving.ready_at = moving.ready_at or at
        moving.picture.consider(frame, box, MOTION_LABEL)
        waits = mover.id in view.pending and at - moving.ready_at < WAIT_S * NS_PER_S
        if fired is None or waits or _is_part(box, view.taken) or self._is_part_of_known(moving, mover, view.movers):
            return []
        sight = Trigger(
            kind=EventKind.MOTION,
            score=min(1.0, _SURE * mover.travel / policy.least_travel),
            threshold=_SURE,
            box=box,
            zone=fired.zone,
            rule=fired.rule,
            cause=str(view.visibility) if blinded else MOTION,
        )
        moving.episode, change = self._maker.raised(sight, frame.captured_at, at)
        return [replace(change, snapshot=moving.picture.of(moving.episode))]

    def _is_part_of_known(self, moving: Moving, mover: Mover, movers: Sequence[Mover]) -> bool:
        """Whether it is part of something with an event or a label: legs below a coat as dark as the night."""
        for other in movers:
            known = self.moving[other.id]
            if other.id == mover.id or not (other.seen and mover.is_with(other)):
                continue
            if known.episode is not None:
                known.episode = replace(known.episode, suppressed=known.episode.suppressed + 1)
            if known.episode is not None or known.is_known:
                moving.is_known = True
                return True
        return False

    def _go_on(self, moving: Moving, frame: Frame, *, seen: bool) -> list[Change]:
        episode, at = moving.episode, frame.captured_mono
        if episode is None:
            return []
        if seen:
            moving.gone_since = None
            moving.picture.consider(frame, moving.box, MOTION_LABEL)
        elif moving.gone_since is None:
            moving.gone_since = at
        elif at - moving.gone_since >= CLEAR_AFTER_S * NS_PER_S:
            moving.episode = None
            return [replace(self._maker.cleared(episode, frame.captured_at), snapshot=moving.picture.of(episode))]
        moving.episode, changes = refreshed(replace(episode, box=moving.box), at)
        return changes

    def _go_on_with_one_adrift(self, moving: Moving) -> None:
        """The same object shows up again near where it vanished."""
        for lost in self._adrift:
            if lost.box is not None and moving.box is not None and _is_near(lost.box, moving.box):
                self._adrift.remove(lost)
                moving.episode, moving.picture, moving.gone_since = lost.episode, lost.picture, None
                moving.has_purpose = True
                return


def _is_part(box: NormalBox, others: Sequence[NormalBox]) -> bool:
    return any(cover(corners(box), corners(other)) >= PART_COVER for other in others)


def _is_near(there: NormalBox, here: NormalBox) -> bool:
    one, other = corners(there), corners(here)
    smaller, larger = sorted((side(one), side(other)))
    return math.dist(centre(one), centre(other)) <= _REACH * larger and smaller > larger / 2
