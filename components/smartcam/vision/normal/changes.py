"""What has changed in a learner since it was stored as a whole, in few bytes: they can be stored each minute.

A memory card does not live long with a whole learner each minute. All that counts comes back: the hours, the minutes,
what is usual, and of each place the mean and the variance of its numbers. How these go together (their correlations)
stays that of the whole, which is half an hour old at most.
"""

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np

from smartcam.vision.normal.learner import Known, SceneLearner
from smartcam.vision.normal.look import Regime
from smartcam.vision.normal.place import PlaceMemory
from smartcam.vision.normal.stored import (
    DAMAGE,
    LAST_MINUTE,
    MOST_COUNTED,
    Arrays,
    check_minutes,
    count_of,
    not_negative,
    packed,
    read_like,
    unpacked,
)
from smartcam.vision.normal.watched import MOST_MINUTES, WatchedMinutes

_MARK: Final = b"SCSINC01"
_GROWTH: Final = 1.1
"""With so many times as many looks the correlations are others, and the whole is due."""
_ARRAYS: Final = 5
"""Of each regime."""


@dataclass(frozen=True, slots=True, eq=False)
class WholeStored:
    """What must be known of a learner that was stored as a whole, to tell later what has changed.

    `lasting` is what is only stored as a whole. Its arrays are replaced, never written into, so that the same array
    has not changed; `held` names the episodes that wait for a verdict, and how many looks there are of each.
    """

    minute: int
    looks: dict[Regime, int]
    seconds: dict[Regime, float]
    lasting: tuple[Any, ...]
    held: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, learner: SceneLearner) -> "WholeStored":
        """As it is now."""
        minutes = learner.minutes.numbers
        return cls(
            int(minutes[-1]) if minutes.size else 0,
            {regime: known.memory.looks for regime, known in learner.known.items()},
            {regime: known.seconds for regime, known in learner.known.items()},
            tuple(array for known in learner.known.values() for array in (known.usual.peaks, known.memory.excused)),
            tuple((held.event, len(held.looks)) for held in learner.held),
        )

    def is_due(self, learner: SceneLearner) -> bool:
        """Whether it is the whole that must be stored again: each half hour, with each episode and each verdict."""
        now = WholeStored.of(learner)
        return (
            now.held != self.held
            or any(one is not other for one, other in zip(now.lasting, self.lasting, strict=True))
            or any(looks > _GROWTH * self.looks[regime] for regime, looks in now.looks.items())
        )


def changes_since(whole: WholeStored, learner: SceneLearner) -> bytes:
    """The changes of a learner whose whole is not due; at most 25 kB for 36 features a place, twice that at dusk."""
    first = int(np.searchsorted(learner.minutes.numbers, whole.minute))
    minutes = _rows(learner.minutes, slice(first, None))
    known = {regime: each for regime, each in learner.known.items() if each.seconds != whole.seconds[regime]}
    head = {
        "seconds": learner.seconds,
        "since": whole.minute,
        "minutes": len(minutes[0]),
        "held": [held.last for held in learner.held],
        "regimes": {
            regime.value: {
                "looks": each.memory.looks,
                "usual_s": each.usual.seconds,
                "peak_s": each.usual.peak_s,
                "seconds": each.seconds,
            }
            for regime, each in known.items()
        },
    }
    return packed(_MARK, head, [*minutes, *(array for each in known.values() for array in _arrays(each))])


def with_changes(learner: SceneLearner, changes: bytes) -> bool:
    """Brings a learner that was its whole up to date; False, and nothing is changed, if the bytes are unsound."""
    try:
        _put(learner, changes)
    except DAMAGE:
        return False
    learner.calibrate()
    return True


def _put(learner: SceneLearner, changes: bytes) -> None:
    head, written = unpacked(changes, _MARK)
    known = [learner.known[Regime(name)] for name in head["regimes"]]
    numbers = [_numbers(part) for part in head["regimes"].values()]
    held = [count_of(last, LAST_MINUTE) for last in head["held"]]
    if len(held) != len(learner.held):
        raise ValueError("of another learner")
    none = WatchedMinutes.none(count_of(head["minutes"], MOST_MINUTES))
    new = _rows(none, slice(None))
    read = read_like([*new, *(array for each in known for array in _arrays(each))], written)
    minutes = _joined(learner.minutes, count_of(head["since"], LAST_MINUTE), read[: len(new)])
    arrays = [read[first : first + _ARRAYS] for first in range(len(new), len(read), _ARRAYS)]
    if any((variances < 0).any() for _, variances, *_ in arrays):
        raise ValueError("less than no variance")
    learner.seconds, learner.minutes = not_negative(head["seconds"]), minutes
    for episode, last in zip(learner.held, held, strict=True):
        episode.last = last
    for each, now, of_each in zip(known, numbers, arrays, strict=True):
        each.memory.looks, each.usual.seconds, each.usual.peak_s, each.seconds = now
        mean, variances, each.usual.mean, each.usual.peak, each.fastest = of_each
        _spread(each.memory, mean.astype(np.float32), variances.astype(np.float32))


def _rows(minutes: WatchedMinutes, chosen: Any) -> Arrays:  # noqa: ANN401 - whatever indexes an array
    return [getattr(minutes, each.name)[chosen] for each in fields(WatchedMinutes)]


def _joined(minutes: WatchedMinutes, since: int, new: Arrays) -> WatchedMinutes:
    """The minutes before `since`, and the new ones. Raises ValueError if these do not follow them."""
    before = _rows(minutes, minutes.numbers < since)
    joined = WatchedMinutes(*(np.concatenate(pair)[-MOST_MINUTES:] for pair in zip(before, new, strict=True)))
    check_minutes(joined)
    return joined


def _arrays(known: Known) -> Arrays:
    """What changes with every look, `_ARRAYS` of them; half the digits are enough for a mean and a variance."""
    half = (known.memory.mean, np.diagonal(known.memory.spread, axis1=1, axis2=2))
    return [*(array.astype(np.float16) for array in half), known.usual.mean, known.usual.peak, known.fastest]


def _numbers(part: Any) -> tuple[int, float, float, float]:  # noqa: ANN401 - from outside
    usual_s, peak_s, seconds = (not_negative(part[name]) for name in ("usual_s", "peak_s", "seconds"))
    return count_of(part["looks"], MOST_COUNTED), usual_s, peak_s, seconds


def _spread(memory: PlaceMemory, mean: Any, variances: Any) -> None:  # noqa: ANN401 - (PLACES, n)
    """Gives the cloud another mean and other variances, and leaves its correlations as they are."""
    before = np.diagonal(memory.spread, axis1=1, axis2=2)
    scale = np.sqrt(np.divide(variances, before, out=np.ones_like(variances), where=before > 0))
    memory.mean = mean
    memory.spread = memory.spread * scale[:, :, None] * scale[:, None, :]
    every = np.arange(memory.width)
    memory.spread[:, every, every] = variances
