"""What is read of an .onnx file before its runtime: whole, one file, and no more time than its length."""

import contextlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.runtimes.onnx_file import check_onnx_file, is_onnx
from tests.fakes import onnx_maker as maker
from tests.fakes.onnx_maker import inner, number

ELSEWHERE = number(1, 4) + number(2, 1) + inner(8, "weights")
LOCATION = inner(13, inner(1, "location") + inner(2, "weights.bin"))


def model_with(graph: bytes) -> bytes:
    return number(1, 8) + inner(7, graph)


@pytest.mark.parametrize("model", [maker.yolo(), maker.yolox(), maker.classifier(1001), maker.yolo(kind="float16")])
def test_a_whole_model_passes(model: bytes) -> None:
    assert is_onnx(model)
    check_onnx_file(model)


@pytest.mark.parametrize(
    "tensor", [ELSEWHERE + number(14, 1), ELSEWHERE + LOCATION, ELSEWHERE + LOCATION + number(14, 1)]
)
@pytest.mark.parametrize(
    "place",
    [
        lambda tensor: model_with(inner(5, tensor)),
        lambda tensor: model_with(inner(15, inner(1, tensor))),
        lambda tensor: model_with(inner(1, inner(5, inner(1, "value") + inner(5, tensor)))),
        lambda tensor: model_with(inner(1, inner(5, inner(10, tensor)))),
        lambda tensor: model_with(inner(1, inner(5, inner(22, inner(2, tensor))))),
        lambda tensor: model_with(inner(1, inner(5, inner(6, inner(5, tensor))))),
        lambda tensor: model_with(inner(1, inner(5, inner(11, inner(1, inner(5, inner(6, inner(5, tensor)))))))),
        lambda tensor: model_with(b"") + inner(25, inner(7, inner(5, inner(5, tensor)))),
        lambda tensor: model_with(b"") + inner(20, inner(1, inner(5, tensor))),
    ],
    ids=["weights", "sparse", "constant", "list", "sparse constant", "branch", "nested", "function", "training"],
)
def test_numbers_in_another_file_are_refused_wherever_they_are_named(
    place: Callable[[bytes], bytes], tensor: bytes
) -> None:
    with pytest.raises(ModelIntegrityError, match=r"in other files; .* export it without external data"):
        check_onnx_file(place(tensor))


def test_numbers_that_are_said_to_be_inside_are_inside() -> None:
    check_onnx_file(model_with(inner(5, maker.tensor("w", np.zeros(4, np.float32)) + number(14, 0))))


def test_every_cut_off_model_is_reported() -> None:
    model = maker.yolox()
    for end in range(1, len(model) - 20, 7):
        with pytest.raises(
            ModelIntegrityError, match=r"cannot be read as an \.onnx model: (it ends early|it has no graph)"
        ):
            check_onnx_file(model[:end])


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_an_error_of_ours(garbage: bytes) -> None:
    with contextlib.suppress(ModelIntegrityError):
        check_onnx_file(b"\x08" + garbage)


@given(st.integers(0, 1 << 30), st.integers(1, 255))
def test_a_changed_byte_ends_in_nothing_but_an_error_of_ours(place: int, change: int) -> None:
    damaged = bytearray(maker.yolo())
    damaged[place % len(damaged)] ^= change
    with contextlib.suppress(ModelIntegrityError):
        check_onnx_file(bytes(damaged))


def test_deep_nesting_is_read_to_its_end() -> None:
    graph = inner(5, ELSEWHERE + number(14, 1))
    for _ in range(2000):
        graph = inner(1, inner(5, inner(6, graph)))
    with pytest.raises(ModelIntegrityError, match="in other files"):
        check_onnx_file(model_with(graph))
