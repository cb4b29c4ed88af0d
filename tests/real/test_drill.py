"""The drill on the stand-in, and on the real nucleus lite where somebody has one: docs/release.md says how."""

import os
import sys
import time
from pathlib import Path

import pytest

from measure.demo.device import remove_rings
from smartcam.contract.ids import CameraId
from tests.conformance.target import REAL
from tests.real.drill import Drill, DrillReleases, DrillRow, make_releases
from tests.real.hold import NucleusHold
from tests.real.lite import LiteHold, run_command
from tests.real.standin import StandInHold
from tests.system.footage import first_visitor
from tests.system.rig import until
from tools.build.suite import DEMO_BUNDLE, Built, build_suite
from tools.command_line import ROOT

WITHOUT_CLOUD = ("handshake", "pubsub", "configuration", "limits")
STARTED_MINUTE = int(time.time() // 60)


def play(drill: Drill, capsys: pytest.CaptureFixture[str]) -> list[DrillRow]:
    """Play it; the table grows before everybody's eyes."""
    rows = []
    for row in drill.play():
        rows.append(row)
        with capsys.disabled():
            sys.stdout.write(f"\n{row}")
    return rows


def releases_of(built: Built, folder: Path, clip: Path, camera: CameraId, python: str) -> DrillReleases:
    settings = {"path": str(clip), "at_end": "reopen", "start_delay_s": 2}
    return make_releases(built, folder / "releases", {camera: settings}, STARTED_MINUTE, python)


@pytest.mark.soak
def test_every_step_passes_on_the_stand_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = CameraId(f"drill{os.getpid()}")
    built = build_suite(tmp_path / "build", DEMO_BUNDLE)
    releases = releases_of(built, tmp_path, first_visitor(tmp_path / "visitor.mp4"), camera, sys.executable)
    nucleus = StandInHold(tmp_path)
    try:
        tests = tuple(f"tests/conformance/test_{name}.py" for name in WITHOUT_CLOUD)
        rows = play(Drill(nucleus, releases, until, tests), capsys)
    finally:
        nucleus.close()
        remove_rings(camera)
    assert [row for row in rows if not row.passed] == []
    assert len(rows) == 9


@pytest.mark.skipif(REAL not in os.environ, reason=f"{REAL} names no nucleus: see docs/release.md")
def test_every_step_passes_on_the_real_nucleus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipes = sorted((ROOT / "greengrass-build" / "recipes").glob("smartcam.Suite-*.yaml"))
    assert len(recipes) == 1, "greengrass-build/ must hold one build: make build BUNDLE=..."
    version = recipes[0].stem.removeprefix("smartcam.Suite-")
    names = tuple(file.stem.removesuffix(f"-{version}") for file in recipes[0].parent.glob(f"*-{version}.yaml"))
    built = Built(ROOT / "greengrass-build", version, names)
    # The components are other users.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    clip = first_visitor(tmp_path / "visitor.mp4")
    clip.chmod(0o644)
    nucleus: NucleusHold = LiteHold(Path(os.environ[REAL]), run_command, until)
    releases = releases_of(built, tmp_path, clip, CameraId("drill"), "")
    rows = play(Drill(nucleus, releases, until), capsys)
    assert [row for row in rows if not row.passed] == []
