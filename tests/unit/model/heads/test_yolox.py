"""A YOLOX's grids are decoded as published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.heads.yolox import YoloxReader, cells
from smartcam.model.interpreter import TensorSpec
from smartcam.model.manifest import InputSpec, TensorType
from smartcam.model.outputs import Activation, Candidates, YoloxOutput

WIDTH, HEIGHT = 96, 64
SPEC = InputSpec(WIDTH, HEIGHT, TensorType.FLOAT32, 0.0, 0, (0.0,) * 3, (1.0,) * 3)
STRIDES = (8, 16, 32)
COUNT = 12 * 8 + 6 * 4 + 3 * 2


def place_of(x: int, y: int, stride: int) -> int:
    """By counting, cell after cell."""
    place = 0
    for each in STRIDES:
        for row in range(HEIGHT // each):
            for column in range(WIDTH // each):
                if (column, row, each) == (x, y, stride):
                    return place
                place += 1
    raise AssertionError(x, y, stride)


@given(st.sampled_from(STRIDES), st.data(), st.booleans())
def test_a_cell_is_decoded_as_published(stride: int, data: st.DataObject, as_columns: bool) -> None:  # noqa: FBT001
    x = data.draw(st.integers(0, WIDTH // stride - 1))
    y = data.draw(st.integers(0, HEIGHT // stride - 1))
    dx, dy = data.draw(st.tuples(*[st.floats(0.125, 0.875, width=32)] * 2))
    width, height = data.draw(st.tuples(*[st.floats(2, 30, width=32)] * 2))
    table = np.zeros((COUNT, 7), np.float32)
    table[place_of(x, y, stride)] = (dx, dy, np.log(width / stride), np.log(height / stride), 0.9, 0.1, 1.0)
    output = YoloxOutput(STRIDES, Candidates.COLUMNS if as_columns else Candidates.ROWS)
    raw = np.ascontiguousarray(table.T if as_columns else table)[None]
    seen = YoloxReader(output, [TensorSpec(raw.shape, raw.dtype, 0.0, 0, "")], SPEC).read([raw])
    assert seen.classes.tolist() == [1]
    centre = np.array(((x + dx) * stride, (y + dy) * stride))
    half = np.array((width, height)) / 2
    expected = np.concatenate((centre - half, centre + half)) / (WIDTH, HEIGHT, WIDTH, HEIGHT)
    np.testing.assert_allclose(seen.boxes, [expected.clip(0, 1)], atol=1e-5)


def test_a_size_beyond_all_pictures_is_clipped_without_a_warning() -> None:
    raw = np.full((1, COUNT, 6), 1000, np.float32)
    raw[..., 4:] = 1
    raw[..., :2] = 0
    seen = YoloxReader(YoloxOutput(STRIDES), [TensorSpec(raw.shape, raw.dtype, 0.0, 0, "")], SPEC).read([raw])
    assert (seen.boxes == (0, 0, 1, 1)).all()


def test_logits_are_read_by_a_sigmoid() -> None:
    raw = np.zeros((1, COUNT, 6), np.float32)
    raw[..., 4:] = -9
    raw[0, 5, 4:] = (2, 3)
    output = YoloxOutput(STRIDES, activation=Activation.SIGMOID)
    seen = YoloxReader(output, [TensorSpec(raw.shape, raw.dtype, 0.0, 0, "")], SPEC).read([raw])
    np.testing.assert_allclose(seen.scores, [1 / (1 + np.exp(-2)) / (1 + np.exp(-3))], rtol=1e-6)


def test_another_number_of_cells_is_refused() -> None:
    with pytest.raises(ModelIntegrityError, match=f"are not {COUNT} cells with strides 8, 16, 32 of 96x64"):
        YoloxReader(YoloxOutput(STRIDES), [TensorSpec((1, COUNT + 1, 7), np.dtype(np.float32), 0.0, 0, "")], SPEC)


def test_cells_are_counted_row_after_row_of_each_grid() -> None:
    places, strides = cells(WIDTH, HEIGHT, STRIDES)
    assert len(places) == len(strides) == COUNT
    assert places[13].tolist() == [1, 1]
    assert (places[12 * 8 + 7].tolist(), strides[12 * 8 + 7]) == ([1, 1], 16)
