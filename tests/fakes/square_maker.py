"""Builds the networks of `tests.fakes.models.Square`: arithmetic on the projections of the bright pixels."""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tests.fakes.model_maker import Graph
from tests.fakes.models import SQUARE_SIDE, Square

_DIM = 0.48
"""Shares of brightness from which a pixel counts; the grey around a letterboxed picture, 114, does not."""
_FULL = 0.85
_TINY = 1e-4
_CX, _CY, _WIDE, _HIGH, _LOG_WIDE, _LOG_HIGH, _PERSON, _OTHER, _THERE, _COUNTED = range(10)
FEATURES = 10
_STRIDES = (8, 16, 32)
_DECOY = 0.02
_SURE_EVERY = 3
"""Each third candidate tells the square, the others a place of their own and hardly a score."""
_SHARPLY = 1000.0

Table = tuple[NDArray[np.float32], NDArray[np.float32]]
"""What a row of features becomes: factors (rows, columns, features) and constants (rows, columns)."""


def square(wanted: Square) -> bytes:
    graph = SquareGraph()
    given, features = graph.features(wanted)
    outputs = []
    for parts in wanted.outputs:
        tables = [_TABLES[part](wanted) for part in parts.split()]
        factors = np.concatenate([each[0] for each in tables], axis=1)
        constants = np.concatenate([each[1] for each in tables], axis=1)
        if wanted.columns:
            factors, constants = factors.transpose(1, 0, 2), constants.T
        shape = _shape(wanted, parts, constants.shape)
        flat = graph.weighed(features, factors.reshape(-1, FEATURES), constants.reshape(-1), half=wanted.half)
        outputs.append(graph.quantised(graph.reshape(flat, shape), shape, wanted, parts))
        if wanted.named:
            graph.tensors[outputs[-1]].name = f"the_{parts.replace(' ', '_')}"
    return graph.finish(given, outputs)


