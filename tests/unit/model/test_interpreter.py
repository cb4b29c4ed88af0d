"""The interpreter: whatever is no model is an error, never a crash."""

import sys

import numpy as np
import pytest

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.interpreter import ONNX_RUNTIME, RUNTIME, open_interpreter, runtime_of
from smartcam.model.manifest import MODEL_FILE, ONNX_FILE
from smartcam.model.runtimes.open_shapes import MOST_ROWS
from tests.fakes import models, onnx_maker

unchecked = pytest.mark.skipif(
    RUNTIME == "tflite-runtime", reason="tflite-runtime reads a model unchecked and ends the process: hashes guard it"
)


def test_a_model_says_what_it_takes_and_gives() -> None:
    interpreter = open_interpreter(models.classifier("int8"))
    assert interpreter.input.shape == (1, models.SIDE, models.SIDE, 3)
    assert interpreter.input.dtype == np.int8
    assert interpreter.input.zero_point == -128
    assert [output.shape for output in interpreter.outputs] == [(1, 2)]


def test_a_model_that_takes_reals_of_16_bits_is_given_them() -> None:
    interpreter = open_interpreter(models.classifier("float16", logits=True))
    assert {interpreter.input.dtype, interpreter.outputs[0].dtype} == {np.dtype(np.float32)}
    red = np.zeros(interpreter.input.shape, np.float32)
    red[..., 0] = 1
    (answer,) = interpreter.invoke(red)
    assert answer.dtype == np.float32
    assert answer[0, 1] > answer[0, 0]


def test_outputs_outlive_the_next_run() -> None:
    interpreter = open_interpreter(models.classifier("float32"))
    black, red = np.zeros(interpreter.input.shape, np.float32), np.zeros(interpreter.input.shape, np.float32)
    red[..., 0] = 1
    (first,) = interpreter.invoke(black)
    before = first.copy()
    interpreter.invoke(red)
    np.testing.assert_array_equal(first, before)


@pytest.mark.parametrize(
    "garbage", [b"", b"TFL3", b"\0" * 4096, b"PK\3\4" + bytes(4096), bytes(4) + b"TFL2" + bytes(4096)]
)
def test_what_is_not_a_model_is_refused(garbage: bytes) -> None:
    with pytest.raises(ModelIntegrityError, match="identifier TFL3 is missing"):
        open_interpreter(garbage)


@pytest.fixture
def without_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "smartcam.model.runtimes.onnx", raising=False)


@pytest.mark.usefixtures("without_onnx_runtime")
def test_an_onnx_model_without_its_runtime_says_how_to_get_it() -> None:
    for _ in "ab":  # the second time as well
        with pytest.raises(ModelIntegrityError, match=r"pip install 'smartcam\[onnx\]'; .*build the release with this"):
            open_interpreter(onnx_maker.classifier())


@pytest.mark.usefixtures("without_onnx_runtime")
def test_a_tflite_model_does_not_need_onnx_runtime() -> None:
    open_interpreter(models.classifier()).invoke(np.zeros((1, models.SIDE, models.SIDE, 3), np.uint8))


def test_the_runtime_is_told_by_the_models_file() -> None:
    assert (runtime_of(MODEL_FILE), runtime_of(ONNX_FILE)) == (RUNTIME, ONNX_RUNTIME)


def test_outputs_have_the_files_names() -> None:
    assert open_interpreter(models.detector()).outputs[0].name.startswith("tensor")


@unchecked
def test_a_broken_model_with_the_right_identifier_is_reported() -> None:
    with pytest.raises(ModelIntegrityError, match=r"cannot be run as a \.tflite model"):
        open_interpreter(b"\xff\xff\xff\x7fTFL3" + bytes(range(256)) * 16)


@unchecked
def test_every_truncated_model_is_reported() -> None:
    model = models.detector()
    for end in range(8, len(model) - 64, 97):
        with pytest.raises(ModelIntegrityError):
            open_interpreter(model[:end])


def test_a_tensor_that_does_not_fit_is_reported() -> None:
    interpreter = open_interpreter(models.classifier("float32"))
    with pytest.raises(ModelIntegrityError, match="could not be run"):
        interpreter.invoke(np.zeros((1, 2, 2, 3), np.float32))
    with pytest.raises(ModelIntegrityError, match="could not be run"):
        interpreter.invoke(np.zeros(interpreter.input.shape, np.int8))


@unchecked
def test_a_scale_that_a_converter_left_at_real_numbers_means_nothing() -> None:
    """Once they were taken for quantised ones: a score of 0.9 became 0.9 scales."""
    import flatbuffers  # type: ignore[import-untyped]  # noqa: PLC0415  comes with LiteRT
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    model = schema.ModelT.InitFromPackedBuf(models.classifier("float32"), 0)
    for tensor in model.subgraphs[0].tensors:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [1 / 255], [7]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    interpreter = open_interpreter(bytes(builder.Output()))
    assert {(spec.scale, spec.zero_point) for spec in (interpreter.input, *interpreter.outputs)} == {(0.0, 0)}


@unchecked
def test_a_tflite_models_rows_are_as_many_as_are_found_up_to_the_most() -> None:
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415  only LiteRT has it

    from tests.fakes.model_maker import Graph  # noqa: PLC0415

    graph = Graph()
    given = graph.tensor((1, 4, 4, 3))
    bright = graph.operator("GREATER", (given, graph.constant(np.array([0.5], np.float32))), graph.tensor((1, 4, 4, 3)))
    places = graph.operator("WHERE", (bright,), graph.tensor(()))
    graph.tensors[bright].type, graph.tensors[places].type = schema.TensorType.BOOL, schema.TensorType.INT64
    interpreter = open_interpreter(graph.finish(given, (places,)))
    assert [output.shape for output in interpreter.outputs] == [(MOST_ROWS, 4)]
    picture = np.zeros((1, 4, 4, 3), np.float32)
    assert not interpreter.invoke(picture)[0].any()
    picture[0, 1, 2, 0] = 1
    (answer,) = interpreter.invoke(picture)
    assert answer.shape == (MOST_ROWS, 4)
    assert answer[0].tolist() == [0, 1, 2, 0]
    assert not answer[1:].any()
