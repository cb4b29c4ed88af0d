"""A model as C."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.export import c_array


@given(st.binary(min_size=1, max_size=200))
def test_the_array_holds_the_very_bytes(model: bytes) -> None:
    assert c_array.bytes_of(c_array.source(model)) == model


@pytest.mark.parametrize(
    ("operator", "method"),
    [
        ("CONV_2D", "Conv2D"),
        ("DEPTHWISE_CONV_2D", "DepthwiseConv2D"),
        ("FULLY_CONNECTED", "FullyConnected"),
        ("QUANTIZE", "Quantize"),
        ("L2_NORMALIZATION", "L2Normalization"),
        ("TFLite_Detection_PostProcess", "DetectionPostprocess"),
    ],
)
def test_operators_are_called_as_the_library_calls_them(operator: str, method: str) -> None:
    assert c_array.method(operator) == method


def test_a_compiler_takes_the_array_and_aligns_it(tmp_path: Path) -> None:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++")
    (tmp_path / "model.cc").write_text(c_array.source(bytes(range(256))))
    (tmp_path / "model.h").write_text(c_array.header(1024, ["CONV_2D", "LOGISTIC"]))
    (tmp_path / "main.cc").write_text(
        '#include "model.h"\n#include <cstdint>\n'
        "int main() { for (unsigned i = 0; i < smartcam_model_size; i++) if (smartcam_model[i] != i) return 1;\n"
        "return smartcam_model_size != 256 || smartcam_model_arena != 1024 || smartcam_model_operators != 2\n"
        "|| reinterpret_cast<std::uintptr_t>(smartcam_model) % 16 != 0; }\n"
    )
    program = tmp_path / "main"
    subprocess.run(
        [compiler, "-std=c++17", "-Wall", "-Werror", "main.cc", "model.cc", "-o", str(program)],
        cwd=tmp_path,
        check=True,
    )
    subprocess.run([str(program)], check=True)
