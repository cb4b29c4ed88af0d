"""`python -m measure.export.running_micro MODEL INPUTS.npy ANSWERS.npz`: where TensorFlow Lite Micro's interpreter is.

Prints the milliseconds of one run, the bytes of arena that it needs, and its operators, as JSON.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

_ALL: Final = 1 << 26
_STEP: Final = 16
"""The arena's alignment."""


def main(arguments: Sequence[str]) -> int:
    """Runs all inputs; an error of the interpreter ends the process, with its reason on standard error."""
    model, inputs = Path(arguments[0]).read_bytes(), np.load(arguments[1], allow_pickle=False)
    interpreter = _opened(model, _ALL)
    outputs = len(_described(model).subgraphs[0].outputs)
    answers: list[list[Any]] = [[] for _ in range(outputs)]
    begun = time.process_time()
    for each in inputs:
        interpreter.set_input(each, 0)
        interpreter.invoke()
        for place, kept in enumerate(answers):
            kept.append(np.array(interpreter.get_output(place)))
    ms = (time.process_time() - begun) * 1000 / len(inputs)
    np.savez(arguments[2], *[np.stack(kept) for kept in answers])
    found = {"ms": ms, "arena": least_arena(model, inputs[0]), "operators": operators_of(model)}
    print(json.dumps(found))
    return 0


def least_arena(model: bytes, shown: Any) -> int:  # noqa: ANN401 - an array
    """The smallest arena, in bytes, with which the model is opened and run."""
    too_small, enough = 0, _ALL // _STEP
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        if _fits(model, middle * _STEP, shown):
            enough = middle
        else:
            too_small = middle
    return enough * _STEP


def operators_of(model: bytes) -> list[str]:
    """The names of the operators that are used, each once, in their order."""
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema  # noqa: PLC0415

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    found = []
    for code in _described(model).operatorCodes:
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        custom = code.customCode
        found.append(custom.decode() if custom else names[number])
    return list(dict.fromkeys(found))


def _described(model: bytes) -> Any:  # noqa: ANN401 - it publishes no types
    from tflite_micro.python.tflite_micro import runtime  # noqa: PLC0415 - only its environment has it

    return runtime.convert_bytearray_to_object(model)


def _opened(model: bytes, arena: int) -> Any:  # noqa: ANN401
    from tflite_micro.python.tflite_micro import runtime  # noqa: PLC0415

    return runtime.Interpreter.from_bytes(model, arena_size=arena)


def _fits(model: bytes, arena: int, shown: Any) -> bool:  # noqa: ANN401
    try:
        interpreter = _opened(model, arena)
        interpreter.set_input(shown, 0)
        interpreter.invoke()
    except RuntimeError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