class SquareGraph(Graph):
    def features(self, wanted: Square) -> tuple[int, int]:
        """The input, and what is known about the square: (1, FEATURES)."""
        side = SQUARE_SIDE
        kind = wanted.kind
        given = picture = self.tensor((1, side, side, 3), kind, 0.0 if kind == "float32" else 1 / 255)
        if kind != "float32":
            picture = self.operator("DEQUANTIZE", (given,), self.tensor((1, side, side, 3)))
        scale = 1 / 255 if wanted.head == "yolox" and kind == "float32" else 1.0
        grey = self.reduced("MEAN", picture, (3,), (1, side, side))
        grey = self.scaled(grey, scale / (_FULL - _DIM), -_DIM / (_FULL - _DIM), (1, side, side))
        bright = self.clipped(grey, (1, side, side))
        across = self.reduced("REDUCE_MAX", bright, (1,), (1, side))
        down = self.reduced("REDUCE_MAX", bright, (2,), (1, side))
        there = self.reduced("REDUCE_MAX", across, (1,), (1, 1), keep=True)
        sides = [self.reduced("MEAN", each, (1,), (1, 1), keep=True) for each in (across, down)]
        centres = [self._centre(each, size) for each, size in zip((across, down), sides, strict=True)]
        logs = [self.operator("LOG", (self.scaled(size, 1.0, _TINY, (1, 1)),), self.tensor((1, 1))) for size in sides]
        person, other = self._classes(picture, scale, there, is_bgr=wanted.head == "yolox")
        counted = self.clipped(self.scaled(there, _SHARPLY, -_SHARPLY * wanted.threshold + 1, (1, 1)), (1, 1))
        scores = [self.product(each, counted) for each in (person, other)]
        return given, self.joined([*centres, *sides, *logs, *scores, there, counted])

    def _classes(self, picture: int, scale: float, there: int, *, is_bgr: bool) -> tuple[int, int]:
        """How sure it is that the brightest pixels are a person (more red than blue), or something else."""
        most = self.reduced("REDUCE_MAX", picture, (1, 2), (1, 3))
        reddest = 8 * scale * np.array([[-1, 0, 1] if is_bgr else [1, 0, -1]], np.float32)
        found = []
        for sign in (1, -1):
            logit = self.dense(most, sign * reddest, np.array([sign], np.float32))
            share = self.operator("LOGISTIC", (logit,), self.tensor((1, 1)))
            found.append(self.product(share, there))
        return found[0], found[1]

    def _centre(self, line: int, size: int) -> int:
        places = ((np.arange(SQUARE_SIDE, dtype=np.float32) + 0.5) / SQUARE_SIDE / SQUARE_SIDE)[None]
        moment = self.dense(line, places, np.zeros(1, np.float32))
        options = schema.BuiltinOptions.DivOptions, schema.DivOptionsT()
        return self.operator("DIV", (moment, self.scaled(size, 1.0, _TINY, (1, 1))), self.tensor((1, 1)), options)

    def reduced(self, name: str, source: int, axes: Sequence[int], shape: Sequence[int], *, keep: bool = False) -> int:
        options = schema.ReducerOptionsT()
        options.keepDims = keep
        axis = self.constant(np.array(axes, np.int32))
        return self.operator(name, (source, axis), self.tensor(shape), (schema.BuiltinOptions.ReducerOptions, options))

    def scaled(self, source: int, factor: float, more: float, shape: Sequence[int]) -> int:
        product = self.product(source, self.constant(np.array([factor], np.float32)), shape)
        options = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
        places = (product, self.constant(np.array([more], np.float32)))
        return self.operator("ADD", places, self.tensor(shape), options)

    def product(self, one: int, two: int, shape: Sequence[int] = (1, 1)) -> int:
        options = schema.BuiltinOptions.MulOptions, schema.MulOptionsT()
        return self.operator("MUL", (one, two), self.tensor(shape), options)

    def clipped(self, source: int, shape: Sequence[int]) -> int:
        """Within 0 to 1."""
        options = schema.BuiltinOptions.MaximumMinimumOptions, schema.MaximumMinimumOptionsT()
        least = self.operator("RELU", (source,), self.tensor(shape))
        places = (least, self.constant(np.array([1], np.float32)))
        return self.operator("MINIMUM", places, self.tensor(shape), options)

    def joined(self, parts: Sequence[int]) -> int:
        options = schema.ConcatenationOptionsT()
        options.axis = 1
        chosen = schema.BuiltinOptions.ConcatenationOptions, options
        return self.operator("CONCATENATION", parts, self.tensor((1, len(parts))), chosen)

    def weighed(self, source: int, factors: NDArray[np.float32], constants: NDArray[np.float32], *, half: bool) -> int:
        if not half:
            return self.dense(source, factors.astype(np.float32), constants.astype(np.float32))
        stored = self.constant(factors.astype(np.float16))
        weights = self.operator("DEQUANTIZE", (stored,), self.tensor(factors.shape))
        options = schema.BuiltinOptions.FullyConnectedOptions, schema.FullyConnectedOptionsT()
        places = (source, weights, self.constant(constants.astype(np.float32)))
        return self.operator("FULLY_CONNECTED", places, self.tensor((1, len(constants))), options)

    def quantised(self, source: int, shape: Sequence[int], wanted: Square, parts: str) -> int:
        if wanted.given == "float32":
            return source
        largest = wanted.count if parts == "count" else SQUARE_SIDE if wanted.pixels and "boxes" in parts else 1
        return self.operator("QUANTIZE", (source,), self.tensor(shape, wanted.given, max(largest, 1) / 255))


def _shape(wanted: Square, parts: str, table: tuple[int, ...]) -> tuple[int, ...]:
    if parts == "count":
        return (1,)
    return (1, *table) if wanted.head != "ssd" or parts == "boxes" else (1, wanted.count)


def _empty(count: int, width: int) -> Table:
    return np.zeros((count, width, FEATURES), np.float32), np.zeros((count, width), np.float32)


