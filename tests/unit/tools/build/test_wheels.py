import hashlib
import random
import re
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest

from tools.build.command import USUAL, device_bytes, main, say_load
from tools.build.slim import slim_all
from tools.build.suite import build_suite, find_built, hashes, locks
from tools.build.wheels import PLATFORMS, Platform, WheelError, fetch, parse_platform, read_lock

PI = Platform("aarch64", "py313")


def lock_for(folder: Path, **wheels: bytes) -> Path:
    lines = [f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(data).hexdigest()}\n" for name, data in wheels.items()]
    lock = folder / "lock.txt"
    lock.write_text("# packages\n" + "".join(lines))
    return lock


def wheel(folder: Path, name: str, data: bytes) -> Path:
    target = folder / str(PI) / f"{name}-1.0-py3-none-any.whl"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(data)
    return target


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")


def test_every_device_lock_names_packages_with_hashes() -> None:
    for lock in locks():
        names = {package.name for package in read_lock(lock)}
        assert {"numpy", "opencv-python-headless", "av", "awsiotsdk", "ai-edge-litert", "cryptography"} <= names


def test_a_lock_without_hashes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text("numpy==1.0\n")
    with pytest.raises(WheelError, match="numpy has no hash"):
        read_lock(tmp_path / "lock.txt")


def test_a_platform_is_read_by_its_name_and_a_strange_one_is_refused() -> None:
    assert [parse_platform(str(platform)) for platform in PLATFORMS] == list(PLATFORMS)
    with pytest.raises(WheelError, match=r"linux-armv7l-py39: is not a platform .* linux-aarch64-py311, linux-aarch64"):
        parse_platform("linux-armv7l-py39")


@pytest.mark.usefixtures("no_index")
def test_wheels_that_lie_there_need_no_network_and_strangers_are_left_out(tmp_path: Path) -> None:
    lock = lock_for(tmp_path, some_name=b"one", other=b"two")
    wanted = (wheel(tmp_path, "other", b"two"), wheel(tmp_path, "Some.Name", b"one"))
    wheel(tmp_path, "stranger", b"three")
    assert sorted(fetch(PI, [lock], tmp_path, print)) == sorted(wanted)


@pytest.mark.usefixtures("no_index")
def test_a_wheel_that_is_not_what_the_lock_says_is_refused(tmp_path: Path) -> None:
    lock = lock_for(tmp_path, other=b"two")
    wheel(tmp_path, "other", b"tampered with")
    with pytest.raises(WheelError, match=r"pip could not fetch lock\.txt"):
        fetch(PI, [lock], tmp_path, print)


@pytest.mark.usefixtures("no_index")
def test_what_cannot_be_fetched_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    with pytest.raises(WheelError, match=r"linux-aarch64-py313: pip could not fetch lock\.txt: ERROR: .*other"):
        fetch(PI, [lock_for(tmp_path, other=b"two")], tmp_path, told.append)
    assert told == ["linux-aarch64-py313: fetching 1 packages, once"]
    assert main(["--wheels", "linux-riscv-py311", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_device_loads_the_wheels_of_its_architecture_only_and_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    source = tmp_path / str(PI) / "large-1.0-py3-none-any.whl"
    source.parent.mkdir()
    with ZipFile(source, "w") as made:
        made.writestr("large.bin", random.Random(1).randbytes(1_000_000))  # noqa: S311
    large = slim_all([source], tmp_path / "slim", print)
    old = Platform("aarch64", "py311")
    built = build_suite(tmp_path / "out", bundle, wheels={PI: large, old: large})
    archive = next(path for path in built.artifacts_of("smartcam.Runtime") if path.name.endswith("aarch64.zip"))
    with ZipFile(archive) as opened:
        names = opened.namelist()
        assert opened.getinfo(f"wheels/{source.name}.xz").compress_type == ZIP_STORED
        assert {"wheels/py311.txt", "wheels/py313.txt", "requirements/id", "requirements/device-py313.txt"} <= {*names}
        assert names == sorted(names)
    assert device_bytes(built, "aarch64") - device_bytes(built, "x86_64") > 1_000_000
    again = build_suite(tmp_path / "again", bundle, wheels={old: large, PI: large})
    # Only these: somebody may be at work on the code.
    runtime = f"artifacts/smartcam.Runtime/{built.version}/{archive.name}"
    assert hashes(built.folder)[runtime] == hashes(again.folder)[runtime]
    assert find_built(built.folder) == built
    monkeypatch.setattr("tools.build.command.LARGEST_LOAD_BYTES", device_bytes(built, "x86_64") + 500_000)
    say_load(built, "aarch64", ["py311", "py313"])
    say_load(built, "x86_64", [])
    shown = capsys.readouterr()
    assert re.search(r"a linux-aarch64 device downloads \d\.\d MB \(py311 and py313 packages\)", shown.out)
    complaint = r"smartcam build: linux-aarch64: that is over \d MB; name fewer systems with --wheels\n"
    assert re.fullmatch(complaint, shown.err)


def test_the_usual_build_is_for_platforms_of_the_suite() -> None:
    assert {str(platform) for platform in PLATFORMS} > set(USUAL)
