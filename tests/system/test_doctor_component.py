"""smartcam.Doctor deployed beside the suite's packages and model: what it finds stands in its log.

On both nuclei a sound device; an ailing one on lite alone, since what is wrong is found by the same code.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from smartcam.contract.ids import ThingName
from smartcam.contract.topics import probe_topic
from standins.nucleus.profile import PROFILES
from tests.clips import still_scene, write_clip
from tests.system.nucleus import NucleusProcess, journal_lines
from tests.system.rig import until
from tests.unit.standins.nucleus.broker import Broker, Papers, make_papers
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, Built, build_suite

pytestmark = pytest.mark.slow
DOCTOR = "smartcam.Doctor"
ASKED = probe_topic(ThingName("yard-1"))
CHECKS = {"cloud", "packages", "shared memory", "disk", "clock", "watchdog", "model", "camera yard", "IoT Core"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build_suite(tmp_path_factory.mktemp("suite") / "build", DEMO_BUNDLE)


@dataclass(frozen=True)
class Visit:
    """One deployment of the doctor."""

    folder: Path

    def ended(self) -> str:
        """How it ended, empty while it has not."""
        entries = [json.loads(line) for line in journal_lines(self.folder)]
        states = [entry["state"] for entry in entries if entry.get("component") == DOCTOR and "state" in entry]
        return next((state for state in states if state in {"FINISHED", "BROKEN"}), "")

    def findings(self) -> list[tuple[str, str, str]]:
        """State, name and words of each line of the log."""
        log = (self.folder / "logs" / f"{DOCTOR}.log").read_text()
        return re.findall(r"^(ok|skipped|warning|fault) +(\S.*?)  +(\S.*)$", log, re.MULTILINE)


@contextmanager
def visit(
    folder: Path, profile: str, built: Built, configuration: dict[str, object], cloud: dict[str, object]
) -> Iterator[Visit]:
    folder.mkdir()
    versions = {name: {"version": built.version} for name in ("smartcam.Runtime", "smartcam.Model")}
    merges = {"smartcam.Runtime": {"python": sys.executable}, DOCTOR: configuration}
    components = {**versions, DOCTOR: {"version": built.version}}
    document = {name: {**wanted, "merge": merges.get(name, {})} for name, wanted in components.items()}
    description = folder / "deployment.json"
    description.write_text(json.dumps({"components": document}))
    options = {"--root": folder, "--profile": profile, "--recipes": built.recipes, "--artifacts": built.artifacts}
    options |= {"--deploy": description, "--thing": "yard-1", **cloud}
    nucleus = NucleusProcess.of(options, folder / "nucleus.log")
    try:
        assert until((folder / "journal.jsonl").is_file, PATIENCE_S)
        yield Visit(folder)
    finally:
        nucleus.end()


@contextmanager
def cloud_that_answers(papers: Papers) -> Iterator[dict[str, object]]:
    """The options with which a nucleus reaches it."""
    with Broker(papers) as broker:
        broker.answers[ASKED] = (f"{ASKED}/rejected", b'{"code": 404}')
        own = {"--ca": papers.ca, "--cert": papers.device, "--key": papers.device_key}
        yield {**own, "--iot-endpoint": f"127.0.0.1:{broker.port}"}


def examine(folder: Path, profile: str, built: Built, configuration: dict[str, object], papers: Papers | None) -> Visit:
    """Without papers the device never reaches the cloud."""
    way: AbstractContextManager[dict[str, object]] = nullcontext({}) if papers is None else cloud_that_answers(papers)
    with way as cloud, visit(folder, profile, built, configuration, cloud) as seen:
        assert until(lambda: bool(seen.ended()), PATIENCE_S), (folder / "nucleus.log").read_text()
    return seen


def by_hand(seen: Visit) -> dict[str, str]:
    """What the command that smartcam.Runtime brought finds without a nucleus, by check."""
    command = ["sh", str(seen.folder / "work" / "smartcam.Runtime" / "doctor" / "smartcam-doctor"), "--json"]
    ran = subprocess.run(command, cwd="/", capture_output=True, check=True)
    states = {check["name"]: check["state"] for check in json.loads(ran.stdout)["checks"]}
    return {name: states[name] for name in ("model", "disk", "cameras", "nucleus")}


def test_on_both_nuclei_a_sound_device_passes_and_what_is_wrong_is_named_and_fails(
    built: Built, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", still_scene(frames=100), fps=20)
    sound: dict[str, object] = {"cameras": {"yard": {"path": str(clip)}}}
    key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    ailing: dict[str, object] = {"cameras": {"yard": {"path": "/no/such/clip.mp4"}}, "trusted_key": key}
    papers = make_papers(tmp_path)
    wanted = [*((profile, "sound") for profile in PROFILES), ("lite", "ailing")]
    with ThreadPoolExecutor(2) as beside:
        seen = list(
            beside.map(
                lambda each: examine(
                    tmp_path / f"{each[0]}-{each[1]}",
                    each[0],
                    built,
                    sound if each[1] == "sound" else ailing,
                    papers if each[1] == "sound" else None,
                ),
                wanted,
            )
        )
    for (profile, name), visit_ in zip(wanted, seen, strict=True):
        found = {check: (state, said) for state, check, said in visit_.findings()}
        assert set(found) - {check for check in found if check.startswith("topic ")} == CHECKS, (profile, found)
        assert found["topic smartcam/frames/_doctor"] == ("ok", "published and received")
        assert "topic smartcam/v1/yard-1/ack" in found
        faults = {check for check, (state, _) in found.items() if state == "fault"}
        if name == "sound":
            assert (visit_.ended(), faults) == ("FINISHED", set()), (profile, found)
            assert found["cloud"][1].startswith("IoT Core answered in ")
            log = (visit_.folder / "logs" / f"{DOCTOR}.log").read_text()
            assert "usage:" not in log
            assert f"{DOCTOR} {built.version}: self-test passed" in log
            assert "320x240" in found["camera yard"][1]
            assert by_hand(visit_) == {"model": "ok", "disk": "ok", "cameras": "skipped", "nucleus": "skipped"}
        else:
            assert (visit_.ended(), faults) == ("BROKEN", {"camera yard", "model", "cloud"}), (profile, found)
            assert "/no/such/clip.mp4" in found["camera yard"][1]
            assert "this device only trusts signed bundles" in found["model"][1]
