"""`python -m measure.export.making_onnx MODEL.tflite OUT.onnx [REAL.onnx]`: run where TensorFlow and tf2onnx are.

REAL is the same network with real numbers in the place of those of 8 bits.

Two operators are converted here: tf2onnx 1.17.0 loses the bias of a dense layer that flattens its input itself, and
suppresses doubles of an SSD within each class where the original does so among all classes.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

OPERATORS: Final = 13
"""The operator set (https://onnx.ai/onnx/operators): what quantises by channel, and no newer than old runtimes know."""
_DENSE: Final = "TFL_FULLY_CONNECTED"
_DETECTIONS: Final = "TFL_TFLite_Detection_PostProcess"
_EVERYTHING: Final = np.iinfo(np.int64).max


def main(arguments: Sequence[str]) -> int:
    """Writes the files, or ends with what the converter says on standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tf2onnx import convert  # noqa: PLC0415 - only the training environment has it

    model, *files = arguments
    _correct()
    for file, how in zip(files, ([], ["--dequantize"]), strict=False):
        sys.argv = ["tf2onnx", "--tflite", model, "--output", file, "--opset", str(OPERATORS), *how]
        convert.main()
    return 0


def _correct() -> None:
    """Puts our conversions in the place of tf2onnx's."""
    from tf2onnx.handler import tfl_op  # noqa: PLC0415
    from tf2onnx.tflite_handlers.tfl_math import TflFullyConnectedOp  # noqa: PLC0415

    class DenseWithBias:
        """A dense layer."""

        @classmethod
        def to_tf(cls, context: Any, node: Any, **how: Any) -> None:  # noqa: ANN401 - it publishes no types
            if node.attr["keep_num_dims"].i == 0 and context.get_rank(node.input[0]) != 2:  # noqa: PLR2004
                columns = context.get_shape(node.input[1])[1]
                sides = context.make_const(f"{node.name}_flat", np.array([-1, columns], np.int64)).output[0]
                flat = context.make_node("Reshape", [node.input[0], sides], shapes=[[-1, columns]])
                flat.skip_conversion = True
                context.replace_inputs(node, [flat.output[0], *node.input[1:]])
            TflFullyConnectedOp.to_tf(context, node, **how)

    class DetectionsAmongAllClasses:
        """Boxes, classes, scores and count of an SSD, as TensorFlow Lite's fast suppression of doubles makes them."""

        @classmethod
        def version_11(cls, context: Any, node: Any, **_: Any) -> None:  # noqa: ANN401
            _post_process(context, node)

    tfl_op([_DENSE])(DenseWithBias)
    tfl_op([_DETECTIONS])(DetectionsAmongAllClasses)


class _Graph:
    """Makes the nodes of one operator."""

    def __init__(self, context: Any, name: str) -> None:  # noqa: ANN401
        self._context = context
        self._name = name
        self._made = 0

    def number(self, values: object, kind: type[Any] = np.int64) -> str:
        """A constant's name."""
        self._made += 1
        return str(self._context.make_const(f"{self._name}_c{self._made}", np.array(values, kind)).output[0])

    def node(self, operator: str, *inputs: str, **attributes: object) -> str:
        """The name of what an operator gives first."""
        return str(self._context.make_node(operator, list(inputs), attr=attributes).output[0])

    def part(self, of: str, first: int, end: int, axis: int) -> str:
        """Some columns of a tensor."""
        return self.node("Slice", of, self.number([first]), self.number([end]), self.number([axis]))


def _post_process(context: Any, node: Any) -> None:  # noqa: ANN401
    """See tensorflow/lite/kernels/detection_postprocess.cc, NonMaxSuppressionMultiClassFastHelper."""
    if node.get_attr_value("use_regular_nms", False) or node.get_attr_value("max_classes_per_detection", 1) != 1:
        raise ValueError(
            f"{_DETECTIONS[4:]}: only its fast suppression of doubles with one class for each box can be converted"
        )
    graph, kind = _Graph(context, node.name), context.get_dtype(node.output[1])
    encoded, predicted, anchors = node.input
    most = int(node.get_attr_value("max_detections"))
    boxes = _decoded(graph, encoded, anchors, [node.get_attr_value(f"{side}_scale") for side in "yxhw"])
    shares = graph.part(predicted, -int(node.get_attr_value("num_classes")), _EVERYTHING, 2)
    surest = graph.node("ReduceMax", shares, axes=[2], keepdims=0)
    limits = [graph.number(node.get_attr_value(f"nms_{of}_threshold"), np.float32) for of in ("iou", "score")]
    chosen = graph.node(
        "NonMaxSuppression", boxes, graph.node("Unsqueeze", surest, graph.number([1])), graph.number([most]), *limits
    )
    places = graph.node("Squeeze", graph.part(chosen, 2, 3, 1), graph.number([1]))
    found = graph.node("Shape", places)
    missing = graph.node("Sub", graph.number([most]), found)
    flat = graph.node("Concat", graph.number([0, 0, 0]), missing, axis=0)
    deep = graph.node("Concat", graph.number([0, 0, 0, 0]), missing, graph.number([0]), axis=0)
    classes = graph.node("Cast", graph.node("ArgMax", shares, axis=2, keepdims=0), to=kind)
    answers = [
        graph.node("Pad", graph.node("Gather", what, places, axis=1), pads)
        for what, pads in ((boxes, deep), (classes, flat), (surest, flat))
    ]
    for old, new in zip(node.output, [*answers, graph.node("Cast", found, to=kind)], strict=True):
        context.replace_all_inputs(old, new)
    context.remove_node(node.name)


def _decoded(graph: _Graph, encoded: str, anchors: str, scales: Sequence[float]) -> str:
    """Boxes as corners, y first."""
    scaled = graph.node("Div", encoded, graph.number(scales, np.float32))
    middles, sides = graph.part(anchors, 0, 2, 1), graph.part(anchors, 2, 4, 1)
    centre = graph.node("Add", graph.node("Mul", graph.part(scaled, 0, 2, 2), sides), middles)
    whole = graph.node("Mul", graph.node("Exp", graph.part(scaled, 2, 4, 2)), sides)
    half = graph.node("Mul", whole, graph.number(0.5, np.float32))
    return graph.node("Concat", graph.node("Sub", centre, half), graph.node("Add", centre, half), axis=2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
