"""The weights of a file of float16 beside those of its source."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from measure.export.weights import compare_weights

KERNEL = np.linspace(-2, 2, 24).reshape(2, 3, 4)


@given(arrays(np.float64, (3, 2), elements=st.floats(-6e4, 6e4)))
def test_rounding_to_float16_in_another_order_of_axes_is_the_same(weights: np.ndarray) -> None:  # type: ignore[type-arg]
    found = compare_weights({"one": weights}, [weights.T.astype(np.float16)])
    assert found.faults == ()
    assert (found.tensors, found.numbers) == (1, 6)


def test_one_weight_that_is_off_by_more_than_rounding_is_a_fault() -> None:
    wrong = KERNEL.astype(np.float16)
    wrong[1, 2, 3] += np.float16(0.01)
    found = compare_weights({"kernel": KERNEL}, [wrong])
    assert found.faults == ("kernel (2, 3, 4) is not in it", "has (2, 3, 4) that is not in the source")


def test_a_tensor_of_the_file_counts_once() -> None:
    half = KERNEL.astype(np.float16)
    found = compare_weights({"one": KERNEL, "other": KERNEL}, [half])
    assert found.faults == ("other (2, 3, 4) is not in it",)


def test_single_numbers_and_zeros_may_stand_beside_the_weights() -> None:
    half = KERNEL.astype(np.float16)
    limits, none = np.array(6.0, np.float16), np.zeros(4, np.float16)
    assert compare_weights({"kernel": KERNEL}, [half, limits, none]).faults == ()
