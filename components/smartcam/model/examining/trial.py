"""A model on trial: what it answers to pictures, some of which show one bright rectangle at a known place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.model.heads.answer import LEAST_SCORE
from smartcam.model.heads.checks import real
from smartcam.model.heads.head import DetectorOutput, reader_of
from smartcam.model.interpreter import Interpreter, Tensor
from smartcam.model.manifest import Colours, Fit, InputSpec, ModelKind
from smartcam.model.outputs import Activation, Axes, BoxForm, BoxUnit, HeadName, Output
from smartcam.model.preprocess import Preprocessor, fit_rgb
from smartcam.vision.boxes import overlaps

Colour = tuple[float, float, float]
Rgb = NDArray[np.uint8]

_SHAPES_IN_A_PICTURE: Final = 6
_WHITE: Final = 255.0
_STRUCTURED: Final = 16
_FEW: Final = 4
_MANY_NUMBERS: Final = 200_000
"""A model that gives more is shown fewer pictures: their answers are kept while it is examined."""
_DARK: Final = 40
_BRIGHT: Final = ((250, 250, 250), (255, 225, 170), (170, 225, 255), (250, 250, 250), (255, 225, 170))
"""White, and two tints, so that exchanged colours change an answer."""
_SIDE: Final = 0.3
_CENTRES: Final = ((0.25, 0.65), (0.75, 0.3), (0.35, 0.8), (0.65, 0.2), (0.8, 0.4))
"""Of the bright rectangles: with x and y exchanged none would overlap itself."""
_FOUND: Final = 0.35
_LEAST_MORE: Final = 3
"""So many more of the known rectangles another reading must find before it is taken instead of the usual one."""


class MisfitError(Exception):
    """The model does not answer in this way; the text says why."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a user says about a model; what is None or empty is found out.

    `labels` are the numbers of classes that the user's labels may stand for; `outputs` the index of the output that
    holds each part, `post_processing` the same as the file's operator says, and `counted_classes` how many classes that
    knows; `background`: class 0 is none of an object; `mean` and `std` scale a float model's samples.
    """

    kind: ModelKind | None = None
    head: HeadName | None = None
    labels: frozenset[int] = frozenset()
    outputs: Mapping[str, int] = field(default_factory=dict)
    post_processing: Mapping[str, int] = field(default_factory=dict)
    counted_classes: int | None = None
    background: bool = False
    unit: BoxUnit | None = None
    form: BoxForm | None = None
    axes: Axes | None = None
    activation: Activation | None = None
    mean: Colour | None = None
    std: Colour | None = None
    colours: Colours | None = None
    fit: Fit | None = None
    pad: int | None = None


@dataclass(frozen=True, slots=True)
class FoundHead:
    """How a model answers, the number of its classes where it can be known, and sentences about what was inferred."""

    output: Output
    classes: int | None
    said: tuple[str, ...] = ()


class Trial:
    """A model's answers to pictures: the user's, those with a known rectangle, and structured ones."""

    def __init__(self, interpreter: Interpreter, spec: InputSpec, pictures: Sequence[Rgb] = ()) -> None:
        self.spec = spec
        self.outputs = interpreter.outputs
        self._interpreter = interpreter
        self._brought = pictures

    @cached_property
    def _answers(self) -> list[tuple[Tensor, ...]]:
        """Those to the known pictures first. Raises ModelIntegrityError if the model fails."""
        preprocessor = Preprocessor(self.spec)
        width, height = self.spec.width, self.spec.height
        shown = [known_picture(place, width, height)[0] for place in range(len(_CENTRES))]
        shown += [fit_rgb(picture, self.spec) for picture in self._brought]
        numbers = sum(int(np.prod(output.shape)) for output in self.outputs)
        count = _STRUCTURED if numbers <= _MANY_NUMBERS else _FEW
        shown += [structured_picture(seed, width, height) for seed in range(count)]
        return [self._interpreter.invoke(preprocessor.tensor(picture)) for picture in shown]

    def runs(self, place: int) -> list[NDArray[np.float32]]:
        """What one output gave for each picture, as real numbers."""
        return [real(answer[place], self.outputs[place]) for answer in self._answers]

    def classes_seen(self, reading: DetectorOutput) -> frozenset[int]:
        """The classes of the detections in all pictures."""
        reader = reader_of(reading, self.outputs, self.spec)
        seen = (reader.read(answer) for answer in self._answers)
        return frozenset(int(number) for each in seen for number in each.classes[each.scores >= LEAST_SCORE])

    def best(self, readings: Sequence[DetectorOutput]) -> DetectorOutput:
        """The reading that finds the known rectangles; the first one unless another is clearly better."""
        found = [self._found(reading) for reading in readings]
        best = found.index(max(found))
        return readings[best] if found[best] - found[0] >= _LEAST_MORE else readings[0]

    def _found(self, reading: DetectorOutput) -> int:
        reader = reader_of(reading, self.outputs, self.spec)
        known = (known_picture(place, self.spec.width, self.spec.height)[1] for place in range(len(_CENTRES)))
        return sum(_finds(reader.read(answer).boxes, box) for box, answer in zip(known, self._answers, strict=False))


def _finds(boxes: NDArray[np.float32], known: tuple[float, ...]) -> bool:
    return len(boxes) > 0 and bool(overlaps(boxes[:1], np.array([known], np.float32))[0, 0] >= _FOUND)


def known_picture(number: int, width: int, height: int) -> tuple[Rgb, tuple[float, float, float, float]]:
    """A dark picture (height, width, 3) with one bright rectangle, and its corners as shares."""
    x, y = _CENTRES[number]
    x1, x2 = round((x - _SIDE / 2) * width), round((x + _SIDE / 2) * width)
    y1, y2 = round((y - _SIDE / 2) * height), round((y + _SIDE / 2) * height)
    picture = np.full((height, width, 3), _DARK, np.uint8)
    picture[y1:y2, x1:x2] = _BRIGHT[number]
    return picture, (x1 / width, y1 / height, x2 / width, y2 / height)


def structured_picture(seed: int, width: int, height: int) -> Rgb:
    """Coloured shapes on a gradient, RGB uint8 (height, width, 3); the same seed gives the same picture."""
    random = np.random.Generator(np.random.PCG64(seed))
    down, across = np.mgrid[0:height, 0:width].astype(np.float64)
    down, across = down / height, across / width
    picture: NDArray[np.float64] = np.stack((across, down, 1 - across), axis=-1) * 128 + 64
    for turn in range(_SHAPES_IN_A_PICTURE):
        x, y = random.random(2)
        half_width, half_height = 0.05 + 0.2 * random.random(2)
        colour = random.random(3) * _WHITE
        along, upright = np.abs(across - x) / half_width, np.abs(down - y) / half_height
        inside = (along < 1) & (upright < 1) if turn % 2 else along**2 + upright**2 < 1
        picture[inside] = colour
    return picture.clip(0, _WHITE).astype(np.uint8)


def examining_pictures(width: int, height: int) -> list[Rgb]:
    """The pictures of our own that a model of this size is tried on."""
    known = [known_picture(place, width, height)[0] for place in range(len(_CENTRES))]
    return [structured_picture(seed, width, height) for seed in range(_STRUCTURED)] + known


def shares_only(values: NDArray[np.float32], slack: float = 0.01) -> bool:
    """Whether all numbers lie within 0 to 1, or hardly beyond."""
    return bool(((values >= -slack) & (values <= 1 + slack)).all())


def whole(values: Tensor, slack: float = 1e-3) -> bool:
    """Whether all numbers are whole and finite, or nearly so."""
    return bool(np.isfinite(values).all() and (np.abs(values - np.rint(values)) <= slack).all())
