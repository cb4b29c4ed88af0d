from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.vision.alarm import AlarmPolicy, AlarmState, Observation, Transition, cleared, is_sure, step

POLICY = AlarmPolicy(raise_at=0.6, clear_at=0.4, min_frames=3, clear_after_s=2.0)
FIFTH = NS_PER_S // 5


def seen(*scores: float, start: int = 0, moves: int = 1, allowed: bool = True) -> list[Observation]:
    return [
        Observation(MonotonicNs((start + place) * FIFTH), score, moves=moves, allowed=allowed)
        for place, score in enumerate(scores)
    ]


def run(
    observations: list[Observation], policy: AlarmPolicy = POLICY, state: AlarmState | None = None
) -> tuple[AlarmState, list[tuple[int, Transition]]]:
    """The last state, and what happened at which observation."""
    state, happened = AlarmState() if state is None else state, []
    for place, observation in enumerate(observations):
        state, transition = step(policy, state, observation)
        if transition is not None:
            happened.append((place, transition))
    return state, happened


def test_the_third_high_look_in_a_row_raises() -> None:
    assert run(seen(0.7, 0.7, 0.7, 0.7))[1] == [(2, Transition.RAISED)]


def test_a_look_that_is_far_too_low_takes_back_what_one_at_the_threshold_gave() -> None:
    assert run(seen(0.7, 0.7, 0.4, 0.7))[1] == []
    for low in (0.4, 0.0):
        assert run(seen(0.7, 0.7, low, 0.7, 0.7))[1] == [(4, Transition.RAISED)]


def test_a_steady_score_at_the_threshold_raises_after_as_many_looks_as_are_asked_for() -> None:
    for looks in range(1, 8):
        assert run(seen(*[0.6] * 9), replace(POLICY, min_frames=looks))[1] == [(looks - 1, Transition.RAISED)]


@pytest.mark.parametrize("scores", [(0.6, 0.61, 0.58, 0.58, 0.57), (0.62, 0.59, 0.61, 0.55), (0.6, 0.55, 0.6, 0.58)])
def test_a_score_that_hovers_at_the_threshold_raises_soon(scores: tuple[float, ...]) -> None:
    assert [what for _, what in run(seen(*scores))[1]] == [Transition.RAISED]


def test_a_score_that_is_always_a_little_too_low_never_raises() -> None:
    assert run(seen(*[0.599] * 200))[1] == []


def test_a_strong_mistake_of_a_single_look_raises_nothing() -> None:
    gone = [Observation(MonotonicNs(place * FIFTH), 0.98, seen=False) for place in range(1, 9)]
    assert run([*seen(0.98), *gone])[1] == []
    assert run(seen(0.98, 0.5, 0.4, 0.3))[1] == []


def test_who_is_sure_in_two_looks_and_has_gone_half_of_their_size_between_raises() -> None:
    first, second = seen(0.7, 0.7)
    assert run([first, replace(second, stride=1.0)])[1] == [(1, Transition.RAISED)]
    assert run([first, replace(second, stride=0.9)])[1] == []


@pytest.mark.parametrize(("travelled", "less"), [(0.5, 0.05), (1.0, 0.1), (1.5, 0.15), (2.0, 0.2)])
def test_the_farther_a_thing_has_travelled_the_less_sure_it_may_be(travelled: float, less: float) -> None:
    def gone(score: float) -> list[Observation]:
        return [replace(each, travelled=travelled) for each in seen(*[score] * 9)]

    assert run(gone(POLICY.raise_at - less + 0.005))[1] == [(2, Transition.RAISED)]
    assert run(gone(POLICY.raise_at - less - 0.01))[1] == []


def test_a_missed_look_speaks_half_as_much_against_a_thing_as_a_look_at_the_threshold_for_it() -> None:
    looks = [replace(look, seen=place % 2 == 0) for place, look in enumerate(seen(*[0.6] * 12))]
    assert run(looks)[1] == [(8, Transition.RAISED)]


def test_going_somewhere_is_no_evidence_without_a_score() -> None:
    assert run([replace(each, stride=1.0) for each in seen(0.6, *[0.5] * 20)])[1] == []


def test_a_score_between_the_thresholds_neither_raises_nor_clears() -> None:
    assert run(seen(*[0.5] * 50))[1] == []
    state, happened = run(seen(0.7, 0.7, 0.7, *[0.5] * 50))
    assert happened == [(2, Transition.RAISED)]
    assert state.open


def test_an_episode_is_cleared_when_its_object_has_been_low_for_long_enough() -> None:
    assert run(seen(0.7, 0.7, 0.7, *[0.1] * 20))[1] == [(2, Transition.RAISED), (13, Transition.CLEARED)]


