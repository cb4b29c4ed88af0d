import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from standins import rtsp
from standins.rtsp import PACKAGES, setup_rtsp
from tools.setup import ToolsError

LIBRARIES = "root/usr/lib/any-linux-gnu"


class Machine:
    """Plays apt, dpkg and Python: `known` packages can be had, `failing` programs end with an error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.known = {names[-1] for names in PACKAGES}
        self.failing: set[str] = set()
        self.has_lists = True
        self.commands: list[str] = []
        monkeypatch.setattr(rtsp, "_run", self._run)
        monkeypatch.setattr(shutil, "which", lambda tool: f"/usr/bin/{tool}")

    def _run(self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
        line = " ".join(command)
        self.commands.append(line)
        if any(word in line for word in self.failing):
            raise ToolsError(f"{command[0]} failed")
        if "pkgnames" in command:
            return "\n".join(self.known)
        if "update" in command:
            self.has_lists = True
        if "download" in command:
            if not self.has_lists:
                raise ToolsError("Unable to locate package")
            (folder / "gst.deb").write_text("archive")
        if "--extract" in command:
            types = folder / LIBRARIES / "girepository-1.0"
            types.mkdir(parents=True)
            (types / "GstRtspServer-1.0.typelib").touch()
        assert environment is None or "GST_PLUGIN_PATH" in environment
        return ""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def quiet(_line: str) -> None:
    pass


def test_packages_are_unpacked_once_and_tried(machine: Machine, tmp_path: Path) -> None:
    server = setup_rtsp(tmp_path, quiet)
    assert server.environment["LD_LIBRARY_PATH"] == str(tmp_path / ".tools/rtsp" / LIBRARIES)
    assert (tmp_path / ".tools/rtsp/plugins/libgstrtp.so").is_symlink()
    assert "-c" in machine.commands[-1]
    before = len(machine.commands)
    assert setup_rtsp(tmp_path, quiet) == server
    assert len(machine.commands) == before


def test_without_lists_of_packages_fresh_ones_are_fetched_into_the_projects_folder(
    machine: Machine, tmp_path: Path
) -> None:
    machine.has_lists = False
    setup_rtsp(tmp_path, quiet)
    (update,) = [line for line in machine.commands if line.endswith("update")]
    assert f"Dir::State::lists={tmp_path}/.tools/rtsp/lists" in update
    assert not (tmp_path / ".tools/rtsp/lists").exists()


def test_the_newer_name_of_a_package_is_preferred(machine: Machine, tmp_path: Path) -> None:
    machine.known.add("libglib2.0-0t64")
    setup_rtsp(tmp_path, quiet)
    (download,) = [line for line in machine.commands if " download " in line]
    assert "libglib2.0-0t64" in download.split()
    assert "libglib2.0-0" not in download.split()


@pytest.mark.parametrize("broken", ["update", "--extract", "-c"])
def test_half_an_installation_is_begun_anew(machine: Machine, tmp_path: Path, broken: str) -> None:
    machine.has_lists = broken != "update"
    machine.failing.add(broken)
    with pytest.raises(ToolsError):
        setup_rtsp(tmp_path, quiet)
    machine.failing.clear()
    machine.has_lists = True
    assert setup_rtsp(tmp_path, quiet).python.name == "python3"


def test_a_machine_without_apt_is_told_so(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del machine
    monkeypatch.setattr(shutil, "which", lambda _tool: None)
    with pytest.raises(ToolsError, match="Debian's packages: apt-get is needed"):
        setup_rtsp(tmp_path, quiet)


def test_an_error_says_what_failed_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match=r"sh: no such package; remedy: connect to the network once"):
        rtsp._run(("/bin/sh", "-c", "echo first; echo no such package >&2; exit 1"), tmp_path)
