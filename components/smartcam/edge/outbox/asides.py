"""What was moved aside, beside the outbox's file: it goes only when all that can be read of it is stored elsewhere."""

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

KEPT_UNREADABLE: Final = 5
KEPT_UNREADABLE_BYTES: Final = 64 * 2**20
WAL: Final = "-wal"
_COMPANIONS: Final = ("", WAL, "-shm", "-journal")


def inodes(path: Path) -> tuple[object, object]:
    """What lies at the path, and its write-ahead log: another answer later means that somebody replaced them."""
    return _inode(path), _inode(path.with_name(path.name + WAL))


def move_aside(path: Path) -> Path:
    """Renames whatever lies there, with its companions, to the next free `.corrupt-<n>`.

    Raises:
        OSError: when the folder refuses.
    """
    return _rename(path, path, "corrupt")


def give_way(path: Path, own: tuple[object, object]) -> tuple[Path, ...]:
    """Moves aside what others put in the place of the file or its log, and removes the log that is `own`.

    The caller has read the content of its own. Raises OSError when the folder refuses.
    """
    log = path.with_name(path.name + WAL)
    main, journal = inodes(path)
    if journal is not None and journal == own[1]:
        log.unlink()
        journal = None
    if main is not None and main == own[0]:
        return () if journal is None else (_rename(path, path, "corrupt", (WAL,)),)
    return () if main is None and journal is None else (move_aside(path),)


def asides_of(path: Path) -> list[Path]:
    """What was moved aside and not taken in yet, the oldest first: files of this outbox, and no links or folders.

    The second file that was used while the first was a newer release's is one of them.
    """
    pattern = re.compile(re.escape(path.name) + r"((?:\.v\d+)?\.corrupt-(\d+)|\.v\d+)(-wal)?")
    matches = [match for other in path.parent.glob(f"{path.name}.*") if (match := pattern.fullmatch(other.name))]
    found = {path.with_name(path.name + match[1]): int(match[2] or 0) for match in matches}
    ours = (one for one in found if not os.path.lexists(one) or stat.S_ISREG(one.lstat().st_mode))
    return sorted(ours, key=lambda one: (found[one], one.name))


def put_away(aside: Path, path: Path, unreadable: int) -> None:
    """All of a file that can be read is stored elsewhere. What cannot be read is kept, within bounds.

    Raises:
        OSError: when the folder refuses.
    """
    if not unreadable:
        _remove(aside)
        return
    _rename(aside, path, "unreadable")
    size = 0
    for place, number in enumerate(reversed(_numbers(path, "unreadable"))):
        kept = path.with_name(f"{path.name}.unreadable-{number}")
        size += sum(file.lstat().st_size for file in _with_companions(kept))
        if place and (place >= KEPT_UNREADABLE or size > KEPT_UNREADABLE_BYTES):
            _remove(kept)


def _inode(path: Path) -> object:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _with_companions(path: Path, ends: Sequence[str] = _COMPANIONS) -> list[Path]:
    return [one for end in ends if os.path.lexists(one := path.with_name(path.name + end))]


def _numbers(path: Path, word: str) -> list[int]:
    pattern = re.compile(re.escape(f"{path.name}.{word}-") + r"(\d+)(-wal|-shm|-journal)?")
    matches = (pattern.fullmatch(other.name) for other in path.parent.glob(f"{path.name}.{word}-*"))
    return sorted({int(match[1]) for match in matches if match})


def _rename(there: Path, path: Path, word: str, ends: Sequence[str] = _COMPANIONS) -> Path:
    numbers = _numbers(path, word)
    target = path.with_name(f"{path.name}.{word}-{numbers[-1] + 1 if numbers else 1}")
    # The log first: a file that is left without its log would be taken for a whole one.
    for one in reversed(_with_companions(there, ends)):
        one.rename(target.with_name(target.name + one.name.removeprefix(there.name)))
    return target


def _remove(path: Path) -> None:
    for one in _with_companions(path):
        if not one.is_dir() or one.is_symlink():
            one.unlink(missing_ok=True)
