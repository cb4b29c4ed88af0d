from pathlib import Path

import pytest

from standins import mosquitto
from standins.mosquitto import PACKAGE, setup_mosquitto
from tests.fakes.debian import FakeDebian
from tools.setup import ToolsError

LIBRARIES = "usr/lib/any-linux-gnu"
TREE = ["usr/sbin/mosquitto", "usr/bin/mosquitto_passwd", f"{LIBRARIES}/libcjson.so.1"]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> FakeDebian:
    machine = FakeDebian(monkeypatch, TREE, mosquitto)
    machine.needed = f"Inst {PACKAGE} (2.0 Debian [amd64])"
    return machine


def quiet(_line: str) -> None:
    pass


def test_the_broker_is_unpacked_once_and_tried(machine: FakeDebian, tmp_path: Path) -> None:
    found = setup_mosquitto(tmp_path, quiet)
    assert found.program == tmp_path / ".tools/mosquitto/root/usr/sbin/mosquitto"
    assert found.environment["LD_LIBRARY_PATH"] == str(tmp_path / ".tools/mosquitto/root" / LIBRARIES)
    assert machine.environments == [found.environment]
    before = len(machine.commands)
    assert setup_mosquitto(tmp_path, quiet) == found
    assert len(machine.commands) == before


def test_a_package_without_the_programs_is_said(machine: FakeDebian, tmp_path: Path) -> None:
    machine.tree = TREE[1:]
    with pytest.raises(ToolsError, match="Debian's package mosquitto lacks its programs"):
        setup_mosquitto(tmp_path, quiet)


def test_a_broker_that_does_not_start_is_begun_anew(machine: FakeDebian, tmp_path: Path) -> None:
    machine.failing.add("somebody")
    with pytest.raises(ToolsError):
        setup_mosquitto(tmp_path, quiet)
    machine.failing.clear()
    assert setup_mosquitto(tmp_path, quiet).passwords.name == "mosquitto_passwd"
