"""One object in the scene. What is known of it changes here and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from smartcam.contract.event import NormalBox
from smartcam.contract.times import MonotonicNs
from smartcam.inference.analysis.best_picture import BestPicture
from smartcam.inference.analysis.places import normal
from smartcam.inference.analysis.stays import Stay
from smartcam.inference.events import Change, EventMaker, OpenEpisode, Trigger
from smartcam.vision.alarm import AlarmPolicy, AlarmState, Observation, Transition, step
from smartcam.vision.frame import Frame
from smartcam.vision.movers import Mover
from smartcam.vision.rule import Candidate, Rule, RuleMatch, RuleState, observe_all
from smartcam.vision.track import Track

_LONG_AGO: Final = MonotonicNs(0)


@dataclass(slots=True)
class PurposeState:
    """Whether a mover goes somewhere, and may raise an event since `ready_at`.

    `substance`: frames in which it was an object minus those in which it was a shadow.
    """

    is_known: bool = False
    substance: int = 0
    ready_at: MonotonicNs | None = None

    def weigh(self, *, is_object: bool) -> None:
        """It went somewhere in a frame; that counts once it was an object more often than a shadow."""
        self.substance += 1 if is_object else -1
        self.is_known = self.substance > 0

    def is_ready_since(self, at: MonotonicNs) -> MonotonicNs:
        """Since when it may raise an event: since now, if it could not before."""
        self.ready_at = self.ready_at or at
        return self.ready_at


@dataclass(slots=True, eq=False)
class SceneObject:
    """What is known of one object: what was observed of it, its alarm, its episode and its picture.

    An object has a record from the first track that the detector gives it, or from the first mover that the gate sees.
    If both see it, the two records point to each other: `moving_as` is the mover that a tracked object is in this
    frame, `named_as` the tracked object with an episode that a mover was last. One of the two has the episode.

    `box`: where it was last seen. `since` and `born`: when and where it was first seen. Of a tracked one: `moves`, as
    its track counts them; `seen_at`, when it was last seen; `is_counted`: it was counted as a part of another one;
    `stay`: what is remembered of it under this and earlier tracks. Of one that moves: its `mover`, its `purpose`, and
    `is_named`: the detector has labelled it, or what it is a part of has an event or a label, so that it is no motion
    event.
    """

    rules: tuple[RuleState, ...]
    alarm: AlarmState = field(default_factory=AlarmState)
    episode: OpenEpisode | None = None
    picture: BestPicture = field(default_factory=BestPicture)
    box: NormalBox | None = None
    moves: int = 0
    since: MonotonicNs | None = None
    seen_at: MonotonicNs = _LONG_AGO
    born: NormalBox | None = None
    is_counted: bool = False
    moving_as: "SceneObject | None" = None
    mover: Mover | None = None
    purpose: PurposeState = field(default_factory=PurposeState)
    is_named: bool = False
    named_as: "SceneObject | None" = None
    stay: Stay | None = None

    @property
    def is_moving(self) -> bool:
        """Whether it moves in this frame."""
        return self.mover is not None and self.mover.seen

    @property
    def own_mover(self) -> Mover | None:
        """The mover that a tracked object is in this frame, unless that is known to be another one."""
        moving = self.moving_as
        return None if moving is None or moving.named_as not in {None, self} else moving.mover

    def forget_rules(self, rules: Sequence[Rule]) -> None:
        """Other rules hold from now on."""
        self.rules = no_memory(rules)

    def track(self, track: Track, box: NormalBox | None, at: MonotonicNs) -> None:
        """What its track says of it at a time; `box` is what of it is inside the picture."""
        self.moves = track.moves
        if track.seen:
            self.since, self.born = self.since or at, self.born or box
            self.seen_at, self.box = at, box

    def move(self, mover: Mover) -> None:
        """What the gate sees of it."""
        self.mover, self.box = mover, normal(mover.box) or self.box
        self.since, self.born = mover.since, self.born or self.box

    def pair(self, moving: "SceneObject | None") -> None:
        """Which mover it is in this frame."""
        self.moving_as = moving

    def name(self, named: "SceneObject | None" = None, *, is_sure: bool = True) -> None:
        """A mover is a named object, or a part of one: if that is sure, it raises nothing of its own."""
        if named is not None and (named.episode is not None or is_told(named)):
            self.named_as = named
        self.is_named = self.is_named or is_sure

    def check(self, rules: Sequence[Rule], stand: Candidate) -> RuleMatch | None:
        """The first rule that is true of it where it stands now."""
        self.rules, fired = observe_all(rules, self.rules, stand)
        return fired

    def judge(self, policy: AlarmPolicy, observation: Observation) -> Transition | None:
        """What an observation does to its episode."""
        self.alarm, transition = step(policy, self.alarm, observation)
        return transition

    def show(self, frame: Frame, label: str) -> None:
        """A frame that may show it better than those before: one with which an event goes out, or one of its episode.

        What raises nothing is not drawn: that costs more than all else that is done about an object.
        """
        self.picture.consider(frame, self.box, label)

    def raise_event(self, maker: EventMaker, sight: Trigger, frame: Frame) -> Change:
        """Its episode begins."""
        self.episode, change = maker.raised(sight, frame.captured_at, frame.captured_mono)
        return _open(self, self.episode, change)

    def resume(self, episode: OpenEpisode) -> None:
        """An earlier process's episode goes on with it."""
        self.episode, self.alarm = episode, AlarmState(open=True)

    def move_on(self, episode: OpenEpisode) -> None:
        """An earlier process's episode goes on with it, somewhere else: its alarm has just raised."""
        self.episode = replace(episode, box=self.box)

    def go_on(
        self, transition: Transition | None, maker: EventMaker, frame: Frame, box: NormalBox | None, score: float = 0.0
    ) -> list[Change]:
        """Its episode goes on, or ends where the alarm says so."""
        episode = self.episode
        if episode is None:
            return []
        if transition is Transition.CLEARED:
            best, self.picture = self.picture.of(episode), BestPicture()
            self.episode = None
            return [replace(maker.cleared(episode, frame.captured_at), snapshot=best)]
        self.episode = replace(episode, box=box or episode.box, peak=max(episode.peak, score))
        return []

    def store(self, maker: EventMaker, at: MonotonicNs) -> list[Change]:
        """The state of its episode for the outbox, if that was last stored long ago: see `EventMaker.refreshed`."""
        if self.episode is None:
            return []
        self.episode, due = maker.refreshed(self.episode, at)
        return due


