"""The golden picture: proof that this device computes what the maker of the bundle saw."""

import json
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.contract.reading import Fields, parse_object
from smartcam.model.heads.answer import RegionDetections
from smartcam.model.manifest import MOST_LABELS, numbered
from smartcam.vision.boxes import overlaps

MOST_SIGHTINGS: Final = 1000
NO_ANSWER: Final = "golden output has no detections, which proves nothing: make the bundle again with --golden PICTURE"
_LEAST_IOU: Final = 0.5
_DIGITS: Final = 6

Answer = RegionDetections | NDArray[np.float32]
"""The result of a head: detections, or the probabilities of a classifier."""


def dump_answer(answer: Answer) -> bytes:
    """An answer as JSON."""
    if isinstance(answer, RegionDetections):
        rows = zip(answer.classes.tolist(), answer.scores.tolist(), answer.boxes.tolist(), strict=True)
        document: dict[str, object] = {
            "sightings": [
                {"class": place, "score": round(score, _DIGITS), "box": [round(side, _DIGITS) for side in box]}
                for place, score, box in rows
            ]
        }
    else:
        document = {"shares": [round(float(share), _DIGITS) for share in answer]}
    return json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"


def parse_answer(payload: bytes) -> Answer:
    """The inverse of `dump_answer`. Raises ContractError naming the first wrong field."""
    fields = Fields(parse_object(payload, "golden output"))
    if fields.has("shares"):
        return np.array(_shares(fields, "shares", MOST_LABELS), np.float32)
    rows = [
        Fields(item if isinstance(item, dict) else {}, f"sightings[{place}]")
        for place, item in enumerate(fields.items("sightings", MOST_SIGHTINGS))
    ]
    return RegionDetections(
        np.array([_box(row) for row in rows], np.float32).reshape(-1, 4),
        np.array([row.number("score", 0, 1) for row in rows], np.float32),
        np.array([row.integer("class", 0, 2**31) for row in rows], np.int64),
    )


def check_answer(expected: Answer, actual: Answer, tolerance: float) -> None:
    """Compares the model's answer with the one it gave when the bundle was made.

    No detections are no answer: a model that never finds anything, because its outputs are misread, gives them as well.

    Raises:
        ModelIntegrityError: naming the first difference.
    """
    if isinstance(expected, RegionDetections) and not len(expected.scores):
        raise ModelIntegrityError(NO_ANSWER)
    if isinstance(expected, RegionDetections) and isinstance(actual, RegionDetections):
        _check_sightings(expected, actual, tolerance, "is not detected")
        _check_sightings(actual, expected, tolerance, "was not there when the bundle was made")
    elif not isinstance(expected, RegionDetections) and not isinstance(actual, RegionDetections):
        _check_shares(expected, actual, tolerance)
    else:
        raise ModelIntegrityError("golden output belongs to another kind of model")


def _check_sightings(these: RegionDetections, those: RegionDetections, tolerance: float, complaint: str) -> None:
    """Each of `these` must be among `those`, but for a few of the least sure: rounding may push them off the list.

    The surest must be there, so must those that are surer than the last one by twice the tolerance, and in any case
    more than half. What is hardly surer than nothing does not count.
    """
    counted = these.scores > 2 * tolerance
    most = these.scores.min(initial=1.0) + 2 * tolerance
    missing = [place for place in _missing(these, those, tolerance) if counted[place] or not place]
    for place in missing:
        score = float(these.scores[place])
        if place == 0 or score > most or 2 * len(missing) >= counted.sum():
            raise ModelIntegrityError(
                f"golden output differs by more than {tolerance}: "
                f"class {these.classes[place]} with score {score:.3f} {complaint}"
            )


def _missing(these: RegionDetections, those: RegionDetections, tolerance: float) -> list[int]:
    """The places of `these` that have no partner among `those`: one of the same class, place and score for each."""
    overlap = overlaps(these.boxes, those.boxes)
    free = np.ones(len(those.scores), np.bool_)
    missing = []
    for place, score in enumerate(these.scores.tolist()):
        fits = free & (np.abs(those.scores - score) <= tolerance) & (those.classes == these.classes[place])
        fits &= overlap[place] >= _LEAST_IOU
        if fits.any():
            free[int(np.where(fits, overlap[place], 0).argmax())] = False
        else:
            missing.append(place)
    return missing


def _check_shares(expected: NDArray[np.float32], actual: NDArray[np.float32], tolerance: float) -> None:
    if expected.shape != actual.shape:
        raise ModelIntegrityError(f"golden output has {expected.size} shares, but the model gives {actual.size}")
    difference = np.abs(expected - actual)
    worst = int(difference.argmax())  # NaN counts as the largest
    if not difference[worst] <= tolerance:
        raise ModelIntegrityError(
            f"golden output differs by more than {tolerance}: "
            f"share {worst} is {actual[worst]:.4f} and should be {expected[worst]:.4f}"
        )


def _box(row: Fields) -> list[float]:
    sides = _shares(row, "box", 4)
    if len(sides) != 4:  # noqa: PLR2004
        raise ContractError(row.name("box"), "must be four shares")
    return sides


def _shares(fields: Fields, key: str, longest: int) -> list[float]:
    places = numbered(fields, key, fields.items(key, longest))
    return [places.number(place, 0, 1) for place in places.document]
