import importlib
import sys
from pathlib import Path

import pytest

from measure.fuzz.covering import cover, minimal
from measure.fuzz.target import FuzzTarget

SOURCE = """
def read(data):
    if data == b"yes":
        return True
    if data == b"no":
        return False
    return None


def other(data):
    return 1 if data else 0
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FuzzTarget:
    (tmp_path / "covered_decoder.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "covered_decoder", raising=False)
    decoder = importlib.import_module("covered_decoder")
    return FuzzTarget(decoder.read, ("covered_decoder:read",))


def test_only_the_branches_of_the_decoder_count(target: FuzzTarget) -> None:
    found = cover(target, [b"yes"])

    assert (found.branches, found.taken) == (4, 3)
    assert len(found.missing) == 1


def test_every_branch_that_some_input_takes_is_reached(target: FuzzTarget) -> None:
    assert cover(target, [b"yes", b"no"]).share == 1.0


def test_an_input_that_reaches_nothing_new_is_not_kept(target: FuzzTarget) -> None:
    assert minimal(target, [b"longer", b"", b"no", b"yes", b"other"]) == [b"", b"no", b"yes"]