def is_told(one: SceneObject) -> bool:
    """Whether there was an event about it in this stay."""
    return one.episode is not None or (one.stay is not None and one.stay.told)


def remember_told(one: SceneObject) -> None:
    """While there is an episode, its stay is one that was told of."""
    if one.episode is not None and one.stay is not None:
        one.stay.tell()


def stay_on(one: SceneObject, stay: Stay) -> None:
    """An object is one that is known already, or whose stay begins."""
    one.stay = stay


def count_part(part: SceneObject, whole: SceneObject) -> None:
    """A part would have raised an event of its own, and is counted in that of the whole."""
    part.is_counted = True
    if whole.episode is not None:
        whole.episode = replace(whole.episode, suppressed=whole.episode.suppressed + 1)


def upgrade(one: SceneObject, other: SceneObject, maker: EventMaker, sight: Trigger) -> Change | None:
    """An object is another one, and better known: its event goes out again. None if the other one has no episode."""
    if other.episode is None:
        return None
    one.episode, change = maker.upgraded(other.episode, sight)
    release(other)
    return _open(one, one.episode, change)


def take_over(one: SceneObject, earlier: SceneObject) -> None:
    """An object is an earlier one under a new track, whose episode goes on: its alarm has just raised."""
    one.episode, one.picture = earlier.episode, earlier.picture
    release(earlier)


def bring_back(one: SceneObject, vanished: SceneObject) -> None:
    """A mover is one that had vanished, whose episode goes on."""
    one.episode, one.alarm, one.picture = vanished.episode, AlarmState(open=True), vanished.picture
    one.purpose.is_known = True


def _open(one: SceneObject, episode: OpenEpisode, change: Change) -> Change:
    one.alarm = replace(one.alarm, open=True)
    return replace(change, snapshot=one.picture.of(episode))


def release(one: SceneObject) -> None:
    """Another one has its episode; only a further movement raises again."""
    one.episode, one.alarm, one.picture = None, AlarmState(spent_moves=one.moves), BestPicture()


def no_memory(rules: Sequence[Rule]) -> tuple[RuleState, ...]:
    """What rules remember of a new object."""
    return tuple(RuleState() for _ in rules)
