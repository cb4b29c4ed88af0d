"""What a component's and the model's scripts do with a new version: try it, keep it, or go on with the one before."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smartcam.model.bundle import LARGEST_BUNDLE
from tests.fakes.aws_server import ACCESS_KEY, FakeExchange, serving
from tools.build.archive import write_archive
from tools.build.suite import MOST_MODEL_FILES, build_suite
from tools.command_line import ROOT

SCRIPTS = ROOT / "tools" / "build"
MAIN = """
import sys
if "--self-test" in sys.argv:
    import os, pathlib, time
    print("tried", file=pathlib.Path("trials").open("a"))
    time.sleep(60 if {code} == 9 else 0)
    if {code} and {code} != 3:
        print("sample.Eyes {version}: self-test failed: ValueError: golden output differs", file=sys.stderr)
    sys.exit({code})
import os
print("{version} runs", sys.argv[1:])
if "SMARTCAM_REFUSED_VERSION" in os.environ:
    print("instead of", os.environ["SMARTCAM_REFUSED_VERSION"], "as", os.environ["SMARTCAM_REFUSED_REASON"])
sys.exit(7)
"""

ASKS = b"""
from awscrt.auth import AwsCredentialsProvider
print(AwsCredentialsProvider.new_default_chain().get_credentials().result(20).access_key_id)
"""
# Each of them comes first in awscrt's default chain.
OTHERS = {
    "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/elsewhere",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/dev/null",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/other",
}


@dataclass
class Device:
    """A component's work folder, the Runtime's packages, and releases of a component's code."""

    folder: Path
    work: Path = field(init=False)

    def __post_init__(self) -> None:
        self.work = self.folder / "a work folder"
        self.work.mkdir()

    def packages(self, name: str = "1", *, ready: bool = True) -> Path:
        folder = self.folder / f"packages-{name}"
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        python = folder / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        if ready:
            (folder / "ready").touch()
        return folder

    def code(self, version: str, *, broken: bool = False, ends_with: int = 0) -> Path:
        archive = self.folder / f"code {version}.zip"
        text = MAIN.format(version=version, code=ends_with or int(broken))
        write_archive(archive, {"sample/__init__.py": b"", "sample/main.py": text.encode()})
        return archive

    def trials(self) -> int:
        return (self.work / "trials").read_text().count("tried")

    def run(
        self, version: str, *more: str, packages: Path, code: Path, install: bool = False, patience_s: int = 0
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(version, *more, packages=packages, code=code, install=install),
            cwd=self.work,
            env={**os.environ, "SMARTCAM_PATIENCE_S": str(patience_s), "SMARTCAM_TRIAL_S": "5"},
            capture_output=True,
            text=True,
            check=False,
        )

    def command(
        self, version: str, *more: str, packages: Path, code: Path, install: bool = False
    ) -> Sequence[str | Path]:
        mode = ["--install"] if install else []
        script = SCRIPTS / "component_run.sh"
        return ["/bin/sh", script, *mode, version, packages, code, "sample.main", *more]


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(tmp_path)


def test_a_component_runs_from_its_zip_with_the_runtimes_packages(device: Device) -> None:
    ran = device.run("1.0.0", "--bundle", "a b", packages=device.packages(), code=device.code("1.0.0"))
    assert (ran.returncode, ran.stdout) == (7, "1.0.0 runs ['--bundle', 'a b']\n")


