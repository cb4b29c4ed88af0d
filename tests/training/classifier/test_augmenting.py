"""Tiles and their signs: what the signs network is shown, and what it is told of it."""

import numpy as np
import pytest

from training.classifier.augmenting import TILE, sign_map, tiles
from training.classifier.networks import InputSize, rgb_spec
from training.drawn_films import YardSlides
from training.footage.cutting import FootageUse, Stretch
from training.footage.gathering import Examples, gather

NO_BOX = (0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def examples() -> Examples:
    cuts = ((Stretch(FootageUse.TRAIN, 0.0, 100.0),),)
    return gather([YardSlides(7, 2)], rgb_spec(), None, cuts=cuts).examples[FootageUse.TRAIN]


def test_a_tile_holds_the_intruder_of_its_picture(examples: Examples) -> None:
    marked = np.zeros_like(examples.rgb)
    for place in np.flatnonzero(examples.shows):
        x1, y1, x2, y2 = examples.boxes[place]
        rows = slice(round(y1 * InputSize.USUAL.height), round(y2 * InputSize.USUAL.height))
        marked[place, rows, round(x1 * InputSize.USUAL.width) : round(x2 * InputSize.USUAL.width)] = 255
    parts, placed = tiles(marked, examples.boxes, np.random.default_rng(3))
    assert parts.shape == (len(examples), TILE, TILE, 3)
    assert parts.min() >= 0
    assert parts.max() <= 1
    seen = examples.shows
    assert not placed[~seen].any()
    assert not parts[~seen].any()
    for part, (x1, y1, x2, y2), box in zip(parts[seen], placed[seen], examples.boxes[seen], strict=True):
        assert part[int(y1) + 2 : int(y2) - 1, int(x1) + 2 : int(x2) - 1, 0].min() > 0.3
        whole_width = (box[2] - box[0]) * InputSize.USUAL.width
        assert x2 - x1 == pytest.approx(min(whole_width, TILE), abs=0.01)


def test_tiles_depend_on_the_seed_alone(examples: Examples) -> None:
    first, _ = tiles(examples.rgb, examples.boxes, np.random.default_rng(3))
    again, _ = tiles(examples.rgb, examples.boxes, np.random.default_rng(3))
    other, _ = tiles(examples.rgb, examples.boxes, np.random.default_rng(4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_signs_mark_the_cells_of_the_box_and_at_least_one() -> None:
    boxes = np.array([[40, 40, 62, 80], [1, 1, 1.1, 1.1], NO_BOX], np.float32)
    signs = sign_map(boxes)
    assert signs.shape == (3, 10, 10, 1)
    assert signs[0, 5:, 5:7].all()
    assert signs[0].sum() == 5 * 3
    assert signs[1].sum() == signs[1, 0, 0] == 1
    assert not signs[2].any()
