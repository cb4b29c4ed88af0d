"""How far a target's answers are from the original's: pure, and in words and JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from smartcam.model.interpreter import Tensor

MOST_STEPS: Final = 2.0
MOST_OF_REAL: Final = 1e-3
_ROUNDING: Final = 0.1
_ROUNDING_STEPS: Final = 25
"""A tenth of the range: what a step before a steep sigmoid may become."""
Answers = Sequence[tuple[Tensor, ...]]
"""The outputs for each picture."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far answers are apart: of each picture the largest difference counts, over all of its outputs.

    `same_top`: the share of pictures with the same top label. `by_reference`: how many pictures were judged by the
    reference kernels too. `furthest`: the largest difference if nothing were, so from what a device answers.
    """

    largest: float
    mean: float
    same_top: float
    by_reference: int
    furthest: float


@dataclass(frozen=True, slots=True)
class TargetRow:
    """What became of one target: its file, how it was run, and how far it is from the original.

    `limit`: the largest difference that is accepted; None: another arithmetic, which is not judged by it. `ms` is of
    one picture, on this machine. `fault`: why there is no such target, or no answer of it. `absent`: why it cannot be
    had on this machine at all, which is no failure. `said`: what the table says of it besides.
    """

    target: str
    file: str = ""
    size: int = 0
    ms: float | None = None
    pictures: int = 0
    unit: str = ""
    limit: float | None = None
    difference: Difference | None = None
    fault: str = ""
    absent: str = ""
    notes: Mapping[str, object] | None = None
    said: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it may be taken for the original."""
        if self.absent:
            return True
        if self.fault or self.difference is None:
            return False
        return self.limit is None or self.difference.largest <= self.limit


def is_in_steps(outputs: Tensor) -> bool:
    """Whether a model's first output is in 8 bits, so that differences are steps of it."""
    return outputs.dtype.itemsize == 1


def apart(these: Sequence[Tensor], those: Sequence[Tensor]) -> float:
    """The largest difference between two answers; infinite where they have not the same form, or are no numbers."""
    if [each.size for each in these] != [each.size for each in those]:
        return float("inf")
    pairs = zip(these, those, strict=True)
    steps = [np.abs(_numbers(one) - _numbers(other)).max(initial=0.0) for one, other in pairs]
    largest = float(np.max(steps, initial=0.0))
    return largest if np.isfinite(largest) else float("inf")


def beside(these: Sequence[Tensor], those: Sequence[Tensor], given: Sequence[Tensor]) -> float:
    """How far an answer lies outside of what two sets of kernels say; infinite as with `apart`.

    Numbers further apart than rounding explains, such as those of two classes, count as the first set has them.
    """
    if apart(these, those) == float("inf") or apart(these, given) == float("inf"):
        return float("inf")
    furthest = 0.0
    for first, second, answer in zip(these, those, given, strict=True):
        one, other, number = _numbers(first), _numbers(second), _numbers(answer)
        explained = np.abs(one - other) <= (_ROUNDING_STEPS if is_in_steps(first) else _ROUNDING)
        low = np.where(explained, np.minimum(one, other), one)
        high = np.where(explained, np.maximum(one, other), one)
        furthest = max(furthest, float(np.abs(number - number.clip(low, high)).max(initial=0.0)))
    return furthest


def compare(
    original: Answers,
    answers: Answers,
    limit: float | None,
    top: Callable[[Sequence[Tensor]], int],
    reference: Callable[[int], tuple[Tensor, ...]],
) -> Difference:
    """How far `answers` are from the original's.

    The original's runtime has two sets of kernels, fast ones and reference ones, which round differently: what lies
    between their numbers is right. `reference` gives the latter's answer to one picture, and is asked only for those
    beyond the limit.
    """
    if len(original) != len(answers):
        return Difference(float("inf"), float("inf"), 0.0, 0, float("inf"))
    largest, same, by_reference, furthest = [], 0, 0, 0.0
    for place, (wanted, given) in enumerate(zip(original, answers, strict=True)):
        distance = apart(wanted, given)
        furthest = max(furthest, distance)
        if limit is not None and distance > limit:
            nearer = beside(wanted, reference(place), given)
            by_reference += nearer < distance
            distance = min(distance, nearer)
        largest.append(distance)
        same += top(wanted) == top(given)
    return Difference(max(largest), float(np.mean(largest)), same / len(largest), by_reference, furthest)


def table(rows: Sequence[TargetRow]) -> str:
    """The rows for people."""
    lines = [f"{'target':22}{'bytes':>11}{'ms':>9}{'pictures':>10}{'largest':>11}{'mean':>11}  {'of':6}{'same top':>9}"]
    for row in rows:
        if row.fault or row.absent or row.difference is None:
            lines.append(f"{row.target:22}{'not here: ' + row.absent if row.absent else 'FAILS: ' + row.fault}")
            continue
        found = row.difference
        verdict = "" if row.is_good else f"FAILS: more than {row.limit:g}"
        if row.limit is None:
            verdict = "not judged: real numbers where the original rounds to 8 bits"
        if found.by_reference:
            count, furthest = found.by_reference, found.furthest
            verdict += f" ({count} by LiteRT's reference kernels; up to {furthest:.3g} from its fast ones)"
        verdict = "; ".join(filter(None, (verdict, row.said)))
        ms = "-" if row.ms is None else f"{row.ms:.2f}"
        lines.append(
            f"{row.target:22}{row.size:11,}{ms:>9}{row.pictures:10}{found.largest:11.3g}{found.mean:11.3g}"
            f"  {row.unit:6}{100 * found.same_top:7.1f} %  {verdict.strip()}".rstrip()
        )
    return "\n".join(lines)


def as_document(rows: Sequence[TargetRow], about: Mapping[str, object]) -> dict[str, object]:
    """The same for programs; a difference without end is null."""
    return {**about, "passed": all(row.is_good for row in rows), "targets": [_row(row) for row in rows]}


def _row(row: TargetRow) -> dict[str, object]:
    found = row.difference
    measured: dict[str, object] = {}
    if found is not None:
        measured = {
            "largest": found.largest if np.isfinite(found.largest) else None,
            "mean": found.mean if np.isfinite(found.mean) else None,
            "same_top": found.same_top,
            "judged_by_reference_kernels": found.by_reference,
            "largest_from_fast_kernels": found.furthest if np.isfinite(found.furthest) else None,
        }
    return {
        "target": row.target,
        "file": row.file,
        "bytes": row.size,
        "ms": row.ms,
        "pictures": row.pictures,
        "unit": row.unit,
        "limit": row.limit,
        **measured,
        "passed": row.is_good,
        "fault": row.fault,
        "absent": row.absent,
        **(row.notes or {}),
    }


def _numbers(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.reshape(-1).astype(np.float64)
