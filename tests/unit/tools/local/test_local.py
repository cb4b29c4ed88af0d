"""Local deployments, with the tools of both nuclei, ssh and sudo as small programs that note what they are given."""

import itertools
import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from smartcam import __version__
from tests.fakes.fleet import small_build
from tools.build.suite import BuildError, Built
from tools.local import command
from tools.local.command import main, with_defaults
from tools.local.host import HostError, ThisMachine
from tools.local.nuclei import Classic, Lite, RunState, choose, inspect_machine
from tools.release.verbs import release_of

RUNNING = f"""Components currently running in Greengrass:
Component Name: smartcam.Capture
    Version: {__version__}
    State: RUNNING
    Configuration: {{"cameras":{{}}}}
Component Name: smartcam.Inference
    Version: {__version__}
    State: RUNNING
    Configuration: {{}}
"""


@dataclass
class Bench:
    """A folder of programs that is the whole PATH, besides the system's."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def program(self, name: str, script: str = "") -> None:
        """A program that notes its arguments, and then does what the script says."""
        path = self.bin / name
        note = f"printf '%s\\n' '{name}' \"$@\" '' >> {shlex.quote(str(self.folder / 'calls'))}"
        path.write_text(f"#!/bin/sh\n{note}\n{script}\n")
        path.chmod(0o755)

    def calls(self, name: str) -> list[list[str]]:
        blocks = (self.folder / "calls").read_text().split("\n\n")
        return [lines[1:] for lines in (block.splitlines() for block in blocks) if lines and lines[0] == name]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    found = Bench(tmp_path / "bench")
    found.bin.mkdir(parents=True)
    (found.folder / "calls").touch()
    (found.folder / "home").mkdir()
    found.program("sudo", '[ "$1" = -n ] && shift; exec "$@"')
    found.program("journalctl", "exec sleep 60")
    monkeypatch.setenv("PATH", f"{found.bin}:{os.environ['PATH']}")
    monkeypatch.setattr("time.sleep", lambda _: None)
    return found


@pytest.fixture
def built(tmp_path: Path) -> Built:
    return small_build(tmp_path)


def options(command_line: list[str], name: str) -> list[str]:
    return [after for word, after in itertools.pairwise(command_line) if word == name]


def with_lite(bench: Bench, states: str = "active\\nactive") -> None:
    bench.program("ggl-cli", "echo 'Deployment id: 1234.'")
    bench.program("systemctl", f"printf '{states}\\n'")


def with_classic(bench: Bench, listing: str = RUNNING) -> None:
    (bench.folder / "listing").write_text(listing)
    script = f'case "$1" in component) cat {shlex.quote(str(bench.folder / "listing"))};; *) echo submitted;; esac'
    bench.program("greengrass-cli", script)


def test_lite_gets_every_component_by_its_own_tool(
    bench: Bench, built: Built, capfd: pytest.CaptureFixture[str]
) -> None:
    with_lite(bench)
    assert main(["--build", str(built.folder)]) == 0
    (call,) = bench.calls("ggl-cli")
    assert call[0] == "deploy"
    assert options(call, "--recipe-dir") == [str(built.recipes.resolve())]
    assert options(call, "--artifacts-dir") == [str(built.artifacts.resolve())]
    assert options(call, "--add-component") == [f"{name}={__version__}" for name in release_of(built).components]
    assert len(options(call, "--add-component")) <= 10, "ggl-cli takes ten components at most"
    said = capfd.readouterr().out
    assert "Deployment id: 1234." in said
    assert "this machine: the components are running" in said


def test_classic_gets_every_component_and_the_configuration(bench: Bench, built: Built, tmp_path: Path) -> None:
    with_classic(bench)
    config = tmp_path / "config.yaml"
    config.write_text("smartcam.Capture: {cameras: {yard: {source: file, path: /clip.mp4}}}")
    assert main(["--build", str(built.folder), "--config", str(config)]) == 0
    call = bench.calls("greengrass-cli")[0]
    assert call[:2] == ["deployment", "create"]
    assert options(call, "--failure-handling-policy") == ["ROLLBACK"]
    assert options(call, "--merge") == [f"{name}={__version__}" for name in release_of(built).components]
    assert options(call, "--recipeDir") == [str(built.recipes.resolve())]
    (update,) = options(call, "--update-config")
    assert json.loads(update) == {
        "smartcam.Capture": {
            "RESET": ["/accessControl"],
            "MERGE": {"cameras": {"yard": {"source": "file", "path": "/clip.mp4"}}},
        },
        "smartcam.Inference": {"RESET": ["/accessControl"]},
    }


def test_lite_gets_the_configuration_as_the_recipes_default(
    bench: Bench, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with_lite(bench)
    monkeypatch.setattr(command, "_FOLDER", tmp_path / "local")
    config = tmp_path / "config.yaml"
    config.write_text("smartcam.Capture: {cameras: {yard: {source: file, path: /clip.mp4}}}")
    assert main(["--build", str(built.folder), "--config", str(config)]) == 0
    (recipes,) = options(bench.calls("ggl-cli")[0], "--recipe-dir")
    recipe = yaml.safe_load(Path(recipes, f"smartcam.Capture-{__version__}.yaml").read_text())
    defaults = recipe["ComponentConfiguration"]["DefaultConfiguration"]
    assert defaults["cameras"] == {"yard": {"source": "file", "path": "/clip.mp4"}}
    assert "accessControl" in defaults
    assert "cameras: {}" in built.recipe("smartcam.Capture").read_text(), "the build itself stays as it is"
    assert "keeps the values that it already has" in capfd.readouterr().out


def test_a_configuration_that_makes_the_recipe_too_large_for_lite_is_refused(built: Built, tmp_path: Path) -> None:
    merge = {"cameras": {f"camera{number}": {"source": "file", "path": "/" + "x" * 90} for number in range(80)}}
    with pytest.raises(BuildError, match=r"smartcam\.Capture: with this configuration the recipe has over 8196 bytes"):
        with_defaults(built, {"smartcam.Capture": merge}, tmp_path / "copy")


def test_over_ssh_the_build_is_brought_there_first(bench: Bench, built: Built) -> None:
    with_lite(bench)
    home = bench.folder / "home"
    bench.program("ssh", f'cd {shlex.quote(str(home))}; for last in "$@"; do :; done; exec sh -c "$last"')
    assert main(["--host", "pi@camera", "--ssh-option=-p2222", "--build", str(built.folder)]) == 0
    there = home / ".cache" / "smartcam-deployment"
    (call,) = bench.calls("ggl-cli")
    assert options(call, "--recipe-dir") == [f"{there}/recipes"]
    copied = {path.relative_to(there): path.read_bytes() for path in there.rglob("*") if path.is_file()}
    own = [*built.recipes.rglob("*"), *built.artifacts.rglob("*")]
    assert copied == {path.relative_to(built.folder): path.read_bytes() for path in own if path.is_file()}
    assert all(call[:3] == ["-o", "BatchMode=yes", "-p2222"] and "pi@camera" in call for call in bench.calls("ssh"))


def test_a_machine_that_ssh_does_not_reach_is_named_with_the_remedy(
    bench: Bench, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.program("ssh", "echo 'Permission denied (publickey).' >&2; exit 255")
    assert main(["--host", "pi@camera", "--build", str(built.folder)]) == 2
    said = capsys.readouterr().err
    assert "Permission denied (publickey).; ssh-copy-id pi@camera lets it in" in said
    bench.program("ssh", "echo 'Could not resolve hostname' >&2; exit 255")
    assert main(["--host", "pi@camera", "--build", str(built.folder)]) == 2
    assert "ssh-copy-id" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        ("--config", None, "cannot be read"),
        ("--config", "smartcam.Captur: {}", "there is no component 'smartcam.Captur'"),
        ("--config", "smartcam.Capture: {cameras: {yard: {source: film}}}", "smartcam.Capture: cameras.yard.source"),
        ("--bundle", None, "has no manifest.json; make a bundle with"),
    ],
)
def test_what_is_wrong_here_is_said_before_another_machine_is_asked(
    option: str, content: str | None, message: str, bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.program("ssh", "exit 255")
    file = tmp_path / "given"
    if content is not None:
        file.write_text(content)
    assert main(["--host", "pi@camera", option, str(file)]) == 2
    said = capsys.readouterr().err
    assert str(file) in said
    assert message in said
    assert not bench.calls("ssh")


@pytest.mark.parametrize("name", ["-oProxyCommand=touch /tmp/x", "-v", "", "pi@a camera", "pi@camera\n-v"])
def test_a_name_that_ssh_would_take_for_something_else_is_refused(
    name: str, bench: Bench, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.program("ssh")
    assert main([f"--host={name}", "--build", str(built.folder)]) == 2
    assert f"{name!r} is not a host for ssh" in capsys.readouterr().err
    assert not bench.calls("ssh")


def test_folders_with_spaces_reach_the_tools_as_they_are(bench: Bench, tmp_path: Path) -> None:
    with_lite(bench)
    odd = tmp_path / 'it\'s a "folder" $HOME; with'
    odd.mkdir()
    built = small_build(odd)
    assert main(["--build", str(built.folder)]) == 0
    (call,) = bench.calls("ggl-cli")
    assert options(call, "--recipe-dir") == [str(built.recipes)]
    home = bench.folder / "home of pi"
    home.mkdir()
    bench.program("ssh", f'cd {shlex.quote(str(home))}; for last in "$@"; do :; done; exec sh -c "$last"')
    assert main(["--host", "pi@camera", "--build", str(built.folder)]) == 0
    assert options(bench.calls("ggl-cli")[-1], "--recipe-dir") == [f"{home}/.cache/smartcam-deployment/recipes"]


def test_a_connection_that_breaks_while_the_build_is_copied_is_said(
    bench: Bench, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    with_lite(bench)
    broken = "echo 'Connection reset by peer' >&2; exit 255"
    bench.program("ssh", f'for last in "$@"; do :; done; case "$last" in *tar*) {broken};; esac; exec sh -c "$last"')
    assert main(["--host", "pi@camera", "--build", str(built.folder)]) == 2
    assert "Connection reset by peer" in capsys.readouterr().err
    assert not (bench.folder / "calls").read_text().count("ggl-cli\ndeploy")


def test_a_machine_without_a_nucleus_is_told_so(bench: Bench, built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    del bench
    assert main(["--build", str(built.folder)]) == 2
    assert "has neither ggl-cli nor greengrass-cli: install a nucleus first" in capsys.readouterr().err


def test_where_both_nuclei_are_one_has_to_be_named(bench: Bench) -> None:
    with_lite(bench)
    with_classic(bench)
    host = ThisMachine()
    machine = inspect_machine(host)
    with pytest.raises(HostError, match="has both nuclei; choose one with --nucleus"):
        choose(machine, None, host)
    assert choose(machine, "classic", host) == Classic("greengrass-cli")
    assert choose(machine, "lite", host) == Lite("ggl-cli")


def test_a_nucleus_that_is_not_there_cannot_be_chosen(bench: Bench) -> None:
    with_lite(bench)
    with pytest.raises(HostError, match="has no nucleus classic; it has lite"):
        choose(inspect_machine(ThisMachine()), "classic", ThisMachine())


def test_what_the_tool_says_when_it_fails_is_shown(
    bench: Bench, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    with_lite(bench)
    bench.program("ggl-cli", "echo 'Error sending deployment: 5.' >&2; exit 1")
    assert main(["--build", str(built.folder)]) == 2
    assert "Error sending deployment: 5." in capsys.readouterr().err


@pytest.mark.parametrize(("states", "code"), [("failed\\nactive", 1), ("activating\\nactive", 1), ("active", 1)])
def test_components_that_do_not_run_on_lite_are_no_success(states: str, code: int, bench: Bench, built: Built) -> None:
    with_lite(bench, states)
    assert main(["--build", str(built.folder), "--wait", "10"]) == code


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (RUNNING, RunState.RUNNING),
        (RUNNING.replace("RUNNING", "BROKEN", 1), RunState.BROKEN),
        (RUNNING.replace("RUNNING", "STARTING", 1), RunState.STARTING),
        # An old version that still runs, or has been broken all the time, says nothing of the new one.
        (RUNNING.replace(__version__, "0.0.1"), RunState.STARTING),
        (RUNNING.replace(__version__, "0.0.1").replace("RUNNING", "BROKEN"), RunState.STARTING),
        ("", RunState.STARTING),
    ],
)
def test_classics_answer_is_read(said: str, state: RunState) -> None:
    assert Classic("greengrass-cli").state(said, __version__) is state


def test_the_log_that_is_followed_ends_with_the_deployment(bench: Bench, built: Built) -> None:
    with_lite(bench)
    (bench.folder / "pid").unlink(missing_ok=True)
    bench.program("journalctl", f"echo $$ > {shlex.quote(str(bench.folder / 'pid'))}; exec sleep 60")
    bench.program("ggl-cli", f"while [ ! -s {shlex.quote(str(bench.folder / 'pid'))} ]; do sleep 0.05; done")
    assert main(["--build", str(built.folder)]) == 0
    assert not Path("/proc", (bench.folder / "pid").read_text().strip()).exists()
    (call,) = bench.calls("journalctl")
    assert "ggl.smartcam.Capture*" in call
