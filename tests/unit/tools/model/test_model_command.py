"""`smartcam model`, and the commands that take a model's name: from the command line to the exit code."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from measure.demo.command import main as demo
from smartcam.model.bundle import ModelBundle
from smartcam.model.manifest import MODEL_FILE
from tests.fakes import models
from tests.fakes.file_server import FileServer, serving
from tests.fakes.model_catalogue import model_entry, write_catalogue
from tools.build.command import main as build
from tools.bundle.making import BundleError, BundleWishes, Made
from tools.command_line import ROOT
from tools.model.catalogue import OURS
from tools.model.command import main

MODEL = models.detector()


class Home:
    """An empty home, a server with a model, and a catalogue of it that the environment names."""

    def __init__(self, folder: Path, server: FileServer) -> None:
        self.folder, self.server = folder, server
        self.bundles, self.downloads = folder / "bundles", folder / "cache/smartcam/models"
        self.catalogue = folder / "catalogue.json"
        server.files["/tiny.tflite"] = MODEL
        self.name_it()

    def name_it(self, **more: object) -> None:
        write_catalogue(self.catalogue, model_entry("tiny", self.server.address("/tiny.tflite"), MODEL, **more))

    def file(self) -> Path:
        (file,) = self.downloads.glob("*.tflite")
        return file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SMARTCAM_CATALOGUE", str(tmp_path / "catalogue.json"))
    monkeypatch.setattr("tools.model.getting.BUNDLES", tmp_path / "bundles")
    monkeypatch.setattr("tools.model.command.BUNDLES", tmp_path / "bundles")
    with serving(FileServer()) as server:
        yield Home(tmp_path, server)


def test_the_first_model_is_got_when_none_is_named(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get"]) == 0
    out = capsys.readouterr().out
    bundle = home.bundles / "tiny"
    assert ModelBundle.open(bundle).manifest.name == "tiny"
    assert f"bundle:    {bundle}" in out
    assert f"next:      make demo MODEL=tiny, make build MODEL=tiny, or smartcam score --bundle {bundle} ..." in out
    assert "not run by us" in out


def test_a_folder_may_be_named(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["get", "tiny", "--out", str(tmp_path / "else/where")]) == 0
    assert ModelBundle.open(tmp_path / "else/where").manifest.name == "tiny"
    assert not home.bundles.exists()
    assert f"make build BUNDLE={tmp_path / 'else/where'}" in capsys.readouterr().out


def test_the_next_commands_can_be_copied_whatever_the_folder_is_called_and_wherever_they_run(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["get", "tiny", "--out", "mein Hof/Gerät"]) == 0
    there = f"'{tmp_path}/mein Hof/Gerät'"
    said = f"next:      make demo BUNDLE={there}, make build BUNDLE={there}, or smartcam score --bundle {there} ..."
    assert said in capsys.readouterr().out
    assert home.file().is_file()


def test_a_picture_for_the_golden_answer_is_handed_on(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    wished: list[Path | None] = []

    def make(wishes: BundleWishes, _out: Path) -> Made:
        wished.append(wishes.golden)
        raise BundleError("far enough")

    monkeypatch.setattr("tools.model.getting.make_bundle", make)
    assert main(["get", "--golden", "yard.jpg"]) == main(["get"]) == 1
    assert wished == [Path("yard.jpg"), None]
    assert not home.bundles.exists()


WRONG = {
    "no such model": (["get", "tinny"], "'tinny' is not in the catalogue; did you mean"),
    "no such catalogue": (["get", "--catalogue", "/none.json"], "catalogue /none.json: cannot be read"),
    "no such file": (["get", "--from", "/none.tflite"], "--from /none.tflite: cannot be read (No such file"),
    "an address without TLS": (["get", "--from", "http://example.org/x"], "must begin with https://"),
    "an address of a file": (["get", "--from", "file:///x"], "must begin with https://"),
    "no such model to check": (["check", "tinny"], "'tinny' is not in the catalogue"),
    "no such catalogue to list": (["list", "--catalogue", "/"], "catalogue /: cannot be read"),
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("argv", "expected"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said_in_one_line(argv: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"smartcam model {argv[0]}: ")
    assert expected in line


def test_a_folder_that_cannot_be_written_is_said_in_one_line(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("no folder")
    assert main(["get"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"smartcam model get: {home.downloads}: cannot be made (")
    assert line.endswith("); set XDG_CACHE_HOME to a folder that can be written")
    assert home.server.asked == []


def test_bundles_in_a_folder_that_is_not_there_are_not_checked_in_silence(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--bundles", str(tmp_path / "bundels")]) == 1
    assert capsys.readouterr().err == f"smartcam model check: --bundles {tmp_path / 'bundels'}: is no folder\n"
    assert not home.bundles.exists()
    assert main(["check"]) == 0, "nobody has named the usual one"


def test_check_says_what_is_here_and_what_is_wrong_with_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    def check() -> tuple[int, str]:
        return main(["check"]), capsys.readouterr().out

    assert check() == (0, "tiny                not here; smartcam model get tiny\n")
    assert main(["get"]) == 0
    capsys.readouterr()
    code, said = check()
    assert code == 0
    assert said.splitlines() == [
        f"tiny                file    {home.file()}",
        f"tiny                bundle  {home.bundles / 'tiny'}: 2 labels, CC0-1.0",
    ]
    home.file().write_bytes(MODEL[::-1])
    code, said = check()
    assert code == 1
    assert f"WRONG: file    {home.file()}: its SHA-256 is {hashlib.sha256(MODEL[::-1]).hexdigest()}, expected" in said
    assert main(["check", "tiny", "--bundles", str(home.folder)]) == 1
    assert capsys.readouterr().out.count("WRONG: ") == 1
    (home.bundles / "tiny" / MODEL_FILE).write_bytes(b"x")
    code, said = check()
    assert code == 1
    assert said.count("WRONG: ") == 2


def test_check_knows_what_came_so_far(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.server.breaks = [100, 0, 0]
    assert main(["get"]) == 1
    assert main(["check"]) == 0
    assert re.search(r"half a file, 100 bytes of \d\.\d kB; `get` goes on with it", capsys.readouterr().out)
    assert main(["get"]) == 0


def test_check_finds_the_bundle_of_a_version_that_the_catalogue_has_left(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["get"]) == 0
    home.name_it(sha256="0" * 64)
    assert main(["check"]) == 1
    assert "holds another model (tiny 1.0.0)" in capsys.readouterr().out


def test_list_is_a_table_or_json(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["tiny", *lines[1].split()[1:]]
    assert "not run" in lines[1]
    assert main(["list", "--json", "--catalogue", str(OURS)]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)
    assert (first["name"], first["file"]["size"], first["labels"][0]) == ("ssd-mobilenet-v1", 4185023, "person")
    assert home.server.asked == []


def test_nothing_but_a_verb_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert main(["gte"]) == 2
    assert "there is no verb 'gte'; did you mean" in capsys.readouterr().err


def test_a_build_takes_a_models_name(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--wheels", "none", "--out", str(tmp_path / "out"), "--gdk", str(tmp_path / "gdk")]
    assert build(["--model", "tiny", *where]) == 0
    said = capsys.readouterr()
    assert "licence:   CC0-1.0" in said.out
    assert "WARNING" not in said.err
    home.server.asked.clear()
    assert build(["--model", "tiny", *where]) == 0
    assert home.server.asked == []


@pytest.mark.parametrize("command", [build, demo])
def test_without_a_network_build_and_demo_say_how_to_bring_the_file(
    home: Home, command: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    home.server.files.clear()
    assert command(["--model", "tiny"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "/tiny.tflite: answers 404" in line
    assert line.endswith("smartcam model get tiny --from FILE")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("command", [build, demo])
@pytest.mark.parametrize("name", ["", "tinny", "../tiny"])
def test_a_model_that_there_is_not_is_never_replaced_by_another(
    command: Callable[[list[str]], int], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["--model", name]) == 2
    assert f"{name!r} is not in the catalogue" in capsys.readouterr().err


@pytest.mark.parametrize("command", [build, demo])
def test_a_model_and_a_bundle_together_are_refused(
    command: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    ended = 0
    try:
        ended = command(["--model", "tiny", "--bundle", "/b"])
    except SystemExit as wrong_call:
        ended = int(str(wrong_call.code))
    assert ended == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["build", "demo"])
def test_make_hands_a_models_name_on(target: str) -> None:
    def commands(*more: str) -> str:
        make = ["/usr/bin/env", "make", "-n", "-o", "setup", target, *more]
        return subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert re.search(rf'smartcam {target} +--model "tiny"', commands("MODEL=tiny"))
    assert "--model" not in commands()


def test_a_download_that_is_interrupted_goes_on_where_it_was(home: Home) -> None:
    home.server.slow = (100, 0.5)  # for long enough on a machine that stands still in between
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "front", "model", "get", "--out", str(home.bundles / "tiny")]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as running:
        end = time.monotonic() + 60
        while not home.server.asked and time.monotonic() < end:
            home.server.over.wait(0.05)
        home.server.over.wait(0.5)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; what came is kept" in said
    assert "Traceback" not in said
    home.server.asked.clear()
    home.server.slow = (1 << 16, 0.0)
    assert main(["get"]) == 0
    assert home.server.asked[0][1]["Range"].startswith("bytes=")
