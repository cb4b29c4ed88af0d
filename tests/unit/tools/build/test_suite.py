import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from smartcam import __version__
from smartcam.model.bundle import LARGEST_BUNDLE
from tools.build.command import main
from tools.build.gdk import write_projects
from tools.build.slim import packages_id
from tools.build.suite import (
    DEMO_BUNDLE,
    MOST_MODEL_FILES,
    BuildError,
    build_suite,
    hashes,
    locks,
    read_project,
    rendered,
)
from tools.build.wheels import PYTHONS, Platform
from tools.command_line import ROOT


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    (folder / "model.tflite").write_bytes(b"TFL3")
    return folder


def test_every_recipe_becomes_a_recipe_and_its_artifacts_lie_where_it_names_them(bundle: Path, tmp_path: Path) -> None:
    built = build_suite(tmp_path / "out", bundle)
    assert built.components == (
        "smartcam.Capture",
        "smartcam.Console",
        "smartcam.Doctor",
        "smartcam.HomeAssistant",
        "smartcam.Inference",
        "smartcam.Model",
        "smartcam.Runtime",
        "smartcam.Suite",
    )
    for name in built.components:
        recipe = yaml.safe_load((built.recipes / f"{name}-{__version__}.yaml").read_text())
        assert recipe["ComponentName"] == name
        assert recipe["ComponentVersion"] == __version__
        named = {each["Uri"].rsplit("/", 1)[1] for manifest in recipe["Manifests"] for each in manifest["Artifacts"]}
        assert named == {artifact.name for artifact in built.artifacts_of(name)}


