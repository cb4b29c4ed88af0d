"""The main job, as a user runs it: from camera clip to delivered alert, and Ctrl-C at any moment."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from smartcam.edge.ring.sealed import DEFAULT_FOLDER
from standins.chromium import Chromium, setup_chromium
from tests.waiting import until
from tools.command_line import ROOT
from tools.setup import ToolsError

pytestmark = [pytest.mark.cloud, pytest.mark.slow]


@contextmanager
def demo(camera: str, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "front", "demo", "--camera", camera, "--folder", str(folder), *arguments]
    # A group of its own, so that a signal to it is what a terminal's Ctrl-C is.
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    yield from process.stdout


def processes_that_name(text: str) -> list[str]:
    """Command lines and environments of running processes that hold the text."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if text.encode() in words and state != "Z" and entry.name != str(os.getpid()):
            found.append(f"{entry.name}: {words[:200]!r}")
    return found


def assert_nothing_is_left(camera: str, folder: Path) -> None:
    until(lambda: processes_that_name(str(folder)) == [])
    assert not (DEFAULT_FOLDER / f"smartcam-{camera}").exists()


@pytest.fixture
def chromium() -> Chromium | None:
    try:
        return setup_chromium(say=lambda _: None)
    except ToolsError:
        return None


def assert_pictures_move(chromium: Chromium, address: str) -> None:
    """At the console's address, as soon as it answers, a browser shows another picture after each other."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.program, env=dict(chromium.environment))
        page = browser.new_page()
        page.set_default_timeout(120_000)
        until(lambda: answers(address), patience_s=120)
        page.goto(address)
        video = page.locator("article video")
        decoded = "video => video.getVideoPlaybackQuality().totalVideoFrames"
        page.wait_for_function(f"video => ({decoded})(video) > 5", arg=video.element_handle())
        first, count = video.screenshot(), video.evaluate(decoded)
        page.wait_for_function(f"video => ({decoded})(video) > {count + 10}", arg=video.element_handle())
        assert video.screenshot() != first
        browser.close()


def answers(address: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(address, timeout=10):  # noqa: S310  of the demo itself
        return True
    return False


def test_make_demo_with_the_console_asks_for_it() -> None:
    make = shutil.which("make")
    assert make is not None
    told = subprocess.run([make, "-n", "demo", "CONSOLE=1"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert re.search(r"smartcam demo .*--console$", told.stdout, re.MULTILINE)


def test_every_event_of_the_demo_becomes_one_email_and_one_sms_while_a_browser_looks_on(
    tmp_path: Path, chromium: Chromium | None
) -> None:
    camera = f"demo{os.getpid()}"
    told = ""
    with demo(camera, tmp_path / "demo", *(["--console"] if chromium else [])) as process:
        for line in lines_of(process):
            told += line
            if chromium and (found := re.search(r"the console, .*: (http://\S+)", line)):
                assert_pictures_move(chromium, found[1])
    assert process.returncode == 0, told
    assert chromium is None or "the console, as soon as its component runs" in told
    report = json.loads((tmp_path / "demo" / "report.json").read_text())
    assert {each["kind"] for each in report["events"]} == {"anomaly"}
    events = {each["event_id"] for each in report["events"]}
    arrived = sorted((alert["event_id"], alert["channel"]) for alert in report["alerts"])
    assert arrived == sorted((event, channel) for event in events for channel in ("email", "sms"))
    assert (report["lost"], report["duplicates"], report["refused"], report["faults"]) == (0, 0, 0, [])
    assert report["frames"]["read"] == 500
    assert report["frames"]["analysed"] + report["frames"]["dropped"] <= report["frames"]["announced"]
    assert len(list((tmp_path / "demo" / "events").glob("*.jpg"))) == len(events)
    assert re.search(r"EVENT anomaly, score 0\.\d\d .*published \d+ ms after the frame", told)
    assert re.search(r"sms +to \+441632960001: \d+ ms after publishing", told)
    assert_nothing_is_left(camera, tmp_path / "demo")


# Between these two it is killed outright, below; test_leashed_nucleus kills what runs a device.
@pytest.mark.parametrize("moment", ["starting the local cloud", "camera"])
def test_ctrl_c_leaves_no_process_and_no_shared_memory(moment: str, tmp_path: Path) -> None:
    camera = f"stop{os.getpid()}"
    with demo(camera, tmp_path / "demo") as process:
        lines = lines_of(process)
        assert any(moment in line for line in lines)
        os.killpg(process.pid, signal.SIGINT)
        rest = "".join(lines)
    assert process.returncode == 130, rest
    assert "interrupted" in rest
    assert_nothing_is_left(camera, tmp_path / "demo")


def test_a_killed_demo_leaves_no_process(tmp_path: Path) -> None:
    camera = f"kill{os.getpid()}"
    with demo(camera, tmp_path / "demo") as process:
        assert any("deploying the template" in line for line in lines_of(process))
        process.kill()
    until(lambda: processes_that_name(str(tmp_path)) == [])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--video", "missing.mp4"], "VIDEO=missing.mp4: there is no such file"),
        (["--video", "Makefile"], "VIDEO=Makefile: is not a clip that can be read"),
        (["--bundle", "docs"], "BUNDLE=docs: has no manifest.json; make a bundle with"),
        (["--camera", "no/slash"], "camera_id: must be 1 to 64 letters, digits, '-' or '_'"),
        (["--cooldown", "soon"], "soon: give a whole number, 0 to 86400"),
    ],
)
def test_what_would_fail_minutes_later_is_said_at_once(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    with demo("yard", tmp_path / "demo", *arguments) as process:
        told = "".join(lines_of(process))
    assert process.returncode == 2
    assert complaint in told
    assert "Traceback" not in told
