from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.cutouts import CutFootage, Cutout, View
from measure.habits import Glimpse, Look, glimpses_of, habits_of, phantoms_in, sizes_of
from smartcam.contract.notice import PixelBox
from smartcam.model.scoring import Detections
from smartcam.vision.corners import Corners
from smartcam.vision.picture import Picture

BOX = (100.0, 100.0, 140.0, 200.0)
TORSO = (100.0, 100.0, 140.0, 140.0)


def glimpse(number: int, score: float, box: Corners | None = BOX, twins: int = 0) -> Glimpse:
    return Glimpse(number * 0.2, score, box if score else None, "person", twins)


def found(*seen: tuple[str, float, Corners]) -> Detections:
    return Detections(
        np.array([box for _, _, box in seen], np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in seen], np.float32),
        tuple(label for label, _, _ in seen),
    )


def test_shares_and_runs_are_counted_by_look() -> None:
    habits = habits_of([glimpse(n, score) for n, score in enumerate([0.7, 0, 0, 0.5, 0.7, 0, 0.65, 0.62])])
    assert habits.seen == 5 / 8
    assert habits.sure == 4 / 8
    assert (habits.blind, habits.longest) == (1.5, 2)
    assert habits.score == pytest.approx((0.7 + 0.5 + 0.7 + 0.65 + 0.62) / 5)
    assert habits.crossings == pytest.approx(4 / 7)


def test_boxes_that_alternate_are_leaps_and_not_jitter() -> None:
    habits = habits_of([glimpse(n, 0.7, BOX if n % 2 else TORSO) for n in range(20)])
    assert (habits.leaps, habits.jitter) == (1.0, 0.0)
    steady = habits_of([glimpse(n, 0.7) for n in range(20)])
    assert (steady.leaps, steady.jitter) == (0.0, 0.0)


@given(st.floats(0.005, 0.05), st.integers(0, 99))
def test_jitter_is_the_deviation_of_an_edge_as_a_share_of_the_side(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, share, (400, 4)) * (40, 100, 40, 100)
    boxes = [tuple((np.array(BOX) + row).tolist()) for row in noise]
    habits = habits_of([glimpse(n, 0.7, box) for n, box in enumerate(boxes)])
    assert habits.jitter == pytest.approx(share, rel=0.25)


def test_memory_is_near_one_for_scores_that_drift_and_near_none_for_scores_by_lot() -> None:
    drifting = [glimpse(n, 0.6 + 0.2 * np.sin(n / 15)) for n in range(200)]
    rng = np.random.default_rng(3)
    by_lot = [glimpse(n, float(rng.uniform(0.4, 0.8))) for n in range(400)]
    assert habits_of(drifting).memory > 0.9
    assert abs(habits_of(by_lot).memory) < 0.15


def test_two_sightings_are_no_habit() -> None:
    with pytest.raises(ValueError, match="three sightings, not 2"):
        habits_of([glimpse(0, 0.7), glimpse(1, 0.0), glimpse(2, 0.7)])


def test_a_visit_ends_where_nothing_was_seen_for_longer_than_the_gap() -> None:
    at = [0, 1, 2, 3, 40, 41, 42, 43]
    looks = [Look(float(second), found(("person", 0.7, BOX))) for second in at]
    looks[2] = replace(looks[2], found=found())
    first, second = glimpses_of(looks, gap_s=20)
    assert [each.score > 0 for each in first] == [True, True, False, True]
    assert len(second) == 4


def test_only_what_lies_at_the_object_s_place_and_has_its_name_is_seen_of_it() -> None:
    elsewhere = (300.0, 100.0, 340.0, 200.0)
    seen = found(("person", 0.9, elsewhere), ("dog", 0.8, BOX), ("person", 0.5, BOX), ("person", 0.4, TORSO))
    (visit,) = glimpses_of([Look(float(n), seen, BOX) for n in range(4)])
    assert {(round(each.score, 2), each.twins, each.moving) for each in visit} == {(0.5, 1, False)}


def test_phantoms_are_counted_by_look_and_only_those_that_could_raise() -> None:
    looks = [Look(0.0, found(("chair", 0.9, BOX), ("cat", 0.7, BOX))), Look(1.0, found(("cat", 0.25, BOX)))]
    assert phantoms_in(looks, {"cat"}) == pytest.approx((0.5, 0.7, 1.0))
    assert phantoms_in([Look(0.0, found())], {"cat"}) == (0.0, 0.0, 0.0)


class SeesDark:
    """Calls what is dark and higher than 40 pixels a person."""

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        assert not regions
        ys, xs = np.nonzero(picture.luma < 50)
        if not len(ys) or np.ptp(ys) < 40:
            return found()
        return found(("person", 0.7, (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)))


def test_sizes_tell_from_which_height_on_something_is_seen() -> None:
    view = View(np.zeros((100, 40, 3), np.uint8), np.ones((100, 40), np.float32))
    footage = CutFootage((Cutout("clip", "person", 10, (view,)),), {"ground": np.full((360, 400, 3), 160, np.uint8)})
    small, large = sizes_of(SeesDark(), footage, "person", (30, 60), places=5)
    assert (small.looks, small.seen, large.seen, large.sure) == (5, 0.0, 1.0, 1.0)
    assert large.score == pytest.approx(0.7)
