import json
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from measure.demo.device import DemoDeployment, nucleus_command, running_device
from measure.demo.plan import DemoError, DemoPlan, clip_seconds
from smartcam.capture.settings import read_settings
from smartcam.console.settings import read_settings as read_console
from smartcam.contract.ids import CameraId, ThingName
from smartcam.inference.settings import read_settings as read_inference
from standins.cloud.device import DeviceIdentity
from tests.clips import moving_square, write_clip
from tools.build.suite import DEMO_BUNDLE, Built
from tools.console.beside import VARIABLES


def plan(tmp_path: Path, clip: Path | None) -> DemoPlan:
    bundle = tmp_path / "bundle"
    shutil.copytree(DEMO_BUNDLE, bundle)
    return DemoPlan(clip, bundle, 0, CameraId("yard"), tmp_path / "demo")


def test_a_clip_and_a_bundle_that_are_there_pass(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, moving_square(), fps=10)
    plan(tmp_path, clip).check()
    assert clip_seconds(clip) == pytest.approx(2.0, abs=0.2)


def test_a_folder_with_something_else_in_it_is_refused_before_anything_starts(tmp_path: Path) -> None:
    checked = plan(tmp_path, None)
    checked.folder.mkdir()
    (checked.folder / "report.json").write_text("an earlier run's")
    checked.check()
    (checked.folder / "holiday.mp4").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"holds 'holiday\.mp4', which is not ours and would be deleted"):
        checked.check()


def test_a_missing_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"VIDEO=.*none\.mp4: there is no such file"):
        plan(tmp_path, tmp_path / "none.mp4").check()


@pytest.mark.parametrize("content", [b"", b"not a clip", b"\x00" * 4096])
def test_what_is_no_clip_is_said_so(content: bytes, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(content)
    with pytest.raises(DemoError, match=r"VIDEO=.*clip\.mp4: is (empty|not a clip that can be read)"):
        plan(tmp_path, clip).check()


def test_what_the_camera_would_refuse_is_refused_before_anything_starts(tmp_path: Path) -> None:
    write_clip(tmp_path / "other.mp4", moving_square(), fps=10)
    playlist = tmp_path / "clip.mp4"
    playlist.write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(DemoError, match=r"VIDEO=.*clip\.mp4: is a playlist"):
        plan(tmp_path, playlist).check()


def test_a_folder_is_not_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"VIDEO=.*: is not a plain file"):
        clip_seconds(tmp_path)


def test_a_title_in_another_encoding_is_no_fault_of_a_clip(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, moving_square(), fps=10)
    titled = clip.read_bytes().replace(b"Lavf", "Lävf".encode("latin-1"))  # FFmpeg's own name, among what is said of it
    assert titled != clip.read_bytes()
    clip.write_bytes(titled)
    assert clip_seconds(clip) == pytest.approx(2.0, abs=0.2)


def test_a_bundle_without_a_manifest_is_named_with_the_remedy(tmp_path: Path) -> None:
    checked = plan(tmp_path, None)
    (checked.bundle / "manifest.json").unlink()
    with pytest.raises(DemoError, match=r"BUNDLE=.*make a bundle with `smartcam bundle`"):
        checked.check()


def test_a_bundle_that_the_device_would_refuse_is_refused_before_anything_starts(tmp_path: Path) -> None:
    checked = plan(tmp_path, None)
    with (checked.bundle / "model.tflite").open("ab") as model:
        model.write(b"x")
    with pytest.raises(DemoError, match=r"the device would refuse it: .*model\.tflite"):
        checked.check()


def test_a_bundle_of_an_unknown_kind_is_refused_by_name(tmp_path: Path) -> None:
    checked = plan(tmp_path, None)
    manifest = checked.bundle / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"classifier"', '"oracle"'))
    with pytest.raises(DemoError, match="kind: must be one of"):
        checked.check()


def test_the_deployment_names_every_component_and_settings_that_capture_takes(tmp_path: Path) -> None:
    identity = DeviceIdentity(ThingName("t"), tmp_path, tmp_path, tmp_path, "127.0.0.1", 1)
    built = Built(tmp_path, "1.2.3", ("smartcam.Suite", "smartcam.Capture"))
    document = json.loads(DemoDeployment(built, identity, tmp_path / "clip.mp4", CameraId("yard")).document())
    assert {name: each["version"] for name, each in document["components"].items()} == {
        "smartcam.Suite": "1.2.3",
        "smartcam.Capture": "1.2.3",
    }
    (camera,) = read_settings(document["components"]["smartcam.Capture"]["merge"]).cameras
    assert (camera.camera, camera.path) == ("yard", tmp_path / "clip.mp4")


