"""What has been injected so far, a file for each fault: a run that is stopped goes on where it was."""

import json
from collections.abc import Sequence
from pathlib import Path

from measure.faults.tally import Injection


def kept(folder: Path, fault: str) -> Sequence[Injection]:
    """The injections of a fault so far; what cannot be read is as if it had never been."""
    try:
        return [Injection.from_document(one) for one in json.loads((folder / f"{fault}.json").read_text())]
    except (OSError, ValueError, TypeError):
        return []


def keep(folder: Path, fault: str, injection: Injection) -> None:
    """Add one; a run that is killed here leaves the file before or the file after."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{fault}.json.new"
    fresh.write_text(json.dumps([one.document() for one in [*kept(folder, fault), injection]], indent=1))
    fresh.replace(folder / f"{fault}.json")
