"""Fourth stage: how good the exported file is, run as the device runs it, on yards it was not trained on."""

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.model.examine import input_spec
from smartcam.model.heads.classifier import ClassifierHead
from smartcam.model.interpreter import open_interpreter
from smartcam.model.manifest import Thresholds
from smartcam.model.outputs import Activation, ClassifierOutput
from training.dataset import Footage
from training.network import LABELS, Network, for_whole_pictures
from training.yard.draws import Hour

_INTRUDER: Final = LABELS.index("intruder")
_LOWEST_RAISE, _HIGHEST_RAISE = 0.5, 0.9
_FALSE_FRAMES: Final = 0.005
"""The share of normal frames that may exceed the threshold; `min_frames` suppresses those."""
_CLEAR: Final = 0.6


@dataclass(frozen=True, slots=True)
class Confusion:
    """Frames of one hour, by what they are and what the model says at `raise_at`."""

    hour: Hour
    normal_right: int
    normal_wrong: int
    intruder_right: int
    intruder_wrong: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured.

    Areas under the curve are per frame; `parity` is the mean difference between the scores of the exported and the
    trained network, `agreement` the share of frames that both put on the same side of 0.5.
    """

    validation_auc: float
    test_auc: float
    thresholds: Thresholds
    confusions: tuple[Confusion, ...]
    parity: float
    agreement: float
    model_bytes: int


def evaluate(network: Network, exported: bytes, validation: Footage, test: Footage) -> Evaluation:
    """Measures the exported model: thresholds from `validation`, everything else from `test`."""
    known, held_out = scores_of(exported, validation), scores_of(exported, test)
    trained = trained_scores(network, test)
    thresholds = choose_thresholds(known, validation.intruder)
    return Evaluation(
        validation_auc=area_under_curve(known, validation.intruder),
        test_auc=area_under_curve(held_out, test.intruder),
        thresholds=thresholds,
        confusions=tuple(_confusion(place, held_out, test, thresholds) for place in range(len(Hour))),
        parity=float(np.abs(held_out - trained).mean()),
        agreement=float(((held_out >= 0.5) == (trained >= 0.5)).mean()),  # noqa: PLR2004 - a half
        model_bytes=len(exported),
    )


def scores_of(exported: bytes, footage: Footage) -> NDArray[np.float32]:
    """The probability of an intruder in each picture (n,), by the device's own code."""
    interpreter = open_interpreter(exported)
    given = interpreter.outputs[0]
    output = ClassifierOutput(Activation.PROBABILITY, given.scale, given.zero_point)
    head = ClassifierHead(interpreter, input_spec(interpreter), output)
    return np.array([head.infer(picture)[_INTRUDER] for picture in footage.rgb], np.float32)


def trained_scores(network: Network, footage: Footage) -> NDArray[np.float32]:
    """The probability of an intruder in each picture (n,), by the trained network before its export."""
    pictures = footage.rgb.astype(np.float32) / 255
    shares = for_whole_pictures(network).predict(pictures, batch_size=50, verbose=0)
    return np.asarray(shares[:, _INTRUDER], np.float32)


def area_under_curve(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """The chance that a frame with an intruder scores above one without; ties count half.

    Raises:
        ValueError: if there are none of one kind.
    """
    present, absent = np.sort(scores[truth]), np.sort(scores[~truth])
    if not present.size or not absent.size:
        raise ValueError("needs frames with and frames without an intruder")
    below = np.searchsorted(absent, present, side="left").sum()
    ties = np.searchsorted(absent, present, side="right").sum() - below
    return float((below + ties / 2) / (present.size * absent.size))


def choose_thresholds(scores: NDArray[np.float32], truth: NDArray[np.bool_]) -> Thresholds:
    """`raise_at` such that hardly any normal frame reaches it, and `clear_at` well below."""
    highest_normal = float(np.quantile(scores[~truth], 1 - _FALSE_FRAMES))
    raise_at = min(_HIGHEST_RAISE, max(_LOWEST_RAISE, ceil(highest_normal * 100) / 100))
    return Thresholds(raise_at=raise_at, clear_at=round(raise_at * _CLEAR, 2))


def _confusion(place: int, scores: NDArray[np.float32], test: Footage, thresholds: Thresholds) -> Confusion:
    here = test.hour == place
    said, truth = scores[here] >= thresholds.raise_at, test.intruder[here]
    return Confusion(
        hour=list(Hour)[place],
        normal_right=int((~said & ~truth).sum()),
        normal_wrong=int((said & ~truth).sum()),
        intruder_right=int((said & truth).sum()),
        intruder_wrong=int((~said & truth).sum()),
    )