def test_what_the_camera_has_learned_lies_where_the_device_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = DeviceIdentity(ThingName("t"), tmp_path, tmp_path, tmp_path, "127.0.0.1", 1)
    built = Built(tmp_path, "1.2.3", ("smartcam.Capture", "smartcam.Inference"))
    memory = tmp_path / "scene.memory"
    memory.write_bytes(b"learned")
    deployment = DemoDeployment(built, identity, tmp_path / "clip.mp4", CameraId("yard"), scene_memory=memory)
    merge = json.loads(deployment.document())["components"]["smartcam.Inference"]["merge"]
    assert read_inference(merge).cameras[CameraId("yard")].normal
    nothing = [sys.executable, "-c", ""]
    monkeypatch.setattr("measure.demo.device.nucleus_command", lambda *_: nothing)
    with running_device(deployment, tmp_path / "device"):
        kept = tmp_path / "device" / "work" / "smartcam.Inference" / "normal-yard"
        assert kept.read_bytes() == b"learned"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_camera_knows_its_own_yard_alone(tmp_path: Path) -> None:
    own = replace(plan(tmp_path, None), bundle=DEMO_BUNDLE)
    assert own.knows_its_yard
    assert not replace(own, clip=tmp_path / "clip.mp4").knows_its_yard
    assert not replace(own, bundle=tmp_path / "bundle").knows_its_yard


def test_with_the_console_it_is_deployed_beside_the_others_and_has_video_to_show(tmp_path: Path) -> None:
    identity = DeviceIdentity(ThingName("t"), tmp_path, tmp_path, tmp_path, "127.0.0.1", 1)
    built = Built(tmp_path, "1.2.3", ("smartcam.Capture", "smartcam.Console", "smartcam.Doctor"))
    plain = DemoDeployment(built, identity, tmp_path / "clip.mp4", CameraId("yard"))
    assert set(json.loads(plain.document())["components"]) == {"smartcam.Capture"}
    components = json.loads(replace(plain, console_port=4711).document())["components"]
    assert set(components) == {"smartcam.Capture", "smartcam.Console"}
    assert read_console(components["smartcam.Console"]["merge"]).url() == "http://127.0.0.1:4711/"
    assert read_settings(components["smartcam.Capture"]["merge"]).clips.keep


def test_without_it_a_console_that_a_person_runs_is_let_in(tmp_path: Path) -> None:
    identity = DeviceIdentity(ThingName("t"), tmp_path, tmp_path, tmp_path, "127.0.0.1", 1)
    built = Built(tmp_path, "1.2.3", ("smartcam.Capture", "smartcam.Console"))
    plain = DemoDeployment(built, identity, tmp_path / "clip.mp4", CameraId("yard"))
    assert "--guest" not in nucleus_command(plain, tmp_path / "device", tmp_path / "d.json")
    built.recipes.mkdir()
    recipe = built.recipes / "smartcam.Console-1.2.3.yaml"
    recipe.touch()
    command = nucleus_command(plain, tmp_path / "device", tmp_path / "d.json")
    assert command[command.index("--guest") + 1] == f"{recipe}={tmp_path / 'device' / VARIABLES}"
    assert "--guest" not in nucleus_command(replace(plain, console_port=4711), tmp_path / "device", tmp_path / "d.json")


def test_components_are_merged_and_a_guest_is_deployed_as_it_is_told(tmp_path: Path) -> None:
    identity = DeviceIdentity(ThingName("t"), tmp_path, tmp_path, tmp_path, "127.0.0.1", 1)
    built = Built(tmp_path, "1.2.3", ("smartcam.Capture", "smartcam.Inference"))
    more = {"smartcam.Capture": {"clips": {"keep": True}}, "tests.Guest": {}}
    deployment = DemoDeployment(built, identity, tmp_path / "clip.mp4", CameraId("yard"), more=more)
    components = json.loads(deployment.document())["components"]
    assert set(components) == {"smartcam.Capture", "smartcam.Inference", "tests.Guest"}
    assert set(components["smartcam.Capture"]["merge"]) == {"cameras", "clips"}
    assert components["tests.Guest"] == {"version": "1.2.3", "merge": {}}