def test_an_object_that_comes_back_in_time_keeps_its_episode() -> None:
    _, happened = run(seen(0.7, 0.7, 0.7, *[0.1] * 9, 0.7, *[0.1] * 9, 0.7))
    assert happened == [(2, Transition.RAISED)]


def test_out_of_sight_counts_as_low_whatever_the_score() -> None:
    gone = [Observation(MonotonicNs(place * FIFTH), 0.9, seen=False) for place in range(3, 30)]
    assert run([*seen(0.7, 0.7, 0.7), *gone])[1] == [(2, Transition.RAISED), (13, Transition.CLEARED)]


def test_what_has_never_moved_never_raises() -> None:
    assert run(seen(*[0.9] * 100, moves=0))[1] == []


def test_what_begins_to_move_raises_then() -> None:
    assert run([*seen(*[0.9] * 10, moves=0), *seen(0.9, start=10)])[1] == [(10, Transition.RAISED)]


def test_a_parked_car_gives_no_second_event() -> None:
    parked = [*seen(*[0.9] * 5), *seen(*[0.0] * 20, start=5), *seen(*[0.9] * 100, start=25)]
    assert [what for _, what in run(parked)[1]] == [Transition.RAISED, Transition.CLEARED]


def test_a_parked_car_that_drives_off_after_its_episode_is_an_event() -> None:
    parked = [*seen(*[0.9] * 5), *seen(*[0.0] * 20, start=5), *seen(*[0.9] * 5, start=25, moves=2)]
    assert [what for _, what in run(parked)[1]] == [Transition.RAISED, Transition.CLEARED, Transition.RAISED]


def test_an_object_outside_its_zone_raises_as_soon_as_it_steps_in() -> None:
    outside, inside = seen(*[0.9] * 10, allowed=False), seen(0.9, start=10)
    assert run([*outside, *inside])[1] == [(10, Transition.RAISED)]


def test_who_was_sure_for_long_outside_the_zone_is_forgotten_as_soon_as_others() -> None:
    long_sure, doubtful = seen(*[0.9] * 30, allowed=False), seen(0.3, 0.3, 0.3, start=30, allowed=False)
    assert run([*long_sure, *doubtful, *seen(0.9, start=33)])[1] == []


def test_leaving_the_zone_ends_no_episode() -> None:
    state, _ = run([*seen(*[0.9] * 4), *seen(*[0.9] * 50, start=4, allowed=False)])
    assert state.open


def test_an_episode_that_was_ended_from_outside_needs_a_new_movement() -> None:
    ended = cleared(AlarmState(open=True), moves=1)
    assert run(seen(*[0.9] * 10), state=ended)[1] == []
    assert run(seen(*[0.9] * 10, moves=2), state=ended)[1] == [(2, Transition.RAISED)]


def test_movements_that_were_used_up_stay_used_up() -> None:
    assert cleared(AlarmState(open=True, spent_moves=5), 2) == AlarmState(spent_moves=5)
    assert cleared(AlarmState(open=True, spent_moves=2), 5) == AlarmState(spent_moves=5)


@pytest.mark.parametrize(("raise_at", "clear_at"), [(0.6, 0.6), (0.6, 0.0), (1.0, 0.4), (0.0, 0.0)])
def test_an_alarm_may_be_cleared_where_it_is_raised_and_never_by_a_score(raise_at: float, clear_at: float) -> None:
    policy = AlarmPolicy(raise_at, clear_at, min_frames=1, clear_after_s=0.0)
    assert (policy.raise_at, policy.clear_at) == (raise_at, clear_at)


@pytest.mark.parametrize(
    ("raise_at", "clear_at", "min_frames", "clear_after_s"),
    [(0.4, 0.6, 3, 2.0), (1.1, 0.5, 3, 2.0), (0.5, -0.1, 3, 2.0), (0.6, 0.4, 0, 2.0), (0.6, 0.4, 3, -1.0)],
)
def test_a_policy_that_contradicts_itself_is_refused(
    raise_at: float, clear_at: float, min_frames: int, clear_after_s: float
) -> None:
    with pytest.raises(ValueError, match="an alarm needs"):
        AlarmPolicy(raise_at, clear_at, min_frames, clear_after_s)


policies = st.builds(
    lambda low, high, frames, after: AlarmPolicy(max(low, high), min(low, high), frames, after),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(1, 5),
    st.floats(0, 3),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Observation]:
    count = draw(st.integers(1, 60))
    times = accumulate(draw(st.lists(st.integers(1, NS_PER_S), min_size=count, max_size=count)))
    moves = accumulate(draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=count, max_size=count)))
    return [
        Observation(
            MonotonicNs(at), draw(st.floats(0, 1)), seen=draw(st.booleans()), moves=moved, allowed=draw(st.booleans())
        )
        for at, moved in zip(times, moves, strict=True)
    ]


