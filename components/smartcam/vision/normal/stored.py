"""A learner as bytes, exactly: what survives restarts, and what a bundle begins with.

The bytes are the mark, the length of a head in JSON, the head, and the arrays in the head's order, little-endian. Of a
symmetric spread only one triangle is stored. What was steadied and faded of the last seconds is not kept.
"""

import json
import math
import struct
from dataclasses import asdict, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from smartcam.vision.normal.learner import MOST_HELD, MOST_LOOKS_HELD, Held, LearningPlan, SceneLearner
from smartcam.vision.normal.look import PLACES, Regime
from smartcam.vision.normal.place import MOST_EXCUSED
from smartcam.vision.normal.usual import SPANS
from smartcam.vision.normal.watched import MOST_MINUTES, WatchedMinutes

FAMILY: Final = b"SCNORM"
"""What every format's mark begins with."""
MARK: Final = FAMILY + b"03"
DAMAGE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error)
"""What reading raises where the bytes are not as they were written."""
_LENGTH: Final = struct.Struct("<I")
_LONGEST_HEAD: Final = 1 << 16
_WIDEST: Final = 64
_LONGEST_NAME: Final = 64
LAST_MINUTE: Final = 1 << 31
"""No clock of a camera goes on for so long."""
MOST_COUNTED: Final = 1 << 62

Arrays = list[NDArray[Any]]


def to_bytes(learner: SceneLearner) -> bytes:
    """Everything that was learnt; at most 4 MB for 36 features a place."""
    head = {
        "width": learner.width,
        "again": learner.again,
        "seconds": learner.seconds,
        "minutes": learner.minutes.numbers.size,
        "regimes": {
            regime.value: {
                "looks": known.memory.looks,
                "excused": len(known.memory.excused),
                "peaks": len(known.usual.peaks),
                "usual_s": known.usual.seconds,
                "peak_s": known.usual.peak_s,
                "seconds": known.seconds,
            }
            for regime, known in learner.known.items()
        },
        "held": [asdict(held) | {"regime": held.regime.value, "looks": len(held.looks)} for held in learner.held],
    }
    return packed(MARK, head, _arrays(learner))


def from_bytes(stored: bytes, plan: LearningPlan, width: int) -> SceneLearner | None:
    """The learner again, with the plan of today; None if the bytes are not one of this width, whole and sound."""
    try:
        return _read(stored, plan, width)
    except DAMAGE:
        return None


def packed(mark: bytes, head: object, arrays: Arrays) -> bytes:
    """A mark, the length of a head, the head in JSON, and the arrays."""
    written = json.dumps(head).encode()
    return b"".join([mark, _LENGTH.pack(len(written)), written, *(array.tobytes() for array in arrays)])


def unpacked(stored: bytes, mark: bytes) -> tuple[Any, bytes]:
    """The head and the bytes of the arrays again. Raises what `DAMAGE` names."""
    if not stored.startswith(mark):
        raise ValueError("not what was looked for")
    (length,) = _LENGTH.unpack_from(stored, len(mark))
    start = len(mark) + _LENGTH.size
    place = start + min(length, _LONGEST_HEAD)
    return json.loads(stored[start:place]), stored[place:]


def read_like(arrays: Arrays, written: bytes) -> Arrays:
    """Arrays of the same types and shapes from their bytes. Raises ValueError unless all are there, finite."""
    if len(written) != sum(array.nbytes for array in arrays):
        raise ValueError("cut off, or longer than its head says")
    read: Arrays = []
    place = 0
    for array in arrays:
        read.append(np.frombuffer(written, array.dtype, array.size, place).reshape(array.shape).copy())
        place += array.nbytes
    if not all(np.isfinite(array).all() for array in read):
        raise ValueError("numbers that are none")
    return read


