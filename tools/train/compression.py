"""`smartcam train compress`: the table of what compressing the trained network brings, and costs."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.command_line import ROOT
from training.classifier.compressing import Compressed, Measured, compared

_TFLITE: Final = ROOT / ".venv-tflite/bin/python"
_LONGEST_S: Final = 300
_UNMEASURED: Final = "tflite-runtime"


def measured(found: Sequence[Compressed]) -> list[Measured]:
    """The variants with their times on each runtime that is here."""
    with tempfile.TemporaryDirectory(prefix="smartcam-compress-") as folder:
        files = []
        for number, each in enumerate(found):
            files.append(Path(folder) / f"{number}.tflite")
            files[-1].write_bytes(each.model)
        here = _times(Path(sys.executable), files)
        there = _times(_TFLITE, files) if _TFLITE.exists() else {}
    places = {each.name: file.name for each, file in zip(found, files, strict=True)}

    def ms(name: str) -> Mapping[str, float | None]:
        return {"LiteRT": here.get(places[name]), **({_UNMEASURED: there.get(places[name])} if there else {})}

    return compared(found, ms)


def table(rows: Sequence[Measured]) -> str:
    """The rows for people; a star marks the Pareto front."""
    runtimes = [*rows[0].ms]
    head = f"{'':24}{'bytes':>12}{'zipped':>12}" + "".join(f"{name + ' ms':>19}" for name in runtimes)
    lines = [f"{head}{'AUC':>9}{'told apart':>12}  beats its twin in"]
    for row in rows:
        one = row.variant
        ms = "".join(f"{'-' if row.ms[name] is None else f'{row.ms[name]:.3f}':>19}" for name in runtimes)
        gains = ", ".join(row.gains) or ("" if one.name in {rows[0].variant.name, "small, int8"} else "nothing")
        lines.append(
            f"{'*' if row.is_on_front else ' '} {one.name:22}{len(one.model):12,}{one.zipped:12,}{ms}"
            f"{one.auc:9.4f}{one.told_apart:12.3f}  {gains}"
        )
    lines.append("* on the Pareto front: no other is as small (zipped), as fast (LiteRT) and tells as much apart")
    if _UNMEASURED not in runtimes:
        lines.append("tflite-runtime is not here (`make setup-tflite`, Python 3.11): its times were not measured")
    return "\n".join(lines)


def as_document(rows: Sequence[Measured]) -> list[dict[str, object]]:
    """The same for programs."""
    return [
        {
            "name": row.variant.name,
            "bytes": len(row.variant.model),
            "zipped": row.variant.zipped,
            "ms": dict(row.ms),
            "auc": row.variant.auc,
            "told_apart": row.variant.told_apart,
            "on_front": row.is_on_front,
            "gains": list(row.gains),
        }
        for row in rows
    ]


def _times(python: Path, files: Sequence[Path]) -> dict[str, float | None]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "components")))
    command = [str(python), "-m", "tools.train.timing", *map(str, files)]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=True,
        )
        return dict(json.loads(done.stdout)["ms"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return {}
