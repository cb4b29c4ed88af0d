"""The golden picture: proof that this device computes what the maker of the bundle saw."""

import json
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.contract.errors import ContractError, ModelIntegrityError
from smartcam.contract.reading import Fields, parse_object
from smartcam.model.heads.answer import RegionDetections
from smartcam.model.manifest import numbered
from smartcam.vision.boxes import overlaps

MOST_SIGHTINGS: Final = 1000
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
        return np.array(_shares(fields, "shares", MOST_SIGHTINGS), np.float32)
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

    Raises:
        ModelIntegrityError: naming the first difference.
    """
    if isinstance(expected, RegionDetections) and isinstance(actual, RegionDetections):
        _check_sightings(expected, actual, tolerance, "is not detected")
        _check_sightings(actual, expected, tolerance, "was not there when the bundle was made")
    elif not isinstance(expected, RegionDetections) and not isinstance(actual, RegionDetections):
        _check_shares(expected, actual, tolerance)
    else:
        raise ModelIntegrityError("golden output belongs to another kind of model")


def _check_sightings(these: RegionDetections, those: RegionDetections, tolerance: float, complaint: str) -> None:
    """Scores near the last place of a full list are not compared, because rounding may push them off it."""
    last = max((float(side.scores[-1]) for side in (these, those) if len(side.scores)), default=0.0)
    overlap = overlaps(these.boxes, those.boxes)
    for place, score in enumerate(these.scores.tolist()):
        if score <= last + 2 * tolerance:
            return
        near = (np.abs(those.scores - score) <= tolerance) & (those.classes == these.classes[place])
        if not (near & (overlap[place] >= _LEAST_IOU)).any():
            raise ModelIntegrityError(
                f"golden output differs by more than {tolerance}: "
                f"class {these.classes[place]} with score {score:.3f} {complaint}"
            )


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
