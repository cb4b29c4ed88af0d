"""A target's answers as a row of the table."""

from collections.abc import Mapping
from pathlib import Path

from measure.export.original import ExportedModel
from measure.export.parity import MOST_OF_REAL, MOST_STEPS, Answers, TargetRow, compare, is_in_steps


def judged(
    exported: ExportedModel,
    target: str,
    file: Path,
    ran: tuple[Answers, float | None],
    notes: Mapping[str, object] | None = None,
    *,
    is_other_arithmetic: bool = False,
) -> TargetRow:
    """The row of a target that answered. Raises ModelIntegrityError where its answers cannot be read."""
    original, _ = exported.ran
    steps = is_in_steps(original[0][0])
    limit = MOST_STEPS if steps else MOST_OF_REAL
    bound = None if is_other_arithmetic else limit
    answers, ms = ran
    found = compare(original, answers, bound, exported.top, exported.by_reference)
    unit = "steps" if steps else "1"
    return TargetRow(target, file.name, file.stat().st_size, ms, len(answers), unit, bound, found, notes=notes)
