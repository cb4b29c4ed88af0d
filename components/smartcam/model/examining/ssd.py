"""Whether a model is an SSD with post-processing, and which of its four outputs is which."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.examining.trial import FoundHead, MisfitError, Trial, Wishes, shares_only, whole
from smartcam.model.heads.head import DetectorOutput
from smartcam.model.outputs import Axes, BoxUnit, SsdOutput

ROLES: Final = ("boxes", "classes", "scores", "count")
_POST_PROCESSING: Final = re.compile(r"TFLite_Detection_PostProcess(?::([123]))?")
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "boxes": ("box", "location"),
    "classes": ("class", "categor"),
    "scores": ("score", "confidence"),
    "count": ("count", "num"),
}
_BEYOND_SHARES: Final = 2.0
"""An SSD's box may reach a little beyond the picture, but not as far as this."""
_BEYOND_PIXELS: Final = 1.5
_ASK: Final = "--outputs boxes=0,classes=1,scores=2,count=3"

Places = tuple[int, ...]


def find_ssd(trial: Trial, wishes: Wishes) -> FoundHead:
    """Which output is which, by what the user says, by names, or by shapes and values.

    Raises:
        MisfitError: if it is no SSD with post-processing.
        ModelIntegrityError: if it is one, but what is which cannot be told, or is not as the user says.
    """
    places, why = _places(trial, wishes)
    said = [f"the outputs are {_in_words(places)}, {why}"]
    unit = wishes.unit or _unit(trial, places)
    if unit is BoxUnit.PIXELS and wishes.unit is None:
        said.append("boxes are in pixels of the model's input")
    boxes, classes, scores, count = places
    usual = SsdOutput(boxes, classes, scores, count, Axes.YX, unit)
    if wishes.axes is not None:
        best: DetectorOutput = replace(usual, axes=wishes.axes)
    else:
        best = trial.best((usual, replace(usual, axes=Axes.XY)))
        if best is not usual:
            said.append("boxes begin with x (x1, y1, x2, y2): so they lie where a bright rectangle was shown")
    return FoundHead(best, _classes(trial.classes_seen(best), wishes), tuple(said))


def _classes(seen: frozenset[int], wishes: Wishes) -> int | None:
    """As many as the operator counts, and one for the background where there is one; None where the values deny it."""
    if wishes.counted_classes is None:
        return None
    begins_with_one = wishes.background or (wishes.counted_classes in seen and 0 not in seen)
    classes = wishes.counted_classes + begins_with_one
    return classes if max(seen, default=0) < classes else None


def _places(trial: Trial, wishes: Wishes) -> tuple[Places, str]:
    count = len(trial.outputs)
    if wishes.outputs:
        return _as_wished(trial, wishes.outputs), "as you say"
    if count != len(ROLES):
        raise MisfitError(f"it gives four outputs, not {count}")
    if wishes.post_processing:
        made = tuple(wishes.post_processing[role] for role in ROLES)
        if not _complaint(trial, made):
            return made, "by the operator that makes them"
    named = _by_names([output.name for output in trial.outputs])
    if named is not None and not _complaint(trial, named):
        return named, "by their names"
    return _only_fitting(trial), "by their shapes and values"


def _only_fitting(trial: Trial) -> Places:
    """The one order of the outputs against which nothing speaks."""
    fitting = [places for places in permutations(range(len(trial.outputs))) if not _complaint(trial, places)]
    if not fitting:
        raise MisfitError("it gives boxes (1, n, 4), classes (1, n), scores (1, n) and a count")
    fitting = _preferred(trial, fitting)
    if len(fitting) > 1:
        raise ModelIntegrityError(
            f"is an SSD, but which output is which cannot be told: the pictures it was tried on show it nothing; give "
            f"--golden with a picture of what it knows, or {_ASK} in the model's order"
        )
    return fitting[0]


def _as_wished(trial: Trial, wished: Mapping[str, int]) -> Places:
    if set(wished) != set(ROLES):
        raise MisfitError(f"it has the outputs {', '.join(ROLES)}; give {_ASK}")
    places = tuple(wished[role] for role in ROLES)
    if max(places) >= len(trial.outputs) or len(set(places)) != len(places):
        raise ModelIntegrityError(f"--outputs {_in_words(places)}: must name four of its {len(trial.outputs)} outputs")
    complaint = _complaint(trial, places)
    if complaint:
        raise ModelIntegrityError(f"--outputs {_in_words(places)}: {complaint}")
    return places


