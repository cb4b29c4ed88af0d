"""A YOLO's candidates become detections, in whatever shape, order, unit and type they come."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.heads.answer import LEAST_SCORE, MOST_CANDIDATES, RegionDetections
from smartcam.model.heads.yolo import YoloReader
from smartcam.model.interpreter import Tensor, TensorSpec
from smartcam.model.manifest import InputSpec, TensorType
from smartcam.model.outputs import Activation, Axes, BoxForm, BoxUnit, Candidates, RowOrder, YoloOutput

SPEC = InputSpec(64, 32, TensorType.FLOAT32, 0.0, 0, (0.0,) * 3, (255.0,) * 3)
PLAIN = YoloOutput(boxes=0, scores=0)
CLASSES = 3
Floats = NDArray[np.float32]


def read(output: YoloOutput, *outputs: Tensor, scale: float = 0.0, zero_point: int = 0) -> RegionDetections:
    specs = [TensorSpec(each.shape, each.dtype, scale, zero_point, "") for each in outputs]
    return YoloReader(output, specs, SPEC).read(outputs)


def candidates(seed: int, count: int = 40) -> Floats:
    """Centres, sizes and scores of three classes: a few sure ones far from each other, and many that are not."""
    random = np.random.default_rng(seed)
    table = np.empty((count, 4 + CLASSES), np.float32)
    table[:, :2] = random.random((count, 2))
    table[:, 2:4] = 0.05 + 0.05 * random.random((count, 2))
    table[:, 4:] = 0.08 * random.random((count, CLASSES))
    for place in range(4):
        table[place * 7, :2] = 0.1 + 0.25 * place
        table[place * 7, 4 + place % CLASSES] = 0.5 + 0.1 * place
    return table


def same(one: RegionDetections, two: RegionDetections, off: float = 1e-6) -> None:
    np.testing.assert_allclose(one.boxes, two.boxes, atol=off)
    np.testing.assert_allclose(one.scores, two.scores, atol=off)
    assert one.classes.tolist() == two.classes.tolist()


def test_the_surest_class_of_each_sure_candidate_is_a_detection() -> None:
    seen = read(PLAIN, candidates(1)[None])
    assert seen.classes.tolist() == [0, 2, 1, 0]
    np.testing.assert_allclose(seen.scores, [0.8, 0.7, 0.6, 0.5])
    centres = (seen.boxes[:, :2] + seen.boxes[:, 2:]) / 2
    np.testing.assert_allclose(centres, [[0.85] * 2, [0.6] * 2, [0.35] * 2, [0.1] * 2], atol=1e-6)


@given(st.integers(0, 1000))
def test_every_shape_of_the_same_candidates_gives_the_same_detections(seed: int) -> None:
    table = candidates(seed)
    expected = read(PLAIN, table[None])
    columns = replace(PLAIN, candidates=Candidates.COLUMNS)
    same(read(columns, np.ascontiguousarray(table.T)[None]), expected)
    same(read(PLAIN, table), expected)
    same(read(PLAIN, table[None, None]), expected)
    boxes, scores = table[None, :, :4], table[None, :, 4:]
    same(read(YoloOutput(1, 0), scores, boxes), expected)
    sure = np.ones((1, len(table), 1), np.float32)
    same(read(YoloOutput(0, 2, objectness=1), boxes, sure, scores), expected)
    same(read(YoloOutput(0, 2, objectness=1), boxes, sure[..., 0], scores), expected)
    same(read(replace(PLAIN, objectness=0), np.concatenate((boxes, sure, scores), axis=2)), expected)
    pixels = boxes * (64, 32, 64, 32)
    same(read(replace(PLAIN, scores=1, unit=BoxUnit.PIXELS), pixels.astype(np.float32), scores), expected)
    corners = np.concatenate((boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2), axis=2)
    same(read(replace(PLAIN, scores=1, form=BoxForm.CORNERS), corners, scores), expected)
    y_first = replace(PLAIN, scores=1, form=BoxForm.CORNERS, axes=Axes.YX)
    same(read(y_first, corners[..., (1, 0, 3, 2)], scores), expected)
    with np.errstate(divide="ignore"):
        logits = np.log(scores / (1 - scores))
    same(read(replace(PLAIN, scores=1, activation=Activation.SIGMOID), boxes, logits), expected)
    same(read(PLAIN, table[None].astype(np.float16)), expected, off=2e-3)


@given(st.integers(0, 1000), st.sampled_from((np.int8, np.uint8)))
def test_full_integer_candidates_are_read_by_their_scale(seed: int, kind: type[np.generic]) -> None:
    table = candidates(seed)
    zero_point = -128 if kind is np.int8 else 0
    quantised = (np.rint(table * 255) + zero_point).astype(kind)
    same(read(PLAIN, quantised[None], scale=1 / 255, zero_point=zero_point), read(PLAIN, table[None]), off=0.01)


def test_objectness_and_class_are_multiplied() -> None:
    table = np.array([[[0.5, 0.5, 0.2, 0.2, 0.5, 0.1, 0.8], [0.2, 0.2, 0.1, 0.1, 0.09, 1, 1]]], np.float32)
    seen = read(replace(PLAIN, objectness=0), table)
    assert seen.classes.tolist() == [1]
    np.testing.assert_allclose(seen.scores, [0.4])


@pytest.mark.parametrize("split", [False, True])
def test_the_models_own_selection_names_its_classes(*, split: bool) -> None:
    rows = np.zeros((1, 20, 6), np.float32)
    rows[0, 0] = (32, 8, 48, 16, 0.9, 5)
    rows[0, 1] = (0, 0, 16, 16, 0.6, 0)
    final = YoloOutput(0, 0, classes=0, form=BoxForm.CORNERS, unit=BoxUnit.PIXELS)
    parts: Sequence[Tensor] = (rows,)
    if split:
        final, parts = replace(final, scores=1, classes=2), (rows[..., :4], rows[..., 4], rows[..., 5].astype(np.int64))
    seen = read(final, *parts)
    assert seen.classes.tolist() == [5, 0]
    np.testing.assert_allclose(seen.boxes, [[0.5, 0.25, 0.75, 0.5], [0, 0, 0.25, 0.5]])


@given(st.integers(0, 1000))
def test_numbers_that_are_not_finite_are_no_detections(seed: int) -> None:
    table = candidates(seed)
    random = np.random.default_rng(seed)
    table[random.random(table.shape) < 0.1] = random.choice([np.nan, np.inf, -np.inf])
    with np.errstate(invalid="ignore"):
        seen = read(PLAIN, table[None])
    assert np.isfinite(seen.boxes).all()
    assert ((seen.scores >= 0) & (seen.scores <= 1)).all()


def test_a_crowd_is_cut_to_the_surest() -> None:
    side = np.arange(20, dtype=np.float32) / 20
    x, y = (grid.ravel() for grid in np.meshgrid(side, side))
    table = np.full((1, 400, 5), 0.02, np.float32)
    table[0, :, 0], table[0, :, 1] = x + 0.02, y + 0.02
    table[0, :, 4] = np.linspace(0.2, 0.9, 400)
    seen = read(PLAIN, table)
    assert len(seen.scores) == MOST_CANDIDATES
    np.testing.assert_allclose(seen.scores, np.linspace(0.2, 0.9, 400)[: -MOST_CANDIDATES - 1 : -1], rtol=1e-6)


WRONG = {
    "other numbers of candidates": (YoloOutput(0, 1), ((1, 8, 4), (1, 9, 2))),
    "no columns left for scores": (PLAIN, ((1, 8, 4),)),
    "no column left for an objectness": (replace(PLAIN, objectness=0), ((1, 8, 5),)),
    "too few columns for a box": (PLAIN, ((1, 8, 3),)),
    "boxes with more than four": (YoloOutput(0, 1), ((1, 8, 5), (1, 8, 2))),
    "two scores before a class": (replace(PLAIN, classes=0), ((1, 8, 7),)),
    "no table at all": (PLAIN, ((1, 3, 8, 6),)),
    "an output that is not there": (YoloOutput(0, 1), ((1, 8, 4),)),
}


@pytest.mark.parametrize(("output", "shapes"), WRONG.values(), ids=WRONG.keys())
def test_outputs_that_are_not_as_described_are_refused_before_they_are_read(
    output: YoloOutput, shapes: tuple[tuple[int, ...], ...]
) -> None:
    specs = [TensorSpec(shape, np.dtype(np.float32), 0.0, 0, "") for shape in shapes]
    with pytest.raises(ModelIntegrityError):
        YoloReader(output, specs, SPEC)


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int8, np.uint8])
@pytest.mark.parametrize("activation", [Activation.PROBABILITY, Activation.SIGMOID])
@given(st.integers(0, 1000))
def test_rows_and_columns_give_the_same_whatever_the_type(
    kind: type[np.generic], activation: Activation, seed: int
) -> None:
    """Rows are compared with the least score in the model's own numbers, columns after their highest was found."""
    table = candidates(seed)
    scale, zero_point = 0.0, 0
    if activation is Activation.SIGMOID:
        table[:, 4:] = np.log(table[:, 4:].clip(1e-3) / (1 - table[:, 4:].clip(1e-3)))
    if issubclass(kind, np.integer):
        scale, zero_point = (1 / 16 if activation is Activation.SIGMOID else 1 / 255), np.iinfo(kind).min + 100
        table = (np.rint(table / scale) + zero_point).clip(np.iinfo(kind).min, np.iinfo(kind).max)
    rows = replace(PLAIN, activation=activation)
    given_rows = table.astype(kind)[None]
    columns = np.ascontiguousarray(given_rows.transpose(0, 2, 1))
    there = read(rows, given_rows, scale=scale, zero_point=zero_point)
    same(read(replace(rows, candidates=Candidates.COLUMNS), columns, scale=scale, zero_point=zero_point), there)
    assert len(there.scores)


