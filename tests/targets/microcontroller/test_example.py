"""The example for microcontrollers, read by a compiler with our declarations of TensorFlow Lite Micro's interface."""

import shutil
import subprocess
from pathlib import Path

import pytest

from measure.export import c_array
from tools.command_line import ROOT

pytestmark = pytest.mark.targets

OPERATORS = ["QUANTIZE", "CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "LOGISTIC"]


def compiled(folder: Path, operators: list[str]) -> subprocess.CompletedProcess[str]:
    compiler = shutil.which("g++")
    assert compiler is not None, "needs a compiler of C++: sudo apt install g++"
    (folder / "model.h").write_text(c_array.header(1024, operators))
    (folder / "model.cc").write_text(c_array.source(b"a model"))
    how = [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I.", f"-I{Path(__file__).parent}"]
    sources = [str(ROOT / "targets/microcontroller/main.cc"), "model.cc"]
    return subprocess.run([*how, *sources], cwd=folder, capture_output=True, text=True, check=False)


def test_a_compiler_takes_the_example_with_a_models_operators(tmp_path: Path) -> None:
    done = compiled(tmp_path, OPERATORS)
    assert done.returncode == 0, done.stderr


def test_an_operator_that_the_resolver_has_not_is_refused(tmp_path: Path) -> None:
    assert "AddConvFourD" in compiled(tmp_path, ["CONV_FOUR_D"]).stderr
