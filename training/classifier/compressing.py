"""Smaller files of a trained network, each measured on the same held-out pictures."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.classifier.fitting import FitSettings, Tell, begin, fit
from training.classifier.networks import InputSize, NetworkName, build, deployable
from training.classifier.teaching import plainly
from training.errors import TrainingError
from training.evaluate import area_under_curve, scores_of
from training.export import Precision, converted
from training.footage.cutting import FootageUse
from training.footage.gathering import Examples
from training.network import Network

SPARSITY: Final = 0.75
_PRUNED_PASSES: Final = 8
_GENTLY: Final = 0.3
"""Of the learning rate: what is pruned is trained already."""
_SMALLEST_KERNEL: Final = 500
"""Weights: pruning smaller kernels saves nothing and costs most."""
_TEMPERATURE: Final = 2.0
PRUNED: Final = f"int8, {SPARSITY:.0%} pruned"
SMALL: Final = "small, int8"
DISTILLED: Final = "small, distilled, int8"
TWINS: Final[Mapping[str, str]] = {
    str(Precision.DYNAMIC): str(Precision.FLOAT32),
    str(Precision.FLOAT16): str(Precision.FLOAT32),
    str(Precision.INT8): str(Precision.FLOAT32),
    PRUNED: str(Precision.INT8),
    DISTILLED: SMALL,
}
"""What each variant is to beat in at least one column."""
_SMALLER: Final = 0.97
_FASTER: Final = 0.9
_BETTER: Final = 0.001
"""What counts as beating: 3 % of the bytes, a tenth of the time, a tenth of a point."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """A variant: its file and its frame AUC on held-out pictures.

    `told_apart`: the share of the target's pictures that score above every other picture.
    """

    name: str
    model: bytes
    auc: float
    told_apart: float

    @property
    def zipped(self) -> int:
        """Bytes as an archive has them."""
        return len(zlib.compress(self.model, 9))


@dataclass(frozen=True, slots=True)
class Measured:
    """A variant with its milliseconds on each runtime, by name; None: it does not run there."""

    variant: Compressed
    ms: Mapping[str, float | None]
    is_on_front: bool
    gains: tuple[str, ...]
    """In which columns it beats its twin; empty: it brings nothing."""


def variants(
    network: Network, examples: Mapping[FootageUse, Examples], settings: FitSettings, tell: Tell
) -> list[Compressed]:
    """The network at every precision, pruned, and distilled into a small one beside its twin that was not.

    Raises:
        TrainingError: the held-out time shows only one kind of pictures, so that nothing can be measured.
    """
    train, validation, test = (examples[use] for use in FootageUse)
    if not test.shows.any() or test.shows.all():
        raise TrainingError(
            "footage: the held-out time for the test shows only one kind of pictures: nothing to measure"
        )

    def measured(name: str, trained: Network, precision: Precision = Precision.INT8) -> Compressed:
        model = converted(deployable(trained), precision, train.rgb)
        tell(f"{name}: {len(model):,} bytes")
        scores = scores_of(model, test.rgb)
        return Compressed(name, model, area_under_curve(scores, test.shows), _told_apart(scores, test.shows))

    found = [measured(str(precision), network, precision) for precision in Precision]
    small = fitted_small(None, train, validation, settings, tell)
    found.append(measured(SMALL, small))
    found.append(measured(DISTILLED, fitted_small(network, train, validation, settings, tell)))
    # Last, because it changes the network itself.
    found.insert(len(Precision), measured(PRUNED, pruned(network, train, validation, settings, tell)))
    return found


def pruned(network: Network, train: Examples, validation: Examples, settings: FitSettings, tell: Tell) -> Network:
    """The network with three quarters of its weights at 0, the smallest ones, trained on while they go."""
    gentle = replace(settings, epochs=_PRUNED_PASSES, rate=settings.rate * _GENTLY, keep_last=True)
    pruner = Pruner(network)
    result, _ = fit(network, train, validation, gentle, after_step=pruner.after_step, tell=tell)
    return result


def fitted_small(
    teacher: Network | None, train: Examples, validation: Examples, settings: FitSettings, tell: Tell
) -> Network:
    """A small network from scratch; with a teacher it learns to answer as that one does, too."""
    begin(settings.seed)
    height, width, _ = train.rgb.shape[1:]
    small = build(NetworkName.SMALL, InputSize(f"{width}x{height}"))
    teaching = plainly(small if teacher is None else _distiller(teacher, small))
    result, _ = fit(small, train, validation, settings, teaching=teaching, tell=tell)
    if teacher is not None:
        teacher.trainable = True  # a distiller leaves it unable to learn
    return result


class Pruner:
    """Magnitude pruning with the cubic schedule of Zhu and Gupta (To prune, or not to prune, 2017).

    What is pruned early may come back: weights are chosen anew after each step of training.
    """

    def __init__(self, network: Network, sparsity: float = SPARSITY) -> None:
        self._sparsity = sparsity
        self._kernels = [
            each
            for each in network.trainable_weights
            if each.path.endswith("kernel") and np.prod(each.shape) >= _SMALLEST_KERNEL
        ]

    def after_step(self, step: int, steps: int) -> None:
        """Sets as many weights to 0 as the schedule wants; it is at its end after three quarters of the steps."""
        share = sparsity_at(step / max(steps * 0.75, 1), self._sparsity)
        for kernel in self._kernels:
            values = np.array(kernel.numpy())
            count = int(share * values.size)
            if count:
                limit = np.partition(np.abs(values).ravel(), count - 1)[count - 1]
                kernel.assign(np.where(np.abs(values) <= limit, np.float32(0), values))


def sparsity_at(progress: float, final: float) -> float:
    """The share of weights at 0, for a progress of 0 to 1 and beyond."""
    return final * (1 - (1 - min(max(progress, 0.0), 1.0)) ** 3)


def compared(found: Sequence[Compressed], ms: Callable[[str], Mapping[str, float | None]]) -> list[Measured]:
    """The variants with their times: who is on the Pareto front, and who beats its twin in what.

    On the front is a variant that no other one beats or equals in bytes, time on the first runtime and told apart, and
    beats in one of them.
    """
    times = {each.name: ms(each.name) for each in found}
    by_name = {each.name: each for each in found}
    points = [(each.zipped, next(iter(times[each.name].values()), None) or 0.0, -each.told_apart) for each in found]
    fronts = [not any(_dominates(other, point) for other in points) for point in points]
    return [
        Measured(each, times[each.name], is_on_front, _gains(each, by_name.get(TWINS.get(each.name, "")), times))
        for each, is_on_front in zip(found, fronts, strict=True)
    ]


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _gains(
    one: Compressed, twin: Compressed | None, times: Mapping[str, Mapping[str, float | None]]
) -> tuple[str, ...]:
    if twin is None:
        return ()
    gains = []
    if len(one.model) <= _SMALLER * len(twin.model):
        gains.append("size")
    if one.zipped <= _SMALLER * twin.zipped:
        gains.append("zipped")
    for runtime, ms in times[one.name].items():
        other = times[twin.name].get(runtime)
        if ms is not None and (other is None or ms <= _FASTER * other):
            gains.append(runtime)
    if one.auc >= twin.auc + _BETTER:
        gains.append("AUC")
    if one.told_apart >= twin.told_apart + _BETTER:
        gains.append("told apart")
    return tuple(gains)


def _told_apart(scores: NDArray[np.float32], shows: NDArray[np.bool_]) -> float:
    return float((scores[shows] > scores[~shows].max()).mean())


def _distiller(teacher: Network, student: Network) -> Network:
    import keras  # noqa: PLC0415 - only the training environment has it

    answers = keras.distillation.LogitsDistillation(temperature=_TEMPERATURE, loss=keras.losses.MeanSquaredError())
    return keras.distillation.Distiller(teacher, student, answers)
