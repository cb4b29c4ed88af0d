"""Builds the models of `tests.fakes.models`. Needs LiteRT's package, which holds the format's schema.

As a program it reads what to build from standard input and writes the model to standard output.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from tests.fakes.models import SIDE, Sight, Square

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
}
_PIXEL_SCALE = 1 / 255
_SHARE_SCALE = 1 / 256


@dataclass
class Graph:
    """Tensors, buffers and operators of one graph, in the order in which they are added."""

    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])
    operators: list[Any] = field(default_factory=list)
    codes: list[Any] = field(default_factory=list)

    def tensor(self, shape: Sequence[int], kind: str = "float32", scale: float = 0.0) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = list(shape), _TYPES[kind], 0
        tensor.name = f"tensor{len(self.tensors)}"
        if scale:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [scale]
            tensor.quantization.zeroPoint = [-128 if kind == "int8" else 0]
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def constant(self, values: NDArray[Any]) -> int:
        place = self.tensor(values.shape)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self.buffers.append(buffer)
        self.tensors[place].buffer = len(self.buffers) - 1
        if values.dtype == np.int32:
            self.tensors[place].type = schema.TensorType.INT32
        if values.dtype == np.float16:
            self.tensors[place].type = schema.TensorType.FLOAT16
        return place

    def operator(self, name: str, inputs: Sequence[int], output: int, options: tuple[int, Any] | None = None) -> int:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = code.builtinCode, 1
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.codes), list(inputs), [output]
        if options is not None:
            operator.builtinOptionsType, operator.builtinOptions = options
        self.codes.append(code)
        self.operators.append(operator)
        return output

    def dense(self, source: int, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> int:
        options = schema.BuiltinOptions.FullyConnectedOptions, schema.FullyConnectedOptionsT()
        places = (source, self.constant(weights), self.constant(bias))
        return self.operator("FULLY_CONNECTED", places, self.tensor((1, len(bias))), options)

    def reshape(self, source: int, shape: Sequence[int]) -> int:
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        wanted = self.constant(np.array(shape, np.int32))
        chosen = schema.BuiltinOptions.ReshapeOptions, options
        return self.operator("RESHAPE", (source, wanted), self.tensor(shape), chosen)

    def mean_colour(self, kind: str) -> tuple[int, int]:
        """The input (1, SIDE, SIDE, 3) of the kind, and its mean colour (1, 3), each of 0 to 1."""
        given = picture = self.tensor((1, SIDE, SIDE, 3), kind, 0.0 if kind == "float32" else _PIXEL_SCALE)
        if kind != "float32":
            picture = self.operator("DEQUANTIZE", (given,), self.tensor((1, SIDE, SIDE, 3)))
        axes = self.constant(np.array((1, 2), np.int32))
        options = schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()
        return given, self.operator("MEAN", (picture, axes), self.tensor((1, 3)), options)

    def finish(self, given: int, outputs: Sequence[int]) -> bytes:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = (
            self.tensors,
            self.operators,
            [given],
            list(outputs),
        )
        model = schema.ModelT()
        model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, self.codes, [graph], self.buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def classifier(kind: str, labels: int, *, logits: bool) -> bytes:
    """Label 1's share grows with red; the input and, for a quantised kind, the output are of that kind."""
    graph = Graph()
    given, colour = graph.mean_colour(kind)
    weights = np.zeros((labels, 3), np.float32)
    weights[1 % labels] = (8, 0, 0)
    output = graph.dense(colour, weights, np.linspace(0, -4, labels, dtype=np.float32))
    if not logits:
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        chosen = schema.BuiltinOptions.SoftmaxOptions, options
        output = graph.operator("SOFTMAX", (output,), graph.tensor((1, labels)), chosen)
        if kind != "float32":
            output = graph.operator("QUANTIZE", (output,), graph.tensor((1, labels), kind, _SHARE_SCALE))
    return graph.finish(given, (output,))


def detector(sights: Sequence[Sight], kind: str, order: str) -> bytes:
    """Each sight has its box always, and a score that follows from the mean colour."""
    graph = Graph()
    count = len(sights)
    given, colour = graph.mean_colour(kind)
    still = np.zeros((count, 3), np.float32)

    def constant(values: Sequence[float]) -> int:
        return graph.dense(colour, np.zeros((len(values), 3), np.float32), np.array(values, np.float32))

    corners = [side for x1, y1, x2, y2 in (sight.box for sight in sights) for side in (y1, x1, y2, x2)]
    boxes = graph.reshape(constant(corners), (1, count, 4))
    classes = graph.dense(colour, still, np.array([sight.label for sight in sights], np.float32))
    weights = np.array([sight.weights for sight in sights], np.float32)
    scores = graph.operator(
        "LOGISTIC", (graph.dense(colour, weights[:, :3].copy(), weights[:, 3].copy()),), graph.tensor((1, count))
    )
    counted = graph.reshape(constant((count,)), (1,))
    outputs = {"boxes": boxes, "classes": classes, "scores": scores, "count": counted}
    return graph.finish(given, [outputs[name] for name in order.split()])


def custom(operator: str, order: Sequence[int], options: dict[str, Any] | None = None) -> bytes:
    graph = Graph()
    given = graph.tensor((1, SIDE, SIDE, 3))
    made = [graph.tensor(shape) for shape in ((1, 10, 4), (1, 10), (1, 10), (1,))]
    graph.operator("CUSTOM", (given,), made[0])
    graph.operators[-1].outputs = made
    if options is not None:
        graph.operators[-1].customOptions = list(flexbuffers.Dumps(options))
    graph.codes[-1].customCode = operator.encode()
    return graph.finish(given, [made[place] for place in order])


def dense(mean: Sequence[float], deviation: Sequence[float], layers: Sequence[Any], *, logits: bool) -> bytes:
    """A row of numbers, scaled, through layers of weights (in, out) and biases; then the share of yes, or its logit."""
    graph = Graph()
    given = x = graph.tensor((1, len(mean)))
    scaling = (
        np.diag(1 / np.array(deviation, np.float32)),
        -np.array(mean, np.float32) / np.array(deviation, np.float32),
    )
    x = graph.dense(given, *scaling)
    for place, (weights, bias) in enumerate(layers, 1):
        x = graph.dense(x, np.array(weights, np.float32).T.copy(), np.array(bias, np.float32))
        if place < len(layers):
            x = graph.operator("RELU", (x,), graph.tensor((1, len(bias))))
    return graph.finish(given, (x if logits else graph.operator("LOGISTIC", (x,), graph.tensor((1, 1))),))


def made(wanted: dict[str, Any]) -> bytes:
    wanted = dict(wanted)
    kind_of_model = wanted.pop("kind_of_model")
    if kind_of_model == "dense":
        return dense(**wanted)
    if kind_of_model == "square":
        from tests.fakes.square_maker import square  # noqa: PLC0415  it builds upon this module

        return square(Square(**{**wanted, "outputs": tuple(wanted["outputs"])}))
    if kind_of_model == "custom":
        return custom(wanted["operator"], wanted["order"], wanted["options"])
    if kind_of_model == "classifier":
        return classifier(wanted["kind"], wanted["labels"], logits=wanted["logits"])
    sights = [Sight(tuple(box), label, tuple(weights)) for box, label, weights in wanted["sights"]]
    return detector(sights, wanted["kind"], wanted["order"])


if __name__ == "__main__":
    sys.stdout.buffer.write(made(json.load(sys.stdin)))
