"""Which time of which film is for what. Footage is split by time: the next picture of a visit is no new evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from training.footage.film import Film, Visit

_CUTS: Final = (0.6, 0.8)
"""Training has the first six tenths of the time, validation the next two, the test the last two."""
LONG_ENOUGH_S: Final = 20.0
"""A shorter film is not cut."""
_ENOUGH_SHORT: Final = 5
"""Fewer short films than this are all for training."""
_FURTHEST: Final = 0.15
"""A cut moves out of a visit by at most this share of the film: what stays for longer is a state, not a visit."""
_GAP_S: Final = 2.0
_GAP_SHARE: Final = 0.02


class FootageUse(StrEnum):
    """What footage is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    """Stops the training and chooses the thresholds."""
    TEST = "test"
    """Looked at when everything is decided."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of a film that is for one use; its end does not belong to it."""

    use: FootageUse
    begin_s: float
    end_s: float


Cuts = tuple[tuple[Stretch, ...], ...]
"""The stretches of each of some films, in their order."""


def cut(seconds: float, visits: Sequence[Visit]) -> tuple[Stretch, ...]:
    """The stretches of one film, in order; what lies between two of them is not used.

    A cut that falls into a visit moves to its nearer end, so that nobody is known from the training when they are
    met in the test.
    """
    if seconds < LONG_ENOUGH_S:
        return (Stretch(FootageUse.TRAIN, 0.0, seconds),)
    gap_s = min(_GAP_S, seconds * _GAP_SHARE)
    first, second = (_moved(share * seconds, seconds, visits) for share in _CUTS)
    bounds = (
        (FootageUse.TRAIN, 0.0, first),
        (FootageUse.VALIDATION, first + gap_s, second),
        (FootageUse.TEST, second + gap_s, seconds),
    )
    return tuple(Stretch(use, begin_s, end_s) for use, begin_s, end_s in bounds if end_s > begin_s)


def cut_all(films: Sequence[Film]) -> Cuts:
    """The stretches of each film.

    Short films are for one use as a whole, the first six tenths of their time for training and so on, in the order
    given.
    """
    short = [film for film in films if film.seconds < LONG_ENOUGH_S]
    if len(short) < _ENOUGH_SHORT:
        return tuple(cut(film.seconds, film.visits) for film in films)
    total_s, passed_s = sum(film.seconds for film in short), 0.0
    cuts = []
    for film in films:
        if film.seconds >= LONG_ENOUGH_S:
            cuts.append(cut(film.seconds, film.visits))
            continue
        place = (passed_s + film.seconds / 2) / total_s if total_s else 0.0
        use = FootageUse.TRAIN if place < _CUTS[0] else FootageUse.VALIDATION if place < _CUTS[1] else FootageUse.TEST
        cuts.append((Stretch(use, 0.0, film.seconds),))
        passed_s += film.seconds
    return tuple(cuts)


def _moved(at_s: float, seconds: float, visits: Sequence[Visit]) -> float:
    """The time of a cut, outside visits as far as that is near."""
    ends = next(((first, last) for first, last in visits if first < at_s <= last), None)
    if ends is None:
        return at_s
    nearer = min(ends, key=lambda end_s: abs(end_s - at_s))
    # Just behind the last picture that shows the visit.
    behind = nearer + 1e-3 if nearer == ends[1] else nearer
    return behind if abs(nearer - at_s) <= _FURTHEST * seconds and 0 < behind < seconds else at_s
