"""`smartcam-inference --self-test`: tries this code with the device's model and with the events on its disk."""

import contextlib
import sqlite3
import tempfile
from pathlib import Path

from smartcam.contract.errors import ModelIntegrityError
from smartcam.edge.clock import SystemClock
from smartcam.edge.outbox.outbox import Outbox
from smartcam.inference.bundles import open_model
from smartcam.model.interpreter import runtime_of


def try_the_model(bundles: list[Path]) -> str:
    """Open the first of these bundles that can be opened; opening compares its golden picture's answer.

    A bad bundle is not the code's fault as long as its replacement can be opened.

    Raises:
        ModelIntegrityError: there are bundles, but this code can open none of them.
    """
    faults: list[str] = []
    for bundle in bundles:
        if not bundle.exists():
            continue
        try:
            manifest = open_model(bundle).manifest
        except ModelIntegrityError as error:
            faults.append(str(error))
            continue
        said = f"{manifest.name} {manifest.version} gives its golden answer on {runtime_of(manifest.model_file)}"
        return f"{said}; refused: {'; '.join(faults)}" if faults else said
    if faults:
        raise ModelIntegrityError("; ".join(faults))
    return "no bundle yet"


def try_the_outbox(file: Path) -> str:
    """Read a copy of the waiting events, which the previous version has written.

    Raises:
        OutboxError, sqlite3.Error: this code cannot read them.
    """
    if not file.is_file():
        return "no outbox yet"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / file.name
        source, target = sqlite3.connect(f"file:{file}?mode=ro", uri=True), sqlite3.connect(copy)
        with contextlib.closing(source), contextlib.closing(target):
            source.backup(target)
        outbox = Outbox(copy, SystemClock())
        try:
            return f"{outbox.counts().waiting} events wait, {len(outbox.open_episodes())} go on"
        finally:
            outbox.close()
