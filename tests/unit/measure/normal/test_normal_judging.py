"""How the measurement counts, and what it pastes."""

from itertools import pairwise

import numpy as np
import pytest

from measure.normal.judging import area, blocks_of, found_and_false
from measure.normal.oddities import Oddity, OddKind, drawn
from smartcam.vision.picture import Picture


def test_the_area_is_the_chance_that_something_odd_scores_higher() -> None:
    assert area(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert area(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0.5
    assert area(np.array([0.0, 3.0]), np.array([1.0, 2.0])) == 0.5


def test_blocks_are_runs_to_the_very_edges() -> None:
    assert blocks_of(np.array([1, 1, 0, 1, 0, 0, 1], np.bool_)) == [(0, 1), (3, 3), (6, 6)]
    assert blocks_of(np.zeros(3, np.bool_)) == []


def test_an_episode_is_false_if_it_begins_in_no_block() -> None:
    unusual = np.zeros(1000, np.bool_)
    unusual[[100, 105, 500, 900, 901]] = True
    assert found_and_false(unusual, [(98, 103), (700, 710)], 1.0) == (1, 2)
    assert found_and_false(unusual, [(495, 497)], 1.0) == (1, 2), "a late score belongs to its block"
    assert found_and_false(np.ones(1000, np.bool_), [(500, 600), (700, 800)], 1.0) == (0, 1), (
        "an alarm that is always on"
    )
    assert found_and_false(unusual, [(98, 102), (104, 106)], 1.0) == (2, 2)


@pytest.mark.parametrize("kind", list(OddKind))
def test_an_oddity_changes_its_place_and_nothing_else(kind: OddKind) -> None:
    rng = np.random.default_rng(0)
    picture = Picture.from_bgr(rng.integers(0, 256, (64, 128, 3)).astype(np.uint8))
    shown = Oddity(kind, 0, 5, (0.25, 0.5, 0.25, 0.25), (0.7, 0.1)).shown_in(picture)
    changed = shown.y != picture.y
    assert changed[32:48, 32:64].mean() > 0.5
    changed[32:48, 32:64] = False
    assert not changed.any()


def test_oddities_are_apart_and_within_the_footage() -> None:
    found = drawn(3600, 0.625, np.random.default_rng(1))
    assert len(found) > 10
    assert {each.kind for each in found} == set(OddKind)
    assert all(one.last + 100 < other.first for one, other in pairwise(found))
    assert found[-1].last <= 3600 * 0.625
