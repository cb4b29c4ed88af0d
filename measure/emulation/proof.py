"""What is proven on an emulated device, and measured on the way."""

import json
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from measure.emulation.machine import EmulatedMachine
from tools.build.suite import Built
from tools.setup import ToolsError

FRAMES: Final = 36
"""This many frames of the demo clip show the yard before, while and after the intruder enters it."""
STEPS: Final = 2
MOST_INSTALLED_MB: Final = 350
_INSTALL_LIMIT_S: Final = 1800.0
_SCORE_LIMIT_S: Final = 300.0
_MEGABYTE: Final = 1_000_000

Scores = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Installed:
    """The suite on a device: where it lies, what runs its code, and what installing it took."""

    folder: Path
    python: Path
    seconds: float
    megabytes: float
    loaded_megabytes: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Scores here and there, by frame; `worst` is the largest difference in steps of the model's output."""

    here: Scores
    there: Scores
    worst: float

    @property
    def is_same(self) -> bool:
        """Whether the same frames were announced, and every score is within two steps."""
        return self.here.keys() == self.there.keys() and self.worst <= STEPS


def install(machine: EmulatedMachine, built: Built, folder: Path) -> Installed:
    """Install the build as the nucleus does: the artifacts of this architecture, then the recipes' scripts.

    Raises:
        ToolsError: with the script's last line.
    """
    shutil.rmtree(folder, ignore_errors=True)
    artifacts = folder / "artifacts"
    shutil.copytree(built.artifacts, artifacts, ignore=shutil.ignore_patterns("smartcam-packages-x86_64.zip"))
    runtime, model = (folder / "work" / f"smartcam.{name}" for name in ("Runtime", "Model"))
    for work in (runtime, model):
        work.mkdir(parents=True)

    def artifact(component: str, name: str) -> str:
        return str(artifacts / component / built.version / name)

    script, archive = artifact("smartcam.Runtime", "install.sh"), "smartcam-packages-aarch64.zip"
    begun = time.monotonic()
    machine.run(("sh", script, str(runtime), artifact("smartcam.Runtime", archive), ""), _INSTALL_LIMIT_S)
    script, archive = artifact("smartcam.Model", "install.sh"), artifact("smartcam.Model", "smartcam-model.zip")
    machine.run(("sh", script, str(model), archive, built.version), _INSTALL_LIMIT_S)
    seconds = time.monotonic() - begun
    [python] = runtime.glob("packages-*/bin/python")
    return Installed(folder, python, seconds, _megabytes(folder / "work"), _megabytes(artifacts))


def score(
    python: Path, code: tuple[Path, Path], bundle: Path, clip: Path, folder: Path, environment: Mapping[str, str]
) -> Scores:
    """What capture and inference, each from its artifact, make of the clip's first frames: scores by frame.

    Raises:
        ToolsError: one of them failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    capture_code, inference_code = code
    variables = {**environment, "SMARTCAM_SHM": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    arguments = ["smartcam.capture.main", "--once", str(clip), "--frames", str(FRAMES)]
    with (folder / "log").open("w") as log:

        def start(module: Sequence[str], path: Path) -> subprocess.Popen[str]:
            return subprocess.Popen(  # noqa: S603
                (str(python), "-m", *module),
                env={**variables, "PYTHONPATH": str(path)},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1, cwd=folder,
            )  # fmt: skip

        capture = start(arguments, capture_code)
        inference = start(["smartcam.inference.main", "--once", "--bundle", str(bundle)], inference_code)
        with capture, inference:
            try:
                return _converse(capture, inference)
            except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
                raise ToolsError(f"{python}: {_last_line(folder / 'log')}") from error
            finally:
                capture.kill()
                inference.kill()


def _converse(capture: subprocess.Popen[str], inference: subprocess.Popen[str]) -> Scores:
    """Carry each notice to inference, and let capture go on when it has been answered. Raises ValueError, OSError."""
    scores: dict[int, float] = {}
    assert capture.stdin is not None  # noqa: S101  they were started with pipes
    assert capture.stdout is not None  # noqa: S101
    assert inference.stdin is not None  # noqa: S101
    assert inference.stdout is not None  # noqa: S101
    for notice in capture.stdout:
        inference.stdin.write(notice)
        answer = json.loads(inference.stdout.readline())
        scores[int(answer["seq"])] = float(answer["score"])
        capture.stdin.write("\n")
    inference.stdin.close()
    if capture.wait(_SCORE_LIMIT_S) or inference.wait(_SCORE_LIMIT_S):
        raise ValueError("one of them failed")
    return scores


def compare(here: Scores, there: Scores, bundle: Path) -> Compared:
    """The largest difference, in steps of the model's quantised output."""
    step = float(json.loads((bundle / "manifest.json").read_text())["output"]["scale"])
    both = here.keys() & there.keys()
    return Compared(here, there, max((abs(here[seq] - there[seq]) / step for seq in both), default=float("inf")))


def code_of(built: Built) -> tuple[Path, Path]:
    """The code of capture and of inference, as delivered."""
    folder, version = built.artifacts, built.version
    capture = folder / "smartcam.Capture" / version / "smartcam-capture.zip"
    return capture, folder / "smartcam.Inference" / version / "smartcam-inference.zip"


def _megabytes(folder: Path) -> float:
    """What the files take, each counted once."""
    places = {(facts.st_dev, facts.st_ino): facts.st_size for facts in (file.lstat() for file in folder.rglob("*"))}
    return sum(places.values()) / _MEGABYTE


def _last_line(file: Path) -> str:
    lines = file.read_text().strip().splitlines()
    return lines[-1] if lines else "it said nothing"
