"""ExecuTorch, PyTorch's runtime for devices: a .pte, run by its own runtime on this machine."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from measure.export.judging import judged
from measure.export.original import ExportedModel, in_steps, real_inputs, source_of
from measure.export.parity import TargetRow
from tools.child import run_there
from tools.command_line import Say
from tools.setup import setup_torch
from training.bundle import TORCH_SOURCE

MADE_FROM: Final = (TORCH_SOURCE,)
_WHAT: Final = "ExecuTorch"


def export_executorch(exported: ExportedModel, folder: Path, say: Say) -> Iterator[TargetRow]:
    """Writes model.pte, for XNNPACK where it can.

    Raises:
        ExportFault: the bundle has no program of PyTorch beside it, or it cannot be converted.
        ToolsError: ExecuTorch cannot be set up.
    """
    source = source_of(exported, MADE_FROM)
    python = setup_torch(say=say)
    folder.mkdir()
    made, shown, answered = (folder / name for name in ("model.pte", "run.npy", "run.npz"))
    np.save(shown, np.stack(real_inputs(exported)))
    files = [str(each) for each in (source, made, shown, answered)]
    found = json.loads(run_there(python, "measure.export.making_executorch", files, _WHAT).splitlines()[-1])
    with np.load(answered, allow_pickle=False) as read:
        given = [read[name] for name in read.files]
    for each in (shown, answered):
        each.unlink()
    answers = [tuple(output[place] for output in given) for place in range(len(exported.inputs))]
    rounds = bool(exported.given.scale)
    ran = (in_steps(exported, answers) if rounds else answers, found["ms"])
    yield judged(exported, "executorch", made, ran, {"version": found["version"]}, is_other_arithmetic=rounds)
