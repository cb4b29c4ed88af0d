"""TensorFlow Lite Micro, for microcontrollers: the model as a C array, run by its interpreter on this machine."""

import json
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from measure.export import c_array
from measure.export.judging import judged
from measure.export.original import ExportedModel
from measure.export.parity import TargetRow
from tools.child import AbsentHereError, ExportFault, run_there
from tools.command_line import Say
from tools.setup import setup_tflm

_WHAT: Final = "TensorFlow Lite Micro"
_MACHINES: Final = frozenset({"x86_64", "AMD64"})


def export_micro(exported: ExportedModel, folder: Path, say: Say) -> Iterator[TargetRow]:
    """Writes model.cc and model.h.

    Raises:
        AbsentHereError: its interpreter has no package for this machine.
        ExportFault: the model is none of 8 bits, or the interpreter lacks an operator.
        ToolsError: it cannot be set up.
    """
    if platform.machine() not in _MACHINES:
        raise AbsentHereError(f"tflite-micro has no package for {platform.machine()}, only for x86-64")
    if not exported.given.scale:
        raise ExportFault("takes real numbers; a microcontroller's model is one of 8 bits: export an int8 bundle")
    folder.mkdir()
    array = folder / "model.cc"
    array.write_text(c_array.source(exported.model), encoding="ascii")
    model, inputs, answers = (folder / name for name in ("run.tflite", "run.npy", "run.npz"))
    model.write_bytes(c_array.bytes_of(array.read_text(encoding="ascii")))  # the very array
    np.save(inputs, np.stack([*exported.inputs]))
    python = setup_tflm(say=say)
    files = [str(each) for each in (model, inputs, answers)]
    found = json.loads(run_there(python, "measure.export.running_micro", files, _WHAT).splitlines()[-1])
    with np.load(answers) as read:
        given = [read[name] for name in read.files]
    for each in (model, inputs, answers):
        each.unlink()
    header = c_array.header(found["arena"], found["operators"])
    (folder / "model.h").write_text(header, encoding="ascii")
    notes = {"arena_bytes": found["arena"], "operators": found["operators"]}
    ran = [tuple(output[place] for output in given) for place in range(len(exported.inputs))]
    row = judged(exported, "tflm", array, (ran, found["ms"]), notes)
    yield replace(row, size=len(exported.model))  # what a board stores; the source is six times as long
