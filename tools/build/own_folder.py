"""Folders that a command fills anew each time: only what an earlier run has left there is deleted."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path


def empty_own(folder: Path, is_own: Callable[[str], bool]) -> None:
    """Delete what an earlier run has written; `is_own` knows the names that a run writes into the folder.

    Raises:
        FileExistsError: something else lies there, of which nothing is deleted then; or it is no folder.
    """
    check_own(folder, is_own)
    shutil.rmtree(folder, ignore_errors=True)


def check_own(folder: Path, is_own: Callable[[str], bool]) -> None:
    """Raises FileExistsError as `empty_own` does, which may be called minutes later."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise FileExistsError(f"{folder}: is no folder; name another one")
    others = sorted(entry.name for entry in folder.iterdir() if not is_own(entry.name))
    if others:
        reason = f"holds {others[0]!r}, which is not ours and would be deleted"
        raise FileExistsError(f"{folder}: {reason}; name a new or an empty folder")