def test_a_score_of_just_the_least_is_seen_and_boxes_are_no_scores() -> None:
    table = np.zeros((1, 3, 6), np.float32)
    table[0, :, :4] = (0.5, 0.5, 0.2, 0.2)
    table[0, 1, 5] = LEAST_SCORE
    assert read(PLAIN, table).classes.tolist() == [1]
    table[0, 1, 5] = 0.099
    assert len(read(PLAIN, table).classes) == 0
    table[0, 2, 4] = np.nan
    assert len(read(PLAIN, table).classes) == 0


BATCHED = YoloOutput(0, 0, classes=0, form=BoxForm.CORNERS, row=RowOrder.BATCH_BOX_CLASS_SCORE)


def test_rows_that_begin_with_the_place_in_a_batch_name_class_and_score_behind_the_box() -> None:
    rows = np.zeros((5, 7), np.float32)
    rows[:2] = (0, 0.1, 0.2, 0.3, 0.4, 2, 0.6), (0, 0.5, 0.5, 0.9, 0.8, 1, 0.9)
    for table in (rows, rows[None]):
        seen = read(BATCHED, table)
        assert seen.classes.tolist() == [1, 2]
        np.testing.assert_allclose(seen.scores, [0.9, 0.6])
        np.testing.assert_allclose(seen.boxes, [[0.5, 0.5, 0.9, 0.8], [0.1, 0.2, 0.3, 0.4]], atol=1e-6)


@pytest.mark.parametrize(
    ("output", "shapes"),
    [
        (BATCHED, [(5, 6)]),
        (BATCHED, [(1, 5, 8)]),
        (replace(BATCHED, classes=None), [(5, 7)]),
        (replace(BATCHED, scores=1), [(5, 7), (5, 7)]),
    ],
)
def test_rows_of_a_batch_have_seven_numbers_in_one_output(output: YoloOutput, shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ModelIntegrityError, match="are not boxes="):
        read(output, *(np.zeros(shape, np.float32) for shape in shapes))
