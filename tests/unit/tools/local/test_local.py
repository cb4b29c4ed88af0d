"""Local deployments, with the tools of both nuclei, ssh and sudo as small programs that note what they are given."""

import itertools
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from smartcam import __version__
from tests.fakes.fleet import small_build
from tools.build.suite import BuildError, Built
from tools.local import command
from tools.local.command import main, with_defaults
from tools.local.host import HostError, ThisMachine
from tools.local.nuclei import Classic, Lite, choose, inspect_machine
from tools.local.progress import RunState, read_lite
from tools.release.verbs import release_of

OLD = "0.0.1"
BEGAN = "I[ggdeploymentd] modules/ggdeploymentd/src/deployment_handler.c:4207: Processing incoming deployment."
SUCCEEDED = "I[ggdeploymentd] d.c:2818: Completed deployment processing and reporting job as SUCCEEDED."
FAILED = "W[ggdeploymentd] d.c:2831: Completed deployment processing and reporting job as FAILED."


@dataclass
class Bench:
    """A folder of programs that is the whole PATH, besides the system's."""

    folder: Path
    polls: list[Callable[[], object]] = field(default_factory=list)
    """What happens on the machine before each look at it."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def program(self, name: str, script: str = "") -> None:
        """A program that notes its arguments, and then does what the script says."""
        path = self.bin / name
        note = f"printf '%s\\n' '{name}' \"$@\" '' >> {shlex.quote(str(self.folder / 'calls'))}"
        path.write_text(f"#!/bin/sh\n{note}\n{script}\n")
        path.chmod(0o755)

    def sleep(self, seconds: float) -> None:
        """In place of `time.sleep`, which subprocess calls as well, for an instant."""
        if seconds >= 1 and self.polls:
            self.polls.pop(0)()

    def runs(self, component: str, code: str, **variables: str) -> None:
        """The component's process, and the end of the one before. `code` is below the nucleus's root."""
        self.ends(component)
        root = self.folder / "root"
        work = root / "work" / component
        work.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, **variables, "PYTHONPATH": str(root / code)}
        # It waits for input that never comes; `-m` is for whoever looks for a module's process.
        command = ["/bin/sh", "-c", "read -r word", "-m"]
        process = subprocess.Popen(command, cwd=work, env=environment, stdin=subprocess.PIPE)
        self.processes[component] = process
        (self.folder / f"ggl.{component}.service").write_text(f"{process.pid}\n")

    def runs_version(self, version: str) -> None:
        for name, short in (("smartcam.Capture", "capture"), ("smartcam.Inference", "inference")):
            self.runs(name, f"packages/artifacts/{name}/{version}/smartcam-{short}.zip")

    def ends(self, component: str) -> None:
        process = self.processes.pop(component, None)
        if process is not None:
            process.kill()
            process.communicate()
            (self.folder / f"ggl.{component}.service").write_text("0\n")

    def says(self, *lines: str) -> None:
        """Into the journal of lite's deployments."""
        with (self.folder / "journal").open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    def calls(self, name: str) -> list[list[str]]:
        blocks = (self.folder / "calls").read_text().split("\n\n")
        return [lines[1:] for lines in (block.splitlines() for block in blocks) if lines and lines[0] == name]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    found = Bench(tmp_path / "bench")
    found.bin.mkdir(parents=True)
    (found.folder / "calls").touch()
    (found.folder / "home").mkdir()
    found.program("sudo", '[ "$1" = -n ] && shift; exec "$@"')
    monkeypatch.setenv("PATH", f"{found.bin}:{os.environ['PATH']}")
    monkeypatch.setattr("time.sleep", found.sleep)
    yield found
    for component in list(found.processes):
        found.ends(component)


@pytest.fixture
def built(tmp_path: Path) -> Built:
    return small_build(tmp_path)


def options(command_line: list[str], name: str) -> list[str]:
    return [after for word, after in itertools.pairwise(command_line) if word == name]


