"""An SSD with post-processing: boxes, classes, scores and count."""

from collections.abc import Sequence

import numpy as np

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.heads.answer import RegionDetections, in_region
from smartcam.model.heads.checks import check_places, real, shapes_of
from smartcam.model.interpreter import Tensor, TensorSpec
from smartcam.model.manifest import InputSpec
from smartcam.model.outputs import Axes, BoxUnit, SsdOutput


class SsdReader:
    """Reads the detections in the outputs of an SSD."""

    classes: int | None = None
    """The number of classes, which such a model does not tell."""

    def __init__(self, output: SsdOutput, outputs: Sequence[TensorSpec], spec: InputSpec) -> None:
        """Raises ModelIntegrityError if the model has no such outputs."""
        self._places = (output.boxes, output.classes, output.scores, output.count)
        check_places(outputs, dict(zip(("boxes", "classes", "scores", "count"), self._places, strict=True)))
        self._specs = tuple(outputs[place] for place in self._places)
        self._columns = (1, 0, 3, 2) if output.axes is Axes.YX else (0, 1, 2, 3)
        sides = (spec.width, spec.height) * 2 if output.unit is BoxUnit.PIXELS else (1,) * 4
        self._sides = np.array(sides, np.float32)

    def read(self, outputs: Sequence[Tensor]) -> RegionDetections:
        """The detections.

        Raises:
            ModelIntegrityError: if the outputs do not match each other.
        """
        given = (real(outputs[place], spec) for place, spec in zip(self._places, self._specs, strict=True))
        boxes, classes, scores, counted = given
        most = classes.size
        if boxes.size != 4 * most or scores.size != most or counted.size != 1 or not np.isfinite(counted).all():
            raise ModelIntegrityError(f"outputs {shapes_of(outputs)} are not boxes, classes, scores and count")
        count = min(max(round(float(counted.flat[0])), 0), most)
        corners = boxes.reshape(-1, 4)[:count, self._columns] / self._sides
        return in_region(corners, scores.reshape(-1)[:count], classes.reshape(-1)[:count])