def check_minutes(minutes: WatchedMinutes) -> None:
    """Raises ValueError for what no learner has watched."""
    if (
        (np.diff(minutes.numbers) <= 0).any()
        or (minutes.regimes >= len(Regime)).any()
        or (minutes.places >= PLACES).any()
    ):
        raise ValueError("minutes out of order, or of places that there are not")
    if (minutes.beyond < 0).any() or (minutes.ages < 0).any():
        raise ValueError("places that are less than usual, or minutes from before the beginning")


def _read(stored: bytes, plan: LearningPlan, width: int) -> SceneLearner:
    """Raises whatever its caller takes for damage if anything is not as it was written."""
    head, written = unpacked(stored, MARK)
    learner = _emptied(head, plan, width)
    _put(learner, read_like(_arrays(learner), written))
    check_minutes(learner.minutes)
    learner.calibrate()
    return learner


def _emptied(head: Any, plan: LearningPlan, width: int) -> SceneLearner:  # noqa: ANN401 - from outside
    """A learner with everything that the head says, and arrays of the right shapes. Raises ValueError."""
    if head["width"] != width or not 0 < width <= _WIDEST:
        raise ValueError("another width")
    learner = SceneLearner(plan, width, again=head["again"] is True)
    learner.seconds = not_negative(head["seconds"])
    learner.minutes = WatchedMinutes.none(count_of(head["minutes"], MOST_MINUTES))
    for regime, known in learner.known.items():
        part = head["regimes"][regime.value]
        known.memory.looks = count_of(part["looks"], MOST_COUNTED)
        known.memory.excused = np.zeros((count_of(part["excused"], MOST_EXCUSED), PLACES, width), np.float32)
        known.usual.peaks = np.zeros((count_of(part["peaks"], SPANS), PLACES), np.float16)
        known.usual.seconds, known.usual.peak_s = not_negative(part["usual_s"]), not_negative(part["peak_s"])
        known.seconds = not_negative(part["seconds"])
    if len(head["held"]) > MOST_HELD:
        raise ValueError("too many episodes")
    for one in head["held"]:
        looks = [np.zeros((PLACES, width), np.float32)] * count_of(one["looks"], MOST_LOOKS_HELD)
        event, first, last = str(one["event"])[:_LONGEST_NAME], one["first"], one["last"]
        learner.held.append(
            Held(
                event,
                Regime(one["regime"]),
                count_of(first, LAST_MINUTE),
                count_of(last, LAST_MINUTE),
                looks,
                not_negative(one.get("threshold", 0.0)),
            )
        )
    return learner


def _arrays(learner: SceneLearner) -> Arrays:
    minutes = learner.minutes
    arrays: Arrays = [minutes.numbers, minutes.regimes, minutes.places, minutes.beyond, minutes.scores, minutes.ages]
    for known in learner.known.values():
        rows, columns = np.tril_indices(learner.width)
        arrays += [
            known.memory.mean,
            known.memory.spread[:, rows, columns],
            known.memory.excused,
            known.usual.mean,
            known.usual.peaks,
            known.usual.peak,
            known.fastest,
        ]
    return arrays + [features for held in learner.held for features in held.looks]


def _put(learner: SceneLearner, read: Arrays) -> None:
    arrays = iter(read)
    minutes = (next(arrays) for _ in fields(WatchedMinutes))
    learner.minutes = WatchedMinutes(*minutes)
    rows, columns = np.tril_indices(learner.width)
    for known in learner.known.values():
        known.memory.mean = next(arrays)
        triangle = next(arrays)
        known.memory.spread[:, rows, columns] = triangle
        known.memory.spread[:, columns, rows] = triangle
        known.memory.excused = next(arrays)
        known.usual.mean, known.usual.peaks, known.usual.peak = next(arrays), next(arrays), next(arrays)
        known.fastest = next(arrays)
    for held in learner.held:
        held.looks = [next(arrays) for _ in held.looks]


def count_of(value: object, most: int) -> int:
    """A count from outside. Raises ValueError unless it is one of at most `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(f"not a count of at most {most}: {value}")
    return value


def not_negative(value: object) -> float:
    """A number from outside. Raises ValueError unless it is one of 0 or more."""
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"not a number of 0 or more: {value}")
    return float(value)
