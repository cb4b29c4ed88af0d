"""Tiny .onnx models, built byte by byte, whose right answer is known: a bright square's place, and its colour's label.

Each takes float pictures (1, 3, SIDE, SIDE) of 0 to 1. A candidate is a window of WINDOW pixels, one every STRIDE; the
score of label 0 grows with how much redder the window is than the picture, label 1 with green, label 2 with blue. A
square of one colour on grey, as large as a window and in the place of one, is found there with a score above 0.9, and
nowhere else. Field numbers are those of onnx.proto3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 64
WINDOW: Final = 16
STRIDE: Final = 8
LABELS: Final = ("person", "car", "dog")
STRIDES_OF_YOLOX: Final = (8, 16, 32)
_TYPES: Final = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7, "float16": 10, "float64": 11}
_STEEP, _SURE_FROM = 40.0, 0.38

Dims = Sequence[int | str]


def number(place: int, value: int) -> bytes:
    """A field that is a number; negative ones take ten bytes."""
    return _varint(place << 3) + _varint(value)


def inner(place: int, content: bytes | str) -> bytes:
    """A field that is a message, bytes or text."""
    raw = content.encode() if isinstance(content, str) else content
    return _varint(place << 3 | 2) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def tensor(name: str, values: NDArray[Any]) -> bytes:
    dims = b"".join(number(1, side) for side in values.shape)
    return dims + number(2, _TYPES[str(values.dtype)]) + inner(8, name) + inner(9, values.tobytes())


def value_info(name: str, kind: str, dims: Dims) -> bytes:
    sides = b"".join(inner(1, inner(2, side) if isinstance(side, str) else number(1, side)) for side in dims)
    return inner(1, name) + inner(2, inner(1, number(1, _TYPES[kind]) + inner(2, sides)))


def attribute(name: str, value: int | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return inner(1, name) + number(3, value) + number(20, 2)
    return inner(1, name) + b"".join(number(8, each) for each in value) + number(20, 7)


@dataclass
class OnnxGraph:
    """Nodes and constants in the order in which they are added."""

    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)

    def constant(self, values: NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(tensor(name, values))
        return name

    def node(self, operator: str, *inputs: str, named: str = "", **attributes: int | Sequence[int]) -> str:
        name = named or f"n{len(self.nodes)}"
        content = b"".join(inner(1, each) for each in inputs) + inner(2, name) + inner(4, operator)
        self.nodes.append(content + b"".join(inner(5, attribute(key, value)) for key, value in attributes.items()))
        return name

    def model(
        self, inputs: Sequence[bytes], outputs: Sequence[bytes], metadata: Mapping[str, str] | None = None
    ) -> bytes:
        parts = [inner(1, node) for node in self.nodes] + [inner(2, "tiny")]
        parts += [inner(5, each) for each in self.constants]
        parts += [inner(11, each) for each in inputs] + [inner(12, each) for each in outputs]
        said = b"".join(inner(14, inner(1, key) + inner(2, value)) for key, value in (metadata or {}).items())
        return number(1, 8) + inner(2, "tests") + inner(7, b"".join(parts)) + inner(8, number(2, 13)) + said


def _scores(
    graph: OnnxGraph,
    picture: str,
    labels: int,
    pads: Sequence[int] = (0, 0, 0, 0),
    colours: Sequence[int] = (0, 1, 2),
    sure_from: float = _SURE_FROM,
) -> str:
    """(1, labels, candidates): a share per label and window. `colours`: the plane of red, green, blue."""
    windows = graph.node(
        "AveragePool", picture, kernel_shape=(WINDOW, WINDOW), strides=(STRIDE, STRIDE), pads=pads, count_include_pad=1
    )
    apart = graph.node("Sub", windows, graph.node("GlobalAveragePool", picture))
    weights = np.zeros((labels, 3, 1, 1), np.float32)
    for label in range(labels):
        weights[label, colours[label % 3]] = _STEEP
    bias = graph.constant(np.full(labels, -_STEEP * sure_from, np.float32))
    shares = graph.node("Sigmoid", graph.node("Conv", apart, graph.constant(weights), bias))
    return graph.node("Reshape", shares, graph.constant(np.array((1, labels, -1), np.int64)))


def yolo(
    *,
    objectness: bool = False,
    labels: int = 3,
    kind: str = "float32",
    dims: Dims = (1, 3, SIDE, SIDE),
    shares: bool = False,
    sure_from: float = _SURE_FROM,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """(1, 4 + labels, n) as of v8, or with `objectness` (1, n, 5 + labels) as of v5: centre and size, then scores.

    `kind`: the type of what goes in and comes out. `dims`: as the file states them; with the colours last, it takes
    (1, SIDE, SIDE, 3). `shares`: boxes of 0 to 1 instead of pixels.
    """
    graph = OnnxGraph()
    given = "picture"
    if dims[3] == 3:
        given = graph.node("Transpose", given, perm=(0, 3, 1, 2))
    if kind != "float32":
        given = graph.node("Cast", given, to=_TYPES["float32"])
    scores = _scores(graph, given, labels, sure_from=sure_from)
    boxes = _windows()
    count = boxes.shape[2]
    parts = [graph.constant((boxes / SIDE if shares else boxes).astype(np.float32))]
    if objectness:
        surest = graph.node("ReduceMax", scores, axes=(1,), keepdims=1)
        parts.append(graph.node("Sqrt", graph.node("Sqrt", surest)))
    answer = graph.node("Concat", *parts, scores, axis=1)
    rows: Dims = (1, 4 + objectness + labels, count)
    if objectness:
        answer = graph.node("Transpose", answer, perm=(0, 2, 1))
        rows = (1, count, 5 + labels)
    graph.node("Cast", answer, named="output0", to=_TYPES[kind])
    return graph.model([value_info("picture", kind, dims)], [value_info("output0", kind, rows)], metadata)


def _windows() -> NDArray[np.float32]:
    """(1, 4, n): centre and size of each window in pixels."""
    across = np.arange(0, SIDE - WINDOW + 1, STRIDE, dtype=np.float32) + WINDOW / 2
    down_across = np.meshgrid(across, across, indexing="ij")
    sizes = np.full(across.size**2, WINDOW, np.float32)
    boxes = np.stack((down_across[1].reshape(-1), down_across[0].reshape(-1), sizes, sizes))[None]
    return np.asarray(boxes, np.float32)


def selecting_yolo(batch: bool = True) -> bytes:  # noqa: FBT001, FBT002
    """(found, 7): the place in the batch, corners, class and score of the sure ones only, as of v7; else (found, 6)."""
    graph = OnnxGraph()
    scores = _scores(graph, "picture", len(LABELS))
    centres = _windows()
    corners = np.concatenate((centres[:, :2] - centres[:, 2:] / 2, centres[:, :2] + centres[:, 2:] / 2), axis=1)
    surest = graph.node("ReduceMax", scores, axes=(1,), keepdims=1)
    named = graph.node("Cast", graph.node("ArgMax", scores, axis=1, keepdims=1), to=_TYPES["float32"])
    first = [graph.constant(np.zeros((1, 1, centres.shape[2]), np.float32))] if batch else []
    last = [named, surest] if batch else [surest, named]
    table = graph.node("Concat", *first, graph.constant(corners), *last, axis=1)
    width = 5 + batch + 1
    rows = graph.node(
        "Reshape", graph.node("Transpose", table, perm=(0, 2, 1)), graph.constant(np.array((-1, width), np.int64))
    )
    flat = graph.constant(np.array((-1,), np.int64))
    sure = graph.node("Greater", graph.node("Reshape", surest, flat), graph.constant(np.array([0.5], np.float32)))
    places = graph.node("Reshape", graph.node("NonZero", sure), flat)
    graph.node("Gather", rows, places, named="output0", axis=0)
    given = value_info("picture", "float32", (1, 3, SIDE, SIDE))
    return graph.model([given], [value_info("output0", "float32", ("found", width))])


def yolox(labels: int = 3) -> bytes:
    """(1, n, 5 + labels), a row per cell of each stride: offset in cells, logarithm of the size in cells, shares.

    As YOLOX's own models it takes blue, green, red of 0 to 255.
    """
    graph = OnnxGraph()
    given = graph.node("Mul", "picture", graph.constant(np.array(1 / 255, np.float32)))
    scores = _scores(graph, given, labels, (0, 0, WINDOW - STRIDE, WINDOW - STRIDE), (2, 1, 0))
    cells = [(SIDE // stride) ** 2 for stride in STRIDES_OF_YOLOX]
    blind = graph.constant(np.zeros((1, labels, sum(cells[1:])), np.float32))
    offset, size = WINDOW / 2 / STRIDE, np.log(WINDOW / STRIDE)
    boxes = np.tile(np.array((offset, offset, size, size, 1), np.float32)[None, :, None], (1, 1, sum(cells)))
    rows = graph.node("Concat", graph.constant(boxes), graph.node("Concat", scores, blind, axis=2), axis=1)
    graph.node("Transpose", rows, named="output", perm=(0, 2, 1))
    dims = (1, sum(cells), 5 + labels)
    return graph.model([value_info("picture", "float32", (1, 3, SIDE, SIDE))], [value_info("output", "float32", dims)])


def classifier(labels: int = 3, *, logits: bool = False, steep: float = 4, nhwc: bool = False) -> bytes:
    """(1, labels): the share of label 0 grows with red, of 1 with green, of 2 with blue.

    `nhwc`: it takes pictures (1, SIDE, SIDE, 3), as converters of TensorFlow's models make them.
    """
    graph = OnnxGraph()
    given = graph.node("Transpose", "picture", perm=(0, 3, 1, 2)) if nhwc else "picture"
    mean = graph.node("Flatten", graph.node("GlobalAveragePool", given), axis=1)
    weights = np.zeros((3, labels), np.float32)
    np.fill_diagonal(weights, steep)
    answer = graph.node("MatMul", mean, graph.constant(weights), named="shares" if logits else "")
    if not logits:
        graph.node("Softmax", answer, named="shares", axis=1)
    picture = value_info("picture", "float32", (1, SIDE, SIDE, 3) if nhwc else (1, 3, SIDE, SIDE))
    return graph.model([picture], [value_info("shares", "float32", (1, labels))])


def square(column: int, row: int, label: int = 0) -> NDArray[np.uint8]:
    """Black, with a square of the label's colour in a window's place; RGB (SIDE, SIDE, 3)."""
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    y, x = row * STRIDE, column * STRIDE
    picture[y : y + WINDOW, x : x + WINDOW, label] = 255
    return picture


def planes(rgb: NDArray[np.uint8], kind: str = "float32") -> NDArray[Any]:
    """What these models take: (1, 3, SIDE, SIDE) of 0 to 1."""
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None] / np.float32(255)).astype(kind)
