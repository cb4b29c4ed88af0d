"""What stays odd in its place counts, what passes counts little, and what has stood for long has faded."""

import numpy as np
import pytest
from numpy.typing import NDArray

from smartcam.vision.normal.lasting import Strangeness
from smartcam.vision.normal.look import PLACES
from smartcam.vision.normal.usual import SPAN_S, Usual
from smartcam.vision.normal.watched import oddest, score_of

STILL = np.full(PLACES, 3, np.float32)


def usual() -> Usual:
    made = Usual()
    for number in range(40):
        made.learn(STILL + np.float32(number % 10 == 0), SPAN_S / 4)
    return made


def odd(places: slice = slice(30, 34), by: float = 5.0) -> NDArray[np.float32]:
    changed = STILL.copy()
    changed[places] += by
    return changed


def play(distances: list[NDArray[np.float32]], seconds: float = 0.4) -> list[float]:
    strange, known = Strangeness(), usual()
    scores = []
    for each in distances:
        _, new = strange.fresh(strange.steadied(each, seconds), known, seconds)
        scores.append(score_of(new[oddest(new)]))
    return scores


def test_what_stays_in_its_place_scores_higher_than_what_passes_through_all_of_them() -> None:
    stays = play([STILL] * 50 + [odd()] * 25)
    passes = play([STILL] * 50 + [odd(slice(number * 4, number * 4 + 4)) for number in range(25)])
    assert max(stays) > 1.5 * max(passes)


def test_what_has_stood_there_for_two_minutes_is_still_odd_and_after_half_an_hour_it_has_faded() -> None:
    scores = play([STILL] * 50 + [odd()] * 4500)
    assert max(scores[50:150]) > 2
    assert scores[50 + 300] > 0.8 * max(scores)
    assert scores[-1] < 0.1 * max(scores)


@pytest.mark.parametrize("step_s", [0.2, 0.4, 1.0])
def test_the_pace_of_the_looks_does_not_matter(step_s: float) -> None:
    looks = round(20 / step_s)
    scores = play([STILL] * looks + [odd()] * looks, step_s)
    assert scores[-1] == pytest.approx(play([STILL] * 100 + [odd()] * 100, 0.2)[-1], rel=0.05)


def test_nothing_of_another_regime_is_remembered() -> None:
    strange, known = Strangeness(), usual()
    for _ in range(100):
        strange.fresh(strange.steadied(odd(), 0.4), known, 0.4)
    strange.forget()
    _, new = strange.fresh(strange.steadied(STILL, 0.4), known, 0.4)
    assert score_of(new[oddest(new)]) < 0.5


def test_what_is_odd_at_first_sight_may_have_stood_there_for_hours() -> None:
    wavering = [odd(by=by) for by in np.random.default_rng(0).normal(50, 4, 100)]
    assert max(play([odd(by=30.0), *wavering])) < 0.5, "one look alone is noise"
    assert max(play([odd()] * 100 + [odd(slice(90, 94))] * 50)) > 2, "something else is new"
