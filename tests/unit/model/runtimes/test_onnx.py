"""ONNX Runtime behind the port: one picture in, arrays out, and its faults are ours."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.examine import input_spec
from smartcam.model.interpreter import open_interpreter
from smartcam.model.runtimes.open_shapes import MOST_ROWS
from smartcam.model.runtimes.port import MOST_NUMBERS
from tests.fakes import onnx_maker as maker
from tests.fakes.onnx_maker import OnnxGraph, inner, number, value_info

pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")

PICTURE = value_info("picture", "float32", (1, 3, maker.SIDE, maker.SIDE))


def of_one_node(operator: str, kind: str = "float32", dims: maker.Dims = (1, 3, maker.SIDE, maker.SIDE)) -> bytes:
    graph = OnnxGraph()
    graph.node(operator, "picture", named="answer")
    return graph.model([value_info("picture", "float32", dims)], [value_info("answer", kind, dims)])


def best_of_yolo(answer: np.ndarray, first: int = 4) -> np.ndarray:  # type: ignore[type-arg]
    """The surest candidate's column."""
    rows = answer[0] if answer.shape[1] < answer.shape[2] else answer[0].T
    best: np.ndarray = rows[:, rows[first:].max(axis=0).argmax()]  # type: ignore[type-arg]
    return best


@pytest.mark.parametrize("label", [0, 1, 2])
@pytest.mark.parametrize(("objectness", "first"), [(False, 4), (True, 5)])
def test_the_tiny_yolo_finds_the_square_and_its_label(label: int, objectness: bool, first: int) -> None:  # noqa: FBT001
    interpreter = open_interpreter(maker.yolo(objectness=objectness))
    (answer,) = interpreter.invoke(maker.planes(maker.square(3, 2, label)))
    best = best_of_yolo(answer, first)
    assert best[:4].tolist() == [3 * 8 + 8, 2 * 8 + 8, 16, 16]
    assert best[first + label] > 0.9
    assert interpreter.outputs[0].name == "output0"


@pytest.mark.parametrize(("column", "row"), [(0, 0), (5, 1), (6, 6)])
def test_the_tiny_yolox_finds_the_square_in_its_raw_grid(column: int, row: int) -> None:
    (answer,) = open_interpreter(maker.yolox()).invoke(maker.planes(maker.square(column, row, 1))[:, ::-1] * 255)
    best = int(answer[0, :, 5:].max(axis=1).argmax())
    x, y, width, height = answer[0, best, :4]
    assert ((x + best % 8) * 8, (y + best // 8) * 8) == (column * 8 + 8, row * 8 + 8)
    np.testing.assert_allclose(np.exp((width, height)) * 8, 16, rtol=1e-5)
    assert answer[0, best, 6] > 0.9


def test_the_tiny_classifier_names_the_colour() -> None:
    red = np.zeros((maker.SIDE, maker.SIDE, 3), np.uint8)
    red[..., 0] = 255
    (answer,) = open_interpreter(maker.classifier(1001)).invoke(maker.planes(red))
    assert answer.shape == (1, 1001)
    assert int(answer[0].argmax()) == 0


@pytest.mark.parametrize("kind", ["float16", "float64"])
def test_reals_of_another_length_appear_as_float32(kind: str) -> None:
    interpreter = open_interpreter(maker.yolo(kind=kind))
    assert {str(each.dtype) for each in (interpreter.input, *interpreter.outputs)} == {"float32"}
    (answer,) = interpreter.invoke(maker.planes(maker.square(3, 2)))
    assert answer.dtype == np.float32
    assert best_of_yolo(answer)[:4].tolist() == [32, 24, 16, 16]


def test_a_batch_of_any_size_is_one() -> None:
    interpreter = open_interpreter(maker.yolo(dims=("batch", 3, maker.SIDE, maker.SIDE)))
    assert interpreter.input.shape == (1, 3, maker.SIDE, maker.SIDE)
    assert interpreter.outputs[0].shape == (1, 7, 49)


@pytest.mark.parametrize("dims", [("n", 3, "h", "w"), (1, 3, "h", maker.SIDE), (1, 3, "side", "side"), (1, 3, -1, -1)])
def test_a_size_that_the_model_leaves_open_is_given_or_asked_for(dims: maker.Dims) -> None:
    model = maker.yolo(dims=dims)
    with pytest.raises(ModelIntegrityError, match=r"of any size .*: export it with a fixed one, or give --size WxH"):
        open_interpreter(model)
    interpreter = open_interpreter(model, size=(maker.SIDE, maker.SIDE))
    assert interpreter.input.shape == (1, 3, maker.SIDE, maker.SIDE)
    (answer,) = interpreter.invoke(maker.planes(maker.square(3, 2)))
    assert best_of_yolo(answer)[:4].tolist() == [32, 24, 16, 16]


def test_a_size_that_the_model_cannot_take_is_reported() -> None:
    with pytest.raises(ModelIntegrityError, match=r"cannot be run as an \.onnx model: .*they differ"):
        open_interpreter(maker.yolo(dims=("n", 3, "h", "w")), size=(32, 32))


def test_a_size_is_only_for_what_the_model_leaves_open() -> None:
    assert open_interpreter(maker.yolo(), size=(320, 240)).input.shape == (1, 3, maker.SIDE, maker.SIDE)


def test_what_comes_out_in_a_number_that_depends_on_the_picture_is_allowed() -> None:
    graph = OnnxGraph()
    graph.node("NonZero", "picture", named="answer")
    interpreter = open_interpreter(graph.model([PICTURE], [value_info("answer", "int64", (4, "found"))]))
    assert interpreter.outputs[0].shape == (4, MOST_ROWS)
    (answer,) = interpreter.invoke(np.ones(interpreter.input.shape, np.float32))
    assert answer.shape == (4, MOST_ROWS)
    (answer,) = interpreter.invoke(np.zeros(interpreter.input.shape, np.float32))
    assert not answer.any()


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (of_one_node("NoSuchOperator"), r"cannot be run as an \.onnx model: .*NoSuchOperator"),
        (
            number(1, 8) + inner(7, b""),
            r"cannot be run as an \.onnx model|must have one input and an output, not 0 and 0",
        ),
        (
            OnnxGraph([inner(1, "a") + inner(1, "b") + inner(2, "c") + inner(4, "Add")]).model(
                [value_info("a", "float32", (1,)), value_info("b", "float32", (1,))], [value_info("c", "float32", (1,))]
            ),
            "must have one input and an output, not 2 and 1",
        ),
        (b"\x08" + bytes(200), "cannot be read as an .onnx model"),
    ],
    ids=["an operator that nobody knows", "an empty graph", "two inputs", "zeros"],
)
def test_what_it_cannot_run_is_an_error_in_one_line(model: bytes, complaint: str) -> None:
    with pytest.raises(ModelIntegrityError, match=complaint) as caught:
        open_interpreter(model)
    assert "\n" not in str(caught.value)


