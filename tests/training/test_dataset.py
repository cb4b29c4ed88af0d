"""Pictures for training, as the device sees them."""

from pathlib import Path

import numpy as np
import pytest

from smartcam.model.preprocess import Preprocessor, crop_rgb, whole
from smartcam.vision.picture import Picture
from training.dataset import (
    INPUT_HEIGHT,
    INPUT_WIDTH,
    NO_BOX,
    Footage,
    Split,
    as_device_sees,
    rgb_spec,
    shoot,
    shoot_once,
    shots,
)
from training.network import TILE
from training.train import sign_map, tiles
from training.yard.demo import demo_spec
from training.yard.draws import Hour
from training.yard.scene import Scene

SPLIT = Split(7, 1, 2)


@pytest.fixture(scope="module")
def footage() -> Footage:
    return shoot(SPLIT)


def test_training_sees_exactly_what_the_device_sees() -> None:
    bgr = Scene(demo_spec()).picture(3.0)
    picture = Picture.from_bgr(bgr)
    np.testing.assert_array_equal(as_device_sees(bgr), crop_rgb(picture, whole(picture), rgb_spec()))


def test_the_device_hands_bytes_to_the_model_as_they_are() -> None:
    rgb = np.arange(INPUT_HEIGHT * INPUT_WIDTH * 3, dtype=np.uint32).astype(np.uint8)
    rgb = rgb.reshape(INPUT_HEIGHT, INPUT_WIDTH, 3)
    np.testing.assert_array_equal(Preprocessor(rgb_spec()).tensor(rgb)[0], rgb)


def test_a_lot_has_every_hour_and_as_many_normal_pictures_as_others(footage: Footage) -> None:
    assert len(footage) == SPLIT.yards * len(Hour) * SPLIT.pairs * 2
    assert footage.rgb.shape == (len(footage), INPUT_HEIGHT, INPUT_WIDTH, 3)
    assert footage.intruder.mean() == 0.5
    assert set(footage.hour.tolist()) == set(range(len(Hour)))


def test_boxes_are_shares_of_the_picture(footage: Footage) -> None:
    boxes = footage.boxes[footage.intruder]
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, 2] > boxes[:, 0]).all()
    assert (boxes[:, 3] > boxes[:, 1]).all()
    assert (footage.boxes[~footage.intruder] == NO_BOX).all()


def test_a_normal_picture_of_a_pair_lacks_only_the_intruder() -> None:
    pictures = list(shots(SPLIT.first_seed, 1))
    (with_one, box, hour), (without, no_box, same_hour) = pictures[0], pictures[1]
    assert (hour, no_box) == (same_hour, NO_BOX)
    left, top, right, bottom = (
        round(side * size) for side, size in zip(box, (INPUT_WIDTH, INPUT_HEIGHT) * 2, strict=True)
    )
    changed = np.abs(with_one.astype(int) - without.astype(int)).max(axis=2)
    inside = changed[top:bottom, left:right].mean()
    changed[max(0, top - 6) : bottom + 6, max(0, left - 12) : right + 12] = 0
    assert inside > 4 * changed.mean()


def test_footage_is_taken_once_and_then_loaded(tmp_path: Path, footage: Footage) -> None:
    first = shoot_once((("train", SPLIT),), tmp_path)["train"]
    (stored,) = tmp_path.iterdir()
    made = stored.stat().st_mtime_ns
    again = shoot_once((("train", SPLIT),), tmp_path)["train"]
    assert stored.stat().st_mtime_ns == made
    for one in (first, again):
        np.testing.assert_array_equal(one.rgb, footage.rgb)
        np.testing.assert_array_equal(one.boxes, footage.boxes)


def test_a_tile_holds_the_intruder_of_its_picture(footage: Footage) -> None:
    marked = np.zeros_like(footage.rgb)
    for place in np.flatnonzero(footage.intruder):
        x1, y1, x2, y2 = footage.boxes[place]
        rows = slice(round(y1 * INPUT_HEIGHT), round(y2 * INPUT_HEIGHT))
        marked[place, rows, round(x1 * INPUT_WIDTH) : round(x2 * INPUT_WIDTH)] = 255
    parts, placed = tiles(marked, footage.boxes, np.random.default_rng(3))
    assert parts.shape == (len(footage), TILE, TILE, 3)
    assert parts.min() >= 0
    assert parts.max() <= 1
    seen = footage.intruder
    assert not placed[~seen].any()
    assert not parts[~seen].any()
    for part, (x1, y1, x2, y2), box in zip(parts[seen], placed[seen], footage.boxes[seen], strict=True):
        assert part[int(y1) + 2 : int(y2) - 1, int(x1) + 2 : int(x2) - 1, 0].min() > 0.3
        whole_width = (box[2] - box[0]) * INPUT_WIDTH
        assert x2 - x1 == pytest.approx(min(whole_width, TILE), abs=0.01)


def test_tiles_depend_on_the_seed_alone(footage: Footage) -> None:
    first, _ = tiles(footage.rgb, footage.boxes, np.random.default_rng(3))
    again, _ = tiles(footage.rgb, footage.boxes, np.random.default_rng(3))
    other, _ = tiles(footage.rgb, footage.boxes, np.random.default_rng(4))
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
