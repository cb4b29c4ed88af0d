"""What inference reports when it ends: its counters in the log, and what its outbox still holds."""

import re
from dataclasses import dataclass
from pathlib import Path

from smartcam.edge.clock import SystemClock
from smartcam.edge.outbox.outbox import Outbox

_HEALTH = re.compile(r" inference_health .*")
_FACT = re.compile(r"(\w+)=(\d+)(?=\s|$)")


@dataclass(frozen=True, slots=True)
class InferenceCounts:
    """Frames that the model saw, notices that were too old, and events that could not be stored."""

    analysed: int = 0
    dropped: int = 0
    unstored: int = 0


def last_counts(log: Path) -> InferenceCounts:
    """The counters of the last health line; zeros when there is none."""
    lines = _HEALTH.findall(log.read_text(errors="replace")) if log.is_file() else []
    facts = {name: int(value) for name, value in _FACT.findall(lines[-1])} if lines else {}
    return InferenceCounts(facts.get("analysed", 0), facts.get("dropped", 0), facts.get("unstored", 0))


def left_in_outbox(path: Path) -> int:
    """Rows that the cloud has not acknowledged. Raises OutboxError for a file that cannot be read."""
    if not path.is_file():
        return 0
    outbox = Outbox(path, SystemClock())
    try:
        return outbox.counts().waiting
    finally:
        outbox.close()
