"""From an SSD's outputs to detections: what is no detection is dropped or reported."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.heads.answer import RegionDetections
from smartcam.model.heads.ssd import SsdReader
from smartcam.model.interpreter import TensorSpec
from smartcam.model.manifest import InputSpec, TensorType
from smartcam.model.outputs import Axes, BoxUnit, SsdOutput

ORDER = SsdOutput(0, 1, 2, 3)
SPEC = InputSpec(64, 32, TensorType.UINT8, 1.0, 0, (0.0,) * 3, (1.0,) * 3)


def read(outputs: Sequence[np.ndarray], order: SsdOutput = ORDER) -> RegionDetections:  # type: ignore[type-arg]
    specs = [TensorSpec(output.shape, output.dtype, 0.0, 0, "") for output in outputs]
    return SsdReader(order, specs, SPEC).read(outputs)


raw_numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)


def raw(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:  # type: ignore[type-arg]
    return arrays.arrays(np.float32, shape, elements=raw_numbers)


@given(raw((1, 5, 4)), raw((1, 5)), raw((1, 5)), raw((1,)))
def test_whatever_a_model_gives_sightings_are_sound(
    boxes: object, classes: object, scores: object, count: object
) -> None:
    outputs = (np.asarray(boxes), np.asarray(classes), np.asarray(scores), np.asarray(count))
    if not np.isfinite(outputs[3]).all():
        with pytest.raises(ModelIntegrityError):
            read(outputs)
        return
    seen = read(outputs)
    assert len(seen.boxes) == len(seen.scores) == len(seen.classes) <= 5
    assert ((seen.boxes >= 0) & (seen.boxes <= 1)).all()
    assert (seen.boxes[:, :2] < seen.boxes[:, 2:]).all()
    assert ((seen.scores >= 0) & (seen.scores <= 1)).all()
    assert (np.diff(seen.scores) <= 0).all()
    assert (seen.classes >= 0).all()


def test_boxes_come_in_the_order_x1_y1_x2_y2() -> None:
    boxes = np.array([[[0.1, 0.2, 0.3, 0.4]]], np.float32)
    seen = read((boxes, np.zeros((1, 1)), np.full((1, 1), 0.5), np.ones(1)))
    np.testing.assert_allclose(seen.boxes, [[0.2, 0.1, 0.4, 0.3]], rtol=1e-6)


def test_only_as_many_as_counted_are_read() -> None:
    boxes = np.array([[[0, 0, 1, 1], [0, 0, 1, 1]]], np.float32)
    seen = read((boxes, np.zeros((1, 2)), np.full((1, 2), 0.5), np.ones(1)))
    assert len(seen.scores) == 1


def test_outputs_that_do_not_fit_are_reported() -> None:
    with pytest.raises(ModelIntegrityError, match="not boxes, classes, scores and count"):
        read((np.zeros((1, 3, 4)), np.zeros((1, 2)), np.zeros((1, 3)), np.ones(1)))


def test_boxes_in_pixels_are_shares_of_the_models_input_and_axes_may_be_exchanged() -> None:
    outputs = (np.array([[[16, 8, 32, 24]]], np.float32), np.zeros((1, 1)), np.full((1, 1), 0.5), np.ones(1))
    usual = read(outputs, SsdOutput(0, 1, 2, 3, Axes.YX, BoxUnit.PIXELS))
    np.testing.assert_allclose(usual.boxes, [[8 / 64, 0.5, 24 / 64, 1]])
    exchanged = read(outputs, SsdOutput(0, 1, 2, 3, Axes.XY, BoxUnit.PIXELS))
    np.testing.assert_allclose(exchanged.boxes, [[0.25, 0.25, 0.5, 0.75]])


def test_quantised_outputs_are_read_by_the_scale_of_each() -> None:
    outputs = (
        np.array([[[0, 128, 64, 255]]], np.uint8),
        np.array([[3]], np.uint8),
        np.array([[127]], np.int8),
        np.array([20], np.uint8),
    )
    scales = ((1 / 256, 0), (1.0, 0), (1 / 256, -128), (0.05, 0))
    specs = [TensorSpec(each.shape, each.dtype, *scale, "") for each, scale in zip(outputs, scales, strict=True)]
    seen = SsdReader(ORDER, specs, SPEC).read(outputs)
    np.testing.assert_allclose(seen.boxes, [[0.5, 0, 255 / 256, 0.25]])
    assert (seen.classes.tolist(), seen.scores.tolist()) == ([3], [255 / 256])


def test_of_several_classes_for_one_box_the_surest_is_the_object() -> None:
    boxes = np.array([[[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 0.5]]], np.float32)
    seen = read((boxes, np.array([[4, 7, 4]]), np.array([[0.4, 0.9, 0.3]]), np.full(1, 3.0)))
    assert (seen.classes.tolist(), seen.scores.tolist()) == ([7, 4], [np.float32(0.9), np.float32(0.3)])


def test_an_output_that_the_model_does_not_have_is_named() -> None:
    with pytest.raises(ModelIntegrityError, match=r"has no output 3 for the count: it gives \(1, 1, 4\), \(1, 1\)"):
        read((np.zeros((1, 1, 4)), np.zeros((1, 1)), np.zeros((1, 1))))
