"""When a component's watchdog last had it replaced: noted in its work folder, for whoever asks how the device is."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields, parse_object
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.edge.memory_file import MemoryFile

FILE: Final = "replaced"
_RECENT_NS: Final = 7 * 86_400 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Replacement:
    """The last one: at `at_ns` (UTC) a loop had stood still for so many seconds; it was the one of so many `times`."""

    at_ns: UtcNs
    loop: str
    still_s: int
    times: int


def last_replacement(folder: Path) -> Replacement | None:
    """Of the component with this work folder; None where there was none, or its note is lost."""
    with suppress(ContractError):
        fields = Fields(parse_object(MemoryFile(folder / FILE).load(), FILE))
        return Replacement(
            UtcNs(fields.integer("at_ns")), fields.text("loop"), fields.integer("still_s"), fields.integer("times")
        )
    return None


def recent_replacements(work: Path, now: UtcNs) -> dict[str, Replacement]:
    """Those of the last week, by the component: of all that have their work folders in this one."""
    found = {folder.name: last_replacement(folder) for folder in sorted(work.glob("smartcam.*"))}
    return {name: one for name, one in found.items() if one is not None and now - one.at_ns < _RECENT_NS}


def note_replacement(folder: Path, at: UtcNs, loop: str, still_s: int) -> None:
    """Now it is to be replaced. Raises OSError."""
    last = last_replacement(folder)
    noted = Replacement(at, loop, still_s, 1 if last is None else last.times + 1)
    MemoryFile(folder / FILE).store(json.dumps(asdict(noted)).encode(), durable=True)
