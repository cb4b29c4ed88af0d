"""The learner of one camera: learning, watching, verdicts, regimes, and what it never learns."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.contract.health import SceneStage
from smartcam.vision.normal.calibration import hours_for
from smartcam.vision.normal.learner import (
    MOST_HELD,
    MOST_LOOKS_HELD,
    Judgement,
    LearningPlan,
    SceneLearner,
)
from smartcam.vision.normal.look import BY_HAND, Regime, SceneLook
from smartcam.vision.normal.reason import Reason
from smartcam.vision.normal.watched import WatchedMinutes
from tests.unit.vision.normal.drawn_looks import room, seen, with_thing

STEP_S = 2.0
BY_CHANCE = 2
"""Looks that may be unusual in a short time at a budget of one an hour."""
PLAN = LearningPlan(budget=24.0, memory_s=3600.0, silent_s=5 * 3600.0)


def looks(luma: NDArray[np.uint8], count: int = 60, *, infrared: bool = False) -> list[SceneLook]:
    rng = np.random.default_rng(5)
    return [seen(luma, rng, light=rng.uniform(0.9, 1.1), infrared=infrared) for _ in range(count)]


NORMAL = looks(room())
STRANGE = looks(with_thing(room()))


class Days:
    """A learner with a clock that shows it looks, one every two seconds."""

    def __init__(self, plan: LearningPlan = PLAN) -> None:
        self.learner = SceneLearner(plan, BY_HAND)
        self.at_s = 1000.0

    def show(
        self, chosen: list[SceneLook], hours: float = 0.0, count: int = 0, event: str | None = None
    ) -> list[Judgement]:
        number = count or round(hours * 3600 / STEP_S)
        judged = []
        for place in range(number):
            self.at_s += STEP_S
            judged.append(self.learner.see(chosen[place % len(chosen)], self.at_s, int(self.at_s // 60), event))
        return judged


@pytest.fixture(scope="module")
def _grown() -> Days:
    days = Days()
    assert not any(judged.unusual for judged in days.show(NORMAL, hours=6.7))
    return days


@pytest.fixture
def watching(_grown: Days) -> Days:
    return copy.deepcopy(_grown)


def test_it_learns_first_and_then_watches_and_says_how_far_it_has_come(watching: Days) -> None:
    young = Days()
    young.show(NORMAL, hours=1)
    assert young.learner.progress.stage is SceneStage.LEARNING
    assert young.learner.progress.hours == pytest.approx(1, abs=0.05)
    assert young.learner.progress.promise is None
    progress = watching.learner.progress
    assert progress.stage is SceneStage.WATCHING
    assert progress.promise is not None
    assert progress.promise.kept
    assert SceneLearner(PLAN, BY_HAND, again=True).progress.stage is SceneStage.RELEARNING


def test_what_the_footage_cannot_prove_is_not_promised_and_its_time_is_told(watching: Days) -> None:
    days = copy.deepcopy(watching)
    days.learner.plan = LearningPlan(1.0, PLAN.memory_s, PLAN.silent_s)
    days.learner.calibrate()
    progress = days.learner.progress
    assert progress.promise is not None
    assert not progress.promise.kept
    assert progress.of_hours == pytest.approx(hours_for(1.0) + progress.hours - progress.promise.hours, abs=0.1)
    usual = {regime: known.usual.reach for regime, known in days.learner.known.items()}
    assert (days.learner.minutes.scored(usual).scores < progress.promise.threshold).all()


def test_something_that_was_never_there_is_unusual_where_it_is_and_says_why(watching: Days) -> None:
    found = next(judged for judged in watching.show(STRANGE, count=20) if judged.unusual)
    assert found.box is not None
    assert found.box.x1 <= 80 / 128
    assert found.box.x2 >= 104 / 128
    assert found.box.x2 - found.box.x1 <= 0.5
    assert found.reason in set(Reason)


def test_while_it_learns_nothing_is_unusual() -> None:
    days = Days()
    days.show(NORMAL, hours=1)
    assert not any(judged.unusual for judged in days.show(STRANGE, count=60))


def test_nothing_is_learnt_while_an_episode_is_on(watching: Days) -> None:
    before = watching.learner.known[Regime.DAY].memory.mean.copy()
    watching.show(STRANGE, count=100, event="e1")
    assert np.array_equal(watching.learner.known[Regime.DAY].memory.mean, before)


def test_what_was_called_false_is_not_raised_again_and_what_was_called_true_is(watching: Days) -> None:
    watching.show(STRANGE, count=20, event="e1")
    assert watching.learner.verdict("e1", true=True)
    watching.show(NORMAL, hours=0.5)
    assert any(judged.unusual for judged in watching.show(STRANGE, count=20, event="e2"))
    assert watching.learner.verdict("e2", true=False)
    watching.show(NORMAL, hours=0.5)
    assert not any(judged.unusual for judged in watching.show(STRANGE, count=20))


def test_the_minutes_of_what_was_called_true_do_not_raise_the_threshold(watching: Days) -> None:
    before = watching.learner.minutes.beyond.max()
    watching.show(STRANGE, count=60, event="e1")
    assert watching.learner.minutes.beyond.max() > before
    watching.learner.verdict("e1", true=True)
    assert watching.learner.minutes.beyond.max() == before


@pytest.mark.parametrize(
    ("watched_h", "strange_at_h", "counts"),
    [(100, 19, False), (100, 23.9, False), (100, 24.1, True), (60, 14, False), (60, 16, True), (600, 23, False)],
)
def test_what_was_strange_to_a_young_learner_does_not_deafen_the_older_one(
    watched_h: float, strange_at_h: float, *, counts: bool
) -> None:
    ages = np.arange(5 * 60, watched_h * 60) * 60
    learner = SceneLearner(LearningPlan(budget=1.0), BY_HAND)
    learner.seconds = watched_h * 3600
    learner.minutes = replace(WatchedMinutes.none(ages.size), numbers=np.arange(ages.size), ages=ages)
    learner.minutes.beyond[np.abs(ages - strange_at_h * 3600) < 180] = 50.0
    learner.calibrate()
    assert learner.promise is not None
    assert (learner.promise.threshold > 1) == counts


YOUNG = LearningPlan(1.0, PLAN.memory_s, PLAN.silent_s)
"""With this budget six hours prove nothing: the threshold is a tenth above everything seen."""
STEP_OF_A_VERDICT = 1.1 * 1.1
"""An episode that hardly passed the threshold counts as a tenth above it, and the threshold is a tenth above that."""


def threshold_of(days: Days) -> float:
    days.learner.calibrate()
    assert days.learner.promise is not None
    return days.learner.promise.threshold


def test_a_false_verdict_does_not_deafen_a_young_learner_to_what_is_strange_elsewhere(watching: Days) -> None:
    watching.learner.plan = YOUNG
    before = threshold_of(watching)
    assert max(judged.score for judged in watching.show(STRANGE, count=40, event="e1")) > 2 * before
    assert watching.learner.verdict("e1", true=False)
    assert threshold_of(watching) <= STEP_OF_A_VERDICT * before * 1.01
    watching.show(NORMAL, hours=0.2)
    assert any(judged.unusual for judged in watching.show(looks(with_thing(room(), left=16)), count=20))


def test_each_of_many_false_verdicts_moves_the_threshold_by_one_step_at_most(watching: Days) -> None:
    watching.learner.plan = YOUNG
    for number, left in enumerate((0, 32, 64, 96)):
        before = threshold_of(watching)
        watching.show(looks(with_thing(room(), left=left), count=20), count=40, event=f"e{number}")
        watching.show(NORMAL, hours=0.2)
        assert watching.learner.verdict(f"e{number}", true=False)
        assert before <= threshold_of(watching) <= STEP_OF_A_VERDICT * before * 1.01


def test_a_false_verdict_while_it_is_still_there_moves_the_threshold_no_further(watching: Days) -> None:
    watching.learner.plan = YOUNG
    watching.at_s -= watching.at_s % 60  # so that what follows is one minute
    before = threshold_of(watching)
    watching.show(STRANGE, count=12, event="e1")
    assert watching.learner.verdict("e1", true=False)
    watching.show(STRANGE, count=120)
    assert threshold_of(watching) <= STEP_OF_A_VERDICT * before * 1.01


def test_what_was_called_false_before_anything_was_judged_is_no_reason_for_a_threshold(watching: Days) -> None:
    watching.learner.plan = YOUNG
    before = threshold_of(watching)
    watching.show(STRANGE, count=40, event="e1")
    watching.learner.held[0].threshold = 0.0
    assert watching.learner.verdict("e1", true=False)
    assert threshold_of(watching) == pytest.approx(before, rel=0.01)


def test_what_was_called_false_still_counts_as_one_episode_above_the_threshold(watching: Days) -> None:
    before = threshold_of(watching)
    usual = {regime: known.usual.reach for regime, known in watching.learner.known.items()}
    episodes = watching.learner.minutes.scored(usual).episodes(before)
    watching.show(STRANGE, count=40, event="e1")
    assert watching.learner.verdict("e1", true=False)
    assert watching.learner.minutes.scored(usual).episodes(before) == episodes + 1


def test_a_verdict_about_an_unknown_episode_changes_nothing(watching: Days) -> None:
    assert not watching.learner.verdict("never", true=False)
    watching.show(STRANGE, count=5, event="e1")
    assert watching.learner.verdict("e1", true=True)
    assert not watching.learner.verdict("e1", true=True)


def test_episodes_that_wait_for_a_verdict_stay_bounded(watching: Days) -> None:
    for number in range(MOST_HELD + 3):
        watching.show(STRANGE, count=MOST_LOOKS_HELD + 2, event=f"e{number}")
    assert [held.event for held in watching.learner.held] == [f"e{number}" for number in range(3, MOST_HELD + 3)]
    assert {len(held.looks) for held in watching.learner.held} == {MOST_LOOKS_HELD}


def test_one_lasting_change_is_one_episode_and_then_known(watching: Days) -> None:
    watching.show(STRANGE, hours=0.5, event="e1")
    assert not any(judged.unusual for judged in watching.show(STRANGE, count=60))


def test_a_regime_that_was_never_watched_raises_nothing_and_is_learnt_by_itself(watching: Days) -> None:
    night = looks(room(), infrared=True)
    minutes = watching.learner.minutes.numbers.size
    assert not any(judged.unusual for judged in watching.show(night, hours=1))
    assert watching.learner.minutes.numbers.size == minutes, "an hour that cannot be judged proves nothing"
    watching.show(NORMAL, count=20)
    assert any(judged.unusual for judged in watching.show(STRANGE, count=20)), "the day is still known"


def test_a_gap_between_looks_is_not_watched(watching: Days) -> None:
    before = watching.learner.progress.hours
    watching.at_s += 5 * 3600
    watching.show(NORMAL, count=1)
    assert watching.learner.progress.hours == pytest.approx(before, abs=0.01)


def test_a_clock_that_goes_back_breaks_nothing(watching: Days) -> None:
    watching.at_s -= 500
    assert sum(judged.unusual for judged in watching.show(NORMAL, count=50)) <= BY_CHANCE


def test_looks_of_another_encoder_are_refused(watching: Days) -> None:
    other = SceneLook(Regime.DAY, np.zeros((128, BY_HAND + 16), np.float32), NORMAL[0].light)
    with pytest.raises(ValueError, match="features"):
        watching.learner.see(other, 1.0, 1)


def test_what_is_there_after_a_gap_is_not_unusual_but_what_comes_then_is(watching: Days) -> None:
    watching.at_s += 3600
    assert not any(judged.unusual for judged in watching.show(STRANGE, count=60))
    watching.at_s += 3600
    watching.show(NORMAL, count=10)
    assert any(judged.unusual for judged in watching.show(STRANGE, count=20))
