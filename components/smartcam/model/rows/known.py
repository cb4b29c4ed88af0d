"""What is known of an event when it is raised, as a row: for the history that people judge, training, and devices."""

import math
from typing import Final

from smartcam.contract.event import Event
from smartcam.contract.times import format_utc
from smartcam.model.rows.columns import Row

WORDS: Final = ("thing", "camera", "kind", "severity", "label", "rule", "zone", "cause")
_SIDES: Final = ("x1", "y1", "x2", "y2")
_NUMBERS: Final = ("score", "threshold", "suppressed")
_HOUR: Final = ("hour_sin", "hour_cos")
_PLACE: Final = ("x", "bottom", "width", "height")
FEATURES: Final = frozenset((*WORDS, *_HOUR, *_NUMBERS, *_PLACE))
"""All that a filter may look at."""
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula; a device says what its labels are, and need not be honest."""


def event_row(event: Event) -> dict[str, str]:
    """A raised event by column, as the history has it; what is unknown is empty."""
    box = event.box
    sides = ("",) * len(_SIDES) if box is None else tuple(f"{side:.4f}" for side in (box.x1, box.y1, box.x2, box.y2))
    return {
        "thing": event.thing,
        "camera": event.camera_id,
        "kind": str(event.kind),
        "severity": str(event.severity),
        "label": _safe(event.label),
        "rule": _safe(event.rule),
        "zone": _safe(event.zone),
        "cause": _safe(event.cause),
        "started_at": format_utc(event.started_at),
        "score": f"{event.score:.4f}",
        "threshold": f"{event.threshold:.4f}",
        **dict(zip(_SIDES, sides, strict=True)),
        "suppressed": str(event.suppressed),
    }


def features(row: Row) -> dict[str, str]:
    """What a filter looks at in a row of `event_row`: words, the hour of UTC on a circle, numbers, and the place."""
    known = {name: row.get(name, "") for name in WORDS}
    hour = _hour(row.get("started_at", ""))
    if hour is not None:
        turn = hour / 24 * math.tau
        known |= dict(zip(_HOUR, (f"{math.sin(turn):.4f}", f"{math.cos(turn):.4f}"), strict=True))
    known |= {name: row.get(name, "") for name in _NUMBERS}
    try:
        x1, y1, x2, y2 = (float(row.get(side, "")) for side in _SIDES)
    except ValueError:
        return known
    place = (x1 + x2) / 2, y2, x2 - x1, y2 - y1
    return known | {name: f"{value:.4f}" for name, value in zip(_PLACE, place, strict=True)}


def _safe(text: str | None) -> str:
    """A text that no spreadsheet runs."""
    text = text or ""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _hour(started_at: str) -> float | None:
    try:
        return int(started_at[11:13]) + int(started_at[14:16]) / 60
    except ValueError:
        return None
