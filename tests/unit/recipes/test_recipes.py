"""The recipes fit both nuclei, ask for no more than the code uses, and hold the code's own defaults."""

import re
from collections.abc import Mapping
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from smartcam.capture.settings import CaptureSettings, SourceSettings
from smartcam.capture.settings import read_settings as read_capture
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.topics import ALL_FRAMES, ack_topic, event_topic, frames_topic, health_topic, transport_topic
from smartcam.edge.pictures.uploader import SnapshotSettings
from smartcam.inference.settings import AnalysisSettings, InferenceSettings
from smartcam.inference.settings import read_settings as read_inference
from tools.build.suite import build_suite

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "recipes").glob("*.yaml"))
PUBSUB, MQTT = "aws.greengrass.ipc.pubsub", "aws.greengrass.ipc.mqttproxy"
THING, CAMERA = ThingName("porch"), CameraId("door")


def recipe(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "recipes" / f"{name}.yaml").read_text())
    return document


def defaults(name: str) -> dict[str, Any]:
    document: dict[str, Any] = recipe(name)["ComponentConfiguration"]["DefaultConfiguration"]
    return document


def as_lite_delivers(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: as_lite_delivers(inner) for key, inner in value.items()}
    return str(value)


def allowed(name: str, service: str) -> set[tuple[str, str]]:
    policies = defaults(name)["accessControl"].get(service, {}).values()
    return {
        (operation.removeprefix("aws.greengrass#"), resource)
        for policy in policies
        for operation in policy["operations"]
        for resource in policy["resources"]
    }


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_recipe_runs_on_both_nuclei(source: Path) -> None:
    document = yaml.safe_load(source.read_text())
    assert document["ComponentName"] == source.stem
    for manifest in document["Manifests"]:
        assert manifest["Platform"].items() >= {"os": "linux", "runtime": "*"}.items()
        # Nucleus lite knows no other phases than these, and a SOFT dependency is the only kind that both take.
        assert set(manifest["Lifecycle"]) <= {"install", "run"}
    kinds = {each["DependencyType"] for each in document.get("ComponentDependencies", {}).values()}
    assert kinds <= {"SOFT"}
    assert "RequiresPrivilege" not in source.read_text()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_variable_stands_inside_configuration_where_lite_would_not_replace_it(source: Path) -> None:
    configuration = yaml.safe_load(source.read_text()).get("ComponentConfiguration", {})
    assert not re.search(r"\{[a-z]+:", str(configuration))


def test_capture_may_announce_frames_hear_how_and_nothing_else() -> None:
    assert allowed("smartcam.Capture", PUBSUB) == {
        ("PublishToTopic", "smartcam/frames/*"),
        ("SubscribeToTopic", "smartcam/transport/*"),
    }
    assert allowed("smartcam.Capture", MQTT) == set()
    assert fnmatchcase(frames_topic(CAMERA), "smartcam/frames/*")


def test_inference_may_hear_frames_say_how_send_events_hear_acknowledgements_and_nothing_else() -> None:
    assert allowed("smartcam.Inference", PUBSUB) == {
        ("SubscribeToTopic", "smartcam/frames/*"),
        ("PublishToTopic", "smartcam/transport/*"),
    }
    assert fnmatchcase(transport_topic(CAMERA), "smartcam/transport/*")
    assert fnmatchcase(ALL_FRAMES, "smartcam/frames/*")
    assert allowed("smartcam.Inference", MQTT) == {
        ("PublishToIoTCore", "smartcam/v1/+/+/event"),
        ("PublishToIoTCore", "smartcam/v1/+/health"),
        ("SubscribeToIoTCore", "smartcam/v1/+/ack"),
    }
    assert event_topic(THING, CAMERA) == "smartcam/v1/porch/door/event"
    assert health_topic(THING) == "smartcam/v1/porch/health"
    assert ack_topic(THING) == "smartcam/v1/porch/ack"


def test_the_recipes_hold_the_codes_own_defaults() -> None:
    capture, inference = defaults("smartcam.Capture"), defaults("smartcam.Inference")
    assert read_capture(capture) == read_capture(as_mapping(as_lite_delivers(capture))) == CaptureSettings()
    assert read_inference(inference) == read_inference(as_mapping(as_lite_delivers(inference))) == InferenceSettings()


def test_the_recipes_name_every_setting() -> None:
    names = {each.name for each in fields(InferenceSettings)} - {"wanted"}  # which is the cloud's, no key
    assert set(defaults("smartcam.Inference")) - {"accessControl"} == names
    assert set(defaults("smartcam.Inference")["outbox"]) == {"max_events", "max_age_h"}
    assert set(defaults("smartcam.Inference")["snapshots"]) == {each.name for each in fields(SnapshotSettings)}
    assert set(defaults("smartcam.Capture")) - {"accessControl"} == {each.name for each in fields(CaptureSettings)}


def as_mapping(value: object) -> Mapping[str, object]:
    assert isinstance(value, Mapping)
    return {key: inner for key, inner in value.items() if key != "accessControl"}


def documented() -> dict[str, str]:
    """The keys and defaults in the tables of docs/configuration.md."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    return {
        key.split(".")[-1]: default for key, default in re.findall(r"^\| `([\w.]+)` \| (.+?) \|", text, re.MULTILINE)
    }


def test_the_document_names_every_setting_with_its_default() -> None:
    table = documented()
    camera = SourceSettings(CAMERA, Path())
    for each in fields(SourceSettings):
        if each.name not in ("camera", "path"):
            default = getattr(camera, each.name)
            written = str(default).lower() if isinstance(default, bool) else default
            assert table[each.name] == {"": "(empty)", (): "(none)"}.get(written, f"`{written}`")
    assert {each.name for each in fields(AnalysisSettings)} <= set(table)
    inference = InferenceSettings()
    assert table["camera_lost_after_s"] == f"`{inference.camera_lost_after_s}`"
    assert table["event_valid_s"] == f"`{inference.event_valid_s}`"
    assert table["health_every_s"] == f"`{inference.health_every_s}`"
    assert {each.name for each in fields(SnapshotSettings)} <= set(table)
    assert table["max_events"] == f"`{inference.outbox.max_events}`"
    assert table["max_age_h"] == f"`{inference.outbox.max_age_s / 3600}`"


def test_the_suite_brings_every_other_component_that_is_not_deployed_on_demand() -> None:
    others = {source.stem for source in SOURCES} - {"smartcam.Suite", "smartcam.Doctor"}
    assert set(recipe("smartcam.Suite")["ComponentDependencies"]) == others


def test_final_recipes_have_no_placeholder_left(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    built = build_suite(tmp_path / "out", bundle)
    for path in built.recipes.iterdir():
        assert "{COMPONENT" not in path.read_text()
        assert "{RUNTIME" not in path.read_text()
