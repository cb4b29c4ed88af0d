"""A dense network as an ONNX model, byte by byte: no package that makes them is needed for seven kinds of nodes.

Field numbers are those of onnx.proto3, operators those of set 13 (https://onnx.ai/onnx/operators).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_FLOAT: Final = 1
_IR_VERSION: Final = 8
_OPERATORS: Final = 13
_GIVEN: Final = "row"
_ANSWER: Final = "probability"


@dataclass(frozen=True, slots=True)
class OnnxDense:
    """A row minus `mean` by `deviation`, clipped to so many `deviations`; then layers of weights (in, out) and a bias.

    Between layers whatever is below 0 becomes 0; the last one's number becomes a probability.
    """

    mean: Floats
    deviation: Floats
    deviations: float
    layers: Sequence[tuple[Floats, Floats]]

    def to_bytes(self) -> bytes:
        """The model's file: float32 (1, columns) in, float32 (1, 1) out."""
        constants, nodes = dict[str, Floats](), list[bytes]()

        def node(operator: str, *inputs: str | Floats, named: str = "") -> str:
            names = []
            for each in inputs:
                name = each if isinstance(each, str) else f"c{len(constants)}"
                if not isinstance(each, str):
                    constants[name] = np.asarray(each, np.float32)
                names.append(name)
            answer = named or f"n{len(nodes)}"
            nodes.append(b"".join(_inner(1, name) for name in names) + _inner(2, answer) + _inner(4, operator))
            return answer

        apart = node("Div", node("Sub", _GIVEN, self.mean), self.deviation)
        limits = (np.array(limit, np.float32) for limit in (-self.deviations, self.deviations))
        x = node("Clip", apart, *limits)
        for place, (weights, bias) in enumerate(self.layers, 1):
            x = node("Add", node("MatMul", x, weights), bias)
            x = node("Relu", x) if place < len(self.layers) else node("Sigmoid", x, named=_ANSWER)
        graph = [_inner(1, each) for each in nodes] + [_inner(2, "dense")]
        graph += [_inner(5, _tensor(name, values)) for name, values in constants.items()]
        graph += [_inner(11, _value(_GIVEN, self.mean.size)), _inner(12, _value(_ANSWER, 1))]
        operators = _inner(8, _number(2, _OPERATORS))
        return _number(1, _IR_VERSION) + _inner(2, "smartcam") + _inner(7, b"".join(graph)) + operators


def _tensor(name: str, values: Floats) -> bytes:
    sides = b"".join(_number(1, side) for side in values.shape)
    return sides + _number(2, _FLOAT) + _inner(8, name) + _inner(9, values.astype("<f4").tobytes())


def _value(name: str, columns: int) -> bytes:
    sides = b"".join(_inner(1, _number(1, side)) for side in (1, columns))
    return _inner(1, name) + _inner(2, _inner(1, _number(1, _FLOAT) + _inner(2, sides)))


def _number(place: int, value: int) -> bytes:
    """A field that is a number."""
    return _varint(place << 3) + _varint(value)


def _inner(place: int, content: bytes | str) -> bytes:
    """A field that is a message, bytes or text."""
    raw = content.encode() if isinstance(content, str) else content
    return _varint(place << 3 | 2) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:  # noqa: PLR2004  seven bits a byte
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