def test_a_component_finds_the_credentials_of_the_token_exchange_service_and_no_others(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = device.folder / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text("[default]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n")
    code = device.folder / "code.zip"
    write_archive(code, {"sample/__init__.py": b"", "sample/main.py": ASKS})
    exchange = FakeExchange()
    with serving(exchange):
        given = {name: value for name, value in exchange.environment.items() if name.startswith("AWS_CONTAINER")}
        for name, value in {**given, **OTHERS, "HOME": str(device.folder)}.items():
            monkeypatch.setenv(name, value)
        for name in exchange.environment.keys() - given.keys():
            monkeypatch.delenv(name, raising=False)
        ran = device.run("1.0.0", packages=device.packages(), code=code)
    assert ran.stdout.splitlines() == [ACCESS_KEY] * 2, ran.stderr  # its trial's and its own


def test_an_installation_lets_the_count_of_starts_begin_anew(device: Device) -> None:
    starts = device.work / "starts"
    starts.write_text("{}")
    packages, code = device.packages(), device.code("1.0.0")
    device.run("1.0.0", packages=packages, code=code)
    assert starts.exists()
    device.run("1.0.0", packages=packages, code=code, install=True)
    assert not starts.exists()


def test_a_component_waits_for_its_own_packages_and_no_others(device: Device) -> None:
    packages, late = device.packages(), device.folder / "packages-late"
    command = device.command("1.0.0", packages=late, code=device.code("1.0.0"))
    with subprocess.Popen(command, cwd=device.work, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "smartcam: waiting for the Runtime component\n"
        packages.rename(late)
        assert "1.0.0 runs" in waiting.stdout.read()
    assert waiting.returncode == 7


def test_packages_that_never_come_end_the_component_with_a_word(device: Device) -> None:
    ran = device.run("1.0.0", packages=device.packages(ready=False), code=device.code("1.0.0"))
    assert ran.returncode == 1
    assert "see the log of smartcam.Runtime" in ran.stderr


def test_a_version_that_passes_is_installed_and_kept(device: Device) -> None:
    code, packages = device.code("1.0.0"), device.packages()
    assert device.run("1.0.0", packages=packages, code=code, install=True).returncode == 0
    version, kept_packages, kept_code = (device.work / "proven").read_text().splitlines()
    assert (version, kept_packages) == ("1.0.0", str(packages))
    assert Path(kept_code).read_bytes() == code.read_bytes()
    assert "1.0.0 runs" in device.run("1.0.0", packages=packages, code=code).stdout


def test_a_version_that_fails_fails_no_installation_and_the_one_before_runs_and_says_instead_of_what(
    device: Device,
) -> None:
    packages = device.packages()
    device.run("1.0.0", packages=packages, code=device.code("1.0.0"), install=True)
    bad = device.code("2.0.0", broken=True)
    refused = device.run("2.0.0", packages=packages, code=bad, install=True)
    # Nucleus lite has taken the old unit away by now: after a failed installation nothing would be started again.
    assert refused.returncode == 0
    assert "version 2.0.0 has not passed its self-test here: ValueError: golden output differs" in refused.stderr
    ran = device.run("2.0.0", "--bundle", "b", packages=packages, code=bad)
    assert ran.stdout == "1.0.0 runs ['--bundle', 'b']\ninstead of 2.0.0 as ValueError: golden output differs\n"
    assert "going on with version 1.0.0" in ran.stderr
    # So it is after another bad one.
    worse = device.code("3.0.0", broken=True)
    assert device.run("3.0.0", packages=packages, code=worse, install=True).returncode == 0
    assert "1.0.0 runs ['-h']\ninstead of 3.0.0" in device.run("3.0.0", "-h", packages=packages, code=worse).stdout
    # And a good one takes over, of which nothing is refused.
    good = device.code("4.0.0")
    assert device.run("4.0.0", packages=packages, code=good, install=True).returncode == 0
    assert device.run("4.0.0", packages=packages, code=good).stdout == "4.0.0 runs []\n"
    assert not (device.work / "refused").exists()


def test_what_was_refused_is_not_tried_at_each_start_but_when_code_or_packages_differ_or_it_is_installed_again(
    device: Device,
) -> None:
    packages = device.packages()
    device.run("1.0.0", packages=packages, code=device.code("1.0.0"), install=True)
    bad = device.code("2.0.0", broken=True)
    device.run("2.0.0", packages=packages, code=bad, install=True)
    assert device.trials() == 2
    for _ in range(3):
        assert "1.0.0 runs" in device.run("2.0.0", packages=packages, code=bad).stdout
    assert device.trials() == 2
    device.run("2.0.0", packages=packages, code=bad, install=True)
    assert device.trials() == 3
    device.run("2.0.0", packages=device.packages("other"), code=bad)
    assert device.trials() == 4
    assert "2.0.0 runs" in device.run("2.0.0", packages=packages, code=device.code("2.0.0")).stdout
    assert device.trials() == 5


def test_the_first_version_of_all_runs_even_if_it_fails_and_says_so(device: Device) -> None:
    packages, bad = device.packages(), device.code("1.0.0", broken=True)
    assert device.run("1.0.0", packages=packages, code=bad, install=True).returncode == 0
    ran = device.run("1.0.0", packages=packages, code=bad)
    assert ran.stdout.endswith("1.0.0 runs []\ninstead of 1.0.0 as ValueError: golden output differs\n")
    assert "there is none to go back to" in ran.stderr


@pytest.mark.parametrize(("ends_with", "says"), [(9, "its self-test did not end"), (3, "its self-test ended with 3")])
def test_a_trial_that_hangs_or_says_nothing_is_a_refusal_too(device: Device, ends_with: int, says: str) -> None:
    packages = device.packages()
    device.run("1.0.0", packages=packages, code=device.code("1.0.0"), install=True)
    bad = device.code("2.0.0", ends_with=ends_with)
    assert device.run("2.0.0", packages=packages, code=bad, install=True).returncode == 0
    assert f"instead of 2.0.0 as {says}" in device.run("2.0.0", packages=packages, code=bad).stdout


@pytest.mark.parametrize(
    ("stubborn", "says"),
    [
        # As a process does whose thread hangs in native code after it has set its handlers.
        ("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)", "did not end"),
        # A child that outlives the trial keeps its output open.
        ("import subprocess, sys; subprocess.Popen(['sleep', '60']); sys.exit('no frame')", "no frame"),
        ("import sys; print('x' * 5_000_000); sys.exit('no frame')", "no frame"),
        ("import sys; sys.stdout.write('half a line'); sys.exit(3)", "half a line"),
        ("import sys; sys.exit(input())", "EOFError: EOF when reading a line"),
    ],
)
def test_no_trial_can_hold_up_an_installation(device: Device, stubborn: str, says: str) -> None:
    packages = device.packages()
    device.run("1.0.0", packages=packages, code=device.code("1.0.0"), install=True)
    bad = device.folder / "stubborn.zip"
    write_archive(bad, {"sample/__init__.py": b"", "sample/main.py": stubborn.encode()})
    command = device.command("2.0.0", packages=packages, code=bad, install=True)
    environment = {**os.environ, "SMARTCAM_TRIAL_S": "1"}
    installed = subprocess.run(
        command, cwd=device.work, env=environment, stdout=subprocess.DEVNULL, timeout=60, check=False
    )
    assert installed.returncode == 0
    ran = device.run("2.0.0", packages=packages, code=bad)
    assert "1.0.0 runs" in ran.stdout
    assert says in ran.stdout


def test_a_note_of_a_refusal_that_has_lost_its_reason_still_refuses(device: Device) -> None:
    packages, bad = device.packages(), device.code("2.0.0", broken=True)
    device.run("1.0.0", packages=packages, code=device.code("1.0.0"), install=True)
    device.run("2.0.0", packages=packages, code=bad, install=True)
    refused = device.work / "refused"
    refused.write_text("".join(refused.read_text().splitlines(keepends=True)[:3]))
    assert "1.0.0 runs []\ninstead of 2.0.0 as" in device.run("2.0.0", packages=packages, code=bad).stdout


def test_a_call_without_its_arguments_fails_the_installation(device: Device) -> None:
    command: list[str | Path] = ["/bin/sh", SCRIPTS / "component_run.sh", "--install", "1.0.0"]
    assert subprocess.run(command, cwd=device.work, capture_output=True, check=False).returncode != 0


def test_packages_that_could_not_be_installed_leave_the_version_before_running_on_its_own(device: Device) -> None:
    old, code = device.packages("1"), device.code("1.0.0")
    device.run("1.0.0", packages=old, code=code, install=True)
    missing = device.packages("2", ready=False)
    code = device.code("2.0.0")
    ran = device.run("2.0.0", packages=missing, code=code)
    assert "1.0.0 runs" in ran.stdout
    assert "instead of 2.0.0 as the packages of smartcam.Runtime are not there" in ran.stdout
    # They are no fault of the version's: it is tried as soon as they are there.
    (missing / "ready").touch()
    assert device.run("2.0.0", packages=missing, code=code).stdout == "2.0.0 runs []\n"


def test_an_installation_that_could_not_wait_is_made_up_for_when_it_is_started(device: Device) -> None:
    packages, late = device.packages("1"), device.packages("2", ready=False)
    device.run("1.0.0", packages=packages, code=device.code("1.0.0"), install=True)
    good, bad = device.code("2.0.0"), device.code("3.0.0", broken=True)
    waited = device.run("2.0.0", packages=late, code=good, install=True)
    assert waited.returncode == 0
    assert "is tried when it is started" in waited.stderr
    (late / "ready").touch()
    assert "2.0.0 runs" in device.run("2.0.0", packages=late, code=good).stdout
    assert (device.work / "proven").read_text().startswith("2.0.0\n")
    assert "2.0.0 runs" in device.run("3.0.0", packages=late, code=bad).stdout


def test_the_first_version_of_all_is_kept_even_if_its_packages_came_late(device: Device) -> None:
    late, first = device.packages(ready=False), device.code("1.0.0")
    assert "is tried when it is started" in device.run("1.0.0", packages=late, code=first, install=True).stderr
    (late / "ready").touch()
    assert "1.0.0 runs" in device.run("1.0.0", packages=late, code=first).stdout
    bad = device.code("2.0.0", broken=True)
    assert device.run("2.0.0", packages=late, code=bad, install=True).returncode == 0
    assert "1.0.0 runs" in device.run("2.0.0", packages=late, code=bad).stdout


def test_the_same_code_on_other_packages_is_another_version(device: Device) -> None:
    code = device.code("1.0.0")
    device.run("1.0.0", packages=device.packages("1"), code=code, install=True)
    device.run("1.0.0", packages=device.packages("2"), code=code, install=True)
    assert str(device.packages("2")) in (device.work / "proven").read_text()


def test_the_last_two_proven_versions_stay_and_no_others(device: Device) -> None:
    packages = device.packages()
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        (device.work / "proven-of-a-power-cut.zip.new").write_bytes(b"half a zip")
        device.run(version, packages=packages, code=device.code(version), install=True)
    kept = {path.read_bytes() for path in device.work.glob("proven-*.zip")}
    assert kept == {device.code(version).read_bytes() for version in ("2.0.0", "3.0.0")}
    assert sorted(path.name[:6] for path in device.work.iterdir()) == ["proven"] * 3 + ["trials"]


@pytest.mark.parametrize("damage", ["", "1.0.0\n", "1.0.0\n/nowhere\n/nowhere.zip\n"])
def test_a_damaged_note_of_what_was_proven_keeps_nothing_from_running(device: Device, damage: str) -> None:
    (device.work / "proven").write_text(damage)
    ran = device.run("2.0.0", packages=device.packages(), code=device.code("2.0.0"))
    assert "2.0.0 runs" in ran.stdout


def test_a_full_disk_fails_no_installation(device: Device) -> None:
    (device.work / "proven.new").mkdir()
    installed = device.run("1.0.0", packages=device.packages(), code=device.code("1.0.0"), install=True)
    assert installed.returncode == 0
    assert "cannot be kept" in installed.stderr
    assert "1.0.0 runs" in device.run("1.0.0", packages=device.packages(), code=device.code("1.0.0")).stdout


def install_model(work: Path, version: str, content: bytes, digest: str = "") -> subprocess.CompletedProcess[str]:
    archive = work.parent / "model.zip"
    files = {"model.tflite": digest or hashlib.sha256(content).hexdigest()}
    write_archive(archive, {"manifest.json": json.dumps({"files": files}).encode(), "model.tflite": content})
    command = ["/bin/sh", str(SCRIPTS / "model_install.sh"), str(work), str(archive), version]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_models_current_link_changes_at_once_and_the_bundle_before_stays(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        assert install_model(work, version, version.encode()).returncode == 0
        assert (work / "current" / "model.tflite").read_text() == version
        # So that the folders' ages differ.
        os.utime(work / f"bundle-{version}", ns=(0, int(version[2]) * 10**9))
    install_model(work, "1.2.0", b"again")
    assert (work / "current" / "model.tflite").read_text() == "again"
    assert sorted(path.name for path in work.iterdir()) == ["bundle-1.1.0", "bundle-1.2.0", "current"]


def test_a_model_that_is_installed_again_is_left_as_it_is(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    install_model(work, "1.0.0", b"good")
    before = (work / "bundle-1.0.0" / "model.tflite").stat()
    assert install_model(work, "1.0.0", b"good").returncode == 0
    after = (work / "current" / "model.tflite").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(path.name for path in work.iterdir()) == ["bundle-1.0.0", "current"]


def test_a_bundle_that_is_not_what_its_manifest_says_is_left_to_inference_and_fails_no_installation(
    tmp_path: Path,
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    install_model(work, "1.0.0", b"good")
    assert install_model(work, "2.0.0", b"damaged", digest="0" * 64).returncode == 0
    assert (work / "current" / "model.tflite").read_text() == "damaged"
    assert sorted(path.name for path in work.iterdir()) == ["bundle-1.0.0", "bundle-2.0.0", "current"]


def test_a_bundle_that_cannot_be_unpacked_leaves_the_one_before_and_fails_no_installation(tmp_path: Path) -> None:
    work, archive = tmp_path / "work", tmp_path / "bundle.zip"
    work.mkdir()
    install_model(work, "1.0.0", b"good")
    archive.write_bytes(b"half a zip")
    command = ["/bin/sh", str(SCRIPTS / "model_install.sh"), str(work), str(archive), "2.0.0"]
    installed = subprocess.run(command, check=False, capture_output=True, text=True)
    assert installed.returncode == 0
    assert "the bundle of version 2.0.0 cannot be unpacked" in installed.stderr
    assert (work / "current" / "model.tflite").read_text() == "good"
    assert sorted(path.name for path in work.iterdir()) == ["bundle-1.0.0", "current"]


def install_archive(work: Path, archive: Path) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(SCRIPTS / "model_install.sh"), str(work), str(archive), "2.0.0"]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    "members",
    [{"model.tflite": LARGEST_BUNDLE + 1}, {f"part{number}": LARGEST_BUNDLE // 8 for number in range(9)}],
    ids=["one giant", "many that are a giant together"],
)
def test_an_archive_that_would_fill_the_disk_is_refused_before_anything_is_written(
    tmp_path: Path, members: dict[str, int]
) -> None:
    work, archive = tmp_path / "work", tmp_path / "bundle.zip"
    work.mkdir()
    install_model(work, "1.0.0", b"good")
    (work / "new").mkdir()
    block = bytes(1 << 20)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packing:
        for name, size in members.items():
            with packing.open(name, "w") as file:
                for at in range(0, size, len(block)):
                    file.write(block[: size - at])
    assert archive.stat().st_size < 1 << 20
    installed = install_archive(work, archive)
    assert installed.returncode == 0
    assert "the bundle of version 2.0.0 cannot be unpacked (the reason stands above)" in installed.stderr
    assert f"at most {MOST_MODEL_FILES} of {LARGEST_BUNDLE} are unpacked" in installed.stderr
    assert (work / "current" / "model.tflite").read_text() == "good"
    assert sorted(path.name for path in work.iterdir()) == ["bundle-1.0.0", "current"]


@pytest.mark.parametrize("place", [0, 35, 46], ids=["mark", "name", "content"])
def test_a_damaged_archive_is_refused_in_one_line_that_says_why(tmp_path: Path, place: int) -> None:
    work, archive = tmp_path / "work", tmp_path / "bundle.zip"
    work.mkdir()
    install_model(work, "1.0.0", b"good")
    write_archive(archive, {"model.tflite": b"zeros and ones"})
    content = archive.read_bytes()
    archive.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    installed = install_archive(work, archive)
    why, result = installed.stderr.splitlines()
    assert why.startswith("smartcam.Model: ")
    assert "cannot be unpacked (the reason stands above)" in result
    assert installed.returncode == 0
    assert (work / "current" / "model.tflite").read_text() == "good"
    assert sorted(path.name for path in work.iterdir()) == ["bundle-1.0.0", "current"]


def test_an_archive_without_a_file_fails_no_installation(tmp_path: Path) -> None:
    work, archive = tmp_path / "work", tmp_path / "bundle.zip"
    work.mkdir()
    write_archive(archive, {})
    installed = install_archive(work, archive)
    assert installed.returncode == 0
    assert "0 files of 0 bytes" in installed.stderr
    assert list(work.iterdir()) == []


def test_an_archive_of_thousands_of_files_is_refused(tmp_path: Path) -> None:
    work, archive = tmp_path / "work", tmp_path / "bundle.zip"
    work.mkdir()
    write_archive(archive, {f"{number}": b"" for number in range(5000)})
    assert "5000 files of 0 bytes" in install_archive(work, archive).stderr
    assert list(work.iterdir()) == []


def test_an_archive_that_lies_about_its_sizes_unpacks_no_more_than_it_says(tmp_path: Path) -> None:
    work, archive = tmp_path / "work", tmp_path / "bundle.zip"
    work.mkdir()
    write_archive(archive, {"model.tflite": bytes(50_000_000)})
    size = (50_000_000).to_bytes(4, "little")
    archive.write_bytes(archive.read_bytes().replace(size, (10).to_bytes(4, "little")))
    installed = install_archive(work, archive)
    assert installed.returncode == 0
    assert "cannot be unpacked" in installed.stderr
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("name", ["/etc/absolute", "../../outside", "a/../../../outside"])
def test_an_archive_writes_nowhere_but_into_its_own_folder(tmp_path: Path, name: str) -> None:
    work, archive = tmp_path / "deep" / "work", tmp_path / "bundle.zip"
    work.mkdir(parents=True)
    write_archive(archive, {name: b"x"})
    install_archive(work, archive)
    written = {path for path in tmp_path.rglob("*") if path.is_file() and path != archive}
    assert all(path.is_relative_to(work / "bundle-2.0.0") for path in written)
    assert not Path("/etc/absolute").exists()


def install_bundles(work: Path, version: str, **models: bytes) -> Path:
    """A release as it is built, with these bundles by name; its link."""
    made = work.parent / f"made-{version}"
    for name, model in models.items():
        (made / name).mkdir(parents=True)
        (made / name / "manifest.json").write_text("{}")
        (made / name / "model.tflite").write_bytes(model)
    others = {name: made / name for name in models if name != "default"}
    built = build_suite(made / "build", made / "default", others=others)
    artifacts = built.artifacts / "smartcam.Model" / built.version
    command = ["/bin/sh", str(artifacts / "install.sh"), str(work), str(artifacts / "smartcam-model.zip"), version]
    subprocess.run(command, check=True)
    # So that the folders' ages differ.
    os.utime(work / f"bundle-{version}", ns=(0, int(version[0]) * 10**9))
    return work / "current"


def test_several_bundles_change_at_once_and_those_of_the_release_before_stay(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    install_bundles(work, "1.0.0", default=b"1", traffic=b"1t", gate=b"1g")
    current = install_bundles(work, "2.0.0", default=b"2", traffic=b"2t")
    assert current.readlink() == Path("bundle-2.0.0")
    assert [(current / name / "model.tflite").read_bytes() for name in (".", "traffic")] == [b"2", b"2t"]
    assert (work / "bundle-1.0.0" / "gate" / "model.tflite").read_bytes() == b"1g"
    assert not (current / "gate").exists()
    before = (current / "traffic" / "model.tflite").stat().st_ino
    install_model(work, "3.0.0", b"alone, as releases before this one were")
    assert sorted(path.name for path in work.iterdir()) == ["bundle-2.0.0", "bundle-3.0.0", "current"]
    assert (work / "bundle-2.0.0" / "traffic" / "model.tflite").stat().st_ino == before


def test_several_bundles_that_are_installed_again_are_left_as_they_are_and_one_that_differs_is_replaced(
    tmp_path: Path,
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    current = install_bundles(work, "1.0.0", default=b"1", traffic=b"t")
    before = (current / "traffic" / "model.tflite").stat().st_ino
    archive = next((tmp_path / "made-1.0.0").rglob("smartcam-model.zip"))
    command = ["/bin/sh", str(SCRIPTS / "model_install.sh"), str(work), str(archive), "1.0.0"]
    subprocess.run(command, check=True)
    assert (current / "traffic" / "model.tflite").stat().st_ino == before
    (current / "traffic" / "model.tflite").write_bytes(b"damaged on the disk")
    subprocess.run(command, check=True)
    assert (current / "traffic" / "model.tflite").read_bytes() == b"t"
    assert sorted(path.name for path in work.iterdir()) == ["bundle-1.0.0", "current"]
