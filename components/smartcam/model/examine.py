"""What can be found out about a model file by running it: the part of a manifest that nobody should have to type."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.examining.ssd import find_ssd
from smartcam.model.examining.trial import Colour, FoundHead, MisfitError, Rgb, Trial, Wishes
from smartcam.model.examining.yolo import find_yolo, find_yolox
from smartcam.model.heads.classifier import BOTH
from smartcam.model.interpreter import Interpreter
from smartcam.model.manifest import CHANNELS, MOST_LABELS, Colours, Fit, InputSpec, ModelKind, TensorLayout, TensorType
from smartcam.model.outputs import Activation, ClassifierOutput, HeadName, Output
from smartcam.model.preprocess import INT8_OFFSET
from smartcam.model.runtimes.port import TensorSpec

_BLACK: Final = (0.0, 0.0, 0.0)
_BRIGHT: Final = (255.0, 255.0, 255.0)
_SIDES: Final = 4
_PAD: Final = 114
"""The grey around the pictures on which YOLO and YOLOX are trained."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a model is, and sentences about what was inferred.

    `classes` is None where the number cannot be known; `seen` are those of a detector's answers while it was examined.
    """

    head: HeadName
    input: InputSpec
    output: Output
    classes: int | None
    said: tuple[str, ...]
    seen: frozenset[int] = frozenset()


def examine(interpreter: Interpreter, pictures: Sequence[Rgb] = (), wishes: Wishes | None = None) -> Examined:
    """How a model answers, found by showing it pictures of our own and those given, RGB uint8 of any size.

    Raises:
        ModelIntegrityError: if it answers in no way that is known, or in one that cannot be told from another.
    """
    wishes = wishes or Wishes()
    plain = input_spec(interpreter, wishes.mean, wishes.std)
    against: list[str] = []
    for head in _to_try(wishes):
        spec = _input_of(head, plain, wishes)
        try:
            trial = Trial(interpreter, spec, pictures)
            found = _FINDERS[head](trial, wishes)
        except MisfitError as misfit:
            against.append(f"as {head}, {misfit}")
            continue
        how = "as you say" if wishes.head else "found by running it"
        output = found.output
        seen = frozenset[int]() if isinstance(output, ClassifierOutput) else trial.classes_seen(output)
        return Examined(head, spec, found.output, found.classes, (f"answers as {head}, {how}", *found.said), seen)
    gives = ", ".join(f"{output.dtype} {output.shape}" for output in interpreter.outputs)
    raise ModelIntegrityError(
        f"takes {interpreter.input.dtype} {interpreter.input.shape} and gives {gives}, which is no head that was "
        f"tried: {'; '.join(against)}"
    )


def input_spec(interpreter: Interpreter, mean: Colour | None = None, std: Colour | None = None) -> InputSpec:
    """The model's input, stretched, in RGB.

    A quantised model is assumed to take samples as they are (uint8) or minus 128 (int8), which is how converters make
    them, and a float model 0 to 1, unless `mean` and `std` say otherwise.

    Raises:
        ModelIntegrityError: if the input is not a single picture of a known type.
    """
    given = interpreter.input
    kinds = {np.dtype(kind.value): kind for kind in TensorType}
    if given.dtype not in kinds:
        raise ModelIntegrityError(f"takes {given.dtype} {given.shape}; a picture model takes {', '.join(TensorType)}")
    if len(given.shape) != _SIDES or given.shape[0] != 1 or CHANNELS not in given.shape[1:]:
        raise ModelIntegrityError(
            f"takes {given.dtype} {given.shape}; a picture model takes (1, height, width, 3) or (1, 3, height, width)"
        )
    if given.shape[3] == CHANNELS:
        layout, (height, width) = TensorLayout.NHWC, given.shape[1:3]
    elif given.shape[1] == CHANNELS:
        layout, (height, width) = TensorLayout.NCHW, given.shape[2:]
    else:
        raise ModelIntegrityError(f"takes {given.shape}, in which the three colours are neither last nor first")
    plain = _plain_samples(InputSpec(width, height, kinds[given.dtype], 0.0, 0, _BLACK, _BRIGHT, layout=layout), given)
    if mean is None and std is None:
        return plain
    return replace(plain, mean=mean or _BLACK, std=std or _BRIGHT)


def _plain_samples(spec: InputSpec, given: TensorSpec) -> InputSpec:
    """A quantised input with the scale that its model states, and samples taken as they are."""
    if spec.dtype is TensorType.FLOAT32:
        return spec
    scale, zero_point = (given.scale, given.zero_point) if given.scale else (1.0, 0)
    offset = float(zero_point + (INT8_OFFSET if spec.dtype is TensorType.INT8 else 0))
    return replace(
        spec, scale=scale, zero_point=zero_point, mean=(offset, offset, offset), std=(1 / scale, 1 / scale, 1 / scale)
    )


def _to_try(wishes: Wishes) -> Sequence[HeadName]:
    if wishes.head is not None:
        return (wishes.head,)
    detectors = (HeadName.SSD, HeadName.YOLOX, HeadName.YOLO)
    if wishes.kind is ModelKind.DETECTOR:
        return detectors
    return (HeadName.CLASSIFIER,) if wishes.kind is ModelKind.CLASSIFIER else (*detectors, HeadName.CLASSIFIER)


def _input_of(head: HeadName, plain: InputSpec, wishes: Wishes) -> InputSpec:
    """The input as models with this head are trained, unless the user says otherwise."""
    spec = plain
    if head in (HeadName.YOLO, HeadName.YOLOX):
        spec = replace(spec, fit=Fit.LETTERBOX, pad=_PAD)
    if head is HeadName.YOLOX:
        spec = replace(spec, colours=Colours.BGR)
        if spec.dtype is TensorType.FLOAT32 and wishes.mean is None and wishes.std is None:
            spec = replace(spec, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return replace(
        spec,
        colours=wishes.colours or spec.colours,
        fit=wishes.fit or spec.fit,
        pad=spec.pad if wishes.pad is None else wishes.pad,
    )


def _find_classifier(trial: Trial, wishes: Wishes) -> FoundHead:
    """How the numbers are read: within 0 to 1 as probabilities, otherwise as logits."""
    shapes = [output.shape for output in trial.outputs]
    if wishes.outputs:
        raise MisfitError("it has one output, of which nothing is to say")
    if len(shapes) != 1 or int(np.prod(shapes[0])) != max(shapes[0], default=1):
        raise MisfitError("a classifier gives (1, labels)")
    numbers = int(np.prod(shapes[0]))
    if numbers > MOST_LABELS:
        raise MisfitError(f"it gives at most {MOST_LABELS} numbers, not {numbers}")
    runs = trial.runs(0)
    if not all(np.isfinite(run).all() for run in runs):
        raise MisfitError("it gives numbers that are finite")
    activation = wishes.activation or _activation(runs, numbers)
    words = {
        Activation.PROBABILITY: "probabilities",
        Activation.LOGITS: "logits that together become probabilities (softmax)",
        Activation.SIGMOID: "logits that each become a probability (sigmoid)",
    }
    said = [f"its numbers are {words[activation]}"]
    classes = numbers
    if numbers == 1 and BOTH in wishes.labels:
        said.append("its one number is the probability of the second label")
        classes = BOTH
    output = trial.outputs[0]
    return FoundHead(ClassifierOutput(activation, output.scale, output.zero_point), classes, tuple(said))


def _activation(runs: Sequence[NDArray[np.float32]], numbers: int) -> Activation:
    if all(bool(((run >= 0) & (run <= 1)).all()) for run in runs):
        return Activation.PROBABILITY
    return Activation.SIGMOID if numbers == 1 else Activation.LOGITS


_FINDERS: Final[Mapping[HeadName, Callable[[Trial, Wishes], FoundHead]]] = {
    HeadName.SSD: find_ssd,
    HeadName.YOLOX: find_yolox,
    HeadName.YOLO: find_yolo,
    HeadName.CLASSIFIER: _find_classifier,
}
