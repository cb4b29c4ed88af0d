"""Chooses the golden picture: the one whose answer would change if a device did something else than the maker."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.golden import Answer, check_answer
from smartcam.model.heads.answer import RegionDetections

LEAST_SCORE: Final = 0.3
"""Of a detector's surest detection: below it, any network finds something in any picture."""
TOLERANCE: Final = 0.05
"""Another processor or runtime rounds differently: by a few hundredths of a score, never by a tenth."""
_LEAST_TOLERANCE: Final = 0.01
_SHARE_OF_ANSWER: Final = 0.25
_SATURATED: Final = 0.95
_WHITE: Final = 255
_TRIED: Final = 6
"""Of the pictures with the surest answers; each costs a few more runs."""
_NOISES: Final = 3
_ROUNDING: Final = 0.4
"""Of what a grey level more or less in each sample does to a score, another runtime's rounding did up to 0.38."""
_WIDEST: Final = 0.1
_LARGEST_SHARE: Final = 0.5

Rgb = NDArray[np.uint8]
Infer = Callable[[Rgb], Answer]


@dataclass(frozen=True, slots=True, eq=False)
class GoldenChoice:
    """A picture, the model's answer and how much a score may differ; `said` are sentences for the maker about it."""

    picture: Rgb
    answer: Answer
    tolerance: float
    said: tuple[str, ...]


def choose_golden(infer: Infer, pictures: Sequence[Rgb], brought: Rgb | None = None) -> GoldenChoice:
    """The most telling of `pictures`, or the one that the maker has brought; RGB at the model's size.

    An answer that rounding alone can move beyond the tolerance is taken only where there is no steadier one. Most
    telling is the one on which most of these would be noticed: exchanged colours, another scale, exchanged axes of the
    boxes. Of those that are equal, the one with the surest answer that is not saturated, because in a saturated one
    much can change without a trace.

    Raises:
        ModelIntegrityError: if a detector finds nothing there that is sure enough.
    """
    offered = [*pictures] if brought is None else [brought]
    seen = [(picture, infer(picture)) for picture in offered]
    sure = [each for each in seen if not isinstance(each[1], RegionDetections) or _highest(each[1]) >= LEAST_SCORE]
    if not sure:
        raise ModelIntegrityError(_nothing_found(max(_highest(answer) for _, answer in seen), len(seen), brought))
    sure.sort(key=lambda each: _strength(each[1]), reverse=True)
    tried = [_tried(infer, *each) for each in sure[:_TRIED]]
    best = min(tried, key=lambda each: (each.is_unsteady, len(each.unnoticed)))  # of equals the first: the surest
    said = tuple(
        f"the golden picture would not show {fault}; a better one: --golden PICTURE" for fault in best.unnoticed
    )
    return GoldenChoice(best.picture, best.answer, best.tolerance, said)


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    picture: Rgb
    answer: Answer
    tolerance: float
    is_unsteady: bool
    unnoticed: list[str]


def _tried(infer: Infer, picture: Rgb, answer: Answer) -> _Tried:
    wobble = _ROUNDING * _wobble(answer, [infer(noisy) for noisy in _noisy(picture)])
    tolerance = tolerance_for(answer)
    if not isinstance(answer, RegionDetections):
        tolerance = max(tolerance, min(wobble, _highest(answer) * _LARGEST_SHARE, _WIDEST))
    return _Tried(
        picture, answer, tolerance, wobble > tolerance_for(answer), _unnoticed(infer, picture, answer, tolerance)
    )


def _noisy(picture: Rgb) -> Iterator[Rgb]:
    """The picture with a grey level more or less in each sample."""
    random = np.random.Generator(np.random.PCG64(0))
    for _ in range(_NOISES):
        noise = random.integers(-1, 2, picture.shape)
        yield (picture + noise).clip(0, _WHITE).astype(np.uint8)


def _wobble(answer: Answer, others: Sequence[Answer]) -> float:
    """How far the scores differ at most; of detections, the least of a few tolerances in which all are equal."""
    if isinstance(answer, RegionDetections):
        steps = (TOLERANCE / _ROUNDING * share for share in (0.5, 1.0))
        return next((step for step in steps if not any(_differ(answer, other, step) for other in others)), 1.0)
    shares = [other for other in others if not isinstance(other, RegionDetections)]
    return max(float(np.abs(answer - other).max()) for other in shares)


def tolerance_for(answer: Answer) -> float:
    """The largest difference of a score that is accepted.

    Where a thousand labels share one certainty, shares are small, and so is what rounding does to them.
    """
    if isinstance(answer, RegionDetections):
        return TOLERANCE
    return float(np.clip(_highest(answer) * _SHARE_OF_ANSWER, _LEAST_TOLERANCE, TOLERANCE))


def _nothing_found(surest: float, pictures: int, brought: Rgb | None) -> str:
    found = f"nothing surer than {surest:.2f}" if surest else "nothing"
    where = f"the {pictures} pictures made up to examine it" if brought is None else "the picture of --golden"
    return (
        f"finds {found} in {where}, and the bundle's golden answer needs a score of {LEAST_SCORE}: bring a picture "
        "that shows an object it knows, large and whole: --golden PICTURE.jpg"
    )


def _unnoticed(infer: Infer, picture: Rgb, answer: Answer, tolerance: float) -> list[str]:
    """What could be wrong on a device without changing this answer."""
    darker = np.asarray(picture // 2, np.uint8)
    others: dict[str, Answer] = {
        "exchanged colours": infer(np.ascontiguousarray(picture[..., ::-1])),
        "another scale": infer(darker),
    }
    if isinstance(answer, RegionDetections):
        turned = np.ascontiguousarray(answer.boxes[:, [1, 0, 3, 2]])
        others["exchanged axes of the boxes"] = RegionDetections(turned, answer.scores, answer.classes)
    return [fault for fault, other in others.items() if not _differ(answer, other, tolerance)]


def _differ(answer: Answer, other: Answer, tolerance: float) -> bool:
    try:
        check_answer(answer, other, tolerance)
    except ModelIntegrityError:
        return True
    return False


def _highest(answer: Answer) -> float:
    values = answer.scores if isinstance(answer, RegionDetections) else answer
    return float(values.max(initial=0.0))


def _strength(answer: Answer) -> float:
    highest = _highest(answer)
    return highest if highest <= _SATURATED else 1 - highest