def test_the_same_sources_give_the_same_bytes_under_another_umask_and_time_zone(bundle: Path, tmp_path: Path) -> None:
    build_suite(tmp_path / "one", bundle)
    command = [sys.executable, "-m", "front", "build", "--bundle", str(bundle), "--out", str(tmp_path / "two")]
    command += ["--wheels", "none", "--gdk", str(tmp_path / "gdk")]
    subprocess.run(command, check=True, cwd=ROOT, umask=0o077, env={**os.environ, "TZ": "Asia/Kathmandu"})
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "two").rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_a_folder_with_something_else_in_it_is_not_emptied(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def built(**folders: Path) -> int:
        named = {"out": tmp_path / "out", "gdk": tmp_path / "gdk"} | folders
        call = ["--bundle", str(bundle), "--wheels", "none"]
        return main([*call, *(part for name, each in named.items() for part in (f"--{name}", str(each)))])

    home = tmp_path / "home"
    (home / "recipes").mkdir(parents=True)
    (home / "letters.txt").write_text("years of work")
    assert built() == built() == 0, "what a build has left there is replaced"
    capsys.readouterr()
    for option in ("out", "gdk"):
        assert built(**{option: home}) == 2
        assert capsys.readouterr().err.startswith(f"smartcam build: {home}: holds 'letters.txt', which is not ours")
        assert sorted(each.name for each in home.iterdir()) == ["letters.txt", "recipes"]
    assert built(out=home / "letters.txt") == 2
    assert capsys.readouterr().err == f"smartcam build: {home / 'letters.txt'}: is no folder; name another one\n"


def test_a_disk_that_is_full_is_named_with_what_to_do(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tools.build.suite._write_hashes", full)
    out = tmp_path / "out"
    assert main(["--bundle", str(bundle), "--wheels", "none", "--out", str(out)]) == 2
    remedy = "make room, or name another folder with --out"
    assert capsys.readouterr().err == f"smartcam build: {out}: No space left on device; {remedy}\n"


def test_the_list_of_hashes_is_what_sha256sum_would_say(bundle: Path, tmp_path: Path) -> None:
    build_suite(tmp_path / "out", bundle)
    for line in (tmp_path / "out" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest


def runtime_of(folder: Path, bundle: Path) -> dict[str, bytes]:
    """What the Runtime of a build with this bundle carries."""
    artifacts = build_suite(folder, bundle).artifacts / "smartcam.Runtime" / __version__
    with zipfile.ZipFile(artifacts / "smartcam-packages-aarch64.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    ("manifest", "with_onnx"),
    [
        ('{"files": {"model.onnx": "0", "golden_input.bin": "0"}}', True),
        ('{"files": {"model.tflite": "0"}}', False),  # a model.onnx lies there, but nobody opens it
        ('{"files": ["model.onnx"]}', False),
        ("[]", False),
        ("", False),
        ("\udcff", False),
    ],
)
def test_a_release_carries_onnx_runtime_for_a_bundle_that_needs_it_and_for_no_other(
    manifest: str,
    with_onnx: bool,  # noqa: FBT001
    bundle: Path,
    tmp_path: Path,
) -> None:
    (bundle / "model.onnx").write_bytes(b"")
    (bundle / "manifest.json").write_bytes(manifest.encode(errors="surrogateescape"))
    carried = runtime_of(tmp_path / "out", bundle)
    for python in PYTHONS:
        assert (b"\nonnxruntime==" in carried[f"requirements/device-{python}.txt"]) is with_onnx
    packages = carried["requirements/id"].decode().strip()
    assert (packages == packages_id(locks())) is not with_onnx
    for component in ("Capture", "Inference", "Doctor"):
        recipe = (tmp_path / "out" / "recipes" / f"smartcam.{component}-{__version__}.yaml").read_text()
        assert f"packages-{packages}" in recipe


def test_the_wheels_that_a_build_fetches_are_those_that_its_bundle_needs(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetched(_: Platform, needed: Sequence[Path], *_others: object) -> tuple[Path, ...]:
        asked.extend(lock.name for lock in needed)
        return ()

    monkeypatch.setattr("tools.build.command.fetch", fetched)
    monkeypatch.setattr("tools.build.command.slim_all", lambda *_: ())
    places = ["--bundle", str(bundle), "--out", str(tmp_path / "out"), "--gdk", str(tmp_path / "gdk")]
    for files in ("model.tflite", "model.onnx"):
        (bundle / "manifest.json").write_text(json.dumps({"files": {files: "0"}}))
        assert main([*places, "--wheels", "linux-aarch64-py313"]) == 0
    assert asked == ["device-py313.txt", "installer.txt", "device-onnx-py313.txt", "installer.txt"]


def test_what_a_build_would_refuse_in_the_end_it_refuses_before_it_fetches_packages(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.build.command.make_page", lambda _: pytest.fail("it has begun"))
    assert main(["--bundle", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
    assert "none: has no manifest.json" in capsys.readouterr().err
    (tmp_path / "out").mkdir()
    (tmp_path / "out/holiday.mp4").write_text("years of work")
    assert main(["--bundle", str(bundle), "--out", str(tmp_path / "out")]) == 2
    assert "holds 'holiday.mp4', which is not ours and would be deleted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("component", "absent"), [("Capture", "model"), ("Capture", "inference"), ("Inference", "capture")]
)
def test_a_component_carries_no_other(component: str, absent: str, bundle: Path, tmp_path: Path) -> None:
    built = build_suite(tmp_path / "out", bundle)
    archive = built.artifacts / f"smartcam.{component}" / __version__ / f"smartcam-{component.lower()}.zip"
    names = zipfile.ZipFile(archive).namelist()
    assert f"smartcam/{component.lower()}/main.py" in names
    assert not [name for name in names if name.startswith(f"smartcam/{absent}/") or "__pycache__" in name]


def test_what_looks_at_the_scene_travels_with_its_code(bundle: Path, tmp_path: Path) -> None:
    built = build_suite(tmp_path / "out", bundle)
    archive = built.artifacts / "smartcam.Inference" / __version__ / "smartcam-inference.zip"
    script = "from smartcam.model import encoder; print(encoder.__file__, encoder.open_place_encoder().width)"
    said = subprocess.check_output(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(archive)}, text=True
    )
    assert said.split() == [f"{archive}/smartcam/model/encoder.py", "16"]


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"has no manifest\.json; make a bundle with"):
        build_suite(tmp_path / "out", tmp_path)


def test_the_command_says_in_one_line_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bundle", str(tmp_path / "none"), "--out", str(tmp_path / "out"), "--wheels", "none"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_build_with_the_demos_model_says_that_it_guards_no_real_yard(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(DEMO_BUNDLE, tmp_path / "copy")
    places = ["--out", str(tmp_path / "out"), "--gdk", str(tmp_path / "gdk"), "--wheels", "none"]
    for chosen in ([], ["--bundle", str(tmp_path / "copy")]):
        assert main([*places, *chosen]) == 0
        said = capsys.readouterr().err
        assert "build: WARNING: the model is the demo's" in said
        assert "--bundle FOLDER" in said
        assert said.count("\n") == 1
    assert main([*places, "--bundle", str(bundle)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not here")
def test_make_hands_the_bundle_and_the_systems_to_the_build() -> None:
    make = shutil.which("make") or ""
    wanted = ["BUNDLE=my bundles/yard", "WHEELS=linux-aarch64-py313"]
    said = subprocess.check_output([make, "--dry-run", "build", *wanted], cwd=ROOT, text=True)
    assert 'smartcam build --bundle "my bundles/yard" --wheels linux-aarch64-py313' in said


def test_a_project_of_gdk_lays_its_component_out_again_wherever_the_build_lies(bundle: Path, tmp_path: Path) -> None:
    built = build_suite(tmp_path / 'it\'s a "build" $HOME' / "out", bundle)
    projects = write_projects(built, tmp_path / "projects of gdk", ROOT / "gdk-config.json")
    assert [project.name for project in projects] == list(built.components)
    for project in projects:
        shutil.rmtree(project / "greengrass-build")
        subprocess.run(["/bin/sh", str(project / "build.sh")], check=True, cwd=tmp_path)
        laid = project / "greengrass-build" / "artifacts" / project.name / __version__
        assert {path.name for path in laid.iterdir()} == {path.name for path in built.artifacts_of(project.name)}
        made = project / "greengrass-build" / "recipes" / "recipe.yaml"
        assert made.read_bytes() == built.recipe(project.name).read_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", ":1: is not JSON ("),
        ("[]", ": component.smartcam.Suite must be an object"),
        ('{"component": {"smartcam.Suite": {}}}', ": component.smartcam.Suite.author must be text"),
        ('{"component": {"smartcam.Suite": {"author": "a", "version": 1}}}', ": component.smartcam.Suite.version must"),
        ('{"component": {"smartcam.Suite": {}},\n"component": {}}', ":2: the key 'component' is given twice"),
    ],
)
def test_a_project_file_of_gdk_that_is_wrong_is_one_complaint(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "gdk-config.json"
    with pytest.raises(BuildError, match=r"gdk-config\.json: cannot be read"):
        read_project(file)
    file.write_text(text)
    with pytest.raises(BuildError) as caught:
        read_project(file)
    assert str(caught.value).startswith(f"{file}{said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("# für\n".encode("latin-1"), ":1: holds the byte 0xFC"),
        ("# a\n".encode("utf-16"), ": is UTF-16; save the file"),
    ],
)
def test_a_recipe_in_another_encoding_is_one_complaint(tmp_path: Path, content: bytes, said: str) -> None:
    recipe = tmp_path / "smartcam.Mine.yaml"
    recipe.write_bytes(content)
    with pytest.raises(BuildError) as caught:
        rendered(recipe)
    assert str(caught.value).startswith(f"{recipe}{said}")


def test_the_project_file_of_gdk_is_read() -> None:
    assert read_project(ROOT / "gdk-config.json").version == __version__


def other_bundle(folder: Path, model: str = "model.tflite") -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"files": {model: "0"}}))
    (folder / model).write_bytes(b"other")
    return folder


def test_a_release_with_several_bundles_carries_the_default_one_as_before_and_each_other_in_a_folder_of_its_name(
    bundle: Path, tmp_path: Path
) -> None:
    traffic = other_bundle(tmp_path / "somewhere")
    built = build_suite(tmp_path / "out", bundle, others={"traffic": traffic})
    carried = zipfile.ZipFile(built.artifacts / "smartcam.Model" / __version__ / "smartcam-model.zip")
    assert {name: carried.read(name) for name in carried.namelist() if name.endswith(".tflite")} == {
        "model.tflite": b"TFL3",
        "traffic/model.tflite": b"other",
    }
    alone = build_suite(tmp_path / "alone", bundle)
    recipe = f"smartcam.Model-{__version__}.yaml"
    assert (built.recipes / recipe).read_bytes() == (alone.recipes / recipe).read_bytes()


def test_a_release_carries_onnx_runtime_if_any_of_its_bundles_needs_it(bundle: Path, tmp_path: Path) -> None:
    others = {"traffic": other_bundle(tmp_path / "traffic", "model.onnx")}
    artifacts = build_suite(tmp_path / "out", bundle, others=others).artifacts / "smartcam.Runtime" / __version__
    with zipfile.ZipFile(artifacts / "smartcam-packages-aarch64.zip") as packages:
        assert b"\nonnxruntime==" in packages.read(f"requirements/device-{PYTHONS[0]}.txt")


def test_bundles_that_a_device_would_not_install_are_not_built(bundle: Path, tmp_path: Path) -> None:
    traffic = other_bundle(tmp_path / "traffic")
    (bundle / "traffic").write_text("a file")
    with pytest.raises(BuildError, match="has the name of another bundle"):
        build_suite(tmp_path / "out", bundle, others={"traffic": traffic})
    (bundle / "traffic").unlink()
    with (traffic / "model.tflite").open("r+b") as file:
        file.truncate(LARGEST_BUNDLE)
    with pytest.raises(BuildError, match="name fewer"):
        build_suite(tmp_path / "out", bundle, others={"traffic": traffic})
    for number in range(MOST_MODEL_FILES):
        (bundle / f"{number}").touch()
    with pytest.raises(BuildError, match=f"{MOST_MODEL_FILES + 2} files of"):
        build_suite(tmp_path / "out", bundle)
    with pytest.raises(BuildError, match=r"none: has no manifest\.json"):
        build_suite(tmp_path / "out", traffic, others={"none": tmp_path / "none"})
    assert not (tmp_path / "out").exists()


def test_the_command_packs_each_bundle_that_is_named(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--out", str(tmp_path / "out"), "--gdk", str(tmp_path / "gdk"), "--wheels", "none"]
    assert main([*places, "--bundle", str(bundle), "--bundle", f"traffic={other_bundle(tmp_path / 'traffic')}"]) == 0
    carried = tmp_path / "out" / "artifacts" / "smartcam.Model" / __version__ / "smartcam-model.zip"
    assert "traffic/model.tflite" in zipfile.ZipFile(carried).namelist()
    assert capsys.readouterr().err == ""
    assert main([*places, "--bundle", str(bundle), "--bundle", f"demo={DEMO_BUNDLE}"]) == 0
    assert "WARNING: the model is the demo's" in capsys.readouterr().err
    assert main([*places, "--bundle", f"traffic={tmp_path / 'traffic'}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