@given(policies, histories())
def test_raised_and_cleared_take_turns(policy: AlarmPolicy, history: list[Observation]) -> None:
    happened = [what for _, what in run(history, policy)[1]]
    assert happened[::2] == [Transition.RAISED] * len(happened[::2])
    assert happened[1::2] == [Transition.CLEARED] * len(happened[1::2])


@given(policies, histories())
def test_nothing_is_raised_below_raise_at_unseen_unmoved_or_not_allowed(
    policy: AlarmPolicy, history: list[Observation]
) -> None:
    for place, what in run(history, policy)[1]:
        if what is Transition.RAISED:
            assert history[place].seen
            assert any(look.seen and look.certainty >= policy.raise_at for look in history[: place + 1])
            assert sum(max(policy.evidence(look), 0.0) for look in history[: place + 1]) > policy.min_frames - 1e-6
            assert history[place].allowed
            assert history[place].moves > 0


@given(policies, histories())
def test_there_are_never_more_episodes_than_movements(policy: AlarmPolicy, history: list[Observation]) -> None:
    raised = [what for _, what in run(history, policy)[1] if what is Transition.RAISED]
    assert len(raised) <= history[-1].moves


@given(policies, histories())
def test_nothing_is_cleared_that_was_in_sight_and_high_within_the_time(
    policy: AlarmPolicy, history: list[Observation]
) -> None:
    for place, what in run(history, policy)[1]:
        if what is Transition.CLEARED:
            since = history[place].at - policy.clear_after_s * NS_PER_S
            recent = [look for look in history[: place + 1] if look.at > since]
            assert all(not look.seen or look.score < policy.clear_at for look in recent)


@given(policies, histories(), st.floats(0, 1))
def test_a_surer_score_never_raises_later(policy: AlarmPolicy, history: list[Observation], more: float) -> None:
    surer = [
        Observation(look.at, min(1.0, look.score + more), seen=look.seen, moves=look.moves, allowed=look.allowed)
        for look in history
    ]
    before, after = run(history, policy)[1], run(surer, policy)[1]
    if before:
        assert after
        assert after[0][0] <= before[0][0]


def test_what_has_stood_for_long_belongs_to_the_background_until_it_moves() -> None:
    stands = [replace(look, static=True) for look in seen(*[0.8] * 10, allowed=False)]
    state, happened = run(stands)
    assert happened == []
    # Allowed from now on, as when the camera is armed: what stands there is no news.
    assert run(seen(*[0.8] * 10, start=10), state=state)[1] == []
    assert run(seen(*[0.8] * 10, start=10, moves=2), state=state)[1] == [(0, Transition.RAISED)]


def test_sure_is_what_would_raise_or_has_raised() -> None:
    assert not is_sure(POLICY, run(seen(0.7, 0.7))[0])
    assert is_sure(POLICY, run(seen(0.7, 0.7, 0.7, allowed=False))[0])
    assert is_sure(POLICY, run(seen(0.7, 0.7, 0.7, 0.1))[0])


def test_what_has_stood_long_raises_only_for_having_stood() -> None:
    rested = [replace(each, static=True) for each in seen(*[0.7] * 5, allowed=False)]
    state, _ = run(rested)
    again = [replace(each, static=True) for each in seen(*[0.7] * 5, start=5)]
    assert run(again, state=state)[1] == []
    assert run([replace(each, loitered=True) for each in again], state=state)[1] == [(0, Transition.RAISED)]
    assert run([replace(each, moves=2, static=False) for each in again], state=state)[1] == [(0, Transition.RAISED)]


def test_who_was_seen_for_an_hour_is_forgotten_as_soon_as_who_was_seen_for_a_second() -> None:
    missed = [Observation(MonotonicNs(place * FIFTH), 0.0, seen=False) for place in range(6)]
    for looks in (3, 18_000):
        state, _ = run([*seen(*[0.9] * looks, allowed=False), *missed])
        assert state.evidence == 0


def test_a_score_at_which_an_episode_would_be_cleared_still_keeps_it() -> None:
    assert run(seen(0.9, 0.9, 0.9, *[0.4] * 50))[1] == [(2, Transition.RAISED)]
    assert run(seen(0.9, 0.9, 0.9, *[0.399] * 50))[1] == [(2, Transition.RAISED), (13, Transition.CLEARED)]
