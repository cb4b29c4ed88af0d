"""Whatever happens to a learner, in whatever order: it stays sound and bounded, and learns no episode."""

from functools import lru_cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.vision.normal.learner import MOST_HELD, MOST_LOOKS_HELD, LearningPlan, SceneLearner
from smartcam.vision.normal.look import PLACES, Regime, SceneLook
from smartcam.vision.normal.place import MOST_EXCUSED
from smartcam.vision.normal.stored import from_bytes, to_bytes

WIDTH = 2
PLAN = LearningPlan(budget=24.0, memory_s=600.0, silent_s=3 * 3600.0)


def look(seed: int, regime: Regime, odd: float = 0.0) -> SceneLook:
    rng = np.random.default_rng(seed % 50)
    features = rng.normal(0, 1, (PLACES, WIDTH)).astype(np.float32)
    features[40:44] += np.float32(odd)
    return SceneLook(regime, features, np.full((32, 64), 100, np.float32))


@lru_cache(maxsize=1)
def grown() -> bytes:
    learner = SceneLearner(PLAN, WIDTH)
    for number in range(9000):
        learner.see(look(number, Regime.DAY), 2.0 * number, number // 30)
    return to_bytes(learner)


actions = st.lists(
    st.one_of(
        st.tuples(st.just("see"), st.sampled_from(Regime), st.sampled_from([0.0, 5.0, 500.0]), st.integers(1, 40)),
        st.tuples(st.just("hold"), st.sampled_from(Regime), st.sampled_from([0.0, 500.0]), st.integers(0, 11)),
        st.tuples(st.just("verdict"), st.booleans(), st.just(0.0), st.integers(0, 11)),
        st.tuples(st.just("jump"), st.just(0), st.floats(-1e6, 1e6), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0.0), st.just(0)),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=40)
@given(actions)
def test_a_learner_stays_sound_whatever_happens(happening: list[tuple[str, object, float, int]]) -> None:
    learner = from_bytes(grown(), PLAN, WIDTH)
    assert learner is not None
    at_s = 20_000.0
    for what, which, amount, number in happening:
        if what == "see":
            for _ in range(number):
                at_s += 2
                judged = learner.see(look(number, Regime(str(which)), amount), at_s, int(at_s // 60))
                assert np.isfinite(judged.score)
                assert judged.unusual == (judged.box is not None) == (judged.reason is not None)
        elif what == "hold":
            at_s += 2
            before = [known.memory.looks for known in learner.known.values()]
            learner.see(look(number, Regime(str(which)), amount), at_s, int(at_s // 60), f"e{number}")
            assert [known.memory.looks for known in learner.known.values()] == before
        elif what == "verdict":
            learner.verdict(f"e{number}", true=bool(which))
        elif what == "jump":
            at_s = max(at_s + amount, 0.0)  # no clock is before 1970
        else:
            stored = to_bytes(learner)
            learner = from_bytes(stored, PLAN, WIDTH)
            assert learner is not None
            assert to_bytes(learner) == stored
        assert len(learner.held) <= MOST_HELD
        assert all(len(held.looks) <= MOST_LOOKS_HELD for held in learner.held)
        assert all(len(known.memory.excused) <= MOST_EXCUSED for known in learner.known.values())
        assert (np.diff(learner.minutes.numbers) > 0).all()
        assert all(np.isfinite(known.memory.mean).all() for known in learner.known.values())


def test_a_clock_that_begins_in_1970_costs_no_memory() -> None:
    learner = SceneLearner(PLAN, WIDTH)
    learner.see(look(1, Regime.DAY), 0.0, 0, "e0")
    assert from_bytes(to_bytes(learner), PLAN, WIDTH) is not None
