from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.habits import SEEN, SURE
from measure.scenes.agreement import looks_of_model, pooled, sitting, standing
from measure.scenes.eyes import FLOOR, HEIGHTS, SCORE_AT, SEEN_AT, Eyes
from measure.scenes.stories import room, square, street
from measure.scenes.truth import Spell, StagedScene, Stance, Thing
from smartcam.contract.notice import PixelBox
from smartcam.model.scoring import Detections
from smartcam.vision.corners import Corners, overlap
from smartcam.vision.picture import Picture

PICTURE = Picture.from_i420(np.full(640 * 360 * 3 // 2, 128, np.uint8), 640, 360)


def standing_at(x: float, height: float, seconds: float = 4000.0, foot: float = 300.0, name: str = "one") -> Thing:
    stance = Stance(0.0, x, foot, height, max(height * 0.36, 3))
    return Thing(name, "person", ((stance, replace(stance, at_s=seconds)),), (Spell(name, 0.0, seconds),))


def scene(*things: Thing, seed: int = 0) -> StagedScene:
    return StagedScene("test", seed, 640, 360, 5.0, 4000.0, things)


def looks(made: StagedScene, times: int, every_s: float = 0.5, region: PixelBox | None = None) -> list[Detections]:
    now = [0.0]
    eyes = Eyes(made, lambda: now[0])
    found = []
    for number in range(times):
        now[0] = number * every_s
        found.append(eyes.detect(PICTURE, () if region is None else (region,)))
    return found


def corners(found: Detections, place: int) -> Corners:
    x1, y1, x2, y2 = found.boxes[place].tolist()
    return x1, y1, x2, y2


def best_at(found: Detections, box: Corners) -> float:
    scores = [float(found.scores[n]) for n in range(len(found)) if overlap(corners(found, n), box) > 0.4]
    return max(scores, default=0.0)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 50),
    at_s=st.floats(60, 800),
    box=st.tuples(st.integers(0, 600), st.integers(0, 320), st.integers(10, 200), st.integers(10, 200)),
)
def test_it_sees_nothing_outside_of_the_regions_that_it_searches(
    seed: int, at_s: float, box: tuple[int, int, int, int]
) -> None:
    x, y, wide, high = box
    eyes = Eyes(street(seed, 900.0), lambda: at_s)
    found = eyes.detect(PICTURE, (PixelBox(x, y, min(x + wide, 640), min(y + high, 360)),))
    assert found.looked_at
    assert (found.scores >= FLOOR - 0.2).all()
    assert (np.diff(found.scores) <= 0).all()
    for place in range(len(found)):
        x1, y1, x2, y2 = corners(found, place)
        assert x1 < x2
        assert y1 < y2
        assert any(
            r.x1 - 0.01 <= x1 and x2 <= r.x2 + 0.01 and r.y1 - 0.01 <= y1 and y2 <= r.y2 + 0.01 for r in found.looked_at
        )


def test_the_same_seed_sees_the_same_and_another_one_something_else() -> None:
    def seen(seed: int) -> list[tuple[float, ...]]:
        return [tuple(each.scores.tolist()) for each in looks(replace(square(1), seed=seed), 60)]

    assert seen(4) == seen(4)
    assert seen(4) != seen(5)


@pytest.mark.parametrize("height", HEIGHTS[1:7])
def test_people_are_seen_as_often_as_measured_for_their_height(height: int) -> None:
    """In the whole picture of 360 rows the model's input shows 300."""
    high = height * 360 / 300
    box = (320 - high * 0.18, 300 - high, 320 + high * 0.18, 300)
    scores = [
        best_at(found, box)
        for seed in range(12)
        for found in looks(scene(standing_at(320, high), seed=seed), 120, every_s=2.0)
    ]
    seen = [score for score in scores if score >= SEEN]
    place = HEIGHTS.index(height)
    assert len(seen) / len(scores) == pytest.approx(SEEN_AT[place], abs=0.1)
    assert np.mean(seen) == pytest.approx(SCORE_AT[place], abs=0.07)


def test_it_is_blind_in_runs_and_not_by_lot() -> None:
    made = scene(standing_at(320, 48 * 1.2))
    box = (310.0, 242.0, 330.0, 300.0)
    missed = np.array([best_at(found, box) < SEEN for found in looks(made, 4000, every_s=0.2)])
    again = missed[1:][missed[:-1]].mean()
    assert again > missed.mean() + 0.2


def test_who_is_hidden_is_not_seen_and_who_is_half_hidden_seldom() -> None:
    def sure(foot: float) -> float:
        made = scene(standing_at(320, 150, foot=300.0, name="behind"), standing_at(320, 150, foot=foot, name="before"))
        box = (293.0, 150.0, 347.0, 300.0)
        return float(np.mean([best_at(found, box) >= SURE for found in looks(made, 200)]))

    assert sure(301.0) > 0.8  # the one before stands at the same place
    behind = scene(standing_at(320, 150, foot=300.0, name="behind"), standing_at(320, 300, foot=350.0, name="before"))
    box = (293.0, 150.0, 347.0, 300.0)
    assert np.mean([best_at(found, box) >= SURE for found in looks(behind, 200)]) < 0.1


def test_vehicles_go_by_the_name_of_others_now_and_then() -> None:
    car = replace(standing_at(320, 60), label="car")
    names = [each.labels for each in looks(scene(car), 400, every_s=1.0)]
    share = np.mean([name in {"truck", "bus"} for each in names for name in each])
    assert 0.03 < share < 0.25


def test_an_empty_scene_has_a_few_steady_phantoms_hardly_ever_sure_ones() -> None:
    found = [each for seed in range(16) for each in looks(scene(seed=seed), 60, every_s=1.0)]
    counts = np.array([len(each) for each in found])
    assert 1.0 < counts.mean() < 4.0
    assert np.mean([score >= SURE for each in found for score in each.scores]) < 0.02


def test_somebody_who_sits_is_seen_with_the_habits_that_were_measured() -> None:
    """The limits are the two halves of the shared hours (docs/design/scenes.md), and a little on both sides."""
    habits = pooled(visit for seed in range(2) for visit in sitting(seed, 300.0))
    assert 0.84 < habits.seen < 0.98
    assert 0.08 < habits.sure < 0.5
    assert 0.47 < habits.score < 0.62
    assert 0.05 < habits.spread < 0.12
    assert 0.78 < habits.memory < 0.95
    assert 0.03 < habits.crossings < 0.13
    assert 0.025 < habits.jitter < 0.055
    assert 0.02 < habits.leaps < 0.15
    assert 0.7 < habits.twins < 0.95


def test_visitors_who_stand_are_seen_with_the_habits_that_were_measured() -> None:
    habits = pooled(visit for seed in range(2) for visit in standing(seed))
    assert habits.seen > 0.97
    assert habits.sure > 0.9
    assert 0.74 < habits.score < 0.84
    assert 0.05 < habits.spread < 0.12
    assert 0.6 < habits.memory < 0.92
    assert 0.008 < habits.jitter < 0.045  # ten looks a second while somebody comes in, whose box grows
    assert habits.leaps < 0.03
    assert 0.03 < habits.twins < 0.2


def test_nobody_is_ever_sure_of_an_empty_room() -> None:
    empty = replace(room(3, 60.0), things=())
    assert [score for look in looks_of_model(empty) for score in look.found.scores if score >= SURE] == []
