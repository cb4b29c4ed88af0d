"""Numbers that say what a model is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluate import area_under_curve, choose_thresholds

PAIRS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=40)


@given(PAIRS.filter(lambda pairs: len({truth for _, truth in pairs}) == 2))
def test_the_area_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in pairs], np.float32) / 8
    truth = np.array([seen for _, seen in pairs])
    wins = [(a > b) + (a == b) / 2 for a in scores[truth] for b in scores[~truth]]
    assert area_under_curve(scores, truth) == pytest.approx(np.mean(wins))


@pytest.mark.parametrize("seen", [True, False])
def test_without_both_kinds_of_frames_there_is_no_area(seen: bool) -> None:  # noqa: FBT001
    with pytest.raises(ValueError, match="frames without an intruder"):
        area_under_curve(np.zeros(3, np.float32), np.full(3, seen))


@given(st.integers(0, 1000))
def test_hardly_a_normal_frame_reaches_the_threshold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random(2000).astype(np.float32) * 0.85
    thresholds = choose_thresholds(scores, np.zeros(2000, np.bool_))
    assert (scores >= thresholds.raise_at).mean() <= 0.005
    assert 0.5 <= thresholds.raise_at <= 0.9
    assert thresholds.clear_at < thresholds.raise_at


def test_a_model_that_never_errs_still_gets_a_threshold_of_a_half() -> None:
    assert choose_thresholds(np.zeros(100, np.float32), np.zeros(100, np.bool_)).raise_at == 0.5
