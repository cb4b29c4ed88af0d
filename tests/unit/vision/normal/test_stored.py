"""A learner as bytes: exact, bounded, and never taken when damaged."""

import json
import math
from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smartcam.vision.normal.learner import MOST_HELD, MOST_LOOKS_HELD, Held, LearningPlan, SceneLearner
from smartcam.vision.normal.look import PLACES, Regime
from smartcam.vision.normal.place import MOST_EXCUSED
from smartcam.vision.normal.stored import from_bytes, to_bytes
from smartcam.vision.normal.usual import SPANS
from smartcam.vision.normal.watched import MOST_MINUTES, TOGETHER, WatchedMinutes

PLAN = LearningPlan()
WIDTH = 3
numbers = st.floats(-100, 100, width=32)
seconds = st.floats(0, 1e7)


@st.composite
def learners(draw: st.DrawFn) -> SceneLearner:
    learner = SceneLearner(PLAN, WIDTH, again=draw(st.booleans()))
    learner.seconds = draw(seconds)
    days = sorted(draw(st.sets(st.integers(0, 1 << 40), max_size=20)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    learner.minutes = WatchedMinutes(
        np.array(days, np.int64),
        rng.integers(0, len(Regime), len(days)).astype(np.uint8),
        rng.integers(0, PLACES, (len(days), TOGETHER)).astype(np.uint8),
        rng.exponential(1, (len(days), TOGETHER)).astype(np.float32),
        draw(arrays(np.float32, len(days), elements=st.floats(0, 9, width=32))),
        draw(arrays(np.float32, len(days), elements=st.floats(0, 1e7, width=32))),
    )
    for known in learner.known.values():
        known.seconds = draw(seconds)
        known.memory.looks = draw(st.integers(0, 1 << 40))
        known.memory.mean = draw(arrays(np.float32, (PLACES, WIDTH), elements=numbers))
        half = rng.normal(0, 1, (PLACES, WIDTH, WIDTH)).astype(np.float32)
        known.memory.spread = half + half.transpose(0, 2, 1)
        known.memory.excused = rng.normal(0, 1, (draw(st.integers(0, 3)), PLACES, WIDTH)).astype(np.float32)
        known.usual.seconds, known.usual.peak_s = draw(seconds), draw(seconds)
        known.usual.mean = rng.normal(0, 1, PLACES).astype(np.float32)
        known.usual.peaks = rng.normal(0, 1, (draw(st.integers(0, 4)), PLACES)).astype(np.float16)
        known.usual.peak = rng.normal(0, 1, PLACES).astype(np.float32)
        known.fastest = rng.normal(0, 1, PLACES).astype(np.float32)
    for number in range(draw(st.integers(0, 2))):
        looks = list(rng.normal(0, 1, (draw(st.integers(0, 3)), PLACES, WIDTH)).astype(np.float32))
        threshold = draw(st.floats(0, 9))
        learner.held.append(Held(f"e{number}", draw(st.sampled_from(Regime)), number, number + 5, looks, threshold))
    return learner


@settings(deadline=None, max_examples=25)
@given(learners())
def test_what_was_learnt_comes_back_to_the_last_bit(learner: SceneLearner) -> None:
    stored = to_bytes(learner)
    again = from_bytes(stored, PLAN, WIDTH)
    assert again is not None
    assert to_bytes(again) == stored
    for regime, known in learner.known.items():
        assert np.array_equal(again.known[regime].memory.spread, known.memory.spread)
        assert np.array_equal(again.known[regime].memory.excused, known.memory.excused)
        assert np.array_equal(again.known[regime].usual.peaks, known.usual.peaks)
    for array in fields(WatchedMinutes):
        assert np.array_equal(getattr(again.minutes, array.name), getattr(learner.minutes, array.name)), array.name
    assert [(held.event, held.threshold) for held in again.held] == [
        (held.event, held.threshold) for held in learner.held
    ]


@settings(deadline=None, max_examples=60)
@given(learners(), st.data())
def test_a_damaged_memory_is_refused_or_sound_and_never_an_error(learner: SceneLearner, data: st.DataObject) -> None:
    stored = bytearray(to_bytes(learner))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(stored), 1500) - 1))
        stored[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(stored)))
    assert from_bytes(bytes(stored[:cut]), PLAN, WIDTH) is None or cut == len(stored)
    again = from_bytes(bytes(stored), PLAN, WIDTH)
    if again is not None:
        assert np.isfinite(again.known[Regime.DAY].memory.mean).all()
        to_bytes(again)


