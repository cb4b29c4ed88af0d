"""The model runtimes on the same bundles, with one thread and two; each environment in a process of its own.

`python -m measure.bench.runtimes BUNDLE ...` measures the runtime of the environment that runs it, as JSON.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from smartcam.model.interpreter import open_interpreter, runtime_of
from smartcam.model.manifest import MANIFEST_FILE, ONNX_FILE, ModelManifest
from standins.programs import output_of
from tools.command_line import ROOT

ENVIRONMENTS: Final = (ROOT / ".venv", ROOT / ".venv-tflite")
THREADS: Final = (1, 2)
_ROUNDS: Final = 3
_ROUND_S: Final = 0.4
_LEAST: Final = 3
_LIMIT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class RuntimeFigure:
    """Milliseconds per call of a model: the shortest on the clock, and the mean CPU time of all threads."""

    model: str
    runtime: str
    threads: int
    wall_ms: float
    cpu_ms: float


def measure_runtimes(bundles: Sequence[Path]) -> list[RuntimeFigure]:
    """The runtimes of the environments that are there, in turn; the best round of each counts.

    Raises:
        ToolsError: a measurement failed; the message is its last line.
    """
    pythons = [folder / "bin" / "python" for folder in ENVIRONMENTS if (folder / "bin" / "python").is_file()]
    best: dict[tuple[str, str, int], RuntimeFigure] = {}
    for _ in range(_ROUNDS):
        for python in pythons:
            for figure in _in_environment(python, bundles):
                key = figure.model, figure.runtime, figure.threads
                if key not in best or figure.wall_ms < best[key].wall_ms:
                    best[key] = figure
    return sorted(best.values(), key=lambda figure: (figure.model, figure.runtime, figure.threads))


def _in_environment(python: Path, bundles: Sequence[Path]) -> list[RuntimeFigure]:
    command = [str(python), "-m", "measure.bench.runtimes", *map(str, bundles)]
    return [RuntimeFigure(**row) for row in json.loads(output_of(command, _LIMIT_S, folder=ROOT))]


def figures_here(bundles: Sequence[Path]) -> list[RuntimeFigure]:
    """The figures of this environment's runtimes; bundles for ONNX Runtime are left out where it is not installed."""
    manifests = {bundle: ModelManifest.from_json((bundle / MANIFEST_FILE).read_bytes()) for bundle in bundles}
    has_onnx = find_spec("onnxruntime") is not None
    return [
        _figure(bundle, manifest, threads)
        for bundle, manifest in manifests.items()
        if has_onnx or manifest.model_file != ONNX_FILE
        for threads in THREADS
    ]


def _figure(bundle: Path, manifest: ModelManifest, threads: int) -> RuntimeFigure:
    size = manifest.input.width, manifest.input.height
    interpreter = open_interpreter((bundle / manifest.model_file).read_bytes(), threads, size)
    tensor = np.zeros(interpreter.input.shape, interpreter.input.dtype)
    interpreter.invoke(tensor)
    walls: list[float] = []
    cpu_begun, end = time.process_time(), time.perf_counter() + _ROUND_S
    while time.perf_counter() < end or len(walls) < _LEAST:
        begun = time.perf_counter()
        interpreter.invoke(tensor)
        walls.append(time.perf_counter() - begun)
    cpu_ms = (time.process_time() - cpu_begun) / len(walls) * 1000
    return RuntimeFigure(manifest.name, runtime_of(manifest.model_file), threads, min(walls) * 1000, cpu_ms)


if __name__ == "__main__":
    print(json.dumps([asdict(figure) for figure in figures_here([Path(name) for name in sys.argv[1:]])]))