def _cells() -> list[tuple[int, int, int]]:
    """Column, row and stride of each cell of a grid."""
    return [
        (x, y, stride)
        for stride in _STRIDES
        for y in range(SQUARE_SIDE // stride)
        for x in range(SQUARE_SIDE // stride)
    ]


def _count(wanted: Square) -> int:
    return len(_cells()) if wanted.head == "yolox" else wanted.count


def _is_sure(wanted: Square, place: int) -> bool:
    return place < 2 if wanted.head == "ssd" else place % _SURE_EVERY == 0


def _boxes(wanted: Square) -> Table:
    if wanted.head == "yolox":
        return _offsets()
    factors, constants = _empty(_count(wanted), 4)
    corners = wanted.head == "ssd" or wanted.corners
    for place in range(_count(wanted)):
        if not (_is_sure(wanted, place) or wanted.several):
            spot = 0.1 + 0.7 * place / _count(wanted)
            constants[place] = (spot, 0.5, spot + 0.1, 0.7) if corners else (spot, 0.5, 0.1, 0.2)
            continue
        for axis in (0, 1):
            near, far = axis, axis + 2
            factors[place, near, _CX + axis] = 1
            factors[place, far, _WIDE + axis] = 0.5 if corners else 1
            if corners:
                factors[place, near, _WIDE + axis] = -0.5
                factors[place, far, _CX + axis] = 1
    if (wanted.axes == "yx") and corners:
        factors, constants = factors[:, (1, 0, 3, 2)], constants[:, (1, 0, 3, 2)]
    unit = SQUARE_SIDE if wanted.pixels else 1
    return factors * unit, constants * unit


def _offsets() -> Table:
    """As a YOLOX's grid: where the square's centre is from each cell, and the logarithm of its size, in strides."""
    factors, constants = _empty(len(_cells()), 4)
    for place, (x, y, stride) in enumerate(_cells()):
        if place % _SURE_EVERY:
            constants[place] = (0.4, 0.6, -0.5, 0.7)
            continue
        factors[place, 0, _CX] = factors[place, 1, _CY] = SQUARE_SIDE / stride
        factors[place, 2, _LOG_WIDE] = factors[place, 3, _LOG_HIGH] = 1
        constants[place] = (-x, -y, np.log(SQUARE_SIDE / stride), np.log(SQUARE_SIDE / stride))
    return factors, constants


def _objectness(wanted: Square) -> Table:
    factors, constants = _empty(_count(wanted), 1)
    for place in range(_count(wanted)):
        if _is_sure(wanted, place):
            factors[place, 0, _THERE] = 1
        else:
            constants[place] = _DECOY
    return factors, constants


def _scores(wanted: Square) -> Table:
    if wanted.head == "ssd" or "classes" in " ".join(wanted.outputs):
        return _score_of_each(wanted)
    factors, constants = _empty(_count(wanted), wanted.classes)
    has_objectness = "objectness" in " ".join(wanted.outputs)
    constants[:] = 0.3 if has_objectness else _DECOY
    for place in range(_count(wanted)):
        if _is_sure(wanted, place):
            factors[place, 0, _PERSON] = 1
            factors[place, 1:2, _OTHER] = 1
            constants[place] = 0
    # Steep enough: 0 is a logit of -6, 1 one of 6.
    return (factors * 12, constants * 12 - 6) if wanted.logits else (factors, constants)


def _score_of_each(wanted: Square) -> Table:
    """Where each detection has one class: the first two tell both, the others hardly anything."""
    factors, constants = _empty(_count(wanted), 1)
    for place in range(_count(wanted)):
        if place < 2 or wanted.several:
            factors[place, 0, (_PERSON, _OTHER)[place % 2]] = 1 if place < 2 else 0.5
        elif not wanted.threshold:
            constants[place] = _DECOY / place
    return factors, constants


def _classes(wanted: Square) -> Table:
    factors, constants = _empty(_count(wanted), 1)
    constants[:, 0] = np.arange(_count(wanted)) % 2
    return factors, constants


def _counted(wanted: Square) -> Table:
    factors, constants = _empty(1, 1)
    factors[0, 0, _COUNTED] = wanted.count
    return factors, constants


_TABLES = {"boxes": _boxes, "objectness": _objectness, "scores": _scores, "classes": _classes, "count": _counted}