def test_the_memory_of_another_encoder_is_not_taken() -> None:
    assert from_bytes(to_bytes(SceneLearner(PLAN, 4)), PLAN, 5) is None
    assert from_bytes(b"", PLAN, 4) is None
    assert from_bytes(b"something else entirely", PLAN, 4) is None


def test_numbers_that_are_none_are_refused() -> None:
    learner = SceneLearner(PLAN, WIDTH)
    learner.known[Regime.DAY].memory.mean[3, 1] = np.nan
    assert from_bytes(to_bytes(learner), PLAN, WIDTH) is None


def test_minutes_of_places_that_there_are_not_are_refused() -> None:
    for spoilt in (
        WatchedMinutes.none(2),  # two minutes of one number
        replace(WatchedMinutes.none(1), places=np.full((1, TOGETHER), PLACES, np.uint8)),
        replace(WatchedMinutes.none(1), regimes=np.array([len(Regime)], np.uint8)),
        replace(WatchedMinutes.none(1), beyond=np.full((1, TOGETHER), -1, np.float32)),
        replace(WatchedMinutes.none(1), ages=np.full(1, -1, np.float32)),
    ):
        learner = SceneLearner(PLAN, WIDTH)
        learner.minutes = spoilt
        assert from_bytes(to_bytes(learner), PLAN, WIDTH) is None


def test_heads_that_claim_too_much_or_nonsense_are_refused() -> None:
    stored = to_bytes(SceneLearner(PLAN, WIDTH))
    length = int.from_bytes(stored[8:12], "little")
    sound = json.loads(stored[12 : 12 + length])
    wrong: list[object] = [
        [],
        None,
        {},
        sound | {"minutes": 10**12},
        sound | {"minutes": -1},
        sound | {"seconds": -5},
        sound | {"seconds": "soon"},
        sound | {"width": True},
        sound | {"held": [{}]},
        sound | {"held": 7},
        sound | {"held": [{"event": "e", "regime": "dusk", "first": 0, "last": 1, "looks": 0}]},
        sound | {"held": [{"event": "e", "regime": "day", "first": math.inf, "last": 1, "looks": 0}]},
        sound | {"held": [{"event": "e", "regime": "day", "first": 0, "last": 10**30, "looks": 0}]},
        sound | {"held": [{"event": "e", "regime": "day", "first": 0, "last": 1, "looks": 0, "threshold": -1}]},
        sound | {"held": [{"event": "e", "regime": "day", "first": 0, "last": 1, "looks": 0, "threshold": math.inf}]},
    ]
    for head in wrong:
        assert from_bytes(with_head(json.dumps(head).encode(), stored[12 + length :]), PLAN, WIDTH) is None, head
    deep = b"[" * 60_000
    assert from_bytes(with_head(deep, stored[12 + length :]), PLAN, WIDTH) is None


def test_an_episode_that_an_earlier_version_stored_without_its_threshold_is_read() -> None:
    stored = to_bytes(SceneLearner(PLAN, WIDTH))
    length = int.from_bytes(stored[8:12], "little")
    held = [{"event": "e", "regime": "day", "first": 0, "last": 1, "looks": 0}]
    head = json.dumps(json.loads(stored[12 : 12 + length]) | {"held": held}).encode()
    again = from_bytes(with_head(head, stored[12 + length :]), PLAN, WIDTH)
    assert again is not None
    assert again.held[0].threshold == 0


def with_head(written: bytes, arrays_after: bytes) -> bytes:
    return b"SCNORM03" + len(written).to_bytes(4, "little") + written + arrays_after


def test_the_largest_memory_fits_its_file() -> None:
    learner = SceneLearner(PLAN, 36)
    learner.minutes = replace(WatchedMinutes.none(MOST_MINUTES), numbers=np.arange(MOST_MINUTES))
    for known in learner.known.values():
        known.memory.excused = np.zeros((MOST_EXCUSED, PLACES, 36), np.float32)
        known.usual.peaks = np.zeros((SPANS, PLACES), np.float16)
    looks = [np.zeros((PLACES, 36), np.float32)] * MOST_LOOKS_HELD
    learner.held = [Held("x" * 36, Regime.DAY, 0, 1, list(looks)) for _ in range(MOST_HELD)]
    assert len(to_bytes(learner)) < 4 << 20