def test_text_instead_of_numbers_is_refused() -> None:
    text = inner(2, inner(1, number(1, 8) + inner(2, inner(1, number(1, 1)))))
    graph = OnnxGraph()
    graph.node("Identity", "picture", named="answer")
    with pytest.raises(ModelIntegrityError, match=r"picture of type tensor\(string\); numbers are needed"):
        open_interpreter(graph.model([inner(1, "picture") + text], [inner(1, "answer") + text]))


def test_a_list_of_arrays_instead_of_an_array_is_refused() -> None:
    graph = OnnxGraph()
    graph.node("SequenceConstruct", "picture", "picture", named="answer")
    arrays = inner(4, inner(1, inner(1, number(1, 1))))
    with pytest.raises(ModelIntegrityError, match=r"answer of type seq\(tensor\(float\)\); numbers are needed"):
        open_interpreter(graph.model([PICTURE], [inner(1, "answer") + inner(2, arrays)]))


def test_an_output_of_which_the_file_says_nothing_is_as_it_comes() -> None:
    graph = OnnxGraph()
    graph.node("Relu", "picture", named="answer")
    unsaid = inner(1, "answer") + inner(2, inner(1, number(1, 1)))
    assert open_interpreter(graph.model([PICTURE], [unsaid])).outputs[0].shape == (1, 3, maker.SIDE, maker.SIDE)


def test_an_input_of_which_the_file_says_nothing_is_an_error_of_ours() -> None:
    graph = OnnxGraph()
    graph.node("Relu", "picture", named="answer")
    unsaid = inner(2, inner(1, number(1, 1)))
    with contextlib.suppress(ModelIntegrityError):
        input_spec(open_interpreter(graph.model([inner(1, "picture") + unsaid], [inner(1, "answer") + unsaid])))
        pytest.fail("a picture model was made of it")


@pytest.mark.parametrize("stated", [True, False])
def test_an_answer_that_no_device_has_memory_for_is_refused_before_anybody_looks_at_it(*, stated: bool) -> None:
    """Once 200 million numbers took 21 GB and four minutes."""
    count = MOST_NUMBERS // 85 + 1
    graph = OnnxGraph()
    mean = graph.node("ReduceMean", "picture", axes=(0, 1, 2, 3), keepdims=0)
    graph.node("Expand", mean, graph.constant(np.array((1, count, 85), np.int64)), named="answer")
    dims = (1, count, 85) if stated else ("one", "any", "numbers")
    with pytest.raises(ModelIntegrityError, match=rf"gives {count * 85} numbers for one picture; at most "):
        open_interpreter(graph.model([PICTURE], [value_info("answer", "float32", dims)]))


def test_a_picture_that_no_device_has_memory_for_is_refused() -> None:
    with pytest.raises(ModelIntegrityError, match="takes 75000000 numbers for one picture"):
        open_interpreter(of_one_node("Relu", dims=("n", 3, "h", "w")), size=(5000, 5000))


def test_a_tensor_that_does_not_fit_is_reported() -> None:
    interpreter = open_interpreter(maker.yolo(kind="float16"))
    for wrong in (np.zeros((1, 3, 2, 2), np.float32), np.zeros(interpreter.input.shape, np.float16)):
        with pytest.raises(ModelIntegrityError, match=r"could not be run: takes float32 \(1, 3, 64, 64\)"):
            interpreter.invoke(wrong)


def test_a_fault_while_it_runs_is_reported_in_one_line_and_nowhere_else(capfd: pytest.CaptureFixture[str]) -> None:
    graph = OnnxGraph()
    graph.node("Reshape", "picture", graph.node("Cast", "picture", to=7), named="answer")
    model = graph.model(
        [value_info("picture", "float32", (4,))], [value_info("answer", "float32", ("a", "b", "c", "d"))]
    )
    with pytest.raises(ModelIntegrityError, match="could not be run: ") as caught:
        open_interpreter(model).invoke(np.array((5, 5, 5, 5), np.float32))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_numbers_in_another_file_are_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime can look for them in the folder that it was started in."""
    (tmp_path / "weights.bin").write_bytes(np.ones(1, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    where = inner(13, inner(1, "location") + inner(2, "weights.bin"))
    graph = OnnxGraph(constants=[number(1, 1) + number(2, 1) + inner(8, "c0") + where + number(14, 1)])
    graph.node("Add", "picture", "c0", named="answer")
    with pytest.raises(ModelIntegrityError, match="in other files"):
        open_interpreter(graph.model([PICTURE], [value_info("answer", "float32", (1, 3, maker.SIDE, maker.SIDE))]))