def with_lite(bench: Bench) -> None:
    """A nucleus lite that runs an old version. Its tool queues a deployment; what follows is in the journal."""
    here = shlex.quote(str(bench.folder))
    bench.says("I[ggdeploymentd] d.c:1: of before", SUCCEEDED)
    (bench.folder / "tail").write_text("smartcam: the end of the log\n")
    bench.program("ggl-cli", "echo 'I[ggl-cli] ggl-cli.c:292: Deployment id: 1234.' >&2")
    bench.program("systemctl", f'for last; do :; done; cat {here}/"$last" 2> /dev/null || echo 0')
    bench.program(
        "journalctl",
        f"""case "$*" in
            *--follow*) echo $$ > {here}/follower; exec sleep 60 ;;
            *--show-cursor*) echo "-- cursor: s=8;i=5" ;;
            *--lines*) cat {here}/tail ;;
            *) cat {here}/journal ;;
        esac""",
    )
    bench.runs_version(OLD)


def lite_deploys(bench: Bench) -> None:
    """It goes well."""
    with_lite(bench)
    bench.polls = [lambda: bench.says(BEGAN), lambda: bench.says(SUCCEEDED), lambda: bench.runs_version(__version__)]


def classic_says(bench: Bench, status: str) -> None:
    (bench.folder / "status").write_text(f"1f-2e: {status}\nCreated on: today\n")


def with_classic(bench: Bench) -> None:
    """A classic nucleus that runs an old version."""
    here = shlex.quote(str(bench.folder))
    classic_says(bench, "QUEUED")
    submitted = "Local deployment submitted! Deployment Id: 1f-2e"
    bench.program("greengrass-cli", f'case "$2" in create) echo "{submitted}" ;; *) cat {here}/status ;; esac')
    bench.program("find", f"for pid in $(cat {here}/ggl.*.service); do echo /proc/$pid/cwd; done")
    bench.program("tail", f"case $* in *follow*) exec sleep 60 ;; esac; cat {here}/tail")
    (bench.folder / "tail").write_text("smartcam: the end of the log\n")
    bench.runs_version(OLD)


def classic_deploys(bench: Bench) -> None:
    with_classic(bench)
    bench.polls = [
        lambda: classic_says(bench, "IN_PROGRESS"),
        lambda: classic_says(bench, "SUCCEEDED"),
        lambda: bench.runs_version(__version__),
    ]


def test_lite_gets_every_component_by_its_own_tool(
    bench: Bench, built: Built, capfd: pytest.CaptureFixture[str]
) -> None:
    lite_deploys(bench)
    assert main(["--build", str(built.folder)]) == 0
    (call,) = bench.calls("ggl-cli")
    assert call[0] == "deploy"
    assert options(call, "--recipe-dir") == [str(built.recipes.resolve())]
    assert options(call, "--artifacts-dir") == [str(built.artifacts.resolve())]
    assert options(call, "--add-component") == [f"{name}={__version__}" for name in release_of(built).components]
    assert len(options(call, "--add-component")) <= 10, "ggl-cli takes ten components at most"
    said = capfd.readouterr().out
    assert "Deployment id: 1234." in said
    assert f"this machine: smartcam.Capture: {__version__} runs" in said
    assert said.endswith(f"this machine: the components are running, version {__version__}\n")
    assert not bench.polls, "it said so before the new version ran"
    assert any(options(call, "--after-cursor") == ["s=8;i=5"] for call in bench.calls("journalctl"))


def test_classic_gets_every_component_and_the_configuration(bench: Bench, built: Built, tmp_path: Path) -> None:
    classic_deploys(bench)
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
    lite_deploys(bench)
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
    lite_deploys(bench)
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
    lite_deploys(bench)
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


def deploy(built: Built) -> int:
    return main(["--build", str(built.folder), "--wait", "30"])


@pytest.mark.parametrize("nucleus", [with_lite, with_classic])
def test_old_processes_that_go_on_while_the_new_version_is_installed_are_no_success(
    nucleus: Callable[[Bench], None], bench: Bench, built: Built, capfd: pytest.CaptureFixture[str]
) -> None:
    nucleus(bench)
    bench.polls = [lambda: bench.says(BEGAN), lambda: classic_says(bench, "IN_PROGRESS")]
    assert deploy(built) == 1
    said = capfd.readouterr()
    assert f"smartcam.Capture: {OLD} runs" in said.out
    assert f"version {__version__} does not run yet; the deployment continues on the device" in said.err


@pytest.mark.parametrize("nucleus", [with_lite, with_classic])
def test_a_deployment_that_succeeded_while_the_old_version_runs_is_no_success(
    nucleus: Callable[[Bench], None], bench: Bench, built: Built, capfd: pytest.CaptureFixture[str]
) -> None:
    nucleus(bench)
    bench.polls = [lambda: bench.says(BEGAN, SUCCEEDED), lambda: classic_says(bench, "SUCCEEDED")]
    assert deploy(built) == 1
    assert "does not run yet" in capfd.readouterr().err