def _by_names(names: Sequence[str]) -> Places | None:
    """The places by the names that the post-processing's outputs have, or by the words in them."""
    order = [int(match[1] or 0) for match in map(_POST_PROCESSING.fullmatch, names) if match]
    if len(order) < len(names):
        return _by_words(names)
    return tuple(order.index(place) for place in range(len(ROLES))) if len(set(order)) == len(ROLES) else None


def _by_words(names: Sequence[str]) -> Places | None:
    found = [
        [place for place, name in enumerate(names) if any(word in name.lower() for word in _WORDS[role])]
        for role in ROLES
    ]
    if any(len(places) != 1 for places in found) or len({places[0] for places in found}) != len(ROLES):
        return None
    return tuple(places[0] for places in found)


def _complaint(trial: Trial, places: Places) -> str:
    """What speaks against an order of the outputs; empty if nothing does."""
    sizes = [int(np.prod(trial.outputs[place].shape)) for place in places]
    boxes, classes, scores, count = sizes
    if count != 1 or scores != classes or boxes != 4 * classes:
        return "boxes are four times as many numbers as classes and as scores, and the count is one"
    slack = [trial.outputs[place].scale / 2 + 1e-3 for place in places]
    for run in zip(*(trial.runs(place) for place in places), strict=True):
        number = float(run[3].flat[0])
        if not whole(run[3], slack[3]) or not 0 <= number <= classes + slack[3]:
            return f"output {places[3]} gives {number:g}, which is no count of up to {classes} objects"
        complaint = _complaint_of_seen(run, round(number), places, slack[1])
        if complaint:
            return complaint
    return ""


def _complaint_of_seen(run: Sequence[NDArray[np.float32]], seen: int, places: Places, slack: float) -> str:
    """What speaks against boxes, classes and scores of so many objects in one picture; empty if nothing does."""
    corners, known, shares = run[0].reshape(-1, 4)[:seen], run[1].reshape(-1)[:seen], run[2].reshape(-1)[:seen]
    if not whole(known, slack) or (known < -slack).any():
        return f"output {places[1]} gives {_first(known, slack)}, which is no number of a class"
    if not shares_only(shares):
        return f"output {places[2]} gives {shares.max(initial=0):g}, which is no score of 0 to 1"
    return "" if np.isfinite(corners).all() else f"output {places[0]} gives boxes that are not finite"


def _preferred(trial: Trial, fitting: list[Places]) -> list[Places]:
    """Of several orders that fit, those in which the shapes and the numbers not counted are as they should be, too."""

    def has_shapes(places: Places) -> bool:
        boxes, classes, scores, count = (len(trial.outputs[place].shape) for place in places)
        return boxes > classes == scores > count

    def has_values(places: Places) -> bool:
        """Scores are hardly ever whole to the last digit, however small they are."""
        slack = trial.outputs[places[1]].scale / 2
        return all(whole(run, slack) for run in trial.runs(places[1])) and any(
            not whole(run, 0.0) for run in trial.runs(places[2])
        )

    for is_better in (has_shapes, has_values):
        fitting = [places for places in fitting if is_better(places)] or fitting
    return fitting


def _unit(trial: Trial, places: Places) -> BoxUnit:
    reach = max(float(np.abs(boxes).max(initial=0)) for boxes in _seen_boxes(trial, places))
    if reach <= _BEYOND_SHARES:
        return BoxUnit.SHARES
    longest = max(trial.spec.width, trial.spec.height)
    if reach > _BEYOND_PIXELS * longest:
        raise ModelIntegrityError(
            f"gives boxes that reach to {reach:g}, which are neither shares nor pixels of its {trial.spec.width}x"
            f"{trial.spec.height}; give --boxes shares or --boxes pixels if they are"
        )
    return BoxUnit.PIXELS


def _seen_boxes(trial: Trial, places: Places) -> list[NDArray[np.float32]]:
    counts = (round(float(run.flat[0])) for run in trial.runs(places[3]))
    return [run.reshape(-1, 4)[:count] for run, count in zip(trial.runs(places[0]), counts, strict=True)]


def _first(values: NDArray[np.float32], slack: float) -> str:
    """The first number that is no class."""
    wrong = ~(np.abs(values - np.rint(values)) <= slack) | (values < -slack)
    return f"{values[wrong][0]:g}"


def _in_words(places: Places) -> str:
    return ",".join(f"{role}={place}" for role, place in zip(ROLES, places, strict=True))
