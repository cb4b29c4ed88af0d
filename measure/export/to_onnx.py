"""ONNX, for ONNX Runtime: the numbers in 8 bits as the original has them, and as real numbers."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from measure.export.judging import judged
from measure.export.original import ExportedModel, in_steps, real_inputs, run_all
from measure.export.parity import TargetRow
from smartcam.model.interpreter import open_interpreter
from smartcam.model.runtimes.onnx_file import fields_of
from tools.child import run_there
from tools.command_line import Say
from tools.setup import setup_training

_WHAT: Final = "tf2onnx"
_IR_VERSION, _OPERATOR_SET, _SET_VERSION = 1, 8, 2


def export_onnx(exported: ExportedModel, folder: Path, say: Say) -> Iterator[TargetRow]:
    """Writes model.onnx and, of a model in 8 bits, model_float.onnx.

    Raises:
        ExportFault: it cannot be converted.
        ModelIntegrityError: ONNX Runtime refuses what came out.
        ToolsError: TensorFlow cannot be set up.
    """
    folder.mkdir()
    whole, real = folder / "model.onnx", folder / "model_float.onnx"
    is_real = not exported.given.scale
    if exported.own_onnx is not None:
        whole.write_bytes(exported.own_onnx)  # what training made of its own numbers
    else:
        _convert(exported.model, [whole] if is_real else [whole, real], say)
    yield _row(exported, whole, "onnx float" if is_real else "onnx int8")
    if not is_real:
        yield _row(exported, real, "onnx float", is_other_arithmetic=True)


def _convert(model: bytes, files: Sequence[Path], say: Say) -> None:
    source = files[0].with_name("source.tflite")
    source.write_bytes(model)
    python = setup_training(say=say)
    # By names alone: the converter writes them into the file, and a path is nobody's business.
    names = [each.name for each in (source, *files)]
    run_there(python, "measure.export.making_onnx", names, _WHAT, source.parent)
    source.unlink()


def _row(exported: ExportedModel, file: Path, target: str, *, is_other_arithmetic: bool = False) -> TargetRow:
    model = file.read_bytes()
    interpreter = open_interpreter(model)
    # tf2onnx leaves some inputs and outputs in 8 bits all the same.
    takes_real = is_other_arithmetic and interpreter.input.dtype == np.float32
    answers, ms = run_all(interpreter, real_inputs(exported) if takes_real else exported.inputs)
    if is_other_arithmetic:
        answers = in_steps(exported, answers)
    ran, notes = (answers, ms), versions(model)
    return judged(exported, target, file, ran, notes, is_other_arithmetic=is_other_arithmetic)


def versions(model: bytes) -> Mapping[str, int]:
    """The versions of the format and of the operators that an .onnx file asks for."""
    found: dict[str, int] = {}
    for number, value in fields_of(memoryview(model)):
        if number == _IR_VERSION and isinstance(value, int):
            found["ir_version"] = value
        elif number == _OPERATOR_SET and isinstance(value, memoryview):
            fields = dict(fields_of(value))
            version, domain = fields.get(_SET_VERSION), bytes(fields.get(1, b""))
            if not domain and isinstance(version, int):
                found["opset"] = version
    return found
