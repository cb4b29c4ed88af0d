"""The console on a PC: over a folder, and beside a nucleus that runs there."""

import json
import os
import re
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smartcam.contract.notice import CameraState, StatusNotice, encode_notice
from smartcam.contract.times import UtcNs
from smartcam.contract.topics import frames_topic
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.clip_name import CLIP_FOLDER, ClipName
from smartcam.edge.clock import SystemClock
from smartcam.edge.history.folder import EventHistory, HistorySettings
from standins.nucleus.testbed import access_control, running_nucleus
from tests.unit.console.test_event_pages import event
from tests.waiting import until
from tools.console import command
from tools.console.beside import VARIABLES
from tools.console.command import main


@pytest.fixture(autouse=True)
def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "make_page", lambda *_: None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def device_folder(folder: Path) -> Path:
    work = folder / "work" / "smartcam.Inference"
    work.mkdir(parents=True)
    history = EventHistory(work / "history", SystemClock())
    history.configure(HistorySettings())
    history.add(event(1))
    history.store()
    clips = folder / "work" / "smartcam.Capture" / CLIP_FOLDER
    clips.mkdir(parents=True)
    (clips / str(ClipName(event(1).event_id, event(1).camera_id, 1))).write_bytes(b"a clip")
    return folder


def asked(port: int, path: str, body: bytes | None = None, **headers: str) -> Any:  # noqa: ANN401  JSON
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/{path}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def with_console(folder: Path | None, look: Callable[[int], None]) -> int:
    """Runs the verb as a person does: `look`s at it, and presses Ctrl-C."""
    port, faults = free_port(), []

    def person() -> None:
        try:
            until(lambda: _is_open(port))
            look(port)
        except BaseException as error:  # noqa: BLE001  handed on to the test
            faults.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=person)
    thread.start()
    code = main([*([] if folder is None else [str(folder)]), "--port", str(port)])
    thread.join()
    if faults:
        raise faults[0]
    return code


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("below", ["", "work"])
def test_over_a_folder_that_was_copied_here_it_shows_what_happened_and_writes_nothing_there(
    below: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = device_folder(tmp_path) / below
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    def look(port: int) -> None:
        (found,) = asked(port, "events")["events"]
        (clip,) = found["clips"]
        assert (found["event_id"], clip["bytes"]) == (event(1).event_id, 6)
        token = asked(port, "session")["token"]
        headers = {"Content-Type": "application/json", "X-Smartcam-Token": token}
        refused = asked(port, "arming", b'{"camera": "*", "armed": false}', **headers)
        assert "error" in refused

    assert with_console(folder, look) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    said = capsys.readouterr().out
    assert "what is on the disk" in said
    assert "the console: http://127.0.0.1:" in said


def test_beside_a_device_that_runs_it_hears_its_cameras(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = device_folder(tmp_path)
    with running_nucleus() as nucleus:
        everything = access_control(publish=["smartcam/*"], subscribe=["smartcam/*"])
        variables = nucleus.add_component("smartcam.Console", everything)
        capture = GreengrassBus(nucleus.add_component("smartcam.Capture", everything))
        (folder / VARIABLES).write_text(json.dumps(dict(variables)))

        def look(port: int) -> None:
            def is_heard() -> bool:
                status = StatusNotice(event(1).camera_id, CameraState.RUNNING, "", 10.0, 7, 5, UtcNs(1), UtcNs(2))
                capture.publish_local(frames_topic(status.camera_id), encode_notice(status))
                return any(each["state"] == "running" for each in asked(port, "cameras")["cameras"])

            until(is_heard)

        try:
            assert with_console(folder, look) == 0
        finally:
            capture.close()
    assert "the device that runs there" in capsys.readouterr().out


def test_at_the_first_use_there_is_a_wizard_for_who_knows_the_word_that_the_terminal_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_DEMO", tmp_path / "gone")

    def look(port: int) -> None:
        assert asked(port, "cameras") == {"cameras": []}
        assert asked(port, "events") == {"events": [], "more": False}
        headers = {"Content-Type": "application/json", "X-Smartcam-Token": asked(port, "session")["token"]}
        assert "terminal" in asked(port, "setup/state", b'{"word": "guessed"}', **headers)["error"]
        (word,) = re.findall(r"#/setup/(\S+)", capsys.readouterr().out)
        document = json.dumps({"word": word}).encode()
        assert asked(port, "setup/state", document, **headers)["state"] == "idle"

    assert with_console(None, look) == 0


@pytest.mark.parametrize("left", ["{", "[]", '{"SVCUID": "x"}', '{"SVCUID": "x", "AWS_GG_NUCLEUS_DOMAIN": "/none"}'])
def test_what_a_killed_nucleus_left_is_no_device(left: str, tmp_path: Path) -> None:
    (tmp_path / VARIABLES).write_text(left)
    assert command.variables(tmp_path) is None


def test_a_folder_without_a_device_is_named_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"smartcam console: {tmp_path}: holds no work folder of smartcam.Inference")
    assert "make demo" in line


def test_a_demo_that_was_broken_off_is_named_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_DEMO", tmp_path)
    assert main([]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"smartcam console: {tmp_path}: `make demo` has not got far enough there")
    assert "remove the folder" in line


def test_a_port_that_is_taken_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main([str(device_folder(tmp_path)), "--port", str(port)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"port {port} cannot be listened at: Address already in use; choose another" in line
