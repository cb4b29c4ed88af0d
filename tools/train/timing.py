"""`python -m tools.train.timing FILE...`: milliseconds of models on this environment's runtime, as JSON.

It imports nothing of training, so that it runs wherever a device's packages are.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.interpreter import RUNTIME, Interpreter, open_interpreter

_ROUNDS: Final = 5
_RUNS: Final = 40


def times(files: Sequence[Path]) -> dict[str, float | None]:
    """CPU milliseconds of one run, one thread, by file name; None where it does not run.

    The best of interleaved rounds: whatever else the machine does, it does to all of them.
    """
    opened: dict[str, Interpreter] = {}
    for path in files:
        try:
            model = open_interpreter(path.read_bytes())
            model.invoke(np.zeros(model.input.shape, model.input.dtype))
            opened[path.name] = model
        except ModelIntegrityError:
            continue
    best: dict[str, float] = {}
    for _ in range(_ROUNDS):
        for name, model in opened.items():
            picture = np.full(model.input.shape, 100, model.input.dtype)
            begun = time.process_time()
            for _ in range(_RUNS):
                model.invoke(picture)
            ms = (time.process_time() - begun) * 1000 / _RUNS
            best[name] = min(best.get(name, ms), ms)
    return {path.name: best.get(path.name) for path in files}


if __name__ == "__main__":
    print(json.dumps({"runtime": RUNTIME, "ms": times([Path(name) for name in sys.argv[1:]])}))
