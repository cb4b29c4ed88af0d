"""Numbers that say what a model is worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluate import area_under_curve

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
