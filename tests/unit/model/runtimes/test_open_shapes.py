"""Outputs with as many rows as a model finds things have one shape for everybody else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.runtimes.open_shapes import MOST_ROWS, brought_to, settled_shapes, trial_tensors
from smartcam.model.runtimes.port import TensorSpec


def rows(*counts: int) -> list[tuple[np.ndarray, ...]]:  # type: ignore[type-arg]
    """For each picture so many rows of seven, and one table that is always the same."""
    return [(np.zeros((count, 7), np.float32), np.zeros((1, 84, 30), np.float32)) for count in counts]


@pytest.mark.parametrize("counts", [(0, 0, 0), (0, 1, 1), (1, 2, 1), (3, 0, 3)])
def test_a_side_that_differs_or_is_0_has_the_most_rows(counts: tuple[int, ...]) -> None:
    assert settled_shapes(rows(*counts)) == ((MOST_ROWS, 7), (1, 84, 30))


def test_a_side_that_never_differs_stays_as_it_is() -> None:
    assert settled_shapes(rows(25, 25, 25)) == ((25, 7), (1, 84, 30))


def test_another_number_of_sides_is_refused() -> None:
    flat, table = (np.zeros(3, np.float32),), (np.zeros((1, 3), np.float32),)
    with pytest.raises(ModelIntegrityError, match=r"gives \(3,\) for one picture and \(1, 3\) for another"):
        settled_shapes([flat, table])
    with pytest.raises(ModelIntegrityError, match="for another"):
        brought_to(flat[0], (1, 3))


@given(st.integers(0, 20), st.integers(1, 20))
def test_what_is_missing_is_0_and_what_is_too_much_is_left_out(count: int, most: int) -> None:
    given_rows = np.arange(1, 2 * count + 1, dtype=np.int64).reshape(1, count, 2)
    brought = brought_to(given_rows, (1, most, 2))
    assert brought.dtype == given_rows.dtype
    kept = min(count, most)
    assert (brought[:, :kept] == given_rows[:, :kept]).all()
    assert not brought[:, kept:].any()


@pytest.mark.parametrize("kind", [np.float32, np.uint8, np.int8])
def test_the_pictures_that_are_shown_fit_the_input_and_differ(kind: type[np.generic]) -> None:
    tensors = list(trial_tensors(TensorSpec((1, 4, 4, 3), np.dtype(kind), 0.0, 0)))
    assert {(tensor.shape, tensor.dtype) for tensor in tensors} == {((1, 4, 4, 3), np.dtype(kind))}
    assert not (tensors[0] == tensors[-1]).all()
