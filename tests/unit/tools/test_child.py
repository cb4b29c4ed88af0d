"""What toolchains say when they cannot, in one line."""

import sys
from pathlib import Path

import pytest

from tools.child import ExportFault, run_there, why


@pytest.mark.parametrize(
    ("said", "lacking"),
    [
        ("Tensorflow op [Identity: TFL_BROADCAST_ARGS] is not supported\n", "BROADCAST_ARGS"),
        ("Didn't find op for builtin opcode 'SEGMENT_SUM'\nFailed to get registration from op code", "SEGMENT_SUM"),
        ("RuntimeError: Lowering not found: aten.cummax.default\n\nWhile executing", "aten.cummax.default"),
        ("Encountered unresolved custom op: edgetpu-custom-op.\nSee instructions", "edgetpu-custom-op"),
    ],
)
def test_an_operator_that_a_target_lacks_is_named(said: str, lacking: str) -> None:
    assert why(said, "it") == f"it lacks {lacking}"


def test_several_are_named_each_once() -> None:
    said = "Tensorflow op [a: TFL_B] is not supported\nTensorflow op [c: TFL_A] is not supported\n" * 2
    assert why(said, "it") == "it lacks A, B"


def test_else_the_last_line_that_is_no_chatter_is_the_reason() -> None:
    said = "Traceback:\nValueError: no\nI0000 00:00 chatter\n2026-11-30 14:00:00,000 - INFO - more\n\n"
    assert why(said, "it") == "it: ValueError: no"
    assert why("", "it") == "it: ended without a word"


def test_a_module_that_fails_elsewhere_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ExportFault, match=r"it: .*[Nn]o module named"):
        run_there(Path(sys.executable), "measure.export.nothing_there", [], "it")
    with pytest.raises(ExportFault, match="it does not run"):
        run_there(tmp_path / "python", "measure", [], "it")
