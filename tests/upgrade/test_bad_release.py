"""A release whose code fails its self-test leaves the old one watching, on both nuclei, and a good one takes over."""

import json
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smartcam.contract.ids import CameraId
from smartcam.edge.ring.frame_ring import DEFAULT_FOLDER
from smartcam.edge.ring.ring_file import remove_leftover, ring_path
from standins.nucleus.profile import PROFILES
from tests.system.footage import first_visitor
from tests.system.rig import CAPTURE, INFERENCE, PATIENCE_S, until
from tests.upgrade.releases import next_release
from tools.build.suite import DEMO_BUNDLE, ON_DEMAND, Built, build_suite
from tools.command_line import ROOT

pytestmark = pytest.mark.slow
SWAPS_ITS_ANSWERS = (INFERENCE, "smartcam/model/heads.py"), ("= raw.reshape(-1)", "= raw.reshape(-1)[::-1]")
CANNOT_BE_IMPORTED = (CAPTURE, "smartcam/capture/service.py"), ("import logging", "import a_package_of_tomorrow")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    built = build_suite(tmp_path_factory.mktemp("suite") / "build", DEMO_BUNDLE)
    next_release(built, "0.2.0", dict([SWAPS_ITS_ANSWERS]))
    next_release(built, "0.3.0", dict([CANNOT_BE_IMPORTED]))
    next_release(built, "0.4.0")
    return built


@dataclass
class Site:
    """A device whose nucleus is told of one release after the other; it has no cloud."""

    profile: str
    folder: Path
    built: Built
    clip: Path
    nucleus: subprocess.Popen[bytes] | None = None
    camera: CameraId = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.camera = CameraId(f"up{self.profile}{os.getpid()}")

    def describe(self, version: str) -> Path:
        merges: dict[str, object] = {
            "smartcam.Runtime": {"python": sys.executable},
            CAPTURE: {"cameras": {self.camera: {"path": str(self.clip), "at_end": "reopen", "start_delay_s": 2}}},
        }
        names = [name for name in self.built.components if name not in ON_DEMAND]
        document = {name: {"version": version, "merge": merges.get(name, {})} for name in names}
        description = self.folder / "deployment.json"
        description.write_text(json.dumps({"components": document}))
        return description

    def start(self) -> None:
        options = {
            "--root": self.folder / "device",
            "--profile": self.profile,
            "--recipes": self.built.recipes,
            "--artifacts": self.built.artifacts,
            "--deploy": self.describe("0.1.0"),
            "--thing": "yard-1",
        }
        command = [sys.executable, "-m", "front", "nucleus", *(str(part) for pair in options.items() for part in pair)]
        with (self.folder / "nucleus.log").open("wb") as log:
            self.nucleus = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)

    def stop(self) -> None:
        if self.nucleus is not None:
            self.nucleus.send_signal(signal.SIGTERM)
            self.nucleus.wait(PATIENCE_S)
        remove_leftover(ring_path(DEFAULT_FOLDER, self.camera), self.camera)

    def deploy(self, version: str) -> dict[str, object]:
        """What became of the deployment, by the nucleus."""
        assert self.nucleus is not None
        before = len(self.outcomes())
        self.describe(version)
        self.nucleus.send_signal(signal.SIGHUP)
        assert until(lambda: len(self.outcomes()) > before, PATIENCE_S), self.logs()
        return self.outcomes()[-1]

    def outcomes(self) -> list[dict[str, object]]:
        return [entry for entry in self.journal() if entry["event"] in {"deployment_failed", "deployment_succeeded"}]

    def journal(self) -> list[dict[str, object]]:
        file = self.folder / "device" / "journal.jsonl"
        lines = file.read_text().splitlines() if file.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def log(self, component: str) -> str:
        file = self.folder / "device" / "logs" / f"{component}.log"
        return file.read_text(errors="replace") if file.is_file() else ""

    def logs(self) -> str:
        return "\n".join(self.log(name)[-3000:] for name in (CAPTURE, INFERENCE, "smartcam.Runtime"))

    def pids(self) -> dict[int, str]:
        """The components' processes, with the code that each runs on."""
        work, found = str((self.folder / "device" / "work").resolve()), {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                is_ours = str((entry / "cwd").readlink()).startswith(work)
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if is_ours and words[-2:-1] != [] and b"-m" in words and b"--self-test" not in words:
                code = re.search(r"(?:^|\0)PYTHONPATH=([^\0]+)", environment)
                found[int(entry.name)] = code[1] if code else ""
        return found

    def events(self) -> int:
        """How many episodes inference has raised so far."""
        return len(re.findall(r" event .*phase=raised", self.log(INFERENCE)))

    def sees_somebody(self) -> None:
        before = self.events()
        assert until(lambda: self.events() > before, PATIENCE_S), self.logs()


def watch(site: Site) -> None:
    site.start()
    assert until(lambda: site.events() > 0, PATIENCE_S), site.logs()
    old = site.pids()
    assert len(old) == 2, old
    for version, component, says in (
        ("0.2.0", INFERENCE, "golden output differs"),
        ("0.3.0", CAPTURE, "No module named 'a_package_of_tomorrow'"),
    ):
        outcome = site.deploy(version)
        assert outcome["event"] == "deployment_failed"
        assert str(outcome["reason"]).startswith(f"{component}: install failed")
        assert f"version {version} has not passed its self-test here and is not installed" in site.log(component)
        assert says in site.log(component)
        if site.profile == "lite":
            assert site.pids() == old
        else:
            assert outcome["rolled_back"] is True
            assert until(lambda: len(site.pids()) == 2, PATIENCE_S), site.logs()
            assert set(site.pids().values()) == set(old.values())
    if site.profile == "lite":
        # Whatever is started from now on, the nucleus takes the scripts of the release that failed last.
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        assert until(lambda: len(site.pids()) == 2 and not set(site.pids()) & set(old), PATIENCE_S), site.logs()
        # 0.2.0 of capture was no bad one. The nucleus writes what run.sh said while the process that it became runs.
        says = "version 0.3.0 has not passed its self-test here; going on with version 0.2.0"
        assert until(lambda: says in site.log(CAPTURE), PATIENCE_S), site.logs()
        assert not [code for code in site.pids().values() if "smartcam.Capture/0.3.0" in code]
    site.sees_somebody()
    assert site.deploy("0.4.0")["event"] == "deployment_succeeded"
    assert until(lambda: len([code for code in site.pids().values() if "0.4.0" in code]) == 2, PATIENCE_S), site.logs()


def test_two_bad_releases_leave_the_old_one_watching_and_a_good_one_takes_over(built: Built, tmp_path: Path) -> None:
    clip = first_visitor(tmp_path / "visitor.mp4")
    sites = [Site(profile, tmp_path / profile, built, clip) for profile in PROFILES]
    try:
        with ThreadPoolExecutor(len(sites)) as beside:
            list(beside.map(watch, sites))
    finally:
        for site in sites:
            site.stop()
    for site in sites:
        assert site.pids() == {}
