"""What each target has had: a run that is broken off goes on with those that have had least."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

SPENT: Final = "spent::"
"""Before the seconds of a processor that a fuzzing process has spent, in what it says."""
_TRIES: Final = "stat::number_of_executed_units:"


@dataclass(frozen=True, slots=True)
class Had:
    """Of a target, since it was last found faulty or a run began anew: seconds of a processor, and inputs tried."""

    cpu_s: float = 0.0
    tries: int = 0

    @classmethod
    def of_words(cls, words: str) -> "Had":
        """What a fuzzing process says at its end."""
        return cls(_last(words, SPENT), int(_last(words, _TRIES)))

    def and_then(self, other: "Had") -> "Had":
        """Both together."""
        return Had(round(self.cpu_s + other.cpu_s, 1), self.tries + other.tries)


def read_had(folder: Path, name: str) -> Had:
    """What a target has had; what cannot be read is as if it had never been."""
    try:
        document = json.loads(_file(folder, name).read_text())
        return Had(float(document["cpu_s"]), int(document["tries"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Had()


def keep_had(folder: Path, name: str, had: Had) -> None:
    """A run that is killed here leaves what was kept before or this."""
    path = _file(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(had)))
    fresh.replace(path)


def still_to_have(folder: Path, names: Sequence[str], seconds: int) -> Mapping[str, float]:
    """How many seconds each still is to have, those first that have had least; where nothing is left, all anew."""
    had = {name: read_had(folder, name).cpu_s for name in names}
    if all(spent >= seconds for spent in had.values()):
        for name in names:
            keep_had(folder, name, Had())
        had = dict.fromkeys(names, 0.0)
    least_first = sorted((name for name in names if had[name] < seconds), key=lambda name: had[name])
    return {name: seconds - had[name] for name in least_first}


def _file(folder: Path, name: str) -> Path:
    return folder / "had" / f"{name}.json"


def _last(words: str, begins: str) -> float:
    """The number behind these words, 0 where they are not said."""
    said = [line.removeprefix(begins) for line in words.splitlines() if line.startswith(begins)]
    try:
        return float(said[-1]) if said else 0.0
    except ValueError:
        return 0.0
