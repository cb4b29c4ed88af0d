import shutil
from pathlib import Path

import pytest

from standins import chromium
from standins.chromium import PACKAGE, setup_chromium
from tests.fakes.debian import FakeDebian
from tools.setup import ToolsError

PROGRAM = f"usr/lib/chromium/{PACKAGE}"
LIBRARIES = ("usr/lib/any-linux-gnu/libflac.so.12", "usr/lib/any-linux-gnu/pulseaudio/libpulsecommon-16.1.so")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FakeDebian:
    made = FakeDebian(monkeypatch, [PROGRAM, *LIBRARIES], chromium)
    made.needed = f"Inst libflac12 (1.4-2 Debian [amd64])\nInst {PACKAGE} (156.0-1 Debian [amd64])\n"
    return made


def quiet(_line: str) -> None:
    pass


def test_it_is_unpacked_with_what_it_needs_once_and_tried(machine: FakeDebian, tmp_path: Path) -> None:
    found = setup_chromium(tmp_path, quiet)
    tree = tmp_path / ".tools/chromium/root"
    assert found.program == tree / PROGRAM
    assert found.environment["LD_LIBRARY_PATH"].split(":") == [str((tree / each).parent) for each in LIBRARIES]
    (download,) = machine.said("download")
    assert download.endswith(f"download libflac12=1.4-2 {PACKAGE}=156.0-1")
    assert machine.commands[-1] == f"{found.program} --version"
    assert machine.environments == [found.environment]
    before = len(machine.commands)
    assert setup_chromium(tmp_path, quiet) == found
    assert len(machine.commands) == before


@pytest.mark.parametrize("name", ["chromium", PACKAGE])
def test_where_the_machine_has_its_own_that_is_taken_and_nothing_unpacked(
    machine: FakeDebian, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}" if tool == name else None)
    assert setup_chromium(tmp_path, quiet).program == Path("/usr/bin") / name
    assert machine.commands == []
    assert list(tmp_path.iterdir()) == []


def test_a_browser_that_does_not_start_is_begun_anew(machine: FakeDebian, tmp_path: Path) -> None:
    machine.failing.add("--version")
    with pytest.raises(ToolsError):
        setup_chromium(tmp_path, quiet)
    machine.failing.clear()
    assert setup_chromium(tmp_path, quiet).program.name == PACKAGE
    assert len(machine.said("download")) == 2


def test_packages_without_the_program_are_an_error_that_says_so(machine: FakeDebian, tmp_path: Path) -> None:
    machine.tree = LIBRARIES
    with pytest.raises(ToolsError, match=f"Debian's package {PACKAGE} lacks usr/lib/chromium/{PACKAGE}"):
        setup_chromium(tmp_path, quiet)
