"""A learner that has learnt something of everything, without hours of looks."""

import numpy as np

from smartcam.vision.normal.learner import MOST_HELD, MOST_LOOKS_HELD, Held, LearningPlan, SceneLearner
from smartcam.vision.normal.look import PLACES, Regime
from smartcam.vision.normal.place import MOST_EXCUSED
from smartcam.vision.normal.usual import SPANS
from smartcam.vision.normal.watched import MOST_MINUTES, TOGETHER, WatchedMinutes


def filled(width: int, *, looks: int = 300, minutes: int = 50, peaks: int = 6) -> SceneLearner:
    """By day and by infrared; one episode waits for a verdict, and one look is excused."""
    rng = np.random.default_rng(3)
    learner = SceneLearner(LearningPlan(), width)
    learner.seconds = 60.0 * minutes
    for known in learner.known.values():
        mixed = rng.normal(0, 1, (width, width))
        for _ in range(looks):
            known.memory.learn((rng.normal(0, 1, (PLACES, width)) @ mixed).astype(np.float32))
        known.memory.excused = rng.normal(0, 1, (1, PLACES, width)).astype(np.float32)
        known.usual.peaks = rng.exponential(1, (peaks, PLACES)).astype(np.float16)
        known.usual.seconds = known.seconds = 1800.0 * peaks
    counted = WatchedMinutes.none(minutes)
    counted.numbers[:] = np.arange(minutes)
    counted.beyond[:] = rng.exponential(1, counted.beyond.shape)
    learner.minutes = counted
    learner.held = [Held("e0", Regime.DAY, 7, 8, [np.ones((PLACES, width), np.float32)], 1.5)]
    learner.calibrate()
    return learner


def fullest(width: int) -> SceneLearner:
    """With as much of everything as there may be."""
    learner = filled(width, looks=2, minutes=MOST_MINUTES, peaks=SPANS)
    for known in learner.known.values():
        known.memory.looks = 200_000
        known.memory.excused = np.zeros((MOST_EXCUSED, PLACES, width), np.float32)
    held = [np.zeros((PLACES, width), np.float32)] * MOST_LOOKS_HELD
    learner.held = [Held(f"{number}" * 36, Regime.DAY, 0, 1, list(held)) for number in range(MOST_HELD)]
    return learner


def watched_on(learner: SceneLearner, seconds: float, seed: int = 0, regime: Regime = Regime.DAY) -> None:
    """It has watched for some more seconds, a look every two, without any that is unusual."""
    rng = np.random.default_rng(seed)
    known = learner.known[regime]
    for _ in range(round(seconds / 2)):
        known.memory.learn(rng.normal(0.3, 1.2, (PLACES, learner.width)).astype(np.float32))
        known.usual.learn(rng.exponential(1, PLACES).astype(np.float32), 2.0)
        known.seconds += 2.0
        learner.seconds += 2.0
        minute = int(learner.seconds // 60)
        beyond = rng.exponential(1, TOGETHER).astype(np.float32)
        learner.minutes = learner.minutes.with_look(
            minute, regime, np.arange(TOGETHER), beyond, float(beyond.max()), learner.seconds
        )
    np.maximum(known.fastest, rng.exponential(1, PLACES), out=known.fastest, casting="same_kind")
