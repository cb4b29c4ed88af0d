"""The scripts that recipes call, run as a nucleus runs them: with sh."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from devkit.build.archive import write_archive
from devkit.build.suite import ROOT, locks
from devkit.build.wheels import packages_id

SCRIPTS = ROOT / "devkit" / "build"
ID = packages_id(locks())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """What a Runtime without wheels carries."""
    target = tmp_path / "packages.zip"
    members: dict[str, Path | bytes] = {f"requirements/{lock.name}": lock for lock in locks()}
    write_archive(target, {**members, "requirements/id": ID.encode() + b"\n"})
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
    assert [path.name for path in work.iterdir()] == [packages.name]
    answer = subprocess.run(
        [packages / "bin/python", "-c", "import cv2; print('seen')"], capture_output=True, check=True
    )
    assert answer.stdout == b"seen\n"


def test_an_interpreter_without_the_packages_is_refused_and_nothing_is_ready(archive: Path, tmp_path: Path) -> None:
    poor = tmp_path / "python"
    poor.write_text("#!/bin/sh\nexit 1\n")
    poor.chmod(0o755)
    work = tmp_path / "work"
    refused = install(work, archive, str(poor))
    assert refused.returncode == 1
    assert "lacks the packages" in refused.stderr
    assert not list(work.rglob("ready"))


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
    write_archive(tmp_path / "packages.zip", {**members, f"wheels/{python}": b"", "wheels/pip-0.whl": pip})
    refused = install(tmp_path / "work", tmp_path / "packages.zip")
    assert refused.returncode != 0
    assert "DO NOT MATCH" in refused.stderr
    assert not list((tmp_path / "work").rglob("ready"))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(SCRIPTS / "component_run.sh"), *arguments], capture_output=True, text=True, check=False
    )


def test_a_component_runs_from_its_zip_with_the_runtimes_packages(archive: Path, tmp_path: Path) -> None:
    code = tmp_path / "sample.zip"
    write_archive(
        code, {"sample/__init__.py": b"", "sample/main.py": b"import sys\nprint(sys.argv[1:])\nsys.exit(7)\n"}
    )
    work = tmp_path / "runtime"
    install(work, archive, sys.executable)
    ran = run(str(work / f"packages-{ID}"), str(code), "sample.main", "--bundle", "a b")
    assert (ran.returncode, ran.stdout) == (7, "['--bundle', 'a b']\n")


def test_a_component_waits_for_its_own_packages_and_no_others(archive: Path, tmp_path: Path) -> None:
    work = tmp_path / "runtime"
    install(work, archive, sys.executable)
    other = work / "packages-other"
    command = ["/bin/sh", str(SCRIPTS / "component_run.sh"), str(other), str(tmp_path), "this"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "smartcam: waiting for the Runtime component\n"
        (work / f"packages-{ID}").rename(other)
        assert "The Zen of Python" in waiting.stdout.read()
    assert waiting.returncode == 0


def install_model(work: Path, version: str, content: bytes) -> None:
    archive = work.parent / "model.zip"
    write_archive(archive, {"manifest.json": content})
    command = ["/bin/sh", str(SCRIPTS / "model_install.sh"), str(work), str(archive), version]
    subprocess.run(command, check=True, capture_output=True)


def test_a_models_current_link_changes_at_once_and_the_bundle_before_stays(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        install_model(work, version, version.encode())
        assert (work / "current" / "manifest.json").read_text() == version
        # So that the folders' ages differ.
        os.utime(work / f"bundle-{version}", ns=(0, int(version[2]) * 10**9))
    install_model(work, "1.2.0", b"again")
    assert (work / "current" / "manifest.json").read_text() == "again"
    assert sorted(path.name for path in work.iterdir()) == ["bundle-1.1.0", "bundle-1.2.0", "current"]
