import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smartcam.contract.errors import BusRefused
from smartcam.edge.bus.greengrass import GreengrassBus
from standins.nucleus.command import main, socket_path
from standins.nucleus.testbed import access_control
from tests.unit.standins.nucleus.workshop import PATIENCE_S, Workshop, is_alive, until_true

ROOT = Path(__file__).parents[4]


def arguments(workshop: Workshop, deploy: Path, *more: str) -> list[str]:
    return [
        *("--root", str(workshop.root), "--recipes", str(workshop.recipes), "--artifacts", str(workshop.artifacts)),
        *("--deploy", str(deploy), "--thing", "yard", "--profile", "lite", *more),
    ]


@contextmanager
def running(workshop: Workshop, *more: str) -> Iterator[subprocess.Popen[str]]:
    workshop.artifacts.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "front", "nucleus", *arguments(workshop, workshop.folder / "deploy.json", *more)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as nucleus:
        try:
            yield nucleus
        finally:
            nucleus.kill()


def pid_of(workshop: Workshop) -> int:
    file = workshop.root / "work" / "t.A" / "pid"
    until_true(lambda: file.exists() and file.read_text() != "")
    return int(file.read_text())


def nothing_is_left(workshop: Workshop) -> bool:
    return not (workshop.root / "gg-ipc.socket").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order_and_nothing_is_left(workshop: Workshop, number: signal.Signals) -> None:
    workshop.recipe("t.A", "run: echo $$ > pid; exec sleep 1000")
    workshop.deployment(t_A="1.0.0")
    with running(workshop) as nucleus:
        pid = pid_of(workshop)
        nucleus.send_signal(number)
        assert nucleus.wait(PATIENCE_S) == 0
        assert not is_alive(pid)
    assert nothing_is_left(workshop)
    events = [json.loads(line)["event"] for line in (workshop.root / "journal.jsonl").read_text().splitlines()]
    assert (events[0], events[-1]) == ("nucleus_started", "nucleus_stopped")


