"""The alarm: turns the scores of one object, or of one scene, into episodes."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from smartcam.contract.times import NS_PER_S, MonotonicNs

_HOVERS: Final = 0.1
"""By how much the score of one thing deviates from look to look (0.08 to 0.11: docs/design/scenes.md)."""
_MISS: Final = -0.5
"""A detector misses a third of its looks at what it knows: that speaks half as much against a thing as a look at the
threshold speaks for it (ln(1/3) against the two nats of a look that is two deviations above a mistake)."""
_TINY: Final = 1e-9


class Transition(StrEnum):
    """What an observation did to an episode."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """When an episode begins and ends.

    It is raised by as much evidence as `min_frames` looks at `raise_at` give, and cleared once the score has been below
    `clear_at`, or the object out of sight, for `clear_after_s`.
    """

    raise_at: float
    clear_at: float
    min_frames: int = 3
    clear_after_s: float = 2.5

    def evidence(self, observation: "Observation") -> float:
        """What a look says for the object, or against it: -1 to 2, 1 for a score of `raise_at`.

        If the scores of things and of mistakes deviate alike, the logarithm of how much likelier the one is than the
        other is linear in the score. It is 0 one deviation below `raise_at`, which a thing at `raise_at` still reaches.
        More than 1 it is never, because the looks of a detector repeat each other's mistakes; only that the object
        goes somewhere is seen independently, and half of its own size is worth a look.
        """
        if not observation.seen:
            return _MISS
        worth = min(max(1 + (observation.certainty - self.raise_at) / _HOVERS, -1.0), 1.0)
        return worth + max(worth, 0.0) * observation.stride

    def __post_init__(self) -> None:
        """Raises ValueError if the numbers contradict each other."""
        if not 0 <= self.clear_at <= self.raise_at <= 1:
            raise ValueError("an alarm needs 0 <= clear_at <= raise_at <= 1")
        if self.min_frames < 1 or self.clear_after_s < 0:
            raise ValueError("an alarm needs min_frames of 1 or more and clear_after_s of 0 or more")


@dataclass(frozen=True, slots=True)
class Observation:
    """One object or scene in one frame.

    `seen`: whether it was seen. `moves`: how often it has moved since it was first seen, 0 for an object that has
    always stood there; for a scene, which does not move, one more than the state's `spent_moves`. `allowed`: whether
    its rules let it raise here and now. `static`: it has stood still for so long that it belongs to the background
    until it moves again. `loitered`: its rule asks for loitering, so standing still does not keep it from raising.
    `stride`: how far it has gone since the look before, 1 for half of its own size or more. `travelled`: how far it has
    gone one way altogether, 1 for twice its size, 2 for eight times or more.
    """

    at: MonotonicNs
    score: float
    seen: bool = True
    moves: int = 1
    allowed: bool = True
    static: bool = False
    loitered: bool = False
    stride: float = 0.0
    travelled: float = 0.0

    @property
    def certainty(self) -> float:
        """The score, and a deviation or two more for what has travelled: whatever it is, it is no furniture."""
        return self.score + _HOVERS * self.travelled


@dataclass(frozen=True, slots=True)
class AlarmState:
    """What is remembered about one object or scene.

    `evidence`: the sum of what the looks said, never below 0. It begins with a look at raise_at or above, so that what
    is always less sure never raises, and grows no further than it must. `open`: an episode is on. `low_since`: since
    when the score has been low or the object out of sight. `spent_moves`: the movements that earlier episodes have used
    up; only a new one raises again, so that an object that stays in its place alarms once. `rested_moves`: those used
    up by standing still.
    """

    evidence: float = 0.0
    open: bool = False
    low_since: MonotonicNs | None = None
    spent_moves: int = 0
    rested_moves: int = 0


def step(policy: AlarmPolicy, state: AlarmState, observation: Observation) -> tuple[AlarmState, Transition | None]:
    """The state after an observation, and what it did to the episode. Observations come in order of time."""
    if state.open:
        return _while_open(policy, state, observation)
    if observation.static:
        state = replace(state, rested_moves=max(state.rested_moves, observation.moves))
    evidence = _sum(policy, state.evidence, observation)
    spent = state.spent_moves if observation.loitered else max(state.spent_moves, state.rested_moves)
    if evidence >= policy.min_frames and observation.seen and observation.allowed and observation.moves > spent:
        return AlarmState(evidence=evidence, open=True, spent_moves=state.spent_moves), Transition.RAISED
    return replace(state, evidence=evidence), None


def is_sure(policy: AlarmPolicy, state: AlarmState) -> bool:
    """Whether there is enough evidence to raise an episode, or one is on."""
    return state.open or state.evidence >= policy.min_frames


def _sum(policy: AlarmPolicy, so_far: float, observation: Observation) -> float:
    """The evidence with that of another look."""
    if so_far <= 0 and not (observation.seen and observation.certainty >= policy.raise_at):
        return 0.0
    evidence = max(so_far + policy.evidence(observation), 0.0)
    return evidence if evidence < policy.min_frames - _TINY else float(policy.min_frames)


def cleared(state: AlarmState, moves: int) -> AlarmState:
    """The state after an episode was ended from outside, for example because the camera is lost."""
    return AlarmState(spent_moves=max(moves, state.spent_moves))


def _while_open(
    policy: AlarmPolicy, state: AlarmState, observation: Observation
) -> tuple[AlarmState, Transition | None]:
    if observation.seen and observation.score >= policy.clear_at:
        return replace(state, low_since=None), None
    low_since = observation.at if state.low_since is None else state.low_since
    if observation.at - low_since >= policy.clear_after_s * NS_PER_S:
        return cleared(state, observation.moves), Transition.CLEARED
    return replace(state, low_since=low_since), None
