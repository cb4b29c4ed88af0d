"""What has changed since a learner was stored as a whole: small, nearly exact, and never taken when damaged."""

import json
from dataclasses import fields
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.vision.normal.changes import WholeStored, changes_since, with_changes
from smartcam.vision.normal.learner import LearningPlan, SceneLearner
from smartcam.vision.normal.look import PLACES, Regime
from smartcam.vision.normal.stored import from_bytes, to_bytes
from smartcam.vision.normal.usual import SPAN_S
from smartcam.vision.normal.watched import WatchedMinutes
from tests.unit.vision.normal.filled import filled, watched_on

WIDTH = 4
PLAN = LearningPlan()


@lru_cache(maxsize=1)
def grown() -> bytes:
    return to_bytes(filled(WIDTH, looks=3000))


def again(stored: bytes) -> SceneLearner:
    learner = from_bytes(stored, PLAN, WIDTH)
    assert learner is not None
    return learner


@settings(deadline=None, max_examples=8)
@given(st.integers(1, 9), st.sampled_from(Regime), st.integers(0, 99))
def test_a_learner_comes_back_with_all_that_it_has_watched_since(minutes: int, regime: Regime, seed: int) -> None:
    stored = grown()
    learner = again(stored)
    whole = WholeStored.of(learner)
    watched_on(learner, 60.0 * minutes, seed, regime)
    learner.held[0].last = 11
    back = again(stored)
    assert with_changes(back, changes_since(whole, learner))
    assert (back.seconds, back.held[0].last) == (learner.seconds, 11)
    for array in fields(WatchedMinutes):
        assert np.array_equal(getattr(back.minutes, array.name), getattr(learner.minutes, array.name)), array.name
    for name, known in learner.known.items():
        found = back.known[name]
        assert (found.seconds, found.memory.looks) == (known.seconds, known.memory.looks)
        assert (found.usual.seconds, found.usual.peak_s) == (known.usual.seconds, known.usual.peak_s)
        assert np.array_equal(found.usual.mean, known.usual.mean)
        assert np.array_equal(found.usual.peak, known.usual.peak)
        assert np.array_equal(found.fastest, known.fastest)
        assert np.allclose(found.memory.mean, known.memory.mean, atol=1e-3)
        diagonals = (np.diagonal(each.memory.spread, axis1=1, axis2=2) for each in (found, known))
        assert np.allclose(next(diagonals), next(diagonals), rtol=1e-3)
    look = np.random.default_rng(seed).normal(0, 2, (PLACES, WIDTH)).astype(np.float32)
    far, expected = (each.known[regime].memory.distances(look) for each in (back, learner))
    assert np.median(np.abs(far / expected - 1)) < 0.1


def test_the_whole_is_due_with_each_half_hour_each_episode_and_each_verdict() -> None:
    learner = filled(WIDTH)
    whole = WholeStored.of(learner)
    assert not whole.is_due(learner)
    watched_on(learner, 30)
    assert not whole.is_due(learner)
    learner.verdict("e0", true=True)
    assert whole.is_due(learner)
    whole = WholeStored.of(learner)
    learner.known[Regime.INFRARED].memory.excuse(np.zeros((PLACES, WIDTH), np.float32))
    assert whole.is_due(learner)
    whole = WholeStored.of(learner)
    learner.known[Regime.DAY].usual.learn(np.ones(PLACES, np.float32), SPAN_S)
    assert whole.is_due(learner)


def test_the_whole_of_a_young_learner_is_due_when_it_knows_a_tenth_more() -> None:
    learner = filled(WIDTH, looks=100)
    whole = WholeStored.of(learner)
    watched_on(learner, 20)
    assert not whole.is_due(learner)
    watched_on(learner, 2)
    assert whole.is_due(learner)
    empty = SceneLearner(PLAN, WIDTH)
    whole = WholeStored.of(empty)
    watched_on(empty, 2)
    assert whole.is_due(empty)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damaged_changes_are_refused_or_sound_and_leave_the_learner_as_it_was(data: st.DataObject) -> None:
    learner = filled(WIDTH, looks=30)
    stored, whole = to_bytes(learner), WholeStored.of(learner)
    watched_on(learner, 4)
    changes = bytearray(changes_since(whole, learner))
    for _ in range(data.draw(st.integers(1, 4))):
        changes[data.draw(st.integers(0, min(len(changes), 900) - 1))] = data.draw(st.integers(0, 255))
    back = again(stored)
    cut = data.draw(st.sampled_from([len(changes), len(changes) - 1, 100, 0]))
    if not with_changes(back, bytes(changes[:cut])):
        assert to_bytes(back) == stored
    assert from_bytes(to_bytes(back), PLAN, WIDTH) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"held": []},
        {"held": [1, 2]},
        {"held": [-1]},
        {"seconds": -1},
        {"minutes": 10**12},
        {"since": "soon"},
        {"regimes": {"dusk": {}}},
        {"regimes": []},
        {"regimes": {"day": {"looks": -1, "usual_s": 0, "peak_s": 0, "seconds": 0}}},
    ],
)
def test_heads_that_claim_nonsense_are_refused(wrong: dict[str, object]) -> None:
    learner = filled(WIDTH, looks=30)
    stored, whole = to_bytes(learner), WholeStored.of(learner)
    watched_on(learner, 4)
    changes = changes_since(whole, learner)
    length = int.from_bytes(changes[8:12], "little")
    head = json.dumps(json.loads(changes[12 : 12 + length]) | wrong).encode()
    back = again(stored)
    assert not with_changes(back, changes[:8] + len(head).to_bytes(4, "little") + head + changes[12 + length :])
    assert to_bytes(back) == stored


def test_a_variance_below_none_is_refused() -> None:
    learner = filled(WIDTH, looks=30)
    stored, whole = to_bytes(learner), WholeStored.of(learner)
    watched_on(learner, 4)
    learner.known[Regime.DAY].memory.spread[3, 1, 1] = -0.5
    back = again(stored)
    assert not with_changes(back, changes_since(whole, learner))
    assert to_bytes(back) == stored
