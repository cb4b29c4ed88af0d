"""YOLOX: offsets in grids, one for each stride, as its exports give them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.heads.answer import FloatArray, IntArray
from smartcam.model.heads.checks import shapes_of
from smartcam.model.heads.yolo import YoloReader
from smartcam.model.interpreter import TensorSpec
from smartcam.model.manifest import InputSpec
from smartcam.model.outputs import BoxForm, BoxUnit, YoloOutput, YoloxOutput

_LARGEST_LOGARITHM: Final = 20.0
"""Beyond it a box is larger than any picture, and the exponential overflows."""


class YoloxReader(YoloReader):
    """Reads the detections in a YOLOX's output.

    With the cell's place (x, y) in its grid a box is `((x, y) + offset) * stride` and `exp(size) * stride` in pixels of
    the input (Ge et al., YOLOX: Exceeding YOLO Series in 2021, as the reference implementation decodes it).
    """

    def __init__(self, output: YoloxOutput, outputs: Sequence[TensorSpec], spec: InputSpec) -> None:
        """Raises ModelIntegrityError if the output is not as described."""
        as_yolo = YoloOutput(
            boxes=0,
            objectness=0,
            scores=0,
            candidates=output.candidates,
            form=BoxForm.CENTRES,
            unit=BoxUnit.PIXELS,
            activation=output.activation,
        )
        super().__init__(as_yolo, outputs, spec)
        self._cells, self._strides = cells(spec.width, spec.height, output.strides)
        shape = outputs[0].shape
        if len(self._strides) not in shape[-2:]:
            raise ModelIntegrityError(
                f"outputs {shapes_of(outputs)} are not {len(self._strides)} cells with strides "
                f"{', '.join(map(str, output.strides))} of {spec.width}x{spec.height}"
            )

    def corners(self, boxes: FloatArray, sure: IntArray) -> FloatArray:
        """Corners as shares of the region."""
        stride = self._strides[sure, None]
        centres = (boxes[:, :2] + self._cells[sure]) * stride
        sizes = np.exp(boxes[:, 2:].clip(None, _LARGEST_LOGARITHM)) * stride
        return super().corners(np.concatenate((centres, sizes), axis=1), sure)


def cells(width: int, height: int, strides: Sequence[int]) -> tuple[FloatArray, NDArray[np.float32]]:
    """Column and row of each cell (n, 2) in its grid, and its stride (n,): grid after grid, row after row."""
    places, sizes = [], []
    for stride in strides:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        places.append(np.stack((columns.ravel(), rows.ravel()), axis=1))
        sizes.append(np.full(rows.size, stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(sizes).astype(np.float32)
