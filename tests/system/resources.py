"""What a process holds, read from /proc."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one process at one moment."""

    rss_mib: float
    handles: int
    threads: int


def usage(pid: int) -> Usage:
    """Raises OSError when the process is gone."""
    folder = Path(f"/proc/{pid}")
    facts = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
    return Usage(
        rss_mib=int(facts["VmRSS"].split()[0]) / 1024,
        handles=len(list((folder / "fd").iterdir())),
        threads=int(facts["Threads"]),
    )


def shared_bytes(pid: int) -> int:
    """The shared memory that a process has made: it lies in memory files, whose names in /dev/shm only lead to them."""
    found = {}
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            if str(handle.readlink()).startswith("/memfd:"):
                state = handle.stat()
                found[state.st_ino] = state.st_blocks * 512
    return sum(found.values())


def growth(values: list[float]) -> float:
    """From the second fifth of a run to its last: the median of one against the other's."""
    fifth = max(len(values) // 5, 1)
    return median(values[-fifth:]) - median(values[fifth : 2 * fifth])
