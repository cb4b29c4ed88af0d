"""The scripts that recipes call, run as a nucleus runs them: with sh."""

import lzma
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tools.build.archive import write_archive
from tools.build.slim import packages_id
from tools.build.suite import locks
from tools.command_line import ROOT

SCRIPTS = ROOT / "tools" / "build"
UNPACK = SCRIPTS / "unpack_packages.py"
ID = packages_id(locks())
DOCTOR: dict[str, Path | bytes] = {
    "doctor/smartcam-doctor": SCRIPTS / "doctor.sh",
    # In place of the doctor: says how it was called.
    "doctor/smartcam/__init__.py": b"",
    "doctor/smartcam/doctor/__init__.py": b"",
    "doctor/smartcam/doctor/main.py": b"import sys, cv2\nprint(*sys.argv[1:], sep='|')\n",
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """What a Runtime without wheels carries."""
    target = tmp_path / "packages.zip"
    members: dict[str, Path | bytes] = {f"requirements/{lock.name}": lock for lock in locks()}
    members |= DOCTOR
    write_archive(target, {**members, "requirements/id": ID.encode() + b"\n", "__main__.py": UNPACK})
    return target


def install(work: Path, archive: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    work.mkdir(exist_ok=True)
    return subprocess.run(
        ["/bin/sh", str(SCRIPTS / "runtime_install.sh"), str(work), str(archive), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_an_interpreter_that_has_the_packages_is_linked(archive: Path, tmp_path: Path) -> None:
    work = tmp_path / "a folder with spaces"
    assert install(work, archive, sys.executable).returncode == 0
    packages = work / f"packages-{ID}"
    assert (packages / "ready").is_file()
    assert {path.name for path in work.iterdir()} == {packages.name, "doctor"}
    answer = subprocess.run(
        [packages / "bin/python", "-c", "import cv2; print('seen')"], capture_output=True, check=True
    )
    assert answer.stdout == b"seen\n"


def doctor(work: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(work / "doctor" / "smartcam-doctor"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_the_runtime_leaves_a_command_that_examines_this_device(archive: Path, tmp_path: Path) -> None:
    work = tmp_path / "a folder with spaces" / "smartcam.Runtime"
    work.parent.mkdir()
    assert install(work, archive, sys.executable).returncode == 0
    # Whatever lies where somebody happens to stand.
    (tmp_path / "cv2.py").write_text("raise SystemExit('imported from the working directory')")
    ran = doctor(work, "--json", "--cameras", "my cameras.json", cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, f"--device|{work.parent}|--json|--cameras|my cameras.json\n"), ran
    # The next release brings its own, although the packages are the same.
    newer = tmp_path / "newer.zip"
    with ZipFile(archive) as old:
        members: dict[str, Path | bytes] = {name: old.read(name) for name in old.namelist()}
    write_archive(newer, {**members, "doctor/smartcam/doctor/main.py": b"print('newer')\n"})
    assert install(work, newer, sys.executable).returncode == 0
    assert doctor(work, cwd=tmp_path).stdout == "newer\n"
    (work / f"packages-{ID}" / "ready").unlink()
    ran = doctor(work, cwd=tmp_path)
    assert (ran.returncode, "see the log of smartcam.Runtime" in ran.stderr) == (2, True)


def test_a_linked_interpreter_is_not_taken_away_when_it_is_installed_again(archive: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    install(work, archive, sys.executable)
    packages = work / f"packages-{ID}"
    before = ((packages / "ready").stat().st_ino, packages.stat().st_ino)
    assert install(work, archive, sys.executable).returncode == 0
    assert ((packages / "ready").stat().st_ino, packages.stat().st_ino) == before
    assert sorted(path.name for path in packages.iterdir()) == ["bin", "interpreter", "ready"]


def test_an_interpreter_without_the_packages_is_refused_and_nothing_is_ready(archive: Path, tmp_path: Path) -> None:
    poor = tmp_path / "python"
    poor.write_text("#!/bin/sh\nexit 1\n")
    poor.chmod(0o755)
    work = tmp_path / "work"
    refused = install(work, archive, str(poor))
    assert refused.returncode == 1
    assert "lacks the packages" in refused.stderr
    assert not list(work.rglob("ready"))


def test_an_interpreter_without_onnx_runtime_is_refused_where_the_model_needs_it(archive: Path, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase $2 in *"import onnxruntime"*) exit 1 ;; esac\n')
    python.chmod(0o755)
    assert install(tmp_path / "work", archive, str(python)).returncode == 0
    needing = tmp_path / "needing.zip"
    with ZipFile(archive) as old:
        members: dict[str, Path | bytes] = {name: old.read(name) for name in old.namelist()}
    write_archive(needing, members | {"requirements/device-py311.txt": b"numpy==1\nonnxruntime==1\n"})
    refused = install(tmp_path / "other", needing, str(python))
    assert (refused.returncode, "lacks the packages" in refused.stderr) == (1, True)
    assert not list((tmp_path / "other").rglob("ready"))


def test_a_python_without_locked_packages_is_refused(archive: Path, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "python3"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo py39 && exit 0\nexec {sys.executable} "$@"\n')
    fake.chmod(0o755)
    refused = install(tmp_path / "work", archive, PATH=f"{fake.parent}:{os.environ['PATH']}")
    assert refused.returncode == 1
    assert "there are no packages for py39; Python 3.11 or 3.13 is needed" in refused.stderr


def test_packages_that_are_not_what_the_lock_says_are_refused_and_nothing_is_ready(
    tmp_path: Path,
) -> None:
    python = f"py3{sys.version_info.minor}"
    lock = b"sample==1.0 --hash=sha256:" + b"0" * 64 + b"\n"
    # In place of pip, which is not here: something that would install, and says so.
    pip = tmp_path / "pip-0.whl"
    with ZipFile(pip, "w") as opened:
        opened.writestr("pip/__main__.py", "import sys\nsys.exit('THESE PACKAGES DO NOT MATCH THE HASHES')\n")
    members: dict[str, Path | bytes] = {f"requirements/device-{python}.txt": lock, "requirements/id": b"x\n"}
    packed = lzma.compress(pip.read_bytes())
    members |= {f"wheels/{python}.txt": b"# pip-0.whl\n", "wheels/pip-0.whl.xz": packed, "__main__.py": UNPACK}
    write_archive(tmp_path / "packages.zip", members)
    refused = install(tmp_path / "work", tmp_path / "packages.zip")
    assert refused.returncode != 0
    assert "DO NOT MATCH" in refused.stderr
    assert not list((tmp_path / "work").rglob("ready"))


STUBS = """
import pathlib, sysconfig
site = pathlib.Path(sysconfig.get_path("purelib"))
for name in ("av", "awsiot", "cryptography", "cv2", "numpy"):
    (site / f"{name}.py").touch()
(site / "ai_edge_litert").mkdir()
(site / "ai_edge_litert" / "interpreter.py").touch()
"""


def test_the_set_before_and_a_set_that_a_component_was_proven_with_stay(tmp_path: Path) -> None:
    python = f"py3{sys.version_info.minor}"
    pip = tmp_path / "pip-0.whl"
    with ZipFile(pip, "w") as opened:
        opened.writestr("pip/__main__.py", STUBS)
    members: dict[str, Path | bytes] = {f"requirements/device-{python}.txt": b"", "requirements/id": b"new\n"}
    packed = lzma.compress(pip.read_bytes())
    members |= {f"wheels/{python}.txt": b"# pip-0.whl\n", "wheels/pip-0.whl.xz": packed, "__main__.py": UNPACK}
    write_archive(tmp_path / "packages.zip", {**members, **DOCTOR})
    work, capture = tmp_path / "smartcam.Runtime", tmp_path / "smartcam.Capture"
    for age, name in enumerate(("broken", "before", "old", "proven"), 1):
        folder = work / f"packages-{name}"
        folder.mkdir(parents=True)
        if name != "broken":
            (folder / "ready").touch()
        os.utime(folder, ns=(0, (100 - age) * 10**9))
    capture.mkdir()
    (capture / "proven").write_text(f"0.1.0\n{work}/packages-proven\n/code.zip\n")
    # As lite writes a work folder in a script.
    installed = install(Path(f"{work}/"), tmp_path / "packages.zip")
    assert installed.returncode == 0, installed.stderr
    assert {path.name for path in work.iterdir()} == {
        "packages-new",
        "packages-before",
        "packages-proven",
        "doctor",
    }
