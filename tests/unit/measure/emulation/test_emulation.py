import json
import subprocess
from pathlib import Path

import pytest

from measure.emulation.command import main
from measure.emulation.debian import package_site
from measure.emulation.machine import DEBIAN_12, SYSTEMS, EmulatedMachine, _wrapper
from measure.emulation.picamera import import_picamera
from measure.emulation.proof import compare
from tools.build.wheels import PYTHONS, parse_platform, read_lock
from tools.command_line import ROOT
from tools.setup import ToolsError

# Stands for qemu: `qemu -L ROOT -0 NAME PROGRAM ARGUMENT ...`, on a program of this machine.
EMULATOR = """#!/bin/sh
shift 2
[ "$1" = -0 ] || exit 9
name=$2 program=$3
shift 3
echo "$name" >> "${0%/*}/names"
exec "$program" "$@"
"""
PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    for folder; do :; done
    mkdir -p "$folder/bin" && ln -s "$0" "$folder/bin/python" && ln -s python "$folder/bin/python3"
else
    echo "ran $*"
fi
"""


@pytest.fixture
def machine(tmp_path: Path) -> EmulatedMachine:
    for name, text in (("qemu", EMULATOR), ("python3.11", PYTHON)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    programs = tmp_path / "bin"
    programs.mkdir()
    made = EmulatedMachine(DEBIAN_12, tmp_path, tmp_path / "qemu", programs)
    (programs / "python3").write_text(_wrapper(made.qemu, tmp_path, tmp_path / "python3.11"))
    (programs / "python3").chmod(0o755)
    return made


def test_python3_is_the_machines_python_in_the_emulator(machine: EmulatedMachine, tmp_path: Path) -> None:
    assert machine.run(("python3", "-c", "a b"), 10.0) == "ran -c a b\n"
    assert (tmp_path / "names").read_text().splitlines() == [str(tmp_path / "python3.11")]


def test_an_environment_made_by_it_runs_in_the_emulator_under_its_own_name(
    machine: EmulatedMachine, tmp_path: Path
) -> None:
    machine.run(("python3", "-m", "venv", "--without-pip", str(tmp_path / "venv")), 10.0)
    python = tmp_path / "venv" / "bin" / "python"
    assert machine.run((str(python), "-m", "x"), 10.0) == "ran -m x\n"
    assert (tmp_path / "names").read_text().splitlines()[-1] == str(python)


def test_what_fails_says_where_and_its_last_words(machine: EmulatedMachine) -> None:
    with pytest.raises(ToolsError, match=r"^debian12: sh -c .* 3: sh: it broke$"):
        machine.run(("sh", "-c", "echo 1 >&2; echo it broke >&2; exit 3"), 10.0)


def test_programs_of_the_machine_get_no_network_for_pip(
    machine: EmulatedMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/simple")
    said = machine.run(("env",), 10.0)
    assert "PIP_INDEX_URL" not in said
    assert "https_proxy=http://127.0.0.1:9" in said


def test_scores_are_compared_in_steps_of_the_models_output(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"output": {"scale": 0.25}}))
    assert compare({1: 0.5, 2: 1.0}, {1: 0.5, 2: 0.5}, tmp_path).worst == 2
    assert compare({1: 0.5, 2: 1.0}, {1: 0.5, 2: 0.5}, tmp_path).is_same
    assert not compare({1: 0.5, 2: 1.0}, {1: 0.5, 2: 0.25}, tmp_path).is_same
    assert not compare({1: 0.5}, {1: 0.5, 2: 0.25}, tmp_path).is_same
    assert not compare({}, {}, tmp_path).is_same


def test_every_python_that_is_locked_for_devices_has_its_system() -> None:
    assert sorted(system.lock for system in SYSTEMS) == sorted(PYTHONS)
    for system in SYSTEMS:
        assert parse_platform(f"linux-aarch64-{system.lock}").python == system.lock


def test_a_folder_that_is_given_keeps_what_was_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        (tmp_path / "build").mkdir()
        raise ToolsError("no network")

    monkeypatch.setattr("measure.emulation.command.fetch_wheels", unreachable)
    (tmp_path / "mine").touch()
    assert main(["--folder", str(tmp_path)]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert capsys.readouterr().err == "smartcam emulation: no network\n"


def test_where_picamera2_came_from_is_looked_at(machine: EmulatedMachine, tmp_path: Path) -> None:
    def answer(**places: str) -> tuple[str, list[str]]:
        facts = {"numpy": "1.26.4", "places": places, "lost": ""}
        (tmp_path / "venv").write_text(f"#!/bin/sh\necho '{json.dumps(facts)}'\n")
        (tmp_path / "venv").chmod(0o755)
        return import_picamera(machine, tmp_path / "venv", tmp_path / "capture.zip")

    system = f"{machine.root}/usr/lib/python3/dist-packages"
    said, wrong = answer(picamera2=f"{system}/picamera2/__init__.py", numpy="/venv/numpy/__init__.py")
    assert (said, wrong) == ("the system's picamera2 imported beside numpy 1.26.4", [])
    _, wrong = answer(picamera2="/venv/picamera2/__init__.py", numpy=f"{system}/numpy/__init__.py")
    assert len(wrong) == 2


def test_every_system_has_its_picamera2_locked() -> None:
    for system in SYSTEMS:
        names = {package.name for package in read_lock(ROOT / "requirements" / f"picamera2-{system.lock}.txt")}
        assert {"picamera2", "simplejpeg"} <= names


def test_an_unknown_system_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["debian11"])
    assert "debian12, debian13" in capsys.readouterr().err


def test_the_code_names_nothing_that_one_of_the_opencvs_lacks() -> None:
    # OpenCV 4 on Python 3.11 and 5 on 3.13: this moved between them.
    wanted = ["grep", "-rn", "cv2.setLogLevel", str(ROOT / "components")]
    found = subprocess.run(wanted, capture_output=True, text=True, check=False).stdout.splitlines()
    assert [line for line in found if ".py:" in line and "getattr" not in line] == []


def test_packages_come_from_where_the_machine_gets_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text(
        "#!/bin/sh\necho 'Other main https://other.example/'\necho 'Debian main https://mirror.example/debian'\n"
    )
    apt.chmod(0o700)
    monkeypatch.delenv("SMARTCAM_DEBIAN", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert package_site() == "https://mirror.example/debian"
    monkeypatch.setenv("SMARTCAM_DEBIAN", "https://chosen.example/debian")
    assert package_site() == "https://chosen.example/debian"


def test_a_machine_without_debians_packages_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\n")
    apt.chmod(0o700)
    monkeypatch.delenv("SMARTCAM_DEBIAN", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ToolsError, match="SMARTCAM_DEBIAN"):
        package_site()
