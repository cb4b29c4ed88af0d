"""The alarm: turns the scores of one object, or of one scene, into episodes."""

from dataclasses import dataclass, replace
from enum import StrEnum

from smartcam.contract.times import NS_PER_S, MonotonicNs


class Transition(StrEnum):
    """What an observation did to an episode."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """When an episode begins and ends.

    It is raised by `min_frames` frames in a row at `raise_at` or above, and cleared once the score has been below
    `clear_at`, or the object out of sight, for `clear_after_s`.
    """

    raise_at: float
    clear_at: float
    min_frames: int = 3
    clear_after_s: float = 2.5

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
    """

    at: MonotonicNs
    score: float
    seen: bool = True
    moves: int = 1
    allowed: bool = True
    static: bool = False
    loitered: bool = False


@dataclass(frozen=True, slots=True)
class AlarmState:
    """What is remembered about one object or scene.

    `streak`: frames in a row at raise_at or above. `open`: an episode is on. `low_since`: since when the score has been
    low or the object out of sight. `spent_moves`: the movements that earlier episodes have used up; only a new one
    raises again, so that an object that stays in its place alarms once. `rested_moves`: those used up by standing
    still.
    """

    streak: int = 0
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
    high = observation.seen and observation.score >= policy.raise_at
    if not high:
        return replace(state, streak=0), None
    streak = min(state.streak + 1, policy.min_frames)
    spent = state.spent_moves if observation.loitered else max(state.spent_moves, state.rested_moves)
    if streak >= policy.min_frames and observation.allowed and observation.moves > spent:
        return AlarmState(streak=streak, open=True, spent_moves=state.spent_moves), Transition.RAISED
    return replace(state, streak=streak), None


def is_sure(policy: AlarmPolicy, state: AlarmState) -> bool:
    """Whether the streak is long enough to raise an episode, or one is on."""
    return state.open or state.streak >= policy.min_frames


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
