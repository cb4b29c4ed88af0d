"""Whoever kills the tests of a device kills the device: no nucleus and no component is left behind."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conformance.target import COMPONENT, recipe, token_file
from tests.waiting import until
from tools.command_line import ROOT

OWNER = """
import sys
from pathlib import Path
from tests.system.nucleus import NucleusProcess
folder = Path(sys.argv[1])
options = {"--root": folder / "root", "--deploy": folder / "deployment.json", "--thing": "yard-1"}
nucleus = NucleusProcess.of({**options, "--recipes": folder, "--artifacts": folder}, folder / "nucleus.log")
sys.stdin.read()
"""


def at_work_in(folder: Path) -> set[str]:
    """The processes that name the folder, or work below it: nucleus, leash, guard and component."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words, place = (entry / "cmdline").read_bytes(), (entry / "cwd").readlink()
        except OSError:
            continue
        if str(folder).encode() in words or place.is_relative_to(folder):
            found.add(entry.name)
    return found


def test_an_owner_that_is_killed_takes_the_nucleus_and_its_components_along(tmp_path: Path) -> None:
    (tmp_path / f"{COMPONENT}-1.0.0.yaml").write_text(recipe("1.0.0"))
    (tmp_path / "deployment.json").write_text(f'{{"components": {{"{COMPONENT}": {{"version": "1.0.0"}}}}}}')
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "components")])}
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.PIPE) as owner:
        until(token_file(tmp_path / "root").is_file)
        assert len(at_work_in(tmp_path)) >= 5
        owner.kill()
    until(lambda: not at_work_in(tmp_path))
