"""A loop of a real process hangs for ever: the nucleus gets a new process, which sees on, and the device says so."""

import http.client
import os
import socket
import sys
from pathlib import Path

import pytest

from smartcam.doctor.finding import State
from smartcam.doctor.machine import check_replaced
from smartcam.edge.clock import SystemClock
from smartcam.inference.metrics.door import SOCKET
from tests.system.footage import first_visitor
from tests.system.lone_site import Site
from tests.system.rig import CAPTURE, INFERENCE, until
from tests.unit.standins.nucleus.broker import Broker, make_papers
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, Built, build_suite

pytestmark = pytest.mark.slow
HANG = "hang"
_PLANTED = f"""
import pathlib, sys, threading
if "smartcam.capture.main" in sys.orig_argv and "--self-test" not in sys.orig_argv:
    from smartcam.capture.service import CaptureService
    from smartcam.edge.watchdog import LONGEST_S
    take, fault = CaptureService._take, pathlib.Path("{HANG}")
    def never_released(service, timed, selector):
        if fault.exists():
            fault.unlink()
            LONGEST_S["camera"] = 5.0  # not before: on a busy machine it takes as long to open the clip
            lock = threading.Lock()
            lock.acquire()
            lock.acquire()
        take(service, timed, selector)
    CaptureService._take = never_released
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build_suite(tmp_path_factory.mktemp("suite") / "build", DEMO_BUNDLE)


def planted(folder: Path) -> str:
    """An interpreter in which a camera's loop hangs when there is a file."""
    site = folder / "site"
    site.mkdir(parents=True)
    (site / "sitecustomize.py").write_text(_PLANTED)
    command = folder / "python"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{site}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    command.chmod(0o755)
    return str(command)


def scraped(work: Path) -> str:
    """What Prometheus would read."""
    folder = os.open(work, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        try:
            connection.connect(f"/proc/self/fd/{folder}/{SOCKET}")
        finally:
            os.close(folder)
        connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.read().decode()


@pytest.mark.parametrize("profile", ["lite", "classic"])
def test_a_camera_whose_loop_hangs_costs_a_process_that_the_nucleus_replaces_and_the_device_says_so(
    profile: str, built: Built, tmp_path: Path
) -> None:
    papers = make_papers(tmp_path)
    with Broker(papers) as broker:
        clip = first_visitor(tmp_path / "visitor.mp4")
        site = Site(profile, tmp_path / profile, built, clip, papers, broker, python=planted(tmp_path / "planted"))
        work = tmp_path / profile / "device" / "work"
        try:
            site.start(built.version)
            assert until(lambda: "camera_running" in site.log(CAPTURE), PATIENCE_S), site.logs()
            (work / CAPTURE / HANG).touch()
            started = f"component_started component={CAPTURE}"
            assert until(lambda: site.log(CAPTURE).count(started) == 2, PATIENCE_S), site.logs()
            site.sees_somebody()
            log = site.log(CAPTURE)
            [line] = [line for line in log.splitlines() if " loop_stuck " in line]
            assert f"loop=camera-{site.camera} " in line
            assert 'at="never_released site/sitecustomize.py:' in line
            assert f"component_ended component={CAPTURE} code=70 ended_by=watchdog" in log
            states = [entry for entry in site.journal() if entry.get("component") == CAPTURE and "state" in entry]
            assert "ERRORED" in [entry["state"] for entry in states], states
            assert "BROKEN" not in [entry["state"] for entry in states], states
            found = check_replaced(work, SystemClock().utc())
            assert (found.state, found.facts) == (State.WARNING, {"replaced": CAPTURE})
            runs = f'smartcam_camera_condition{{camera="{site.camera}",condition="running"}} 1.0'
            assert until(lambda: runs in scraped(work / INFERENCE), PATIENCE_S), scraped(work / INFERENCE)
        finally:
            site.stop()
