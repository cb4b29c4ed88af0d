import csv
import hashlib
import io
import lzma
import os
import runpy
import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from tools.build.archive import write_archive
from tools.build.slim import LEFT_OUT, UNUSED, SlimWheel, packages_id, slim, slim_all
from tools.build.suite import locks
from tools.build.wheels import PYTHONS, read_lock
from tools.command_line import ROOT

UNPACK = ROOT / "tools" / "build" / "unpack_packages.py"
OWN = "py{}{}".format(*sys.version_info)


def wheel(folder: Path, package: str, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{package.replace('-', '_')}-1.0-py3-none-any.whl"
    info = f"{package.replace('-', '_')}-1.0.dist-info"
    listed = [*files, f"{info}/METADATA", f"{info}/WHEEL", f"{info}/RECORD"]
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = ZipInfo(name)
            entry.external_attr = (0o100755 if name.endswith(".sh") else 0o100644) << 16
            archive.writestr(entry, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "".join(f'"{name}",,\n' for name in listed))
    return made


def loose(made: SlimWheel) -> bytes:
    return lzma.decompress(made.file.read_bytes())


NUMPY = {"numpy/__init__.py": b"x = 1\n", "numpy/core/tests/test_a, b.py": b"1/0\n", "numpy/run.sh": b"#!/bin/sh\n"}


def test_what_is_left_out_is_gone_from_the_wheel_and_from_its_own_list(tmp_path: Path) -> None:
    made = slim(wheel(tmp_path, "numpy", NUMPY), tmp_path / "slim")
    with ZipFile(io.BytesIO(loose(made))) as archive:
        listed = {row[0] for row in csv.reader(io.StringIO(archive.read("numpy-1.0.dist-info/RECORD").decode()))}
        assert listed == set(archive.namelist())
        assert "numpy/__init__.py" in listed
        assert not [name for name in listed if "tests" in name]
        assert {entry.compress_type for entry in archive.infolist()} == {ZIP_STORED}
        assert archive.getinfo("numpy/run.sh").external_attr >> 16 == 0o100755
    assert made.digest == hashlib.sha256(loose(made)).hexdigest()
    assert made.requirement == f"numpy==1.0 --hash=sha256:{made.digest} # numpy-1.0-py3-none-any.whl"


def test_the_same_wheel_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    one = slim(wheel(tmp_path / "a", "numpy", NUMPY), tmp_path / "one")
    two = slim(wheel(tmp_path / "b", "numpy", NUMPY), tmp_path / "two")
    assert one.file.read_bytes() == two.file.read_bytes()
    assert one.requirement == two.requirement


def test_a_wheel_that_was_packed_before_is_taken_and_half_a_one_is_not(tmp_path: Path) -> None:
    source = wheel(tmp_path, "numpy", NUMPY)
    said: list[str] = []
    (first,) = slim_all([source], tmp_path / "slim", said.append)
    before = first.file.stat().st_mtime_ns
    assert slim_all([source], tmp_path / "slim", said.append) == (first,)
    assert first.file.stat().st_mtime_ns == before
    assert len(said) == 1
    (first.file.parent / "digest").unlink()  # what an interrupted build leaves
    assert slim(source, tmp_path / "slim") == first
    assert first.file.stat().st_mtime_ns != before


def test_a_package_that_nothing_imports_is_not_carried(tmp_path: Path) -> None:
    wheels = [wheel(tmp_path, name, {f"{name}.py": b""}) for name in ("numpy", *sorted(UNUSED))]
    assert [each.package for each in slim_all(wheels, tmp_path / "slim", print)] == ["numpy"]


def test_rules_are_about_packages_that_are_locked() -> None:
    for lock in sorted((ROOT / "requirements").glob("device-onnx-*.txt")):
        assert UNUSED | LEFT_OUT.keys() <= {package.name for package in read_lock(lock)}


def test_onnx_runtime_is_all_that_a_release_with_an_onnx_model_carries_more() -> None:
    for python, lock in zip(PYTHONS, locks(), strict=True):
        more = {*read_lock(ROOT / "requirements" / f"device-onnx-{python}.txt")} - {*read_lock(lock)}
        assert {package.name for package in more} == {"onnxruntime", "packaging"}


def test_the_packages_id_follows_every_lock_and_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("b")
    seen = [packages_id([one, two])]
    two.write_text("c")
    seen.append(packages_id([one, two]))
    monkeypatch.setattr("tools.build.slim._RULES", b"others")
    seen.append(packages_id([one, two]))
    assert len(set(seen)) == 3
    assert {len(each) for each in seen} == {12}


def test_a_device_unpacks_its_own_wheels_and_no_others_and_pip_takes_them(tmp_path: Path) -> None:
    made = slim(wheel(tmp_path, "numpy", NUMPY), tmp_path / "slim")
    archive = tmp_path / "packages of mine.zip"
    write_archive(
        archive,
        {
            "__main__.py": UNPACK,
            "requirements/id": b"x\n",
            f"wheels/{OWN}.txt": f"{made.requirement}\n".encode(),
            "wheels/py39.txt": b"other==1.0 # other.whl\n",
            "wheels/other.whl.xz": b"no archive at all",
            f"wheels/{made.file.name}": made.file,
        },
    )
    target = tmp_path / "to here"
    (target / "wheels").mkdir(parents=True)
    for part in ("requirements", "wheels"):
        subprocess.run([sys.executable, str(archive), part, str(target)], check=True)
    names = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert names == ["requirements/id", "wheels/numpy-1.0-py3-none-any.whl", f"wheels/{OWN}.txt"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-index",
        "--find-links",
        str(target / "wheels"),
        "--no-deps",
    ]
    command += ["--ignore-installed", "--require-hashes", "-r", str(target / "wheels" / f"{OWN}.txt")]
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull}
    subprocess.run([*command, "--target", str(tmp_path / "site")], check=True, capture_output=True, env=environment)
    assert (tmp_path / "site" / "numpy" / "__init__.py").read_bytes() == b"x = 1\n"
    assert not list((tmp_path / "site").rglob("tests"))


def test_a_python_that_nothing_is_carried_for_gets_the_lists_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "packages.zip"
    write_archive(archive, {"__main__.py": UNPACK, "requirements/id": b"x\n", "wheels/py39.txt": b"# other.whl\n"})
    (tmp_path / "to").mkdir()
    for part in ("requirements", "wheels"):
        monkeypatch.setattr(sys, "argv", [str(archive), part, str(tmp_path / "to")])
        runpy.run_path(str(archive), run_name="__main__")
    assert [path.name for path in (tmp_path / "to").rglob("*") if path.is_file()] == ["id"]
