"""The two scripts that recipes call, run as a nucleus runs them: with sh."""

import subprocess
import sys
from pathlib import Path

from devkit.build.suite import ROOT

INSTALL = ROOT / "devkit" / "build" / "runtime_install.sh"
RUN = ROOT / "devkit" / "build" / "component_run.sh"


def install(work: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    work.mkdir(exist_ok=True)
    return subprocess.run(
        ["/bin/sh", str(INSTALL), str(work), "1.2.3", *arguments], capture_output=True, text=True, check=False
    )


def test_an_interpreter_that_has_the_packages_is_linked(tmp_path: Path) -> None:
    work = tmp_path / "a folder with spaces"
    assert install(work, sys.executable).returncode == 0
    assert (work / "ready-1.2.3").is_file()
    answer = subprocess.run([work / "bin/python", "-c", "import cv2; print('seen')"], capture_output=True, check=True)
    assert answer.stdout == b"seen\n"


def test_an_interpreter_without_the_packages_is_refused_and_nothing_is_ready(tmp_path: Path) -> None:
    poor = tmp_path / "python"
    poor.write_text("#!/bin/sh\nexit 1\n")
    poor.chmod(0o755)
    work = tmp_path / "work"
    install(work, sys.executable)
    refused = install(work, str(poor))
    assert refused.returncode == 1
    assert "lacks the packages" in refused.stderr
    assert not list(work.glob("ready-*"))


def test_a_component_runs_from_its_artifact_in_the_runtime(tmp_path: Path) -> None:
    artifact = tmp_path / "artifact"
    (artifact / "sample").mkdir(parents=True)
    (artifact / "run.sh").write_text(RUN.read_text())
    (artifact / "sample" / "__init__.py").touch()
    (artifact / "sample" / "main.py").write_text("import sys\nprint(sys.argv[1:])\nsys.exit(7)\n")
    work = tmp_path / "runtime"
    install(work, sys.executable)
    ran = subprocess.run(
        ["/bin/sh", str(artifact / "run.sh"), str(work), "sample.main", "--bundle", "a b"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (7, "['--bundle', 'a b']\n")


def test_a_component_waits_until_the_runtime_is_ready(tmp_path: Path) -> None:
    work = tmp_path / "runtime"
    install(work, sys.executable)
    (work / "ready-1.2.3").unlink()
    with subprocess.Popen(["/bin/sh", str(RUN), str(work), "this"], stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "smartcam: waiting for the Runtime component\n"
        (work / "ready-1.2.3").touch()
        assert "The Zen of Python" in waiting.stdout.read()
    assert waiting.returncode == 0
