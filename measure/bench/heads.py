"""What each head costs after the model has run: from outputs of real sizes, made up here, to detections.

`python -m measure.bench.heads` prints a line of JSON for each: CPU milliseconds with nothing in the picture, and with
five objects that a dozen candidates each are sure of.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.model.heads.answer import keep_best
from smartcam.model.heads.head import DetectorOutput, reader_of
from smartcam.model.interpreter import TensorSpec
from smartcam.model.manifest import InputSpec, TensorType
from smartcam.model.outputs import Candidates, YoloOutput, YoloxOutput

_ROUNDS: Final = 31
_SURE: Final = 60
_OBJECTS: Final = 5
_LOWEST: Final = 0.02
_CANDIDATES: Final = 100
_STRIDES: Final = (8, 16, 32)
_ZERO_POINT: Final = -128

_WITHOUT = YoloOutput(0, 0, candidates=Candidates.COLUMNS)
HEADS: Final[dict[str, tuple[DetectorOutput, int, tuple[int, int], str]]] = {
    "yolo v5, 640, float32": (YoloOutput(0, 0, objectness=0), 640, (25200, 85), "float32"),
    "yolo v5, 640, int8": (YoloOutput(0, 0, objectness=0), 640, (25200, 85), "int8"),
    "yolo v8, 640, float32": (_WITHOUT, 640, (84, 8400), "float32"),
    "yolo v8, 640, int8": (_WITHOUT, 640, (84, 8400), "int8"),
    "yolo v8, 640, float32, transposed": (YoloOutput(0, 0), 640, (8400, 84), "float32"),
    "yolo v8, 320, float32": (_WITHOUT, 320, (84, 2100), "float32"),
    "yolox, 416, float32": (YoloxOutput(_STRIDES), 416, (3549, 85), "float32"),
}


@dataclass(frozen=True, slots=True)
class HeadFigure:
    """CPU milliseconds of reading one head's outputs."""

    head: str
    nothing_ms: float
    objects_ms: float


def measure_heads() -> Iterator[HeadFigure]:
    """Each head in turn, and last the suppression of doubles among a hundred candidates alone."""
    for name, (output, side, shape, kind) in HEADS.items():
        spec = InputSpec(side, side, TensorType.FLOAT32, 0.0, 0, (0.0,) * 3, (255.0,) * 3)
        scale, zero_point = (1 / 255, _ZERO_POINT) if kind == "int8" else (0.0, 0)
        given = TensorSpec((1, *shape), np.dtype(kind), scale, zero_point, "")
        reader = reader_of(output, [given], spec)
        nothing, objects = (_cpu_ms(partial(reader.read, [_table(shape, kind, sure)])) for sure in (0, _SURE))
        yield HeadFigure(name, nothing, objects)
    boxes = _boxes(_CANDIDATES)
    scores = np.linspace(0.9, 0.2, _CANDIDATES, dtype=np.float32)
    classes = np.arange(_CANDIDATES) % 3
    spent = _cpu_ms(lambda: keep_best(boxes, scores, classes))
    yield HeadFigure(f"suppression alone, {_CANDIDATES} candidates", spent, spent)


def _table(shape: tuple[int, int], kind: str, sure: int) -> NDArray[np.generic]:
    """Candidates of which the first `sure` are sure, in the shape and type of a model's output."""
    long, short = max(shape), min(shape)
    table = np.full((long, short), _LOWEST, np.float32)
    table[:sure, :4] = _boxes(sure)
    table[:sure, 4:6] = 0.9
    quantised = np.rint(table * 255 + _ZERO_POINT).astype(np.int8) if kind == "int8" else table
    return np.ascontiguousarray(quantised.T if shape[0] < shape[1] else quantised)[None]


def _boxes(count: int) -> NDArray[np.float32]:
    """So many boxes around a few places."""
    places = 0.2 + 0.15 * (np.arange(count) % _OBJECTS)
    nudges = 0.001 * np.arange(count)
    near = (places + nudges).astype(np.float32)
    boxes: NDArray[np.float32] = np.stack((near, near, near + 0.1, near + 0.1), axis=1, dtype=np.float32)
    return boxes


def _cpu_ms(call: Callable[[], object]) -> float:
    spent = []
    for _ in range(_ROUNDS):
        begun = time.thread_time_ns()
        call()
        spent.append((time.thread_time_ns() - begun) / 1e6)
    return round(median(spent), 3)


if __name__ == "__main__":
    for figure in measure_heads():
        print(json.dumps(asdict(figure)))
