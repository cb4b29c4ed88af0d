"""What a camera would have raised by other settings: the track journal's rows, replayed by the device's own reader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final

from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId
from smartcam.edge.rule_settings import RuleReader, effective_rules
from smartcam.edge.settings import Settings, time_zone
from smartcam.vision.journal import JournalRow, replay
from smartcam.vision.rule import Rule

_READ: Final = ("labels", "zones", "lines", "schedule", "rules")
_DAY_S: Final = 86_400
_ANYWHERE: Final[tzinfo] = UTC


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many events there would have been by today's settings, and by others, in how many days."""

    events_now: int
    events_then: int
    days: float


def rules_of(camera: CameraId, settings: Mapping[str, object], timezone: str = "UTC") -> tuple[Rule, ...]:
    """The rules in a camera's table of a deployment, read as smartcam.Inference reads them, whether or not it is armed.

    Raises:
        SettingsError: naming the first wrong key of these and what it may be; `also` has the others.
    """
    name = f"cameras.{camera}"
    table = Settings({key: settings[key] for key in _READ if key in settings}, name, noted={})
    place = table.attempt(lambda: time_zone(timezone, "timezone"), _ANYWHERE)
    reader = RuleReader(table, place)
    rules = effective_rules(reader.rules(), table.texts("labels", ()), reader.zones, reader.schedule(table))
    table.done()
    return rules


def replayed(
    camera: CameraId,
    rows: Iterable[JournalRow],
    now: Mapping[str, object],
    then: Mapping[str, object],
    timezone: str = "UTC",
) -> Replayed:
    """What the rules of a camera's table `now`, and those of another one, `then`, make of the journal's rows.

    Only the rules are tried: what a mask, another model or threshold would have hidden or shown is not known. Rows of
    other cameras are left out. Today's rules that cannot be read raise no events.

    Raises:
        SettingsError: the rules of `then` cannot be read.
    """
    rules = rules_of(camera, then, timezone)
    own = [row for row in rows if row.camera == camera]
    try:
        before = len(replay(own, rules_of(camera, now, timezone)))
    except SettingsError:
        before = 0
    seconds = [row.second for row in own]
    days = (max(seconds) - min(seconds)) / _DAY_S if seconds else 0.0
    return Replayed(before, len(replay(own, rules)), days)
