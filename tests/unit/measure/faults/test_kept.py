from pathlib import Path

import pytest

from measure.faults.kept import keep, kept
from measure.faults.tally import Injection

ONE, OTHER = Injection(1, 1, 0, 0, 0, 4.5), Injection(2, 1, 1, 1, 0, None)


def test_injections_are_kept_for_each_fault(tmp_path: Path) -> None:
    keep(tmp_path / "faults", "cut", ONE)
    keep(tmp_path / "faults", "cut", OTHER)
    keep(tmp_path / "faults", "flood", ONE)
    assert kept(tmp_path / "faults", "cut") == [ONE, OTHER]
    assert kept(tmp_path / "faults", "flood") == [ONE]
    assert kept(tmp_path / "faults", "other") == []


@pytest.mark.parametrize("text", ["", "[", "7", '[{"raised": 1}]', "[7]", "\udcff"])
def test_a_file_that_says_nothing_begins_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "cut.json").write_text(text, errors="surrogateescape")
    assert kept(tmp_path, "cut") == []
    keep(tmp_path, "cut", ONE)
    assert kept(tmp_path, "cut") == [ONE]
