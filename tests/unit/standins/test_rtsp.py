from pathlib import Path

import pytest

from standins import rtsp
from standins.rtsp import PACKAGES, setup_rtsp
from tests.fakes.debian import FakeDebian
from tools.setup import ToolsError

LIBRARIES = "usr/lib/any-linux-gnu"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FakeDebian:
    return FakeDebian(monkeypatch, [f"{LIBRARIES}/girepository-1.0/GstRtspServer-1.0.typelib"], rtsp)


def quiet(_line: str) -> None:
    pass


def test_packages_are_unpacked_once_and_tried(machine: FakeDebian, tmp_path: Path) -> None:
    server = setup_rtsp(tmp_path, quiet)
    assert server.environment["LD_LIBRARY_PATH"] == str(tmp_path / ".tools/rtsp/root" / LIBRARIES)
    assert (tmp_path / ".tools/rtsp/plugins/libgstrtp.so").is_symlink()
    assert "-c" in machine.commands[-1]
    assert machine.environments == [server.environment]
    (download,) = machine.said("download")
    assert {names[-1] for names in PACKAGES} <= set(download.split())
    before = len(machine.commands)
    assert setup_rtsp(tmp_path, quiet) == server
    assert len(machine.commands) == before


def test_a_server_that_does_not_start_is_begun_anew(machine: FakeDebian, tmp_path: Path) -> None:
    machine.failing.add("-c")
    with pytest.raises(ToolsError):
        setup_rtsp(tmp_path, quiet)
    machine.failing.clear()
    assert setup_rtsp(tmp_path, quiet).python.name == "python3"


@pytest.mark.usefixtures("machine")
def test_the_plug_ins_are_found_when_the_folder_is_reached_by_another_path(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    setup_rtsp(tmp_path / "before", quiet)
    library = Path(".tools/rtsp/root") / LIBRARIES / "gstreamer-1.0/libgstrtp.so"
    moved = (tmp_path / "before").rename(tmp_path / "after")
    (moved / library).parent.mkdir()
    (moved / library).write_text("a plug-in")
    assert (moved / ".tools/rtsp/plugins/libgstrtp.so").read_text() == "a plug-in"