def test_a_process_that_no_unit_of_lite_supervises_does_not_count(
    bench: Bench, built: Built, capfd: pytest.CaptureFixture[str]
) -> None:
    with_lite(bench)
    bench.runs_version(__version__)
    bench.polls = [lambda: bench.says(BEGAN, SUCCEEDED)]
    (bench.folder / "ggl.smartcam.Inference.service").unlink()
    assert deploy(built) == 1
    assert "smartcam.Inference: does not run" in capfd.readouterr().out


@pytest.mark.parametrize("nucleus", [with_lite, with_classic])
def test_a_failed_deployment_is_said_with_its_reason_and_the_end_of_the_log(
    nucleus: Callable[[Bench], None], bench: Bench, built: Built, capfd: pytest.CaptureFixture[str]
) -> None:
    nucleus(bench)
    error = "E[ggdeploymentd] modules/x.c:2491: smartcam.Model is broken."
    cause = "Detailed Status: FAILED_ROLLBACK_COMPLETE\nDeployment Failure Cause: smartcam.Model is broken."
    bench.polls = [
        lambda: bench.says(BEGAN, error, FAILED),
        lambda: classic_says(bench, f"FAILED\n{cause}"),
    ]
    assert deploy(built) == 1
    said = capfd.readouterr()
    assert "the deployment has failed: " in said.err
    assert said.err.endswith("smartcam.Model is broken.\n")
    assert "the log ends with\nsmartcam: the end of the log" in said.out
    assert f"smartcam.Inference: {OLD} runs" in said.out


@pytest.mark.parametrize("nucleus", [with_lite, with_classic])
def test_a_version_that_the_device_refused_is_said_although_the_deployment_succeeded(
    nucleus: Callable[[Bench], None], bench: Bench, built: Built, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        bench.runs_version(__version__)
        work = bench.folder / "root" / "work" / "smartcam.Capture"
        kept = work / "proven-3a.zip"
        (work / "proven").write_text(f"{OLD}\n/packages-1\n{kept}\n")
        refused = {"SMARTCAM_REFUSED_VERSION": __version__, "SMARTCAM_REFUSED_REASON": "no module named a b"}
        bench.runs("smartcam.Capture", "work/smartcam.Capture/proven-3a.zip", **refused)

    nucleus(bench)
    bench.polls = [lambda: bench.says(BEGAN, SUCCEEDED), lambda: classic_says(bench, "SUCCEEDED"), refuse]
    assert deploy(built) == 1
    said = capfd.readouterr()
    assert f"smartcam.Capture: {__version__} was refused here (no module named a b); {OLD} runs" in said.out
    assert f"smartcam.Inference: {__version__} runs" in said.out
    assert said.err == f"smartcam local: this machine: version {__version__} was refused\n"


def test_a_classic_tool_that_names_no_deployment_is_an_error(
    bench: Bench, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    with_classic(bench)
    bench.program("greengrass-cli", "echo submitted")
    assert deploy(built) == 2
    assert "greengrass-cli names no deployment: submitted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("journal", "state"),
    [
        ([], RunState.PENDING),
        # Another one, which was running before ours was sent.
        ([SUCCEEDED], RunState.PENDING),
        ([FAILED], RunState.PENDING),
        ([SUCCEEDED, BEGAN], RunState.PENDING),
        ([BEGAN, FAILED, BEGAN], RunState.PENDING),
        ([BEGAN, FAILED, BEGAN, SUCCEEDED], RunState.RUNNING),
        ([BEGAN, FAILED], RunState.FAILED),
    ],
)
def test_lites_journal_is_read_from_the_last_deployment_that_began(journal: list[str], state: RunState) -> None:
    assert read_lite("\n".join(journal)).state is state


def test_the_log_that_is_followed_ends_with_the_deployment(bench: Bench, built: Built) -> None:
    lite_deploys(bench)
    follower = bench.folder / "follower"
    bench.program("ggl-cli", f"while [ ! -s {shlex.quote(str(follower))} ]; do sleep 0.05; done")
    assert main(["--build", str(built.folder)]) == 0
    assert not Path("/proc", follower.read_text().strip()).exists()
    call = next(call for call in bench.calls("journalctl") if "--follow" in call)
    assert "ggl.smartcam.Capture*" in call
