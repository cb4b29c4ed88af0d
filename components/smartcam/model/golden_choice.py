"""Chooses the golden picture: the one whose answer would change if a device did something else than the maker."""

from collections.abc import Callable, Sequence
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
_TRIED: Final = 4
"""Of the pictures with the surest answers; each costs two more runs."""

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

    Most telling is the one on which most of these would be noticed: exchanged colours, another scale, exchanged axes of
    the boxes. Of those that are equal, the one with the surest answer that is not saturated, because in a saturated one
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
    unnoticed = [_unnoticed(infer, *each) for each in sure[:_TRIED]]
    best = min(range(len(unnoticed)), key=lambda place: len(unnoticed[place]))  # of equals the first: the surest
    picture, answer = sure[best]
    said = tuple(
        f"the golden picture would not show {fault}; a better one: --golden PICTURE" for fault in unnoticed[best]
    )
    return GoldenChoice(picture, answer, tolerance_for(answer), said)


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


def _unnoticed(infer: Infer, picture: Rgb, answer: Answer) -> list[str]:
    """What could be wrong on a device without changing this answer."""
    darker = np.asarray(picture // 2, np.uint8)
    others: dict[str, Answer] = {
        "exchanged colours": infer(np.ascontiguousarray(picture[..., ::-1])),
        "another scale": infer(darker),
    }
    if isinstance(answer, RegionDetections):
        turned = np.ascontiguousarray(answer.boxes[:, [1, 0, 3, 2]])
        others["exchanged axes of the boxes"] = RegionDetections(turned, answer.scores, answer.classes)
    return [fault for fault, other in others.items() if not _differ(answer, other)]


def _differ(answer: Answer, other: Answer) -> bool:
    try:
        check_answer(answer, other, tolerance_for(answer))
    except ModelIntegrityError:
        return True
    return False


def _highest(answer: Answer) -> float:
    values = answer.scores if isinstance(answer, RegionDetections) else answer
    return float(values.max(initial=0.0))


def _strength(answer: Answer) -> float:
    highest = _highest(answer)
    return highest if highest <= _SATURATED else 1 - highest
