"""The model and its manifest as a bundle, which replaces the previous one."""

import os
import tempfile
from collections.abc import Callable
from errno import EEXIST
from pathlib import Path
from typing import Final, TypeVar

from smartcam.model.bundle import SIGNATURE_FILE
from smartcam.model.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    ONNX_FILE,
    ModelManifest,
)
from smartcam.model.packing import GOLDEN_INPUT, GOLDEN_OUTPUT, Draft, write_bundle
from smartcam.model.rows.manifest import COLUMNS_FILE
from smartcam.model.rows.packing import GOLDEN_ROWS

Made = TypeVar("Made")
_FILES: Final = frozenset(
    {MANIFEST_FILE, MODEL_FILE, ONNX_FILE, SIGNATURE_FILE, GOLDEN_INPUT, GOLDEN_OUTPUT, COLUMNS_FILE, GOLDEN_ROWS}
)

KERAS_SOURCE: Final = ".keras"
TORCH_SOURCE: Final = ".pt2"
"""What a model was converted from, beside its bundle: the folder's name with this at its end."""


def source_beside(folder: Path, suffix: str) -> Path:
    """Where the source of a bundle's model lies: beside the folder, for a release takes all that is in it."""
    whole = folder.resolve()
    return whole.with_name(whole.name + suffix)


def keep_source(folder: Path, suffix: str, write: Callable[[Path], object]) -> Path:
    """Has the source of a bundle's model written beside it, whole or not at all; one of another kind goes.

    Raises OSError where it cannot be written.
    """
    kept = source_beside(folder, suffix)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=kept.parent) as scratch:
        new = Path(scratch) / f"new{suffix}"
        write(new)
        new.replace(kept)
    for other in {KERAS_SOURCE, TORCH_SOURCE} - {suffix}:
        source_beside(folder, other).unlink(missing_ok=True)
    return kept


def check_replaceable(folder: Path) -> None:
    """Raises FileExistsError where something is that is no bundle, or holds other files too: it would be lost."""
    if not os.path.lexists(folder):
        return
    others = (
        sorted(path.name for path in folder.iterdir() if path.name not in _FILES) if folder.is_dir() else ["a file"]
    )
    if others:
        raise FileExistsError(EEXIST, f"is there, and is no bundle (holds {', '.join(others[:3])})", str(folder))


def bundle(exported: bytes, draft: Draft, folder: Path) -> ModelManifest:
    """Writes the bundle to `folder`; see `replaced`.

    Raises:
        OSError: it cannot be written, or would replace what is no bundle; what was in `folder` is there still.
        ModelIntegrityError: the model does not fit the draft.
    """
    return replaced(folder, lambda made: write_bundle(made, exported, draft))


def replaced(folder: Path, write: Callable[[Path], Made]) -> Made:
    """What `write` gives for a bundle that it writes; an existing one is replaced only by a complete one, never lost.

    Raises OSError where it cannot be written, or would replace what is no bundle, and what `write` raises.
    """
    check_replaceable(folder)
    return put(folder, write)


def put(folder: Path, write: Callable[[Path], Made]) -> Made:
    """Has a folder written beside its place, and puts it there when it is complete; what was there is replaced.

    Raises:
        OSError: it cannot be written; what was in `folder` is there still.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        made = write(new)
        if os.path.lexists(folder):
            folder.rename(old)
        try:
            new.rename(folder)
        except BaseException:
            if os.path.lexists(old):
                old.rename(folder)
            raise
    return made