def test_a_second_signal_kills_what_does_not_want_to_stop(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: trap '' TERM; echo $$ > pid; while :; do sleep 0.05; done")
    workshop.deployment(t_A="1.0.0")
    with running(workshop) as nucleus:
        pid = pid_of(workshop)
        nucleus.send_signal(signal.SIGINT)
        until_true(lambda: "STOPPING" in workshop.states("t.A"))
        assert is_alive(pid)
        nucleus.send_signal(signal.SIGINT)
        assert nucleus.wait(PATIENCE_S) == 0
        assert not is_alive(pid)


def test_a_signal_during_installation_leaves_nothing(workshop: Workshop) -> None:
    workshop.recipe("t.A", "install: echo $$ > pid; exec sleep 1000")
    workshop.deployment(t_A="1.0.0")
    with running(workshop) as nucleus:
        pid = pid_of(workshop)
        nucleus.send_signal(signal.SIGINT)
        assert nucleus.wait(PATIENCE_S) == 0
        assert not is_alive(pid)
    assert nothing_is_left(workshop)


def test_components_do_not_outlive_a_killed_nucleus(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: (setsid sleep 1000 & echo $! > other) & echo $$ > pid; exec sleep 1000")
    workshop.deployment(t_A="1.0.0")
    with running(workshop) as nucleus:
        pids = [pid_of(workshop)]
        other = workshop.root / "work/t.A/other"
        until_true(lambda: other.exists() and other.read_text() != "")
        pids.append(int(other.read_text()))
        nucleus.kill()
        nucleus.wait(PATIENCE_S)
        until_true(lambda: not any(map(is_alive, pids)))
    with running(workshop) as again:
        (workshop.root / "work" / "t.A" / "pid").unlink()
        assert is_alive(pid_of(workshop))
        again.send_signal(signal.SIGTERM)
        assert again.wait(PATIENCE_S) == 0


def test_a_second_nucleus_below_the_same_root_is_refused(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: echo $$ > pid; exec sleep 1000")
    deploy = workshop.deployment(t_A="1.0.0")
    with running(workshop) as first:
        pid_of(workshop)
        command = [sys.executable, "-m", "front", "nucleus", *arguments(workshop, deploy)]
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert second.returncode == 1
        assert second.stderr == f"smartcam nucleus: {workshop.root}: another nucleus runs there and holds its socket\n"
        first.send_signal(signal.SIGTERM)
        assert first.wait(PATIENCE_S) == 0


def test_variables_can_be_given_to_all_components(workshop: Workshop) -> None:
    workshop.recipe("t.A", 'run: echo "$SMARTCAM_SHM" > shm; echo $$ > pid; exec sleep 1000')
    workshop.deployment(t_A="1.0.0")
    with running(workshop, "--setenv", "SMARTCAM_SHM=/tmp/x") as nucleus:
        pid_of(workshop)
        assert (workshop.root / "work/t.A/shm").read_text() == "/tmp/x\n"  # noqa: S108  only text
        nucleus.send_signal(signal.SIGTERM)
        assert nucleus.wait(PATIENCE_S) == 0


def test_a_component_that_a_person_runs_is_let_in_with_the_rights_of_its_recipe_and_no_more(workshop: Workshop) -> None:
    workshop.recipe("t.A", "run: echo $$ > pid; exec sleep 1000")
    allowed = f"accessControl: {json.dumps(access_control(publish=['yard/*']))}"
    guest, file = workshop.recipe("t.Guest", configuration=allowed), workshop.root / "guest.json"
    workshop.deployment(t_A="1.0.0")
    with running(workshop, "--guest", f"{guest}={file}") as nucleus:
        pid_of(workshop)
        assert file.stat().st_mode & 0o777 == 0o600
        bus = GreengrassBus(json.loads(file.read_text()))
        try:
            bus.publish_local("yard/gate", b"here")
            with pytest.raises(BusRefused):
                bus.publish_local("house/door", b"here")
        finally:
            bus.close()
        nucleus.send_signal(signal.SIGTERM)
        assert nucleus.wait(PATIENCE_S) == 0
    assert not file.exists()


def test_a_failed_installation_ends_it_with_one_line(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    workshop.recipe("t.A", "install: exit 4")
    workshop.artifacts.mkdir()
    assert main(arguments(workshop, workshop.deployment(t_A="1.0.0"))) == 1
    one_line(capsys, "t.A: install failed (exit 4); see")


def test_an_unknown_component_gives_one_line(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    workshop.recipe("t.Abc")
    assert main(arguments(workshop, workshop.deployment(t_Abd="1.0.0"))) == 1
    one_line(capsys, "t.Abd: the deployment wants 1.0.0, but", "did you mean 't.Abc'?")


def test_a_misspelt_phase_gives_one_line(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    workshop.recipe("t.A", "rnu: sleep 1000")
    assert main(arguments(workshop, workshop.deployment(t_A="1.0.0"))) == 1
    one_line(capsys, "t.A-1.0.0.yaml:9: Manifests[0].Lifecycle: unknown key 'rnu'; did you mean 'run'?")


def test_a_missing_artifact_gives_one_line(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    workshop.recipe("t.A", zips=["bundle.zip"])
    workshop.artifacts.mkdir()
    assert main(arguments(workshop, workshop.deployment(t_A="1.0.0"))) == 1
    one_line(capsys, "t.A-1.0.0.yaml: the artifact", "bundle.zip is missing")


def test_a_merge_that_does_not_fit_gives_one_line(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    workshop.recipe("t.A", configuration="cameras: {yard: {fps: 5}}")
    deploy = workshop.folder / "deploy.json"
    merge = {"components": {"t.A": {"version": "1.0.0", "merge": {"cameras": "none"}}}}
    deploy.write_text(json.dumps(merge), encoding="utf-8")
    assert main(arguments(workshop, deploy)) == 1
    one_line(capsys, "t.A: the configuration cannot be merged: cameras is an object, not a value")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--iot-endpoint", "localhost:8883"], "--iot-endpoint needs --ca and --cert and --key too"),
        (["--iot-endpoint", "localhost", "--ca", "a", "--cert", "b", "--key", "c"], "write HOST:PORT"),
        (["--iot-endpoint", "localhost:1", "--ca", "a", "--cert", "b", "--key", "c"], "certificates cannot be used"),
    ],
)
def test_a_wrong_endpoint_gives_one_line(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], more: list[str], reason: str
) -> None:
    workshop.recipe("t.A")
    assert main(arguments(workshop, workshop.deployment(t_A="1.0.0"), *more)) == 1
    one_line(capsys, reason)


def test_a_root_that_cannot_be_used_gives_one_line(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    workshop.recipe("t.A")
    workshop.root.write_text("a file", encoding="utf-8")
    assert main(arguments(workshop, workshop.deployment(t_A="1.0.0"))) == 1
    one_line(capsys, "cannot be used as root")


def test_a_root_too_deep_for_a_socket_gets_one_elsewhere(tmp_path: Path) -> None:
    assert socket_path(Path("/gg")) == Path("/gg/gg-ipc.socket")
    deep = tmp_path / ("d" * 100)
    assert len(os.fsencode(socket_path(deep))) <= 107
    assert socket_path(deep) == socket_path(deep)
    assert socket_path(deep) != socket_path(tmp_path / ("e" * 100))


def test_a_deep_root_works_and_leaves_no_folder_elsewhere(tmp_path: Path) -> None:
    deep = Workshop(tmp_path / ("d" * 100))
    deep.folder.mkdir()
    deep.recipe(
        "t.A", "run: test -S $AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT && echo $$ > pid; exec sleep 1000"
    )
    deep.deployment(t_A="1.0.0")
    with running(deep) as nucleus:
        pid_of(deep)
        nucleus.send_signal(signal.SIGTERM)
        assert nucleus.wait(PATIENCE_S) == 0
    assert not socket_path(deep.root).parent.exists()


def one_line(capsys: pytest.CaptureFixture[str], *parts: str) -> None:
    said = capsys.readouterr().err
    assert said.startswith("smartcam nucleus: ")
    assert said.count("\n") == 1
    for part in parts:
        assert part in said
